"""A line now and then while something is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.times import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.ports import Clock

HEARTBEAT_SECONDS = (60.0,) * 5 + (120.0,) * 5 + (300.0,)
"""In a silence: a line a minute at first, then ever less, the last pause repeated."""


def pause_before(beat: int) -> float:
    """Seconds of silence before the line with this number, from 0."""
    return HEARTBEAT_SECONDS[min(beat, len(HEARTBEAT_SECONDS) - 1)]


class Heartbeat:
    """Call `beat` as often as you like: `tell` gets `WHAT (2m00s so far)` when it is time to."""

    def __init__(self, clock: Clock, tell: Callable[[str], None], what: str) -> None:
        self._clock = clock
        self._tell = tell
        self._what = what
        self._began = self._last = clock.monotonic()
        self._beats = 0

    def beat(self, detail: str = "") -> None:
        """`detail` is added to the line."""
        now = self._clock.monotonic()
        if now - self._last >= pause_before(self._beats):
            self._last, self._beats = now, self._beats + 1
            self._tell(f"{self._what} ({duration(now - self._began)} so far).{detail and f' {detail}'}")
