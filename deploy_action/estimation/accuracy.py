"""How good the estimates were, and what that says about the next interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from deploy_action.history.estimate import error, holds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.history.deployments import Deployment
    from deploy_action.history.estimate import Estimate

COVERAGE = 0.8
_STEP = 0.25
_WIDTH_MIN, _WIDTH_MAX = 0.8, 4.0
_BIAS_GAIN, _BIAS_KEPT = 0.35, 0.8
"""Of each error this share is taken over into the next estimate; what was taken over fades by the other."""
_BIAS_ERROR_MAX, _BIAS_MAX = math.log(1.5), math.log(2.0)
_BIAS_AT_EASE = 0.1
"""Errors below this, in logarithms, are no bias."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """`count` scored estimates; `inside`: how many of them held; `median_error`: a share of what it took."""

    count: int
    inside: int
    median_error: float

    @property
    def coverage(self) -> float:
        return self.inside / self.count if self.count else 0.0


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
    off, row = 0.0, 0
    for estimate, seconds in _scored(deployments):
        if estimate.basis == basis:
            held = holds(estimate, seconds)
            row = 0 if held else row + 1
            # A miss undoes all that hits have narrowed, and the second one in a row counts twice.
            off = off + COVERAGE - 1.0 if held else max(off, 0.0) + COVERAGE * min(row, 2)
            off = min(max(off, math.log(_WIDTH_MIN) / _STEP), math.log(_WIDTH_MAX) / _STEP)
    return math.exp(_STEP * off)


def bias(deployments: Sequence[Deployment], basis: str) -> float:
    """The factor by which the next estimate that rests on `basis` is to be moved.

    A leaking integral of the errors, in logarithms: each estimate was moved by those before it, so what is
    left of the error is what is still to be corrected. One outlier moves it by little.
    """
    moved, scored = 0.0, [pair for pair in _scored(deployments) if pair[0].basis == basis]
    for estimate, seconds in scored:
        if estimate.mid_seconds <= 0:
            continue
        off = math.log(seconds / estimate.mid_seconds)
        off = min(max(off, -_BIAS_ERROR_MAX), _BIAS_ERROR_MAX) if abs(off) > _BIAS_AT_EASE else 0.0
        moved = _BIAS_KEPT * moved + _BIAS_GAIN * off
    return math.exp(min(max(moved, -_BIAS_MAX), _BIAS_MAX)) if len(scored) > 1 else 1.0


def corrected(estimate: Estimate, deployments: Sequence[Deployment], *, moves: bool) -> Estimate:
    """The lesson of earlier estimates on the same basis for the width of this one.

    `moves`: and about its middle; not where that is a median of those same deployments, which learns itself.
    """
    by = bias(deployments, estimate.basis) if moves else 1.0
    moved = replace(
        estimate,
        low_seconds=estimate.low_seconds * by,
        mid_seconds=estimate.mid_seconds * by,
        high_seconds=estimate.high_seconds * by,
    )
    return widened(moved, width(deployments, estimate.basis))


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
