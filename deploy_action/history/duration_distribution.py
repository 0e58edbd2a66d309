"""How long something takes when it does not always take the same: a middle, a spread and a heavy tail.

Log-logistic up to its 98th percentile, because its conditional quantiles are closed formulas; a Pareto tail
beyond, because what is far past its usual end has met something out of the ordinary, and may take as long
again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FACTOR_MIN, FACTOR_MAX = 1.02, 20.0
SECONDS_MIN, SECONDS_MAX = 0.05, 10 * 86_400.0
_NINE = math.log(9.0)
_TAIL = 0.02
"""The share of all cases that lie in the tail."""
_TAIL_EXPONENT = 2.0
_Z90 = 1.2816
_OUTLIER = 1.0
"""In natural logarithms: what is further off than e-fold says no more about the everyday spread."""


_FAR_FACTOR, _FAR_SECONDS, ODD_MAX = 4.0, 30.0, 2
"""So much further than usual, in both, is far; so many samples alone may be odd."""


@dataclass(frozen=True, slots=True)
class DurationDistribution:
    """`mid` is the median in seconds; 80 % lie between `mid / factor` and `mid * factor`."""

    mid: float
    factor: float

    @property
    def low(self) -> float:
        return self.mid / self.factor

    @property
    def high(self) -> float:
        return self.mid * self.factor

    def quantile(self, share: float, *, after: float = 0.0) -> float:
        """Seconds by which `share` of the cases are over, of those that still run after `after` seconds."""
        left = max(1e-60, (1.0 - share) * self._survival(after))
        return max(after, self._at(left))

    def _survival(self, seconds: float) -> float:
        if seconds < 1e-6:
            return 1.0
        knee = self._body(_TAIL)
        if seconds > knee:
            return max(1e-50, _TAIL * math.pow(knee / seconds, self._tail))
        return 1.0 / (1.0 + math.exp(self._steep * math.log(seconds / self.mid)))

    def _at(self, survival: float) -> float:
        if survival < _TAIL:
            return float(self._body(_TAIL) * math.pow(_TAIL / survival, 1.0 / self._tail))
        return self._body(survival)

    def _body(self, survival: float) -> float:
        if survival >= 1.0:
            return 0.0
        return self.mid * math.exp(math.log((1.0 - survival) / survival) / self._steep)

    @property
    def _steep(self) -> float:
        return _NINE / math.log(self.factor)

    @property
    def _tail(self) -> float:
        return min(self._steep, _TAIL_EXPONENT)


def spread(mid: float, factor: float) -> DurationDistribution:
    """Within sane bounds, whatever is given."""
    mid = mid if math.isfinite(mid) else SECONDS_MIN
    factor = factor if math.isfinite(factor) else FACTOR_MAX
    return DurationDistribution(
        min(max(mid, SECONDS_MIN), SECONDS_MAX),
        min(max(factor, FACTOR_MIN), FACTOR_MAX),
    )


def tempered(own: DurationDistribution, elsewhere: float, count: int) -> DurationDistribution:
    """The distribution of `count` samples of one's own, beside the `elsewhere` seconds that such a thing
    usually takes.

    One or two samples that are far off may be odd, or the start of something new: the interval spans both.
    """
    off = math.log(own.mid / max(SECONDS_MIN, elsewhere))
    far = abs(off) > math.log(_FAR_FACTOR) and abs(own.mid - elsewhere) > _FAR_SECONDS
    if not far or count > ODD_MAX:
        return own
    share = count / (count + 1)
    return spread(elsewhere * math.exp(off * share), max(own.factor, math.exp(abs(off) * share)))


def fitted(
    samples: Sequence[float], *, factor: float, weight: float, jitter_seconds: float = 0.4
) -> DurationDistribution:
    """The distribution of samples (seconds, at least one). `factor` is expected, and weighs as `weight`
    samples.

    `jitter_seconds`: what no duration is more exact than, since CloudFormation polls.
    """
    mid = max(SECONDS_MIN, median(samples))
    expected = (math.log(factor) / _Z90) ** 2
    off = sum(min(_OUTLIER, abs(math.log(max(SECONDS_MIN, one) / mid))) ** 2 for one in samples)
    # The first sample gives the middle, and says nothing of how far others lie from it.
    sigma = math.sqrt((weight * expected + off) / (weight + len(samples) - 1))
    return spread(mid, max(math.exp(_Z90 * sigma), 1 + jitter_seconds / mid))
