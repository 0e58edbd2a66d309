"""Which resources take longer than they usually do, and are silent as well. Nothing here ends a deployment.

Silence alone is normal (seen: ECS 1,474 s, EKS 584 s, RDS 338 s, then success), and so is taking long: only
both together, measured by the resource's own history, are worth a person's look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.history.estimate import Basis

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.history.estimate import Usual

SILENT_SECONDS = 120.0
"""Whatever its age, a resource that was heard of so lately is not stalled."""
SILENT_SHARE = 0.5
"""Of the time that is too long: so much of it must be silence."""
PRIOR_FACTOR = 3.0
UNLEARNED_SECONDS_MIN = 600.0
UNKNOWN_SECONDS = 1800.0
"""Where nothing is known of a type: longer than the longest silence seen before a success."""
FEW_SAMPLES = 5
FEW_FACTOR, MANY_FACTOR = 1.5, 1.2
SPARE_SECONDS = 30.0
"""By which a learned range is widened besides, since the next run may be a little longer than all before."""


@dataclass(frozen=True, slots=True)
class StallChange:
    """A stall that began (`began`) or is over. `seconds`: how long the resource has been worked on."""

    began: bool
    label: str
    """Its name as people are told of it (`Operation.name_of`)."""
    seconds: float
    usual: Usual | None
    activity: Activity
    """A resource that stalls, or moves again."""


def key_of(activity: Activity) -> str:
    """Names one thing done to one resource, also after a restart."""
    return f"{activity.stack_id} {activity.logical_id} {activity.action} {activity.started}"


def limit_seconds(usual: Usual | None) -> float:
    """How long is too long."""
    if usual is None:
        return UNKNOWN_SECONDS
    if usual.basis is Basis.PRIOR:
        return max(usual.high_seconds * PRIOR_FACTOR, UNLEARNED_SECONDS_MIN)
    factor = FEW_FACTOR if usual.samples < FEW_SAMPLES else MANY_FACTOR
    return usual.high_seconds * factor + SPARE_SECONDS


def look(
    operation: Operation,
    forecast: Forecast,
    *,
    now: CloudFormationTime,
    alerted: frozenset[str],
    after_seconds: float | None = None,
) -> tuple[tuple[StallChange, ...], frozenset[str]]:
    """The changes, and the new `alerted` to keep and hand back next time.

    `now`: unix seconds of CloudFormation. `after_seconds`: a fixed silence in place of what is usual. A
    nested stack does not stall: what runs inside it does.
    """
    changes: list[StallChange] = []
    stalled: set[str] = set()
    for activity in operation.activities:
        key = key_of(activity) if activity.running or alerted else ""
        if not activity.running and key not in alerted:
            continue
        usual = forecast.usual(activity, operation.label_of(activity))
        if activity.resource_type != STACK_TYPE and _is_stalled(activity, usual, now, after_seconds):
            stalled.add(key)
            if key not in alerted:
                changes.append(_change(activity, operation, usual, now, began=True))
        elif key in alerted:
            changes.append(_change(activity, operation, usual, now, began=False))
    return tuple(changes), frozenset(stalled)


def _is_stalled(
    activity: Activity, usual: Usual | None, now: CloudFormationTime, after_seconds: float | None
) -> bool:
    silent = now - activity.heard
    if not activity.running:
        return False
    if after_seconds is not None:
        return silent > after_seconds
    limit = limit_seconds(usual)
    return activity.seconds(now) > limit and silent > max(SILENT_SECONDS, limit * SILENT_SHARE)


def _change(
    activity: Activity, operation: Operation, usual: Usual | None, now: CloudFormationTime, *, began: bool
) -> StallChange:
    return StallChange(
        began=began,
        label=operation.name_of_activity(activity),
        seconds=activity.seconds(now),
        usual=usual,
        activity=activity,
    )
