"""A line while a call to the outside takes long: nobody wonders what a silent step does."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from deploy_action.common.times import duration

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from deploy_action.common.ports import Clock

FIRST_SECONDS = 5.0
PAUSE_SECONDS_MAX = 60.0


class SlowCall:
    """Use as a context manager around a call: `tell` hears `Waiting for WHAT (5s so far).` from another
    thread, after 5 seconds of real time, then after pauses that double up to a minute.

    `stop`: the call has come to something that speaks by itself. Where `clock` is not a real one, nothing is
    told: no thread may speak in the middle of virtual time.
    """

    def __init__(
        self,
        what: str,
        tell: Callable[[str], None],
        clock: Clock,
        *,
        first_seconds: float = FIRST_SECONDS,
    ) -> None:
        self._what = what
        self._silent = not clock.real_time
        self._tell = tell
        self._pause = first_seconds
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._stopped = False

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        if not self._silent:
            self._plan(self._pause)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._timer is not None:
                self._timer.cancel()

    def _plan(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._speak)
        self._timer.daemon = True
        self._timer.start()

    def _speak(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._tell(f"Waiting for {self._what} ({duration(time.monotonic() - self._began)} so far).")
            self._plan(self._pause)
            self._pause = min(self._pause * 2, PAUSE_SECONDS_MAX)
