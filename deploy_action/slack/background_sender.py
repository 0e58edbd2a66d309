"""A sender in the background: whoever accepts a message goes on at once, however long Slack takes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deploy_action.slack.sender import MessageSender

POLL_SECONDS = 1.0
"""Of real time: how late a retry may be noticed on a clock that is not real."""
LOOK_SECONDS = 0.02


class Worker(Protocol):
    """Makes a sender work."""

    def wake(self) -> None:
        """There is something new. Returns at once."""
        ...

    def flush(self, seconds: float) -> None:
        """Give it up to so much real time to deliver what can be delivered now."""
        ...


class BackgroundWorker:
    """`Worker` by a daemon thread, begun with the first message. It dies with the process, in the middle of
    a request if need be: the outbox on the disk knows what was begun."""

    def __init__(self, sender: MessageSender) -> None:
        self._sender = sender
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy = False

    def wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="slack", daemon=True)
            self._thread.start()
        self._news.set()

    def flush(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        if self._sender.wait_seconds() is None and not self._busy:
            return
        self._sender.hurry()
        self.wake()
        while (left := end - time.monotonic()) > 0:
            wait = self._sender.wait_seconds()
            if not self._busy and (wait is None or wait > left):
                return
            time.sleep(min(LOOK_SECONDS, left))

    def _work(self) -> None:
        while True:
            self._news.clear()
            self._busy = True
            try:
                did = self._sender.step()
            except Exception:  # noqa: BLE001 - the first law: the next message may fare better
                did = False
            finally:
                self._busy = False
            if not did:
                wait = self._sender.wait_seconds()
                self._news.wait(None if wait is None else min(max(wait, LOOK_SECONDS), POLL_SECONDS))
