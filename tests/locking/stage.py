"""Several actors in one virtual time: each has a thread, and exactly one runs at any moment."""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import TYPE_CHECKING

from deploy_action.common.instants import MonotonicTime, WallTime
from tests.clock import START

if TYPE_CHECKING:
    from collections.abc import Callable


class Stage:
    """A `ports.Clock` shared by actors. An actor runs until it sleeps; then time goes to whoever wakes next.

    An actor that sleeps in the middle of something is a paused process; one that returns is a dead one.
    """

    real_time = False

    def __init__(self) -> None:
        self._elapsed = 0.0
        self._waking: list[tuple[float, int, threading.Event]] = []
        self._order = count()
        self._threads: list[threading.Thread] = []
        self._done = threading.Event()
        self._failures: list[BaseException] = []

    @property
    def elapsed(self) -> float:
        return self._elapsed

    def now(self) -> WallTime:
        return WallTime(START + self._elapsed)

    def monotonic(self) -> MonotonicTime:
        return MonotonicTime(self._elapsed)

    def sleep(self, seconds: float) -> None:
        turn = self._plan(self._elapsed + max(0.0, seconds))
        self._pass_on()
        turn.wait()

    def enter(self, at: float, actor: Callable[[], object]) -> None:
        """Let `actor` begin at that many seconds."""
        turn = self._plan(at)
        thread = threading.Thread(target=self._play, args=(turn, actor), daemon=True)
        self._threads.append(thread)
        thread.start()

    def run(self, *, patience: float = 30.0) -> None:
        """Play until every actor has left, within `patience` real seconds; raises what an actor raised."""
        self._pass_on()
        assert self._done.wait(patience), "the actors wait for each other"
        for thread in self._threads:
            thread.join(5)
        if self._failures:
            raise self._failures[0]

    def _play(self, turn: threading.Event, actor: Callable[[], object]) -> None:
        turn.wait()
        try:
            actor()
        except BaseException as error:  # noqa: BLE001 - it is raised again in `run`
            self._failures.append(error)
        self._pass_on()

    def _plan(self, time: float) -> threading.Event:
        turn = threading.Event()
        heapq.heappush(self._waking, (time, next(self._order), turn))
        return turn

    def _pass_on(self) -> None:
        if not self._waking:
            self._done.set()
            return
        time, _, turn = heapq.heappop(self._waking)
        self._elapsed = max(self._elapsed, time)
        turn.set()
