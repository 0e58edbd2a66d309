"""A forecast that knows a table and nothing else, so that a test can say what to expect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.history.estimate import Basis, Usual

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.history.estimate import Estimate

LOW_FACTOR, HIGH_FACTOR = 0.5, 2.5


@dataclass(frozen=True, slots=True)
class PriorForecast:
    """Implements Forecast by the table alone: `seconds` maps (type, action) to seconds."""

    seconds: dict[tuple[str, str], float] = field(default_factory=dict)
    planned: int | None = None

    def usual(self, activity: Activity, label: str) -> Usual | None:
        found = self.seconds.get((activity.resource_type, activity.action))
        if not found:
            return None
        return Usual(found * LOW_FACTOR, found, max(found * HIGH_FACTOR, found + 5), 0, Basis.PRIOR)

    def remaining(self, operation: Operation, *, now: float) -> Estimate | None:
        return None
