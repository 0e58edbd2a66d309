"""Which resources take longer than they usually do, and are silent as well. Nothing here ends a deployment.

Silence alone is normal (seen: ECS 1,474 s, EKS 584 s, RDS 338 s, then success).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.core.forecast import Basis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.core.events import Activity, Operation
    from deploy_action.core.forecast import Forecast, Usual

PRIOR_FACTOR = 3.0
UNLEARNED_SECONDS_MIN = 600.0
UNKNOWN_SECONDS = 1800.0
"""Where nothing is known of a type: longer than the longest silence seen before a success."""


@dataclass(frozen=True, slots=True)
class StallChange:
    """A stall that began (`began`) or is over. `seconds`: how long the resource has been worked on."""

    began: bool
    label: str
    seconds: float
    usual: Usual | None


def key_of(activity: Activity) -> str:
    """Names one thing done to one resource, also after a restart."""
    return f"{activity.stack_id} {activity.logical_id} {activity.action} {activity.started}"


def limit_seconds(usual: Usual | None) -> float:
    """How long is too long."""
    if usual is None:
        return UNKNOWN_SECONDS
    if usual.basis is Basis.PRIOR:
        return max(usual.high_seconds * PRIOR_FACTOR, UNLEARNED_SECONDS_MIN)
    return usual.high_seconds


def look(
    operation: Operation,
    forecast: Forecast,
    *,
    now: float,
    heard: Mapping[str, float],
    alerted: frozenset[str],
    after_seconds: float | None = None,
) -> tuple[tuple[StallChange, ...], frozenset[str]]:
    """What changed, and the new `alerted` to keep and hand back next time.

    `now` and the values of `heard` (last event, by `key_of`) are unix seconds of CloudFormation.
    `after_seconds`: a fixed silence in place of what is usual.
    """
    changes: list[StallChange] = []
    stalled: set[str] = set()
    for activity in operation.activities:
        key, label = key_of(activity), operation.label_of(activity)
        usual = forecast.usual(activity, label)
        silent = now - max(activity.started, heard.get(key, activity.started))
        limit = limit_seconds(usual) if after_seconds is None else after_seconds
        if activity.running and activity.resource_type != "AWS::CloudFormation::Stack" and silent > limit:
            stalled.add(key)
            if key not in alerted:
                changes.append(StallChange(True, label, activity.seconds(now), usual))
        elif key in alerted:
            changes.append(StallChange(False, label, activity.seconds(now), usual))
    return tuple(changes), frozenset(stalled)
