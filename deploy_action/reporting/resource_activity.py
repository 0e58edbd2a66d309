"""The activities of each resource in time, for charts and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.events import was_cancelled
from deploy_action.cloudformation.operation import Phase
from deploy_action.estimation.forecast import Forecast, NoForecast, usual_where_done
from deploy_action.history.estimate import Usual

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation, StackProgress


@dataclass(frozen=True, slots=True)
class ResourceActivity:
    """One activity on one resource, for tables and charts. Times are unix seconds of CloudFormation."""

    stack: str
    """`REGION/NAME` of the root stack."""
    label: str
    """The logical id, after those of the nested stacks it lies in: `Database/Instance`."""
    resource_type: str
    action: str
    phase: Phase
    status: str
    started: float
    ended: float | None
    reason: str = ""
    usual: Usual | None = None
    """How long it takes where it was seen before; None where only typical durations are known."""
    last_seconds: float | None = None
    """The duration in the last good deployment."""

    @property
    def done_well(self) -> bool:
        return self.ended is not None and self.status.endswith("_COMPLETE")

    @property
    def failed(self) -> bool:
        """It failed by itself, not because another one did."""
        return self.status.endswith("_FAILED") and not self.cancelled

    @property
    def cancelled(self) -> bool:
        """Another one failed first: how long it took says nothing of it."""
        return self.status.endswith("_FAILED") and was_cancelled(self.reason)

    def seconds(self, end: float) -> float:
        """How long it took; a bar that is still open is closed at `end` (unix seconds)."""
        return max(0.0, (self.ended if self.ended is not None else end) - self.started)


def resource_activities(
    operation: Operation, forecast: Forecast | None = None
) -> tuple[ResourceActivity, ...]:
    """All activities, in the order in which they began, beside what `forecast` knows to be usual."""
    found = [
        _bar(activity, operation, stack, forecast or NoForecast())
        for stack in operation.stacks.values()
        for activity in stack.activities
    ]
    return tuple(sorted(found, key=lambda bar: bar.started))


def _bar(
    activity: Activity, operation: Operation, stack: StackProgress, forecast: Forecast
) -> ResourceActivity:
    root = operation.root_of(stack)
    label = stack.label(activity.logical_id)
    usual = usual_where_done(forecast, activity, label)
    return ResourceActivity(
        stack=f"{root.region}/{root.name}",
        label=label,
        resource_type=activity.resource_type,
        action=activity.action,
        phase=activity.phase,
        status=activity.status,
        started=activity.started,
        ended=activity.ended,
        reason=activity.reason,
        usual=usual if usual is not None and usual.seen_here else None,
    )
