"""Receives the doorbell's messages in a thread of its own, so that a long poll delays nobody."""

from __future__ import annotations

import random
import threading
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from deploy_action.errors import StackSourceError
from deploy_action.monitoring.doorbell_messages import Belonging, Ears, parse_ring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.event_queue import QueuedMessage
    from deploy_action.monitoring.doorbell_messages import Ring

HANDED_BACK_MAX = 8
"""A message that so many receives handed back is for none of the jobs that listen: it is left to expire."""
LEFT_SECONDS = 120
"""Hidden for longer than the queue of the examples keeps a message."""
COURTESY_SECONDS = 0.5
"""Without a receive, after a message of somebody else: so that another job gets it."""
PAUSE_SECONDS, PAUSE_SECONDS_MAX = 1.0, 30.0
"""After a receive that failed, and the longest."""
SILENT_SECONDS_MAX = 40.0
"""A receive answers within 20 s; one that takes longer hears nothing."""
RINGS_MAX = 1_000
REMEMBERED_MAX = 4_096
TROUBLE_AFTER = 3
"""Temporary faults in a row, until they are said."""


class Queue(Protocol):
    """Raises StackSourceError and nothing else."""

    def receive(self) -> Sequence[QueuedMessage]: ...
    def delete(self, messages: Sequence[QueuedMessage]) -> None: ...
    def hide(self, messages: Sequence[QueuedMessage], *, seconds: int) -> None: ...


class QueueDoorbell:
    """Implements Doorbell. The thread begins with the first `listen`, and ends with the process, done or
    not: what it holds then is visible to others again after some seconds."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._ears = Ears()
        self._lock = threading.Lock()
        self._rings: deque[Ring] = deque(maxlen=RINGS_MAX)
        self._troubles: list[str] = []
        self._known: dict[str, None] = {}
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._answered_at = float("-inf")
        self._hears = False
        self._said_unreachable = False

    def listen(self, ears: Ears) -> None:
        self._ears = ears
        if self._thread is None and not self._closed.is_set():
            self._thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
            self._thread.start()

    def rung(self) -> bool:
        return bool(self._rings or self._troubles)

    def rings(self) -> Sequence[Ring]:
        with self._lock:
            found, self._rings = tuple(self._rings), deque(maxlen=RINGS_MAX)
        return found

    def listening(self) -> bool:
        return self._hears and monotonic() - self._answered_at < SILENT_SECONDS_MAX

    def troubles(self) -> Sequence[str]:
        with self._lock:
            found, self._troubles = self._troubles, []
        return found

    def close(self) -> None:
        """Waits for nothing."""
        self._closed.set()

    def _run(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                failures = self._round(failures)
            except Exception as error:  # noqa: BLE001 - the first law
                self._hears = False
                self._say(
                    f"The doorbell failed by a defect of deploy-coordinator: {type(error).__name__}: {error}."
                )
                return

    def _round(self, failures: int) -> int:
        """One receive. Returns how many in a row have failed."""
        try:
            messages = self._queue.receive()
            self._answered_at, self._hears = monotonic(), True
            if self._take(messages):
                self._closed.wait(COURTESY_SECONDS)
            return 0
        except StackSourceError as error:
            self._hears = False
            if not error.temporary:
                self._say(f"The doorbell cannot be used. {error}")
                self._closed.set()
                return 0
            failures += 1
            if failures == TROUBLE_AFTER and not self._said_unreachable:
                self._said_unreachable = True
                self._say(f"The doorbell does not answer. {error.what}")
            pause = min(PAUSE_SECONDS * 2.0 ** min(failures - 1, 8), PAUSE_SECONDS_MAX)
            self._closed.wait(pause * random.uniform(0.75, 1.0))  # noqa: S311 - spreads requests
            return failures

    def _take(self, messages: Sequence[QueuedMessage]) -> bool:
        """Keep what is ours, hand back the rest; true where there is a rest."""
        ours: list[QueuedMessage] = []
        back: list[QueuedMessage] = []
        spent: list[QueuedMessage] = []
        for message in messages:
            ring = parse_ring(message.body)
            belonging = Belonging.FOREIGN if ring is None else self._ears.belonging(ring)
            if ring is not None and belonging is not Belonging.FOREIGN:
                self._heard(ring)
            if belonging is Belonging.OWN:
                ours.append(message)
            else:
                (back if message.receives < HANDED_BACK_MAX else spent).append(message)
        if self._closed.is_set():
            # The job is over: whoever comes next may want them.
            back, ours = [*back, *ours], []
        self._queue.delete(ours)
        self._queue.hide(back, seconds=0)
        self._queue.hide(spent, seconds=LEFT_SECONDS)
        return bool(back or spent)

    def _heard(self, ring: Ring) -> None:
        with self._lock:
            if ring.message_id and ring.message_id in self._known:
                return
            self._known[ring.message_id] = None
            while len(self._known) > REMEMBERED_MAX:
                del self._known[next(iter(self._known))]
            self._rings.append(ring)

    def _say(self, sentence: str) -> None:
        with self._lock:
            self._troubles.append(f"{sentence.rstrip()} Polling continues at its usual pace.")
