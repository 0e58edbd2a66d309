"""The port through which estimates are read: how long a thing usually takes, and how long a deployment has
left.

The port between what is learned (history, prior table) and who uses it: the log, the pace of polling, stalls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from deploy_action.cloudformation.operation import Phase

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.history.estimate import Estimate, Usual


class Forecast(Protocol):
    """Never raises. None where nothing is known."""

    @property
    def planned(self) -> int | None:
        """How many resources the deployment will touch, nested stacks' own not counted."""
        ...

    def usual(self, activity: Activity, label: str) -> Usual | None:
        """How long this activity usually takes. `label`: its name after those of its nested stacks."""
        ...

    def remaining(self, operation: Operation, *, now: CloudFormationTime) -> Estimate | None:
        """The time left until all stacks are at rest. `now`: unix seconds of CloudFormation."""
        ...


def usual_where_done(forecast: Forecast, activity: Activity, label: str) -> Usual | None:
    """None in a rollback: what is undone takes another time than what is done."""
    return forecast.usual(activity, label) if activity.phase is not Phase.ROLLBACK else None


class NoForecast:
    """Implements Forecast for who knows nothing."""

    planned: int | None = None

    def usual(self, activity: Activity, label: str) -> Usual | None:  # noqa: ARG002
        return None

    def remaining(self, operation: Operation, *, now: CloudFormationTime) -> Estimate | None:  # noqa: ARG002
        return None
