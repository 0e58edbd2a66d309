"""How long a deployment was expected to take, and how that compares with what it took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Basis(Enum):
    """The basis of an expectation, the best first."""

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


def holds(estimate: Estimate, seconds: float) -> bool:
    return estimate.low_seconds <= seconds <= estimate.high_seconds


def error(estimate: Estimate, seconds: float) -> float:
    """As a share of what it took; positive where it took less than the middle."""
    return (estimate.mid_seconds - seconds) / seconds if seconds > 0 else 0.0
