"""Deployments that stand out from those before them, each with the reason.

Held against medians and the median absolute deviation, which a few odd ones do not move (Iglewicz and
Hoaglin, 1993), and in logarithms, since durations are skewed. Only earlier deployments count, the newest
of them: what becomes usual is not marked for ever, and a mark never changes later.
"""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from deploy_action.common.times import duration
from deploy_action.dashboard.metrics import quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.dashboard.timeline import Entry

REMEMBERED = 40
NEEDED = 8
SCORE = 3.5
"""The cut that Iglewicz and Hoaglin recommend."""
_NORMAL = 1.4826
"""The factor that makes the median absolute deviation of normal values their standard deviation."""
_SPREAD_MIN = math.log(1.08)
"""Durations that never vary would make everything stand out."""
SECONDS_MIN = 30.0
QUEUE_SECONDS_MIN, QUEUE_FACTOR = 300.0, 3.0
FACTOR_MIN = 1.3
STREAK = 30


@dataclass(frozen=True, slots=True)
class Usual:
    """Seconds; `low` and `high` are where the score reaches its cut."""

    middle: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class _Waits:
    """Most waits are none, so their deviation says nothing. Nineteen of twenty: at most `most` seconds."""

    most: float
    count: int


class _Memory:
    """Logarithms of the newest values of each key."""

    def __init__(self) -> None:
        self._values: dict[object, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))

    def add(self, key: object, seconds: float) -> None:
        self._values[key].append(math.log(max(seconds, 1.0)))

    def usual(self, key: object) -> Usual | None:
        """None where too little is remembered."""
        values = self._values.get(key)
        if values is None or len(values) < NEEDED:
            return None
        middle = median(values)
        off = _NORMAL * median(abs(value - middle) for value in values)
        reach = SCORE * max(off, _SPREAD_MIN)
        return Usual(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), len(values))

    def waits(self, key: object) -> _Waits | None:
        values = self._values.get(key)
        if values is None or len(values) < 2 * NEEDED:
            return None
        return _Waits(math.exp(quantile(values, 0.95)), len(values))


def unusual_of(entries: Sequence[Entry]) -> dict[str, tuple[str, ...]]:
    """Why, by correlation id; `entries` are the oldest first. The texts hold names from outside."""
    found: dict[str, tuple[str, ...]] = {}
    durations, steps, queues = _Memory(), _Memory(), _Memory()
    # Good ones in a row; bad ones in a row, negative.
    streaks: dict[object, int] = defaultdict(int)
    for entry in entries:
        reasons = [*_long(entry, durations, steps), *_waited(entry, queues), *_failure(entry, streaks)]
        if reasons:
            found[entry.deployment.correlation_id] = tuple(reasons)
        _remember(entry, durations, steps, queues, streaks)
    return found


def _remember(
    entry: Entry, durations: _Memory, steps: _Memory, queues: _Memory, streaks: dict[object, int]
) -> None:
    deployment, place = entry.deployment, entry.places
    if entry.succeeded and deployment.seconds:
        for key in _sets(entry):
            durations.add(key, deployment.seconds)
    for run in deployment.runs:
        for step in run.steps:
            steps.add((place, run.stack, step.label, step.action), step.seconds)
    if entry.queue_seconds is not None:
        queues.add(entry.environment, entry.queue_seconds)
    if entry.good or entry.bad:
        before = streaks[place]
        streaks[place] = min(before, 0) - 1 if entry.bad else max(before, 0) + entry.succeeded


def _sets(entry: Entry) -> list[object]:
    """The deployments to compare with: the same touched resources first, else all deployments of the same
    stacks."""
    touched = tuple(run.touched for run in entry.deployment.runs)
    return [(entry.places, touched), (entry.places,)] if any(touched) else [(entry.places,)]


def _long(entry: Entry, durations: _Memory, steps: _Memory) -> list[str]:
    seconds = entry.deployment.seconds
    if not entry.succeeded or not seconds:
        return []
    keys = _sets(entry)
    for key in keys:
        usual = durations.usual(key)
        if usual is None:
            continue
        if not _stands_out(seconds, usual):
            return []
        of_what = "of the same resources" if len(keys) > 1 and key is keys[0] else "of the same stacks"
        told = (
            f"Took {duration(seconds)}, {_times(seconds, usual.middle)} the usual {duration(usual.middle)} "
            f"(median of {usual.count} earlier ones {of_what}; "
            f"{duration(usual.low)} to {duration(usual.high)} is usual)."
        )
        slow = _slowest(entry, steps) if seconds > usual.middle else ""
        return [f"{told} {slow}".rstrip()]
    return []


def _stands_out(seconds: float, usual: Usual) -> bool:
    if abs(seconds - usual.middle) < SECONDS_MIN:
        return False
    factor = max(seconds / usual.middle, usual.middle / seconds)
    return factor >= FACTOR_MIN and not usual.low <= seconds <= usual.high


def _times(seconds: float, middle: float) -> str:
    return f"{seconds / middle:.1f} times" if seconds > middle else f"only {seconds / middle:.0%} of"


def _slowest(entry: Entry, steps: _Memory) -> str:
    """The resource that took the most beyond what it usually takes."""
    worst, most = "", SECONDS_MIN
    for run in entry.deployment.runs:
        for step in run.steps:
            usual = steps.usual((entry.places, run.stack, step.label, step.action))
            if usual is not None and step.seconds - usual.middle >= most and step.seconds > usual.high:
                most = step.seconds - usual.middle
                worst = f"Above all {step.label}: {duration(step.seconds)}, usually {duration(usual.middle)}."
    return worst


def _waited(entry: Entry, queues: _Memory) -> list[str]:
    seconds = entry.queue_seconds
    waits = queues.waits(entry.environment) if seconds is not None else None
    if seconds is None or waits is None or seconds < max(QUEUE_SECONDS_MIN, QUEUE_FACTOR * waits.most):
        return []
    usually = f"19 of 20 of the {waits.count} before it at most {duration(waits.most)}"
    return [f"Waited {duration(seconds)} in the queue of its environment, {usually}."]


def _failure(entry: Entry, streaks: dict[object, int]) -> list[str]:
    """The first bad one after many good ones, and each that follows a bad one."""
    streak = streaks[entry.places]
    if not entry.bad or 0 <= streak < STREAK:
        return []
    if streak > 0:
        return [f"{entry.words} after {streak} good ones of the same stacks in a row."]
    return [f"{entry.words}; {_before(-streak)} of the same stacks failed too."]


def _before(count: int) -> str:
    return "the one before it" if count == 1 else f"the {count} before it"
