"""Virtual time for many actors: exactly one runs at any moment, and an event list says who is next."""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

from greenlet import getcurrent, greenlet

if TYPE_CHECKING:
    from collections.abc import Callable


class Scheduler:
    """Whoever waits gives the processor to what is due next; equal times go by order of planning.

    Greenlets make a switch cost less than a microsecond, so a schedule costs what the code under test costs.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self.stopped = False
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._hub = getcurrent()

    def at(self, time: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._due, (max(time, self.time), next(self._order), action))

    def spawn(self, time: float, body: Callable[[], object]) -> greenlet:
        """Let `body` begin at that time, in a greenlet of its own."""
        started = greenlet(body, self._hub)
        self.at(time, started.switch)
        return started

    def wait(self, seconds: float) -> None:
        """Called by an actor: go on after so many seconds."""
        self.at(self.time + seconds, getcurrent().switch)
        self._hub.switch()

    def leave(self) -> None:
        """Called by an actor that is to be resumed by nobody."""
        self._hub.switch()

    def stop(self) -> None:
        """End the run at the next switch."""
        self.stopped = True

    def run(self, until: float) -> bool:
        """Play what is due up to `until`; returns whether nothing was left to play."""
        while self._due and not self.stopped:
            time, _, action = heapq.heappop(self._due)
            if time > until:
                return False
            self.time = time
            action()
        return not self.stopped
