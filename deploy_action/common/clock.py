"""The real clock, and a faster one for rehearsals."""

from __future__ import annotations

import threading
import time

from deploy_action.common.instants import MonotonicTime, WallTime

THROUGH_SUSPENSION = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux counts a suspended machine's time in CLOCK_BOOTTIME alone (clock_gettime(2)), macOS in
CLOCK_MONOTONIC."""


class SystemClock:
    """Time, scaled: with `speed` 60 a minute passes in a second, for demonstrations and end-to-end tests.

    `origin` is the unix time at which scaled and real time were equal; processes that share it agree.
    `stop` ends every sleep early once it is set.
    """

    real_time = True
    """Its time passes for other threads, too."""

    def __init__(
        self, stop: threading.Event | None = None, *, origin: float = 0.0, speed: float = 1.0
    ) -> None:
        self._stop = stop or threading.Event()
        self._origin = origin
        self._speed = speed

    def now(self) -> WallTime:
        return WallTime(self._origin + (time.time() - self._origin) * self._speed)

    def monotonic(self) -> MonotonicTime:
        return MonotonicTime(time.clock_gettime(THROUGH_SUSPENSION) * self._speed)

    def sleep(self, seconds: float) -> None:
        if self._stop.is_set():
            # A cancelled job still has to let go of what it holds: short pauses between tries stay pauses.
            time.sleep(min(seconds / self._speed, 0.2))
            return
        self._stop.wait(seconds / self._speed)


def clock_from(text: str, stop: threading.Event | None = None) -> SystemClock:
    """The clock for `DEPLOY_COORDINATOR_CLOCK`: empty for real time, or `ORIGIN:SPEED`.

    Raises ValueError for anything else.
    """
    if not text:
        return SystemClock(stop)
    origin, _, speed = text.partition(":")
    if not float(speed) > 0:
        raise ValueError(f"speed {speed} is not positive")
    return SystemClock(stop, origin=float(origin), speed=float(speed))
