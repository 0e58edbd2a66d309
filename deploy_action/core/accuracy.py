"""How good the estimates were, and what that says about the next interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.core.forecast import Estimate
    from deploy_action.core.past import Deployment

COVERAGE = 0.8
_STEP = 0.25
_WIDTH_MIN, _WIDTH_MAX = 0.6, 3.0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """`count` scored estimates; `inside`: how many of them held; `median_error`: a share of what it took."""

    count: int
    inside: int
    median_error: float

    @property
    def coverage(self) -> float:
        return self.inside / self.count if self.count else 0.0


def holds(estimate: Estimate, seconds: float) -> bool:
    return estimate.low_seconds <= seconds <= estimate.high_seconds


def error(estimate: Estimate, seconds: float) -> float:
    """As a share of what it took; positive where it took less than the middle."""
    return (estimate.mid_seconds - seconds) / seconds if seconds > 0 else 0.0


def accuracy_of(deployments: Iterable[Deployment]) -> Accuracy | None:
    """Of good deployments with an estimate; None where there are none."""
    scored = _scored(deployments)
    if not scored:
        return None
    return Accuracy(
        count=len(scored),
        inside=sum(holds(estimate, seconds) for estimate, seconds in scored),
        median_error=median(abs(error(estimate, seconds)) for estimate, seconds in scored),
    )


def width(deployments: Sequence[Deployment], basis: str) -> float:
    """The factor for the width (in logarithms) of the next interval that rests on `basis`.

    Adaptive conformal inference (Gibbs and Candès, 2021): each miss widens, each hit narrows a little, and
    both balance where the interval holds as often as it says.
    """
    off = 0.0
    for estimate, seconds in _scored(deployments):
        if estimate.basis == basis:
            off += COVERAGE - 1.0 if holds(estimate, seconds) else COVERAGE
            off = min(max(off, math.log(_WIDTH_MIN) / _STEP), math.log(_WIDTH_MAX) / _STEP)
    return math.exp(_STEP * off)


def widened(estimate: Estimate, factor: float) -> Estimate:
    """The same middle; the interval `factor` times as wide in logarithms."""
    mid = estimate.mid_seconds
    if mid <= 0 or estimate.low_seconds <= 0:
        return estimate
    return replace(
        estimate,
        low_seconds=mid * (estimate.low_seconds / mid) ** factor,
        high_seconds=mid * (estimate.high_seconds / mid) ** factor,
    )


def _scored(deployments: Iterable[Deployment]) -> list[tuple[Estimate, float]]:
    return [(one.estimate, one.seconds) for one in deployments if one.estimate and one.seconds and one.good]
