"""Time that passes only when somebody sleeps."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

from deploy_action.common.instants import MonotonicTime, WallTime

if TYPE_CHECKING:
    from collections.abc import Callable


START = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""


class VirtualClock:
    """`ports.Clock` without waiting: `sleep` moves both clocks on at once.

    What was planned with `at` runs in the middle of the sleep that passes its time, in order of time. It may
    sleep itself: whoever slept around it wakes late then, as a paused process does.
    """

    real_time = False

    def __init__(self, start: float = START) -> None:
        self._start = start
        self._elapsed = 0.0
        self._plans: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was made; the scale of `at`."""
        return self._elapsed

    def now(self) -> WallTime:
        return WallTime(self._start + self._elapsed)

    def monotonic(self) -> MonotonicTime:
        return MonotonicTime(self._elapsed)

    def sleep(self, seconds: float) -> None:
        end = self._elapsed + max(0.0, seconds)
        while self._plans and self._plans[0][0] <= end:
            time, _, action = heapq.heappop(self._plans)
            self._elapsed = max(self._elapsed, time)
            action()
        self._elapsed = max(self._elapsed, end)

    def at(self, elapsed: float, action: Callable[[], object]) -> None:
        """Run `action` once, `elapsed` seconds after the start."""
        heapq.heappush(self._plans, (elapsed, next(self._order), action))
