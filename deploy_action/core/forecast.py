"""What is expected: how long a thing usually takes, and how long a deployment has left.

The port between what is learned (history, prior table) and who uses it: the log, the pace of polling, stalls.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deploy_action.core.events import Activity, Operation


class Basis(Enum):
    """What an expectation rests on, the best first."""

    RESOURCE = "this resource"
    TYPE = "this type of resource here"
    PRIOR = "typical durations"


@dataclass(frozen=True, slots=True)
class Usual:
    """How long something usually takes: the 80 % interval and its middle, in seconds.

    `samples`: how many good runs of it were seen; 0 for typical durations.
    """

    low_seconds: float
    mid_seconds: float
    high_seconds: float
    samples: int
    basis: Basis

    @property
    def seen_here(self) -> bool:
        """It rests on this resource, or on several of its type here: not on typical durations."""
        least = {Basis.RESOURCE: 1, Basis.TYPE: 3}.get(self.basis)
        return least is not None and self.samples >= least


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long it takes in seconds, the 80 % interval and its middle, and what that rests on."""

    low_seconds: float
    mid_seconds: float
    high_seconds: float
    basis: str
    samples: int = 0
    """How many earlier deployments that are; 0 for typical durations alone."""


class Forecast(Protocol):
    """Never raises. None where nothing is known."""

    @property
    def planned(self) -> int | None:
        """How many resources the deployment will touch, nested stacks' own not counted."""
        ...

    def usual(self, activity: Activity, label: str) -> Usual | None:
        """How long this activity usually takes. `label`: its name after those of its nested stacks."""
        ...

    def remaining(self, operation: Operation, *, now: float) -> Estimate | None:
        """What is left until all stacks are at rest. `now`: unix seconds of CloudFormation."""
        ...


class NoForecast:
    """Implements Forecast for who knows nothing."""

    planned: int | None = None

    def usual(self, activity: Activity, label: str) -> Usual | None:  # noqa: ARG002
        return None

    def remaining(self, operation: Operation, *, now: float) -> Estimate | None:  # noqa: ARG002
        return None
