"""Watches until the end: polls, tells, keeps the lock alive, and never lets trouble with the stream decide
about the deployment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from deploy_action.errors import LockLost, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.events import Operation, StackEvent
    from deploy_action.engine.lock_client import LockClient
    from deploy_action.engine.watcher import Poll, Watcher
    from deploy_action.ports import Clock

POLL_SECONDS = 2.0
POLL_SECONDS_QUIET = 5.0
QUIET_AFTER_SECONDS = 60.0
HEARTBEAT_SECONDS = 60.0
REQUESTS_PER_SECOND = 2.5
"""CloudFormation throttles an account that asks much more; others in it want to ask too."""
ERROR_PAUSE_SECONDS_MAX = 30.0
BLIND_AFTER = 3
"""Looks in a row that CloudFormation refuses for good, until watching is given up."""


class Listener(Protocol):
    """Whoever tells people what the session sees."""

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None: ...

    def quiet(self, operation: Operation, *, now: float) -> None:
        """Nothing happened for HEARTBEAT_SECONDS. `now` is CloudFormation's clock, unix seconds."""
        ...

    def trouble(self, sentence: str) -> None:
        """The stream or the lock degraded; told once for each new kind of trouble."""
        ...


class End(Enum):
    """Why watching stopped."""

    DONE = "done"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    BLIND = "blind"
    """CloudFormation will not answer any more (expired or insufficient credentials)."""


@dataclass(slots=True)
class Session:
    """One deployment under watch. `done` tells, after each look, whether there is more to wait for."""

    watcher: Watcher
    clock: Clock
    listener: Listener
    done: Callable[[], bool]
    cancelled: Callable[[], bool]
    timeout_seconds: float | None = None
    lock: LockClient | None = None
    _failures: int = 0
    _last_told: float = 0.0
    _last_event: float = 0.0
    _newest: float = 0.0
    _troubles: set[str] = field(default_factory=set)
    _lock_trouble: bool = False

    def run(self) -> End:
        started = self.clock.monotonic()
        self._last_told = self._last_event = started
        while True:
            poll = self.watcher.poll()
            self._failures = self._failures + 1 if poll.errors else 0
            self._tell(poll)
            self._keep_lock()
            if self.done():
                # Something may become visible, or begin, only now.
                self._tell(self.watcher.poll(complete=True))
                if self.done():
                    return End.DONE
            if self.cancelled():
                return End.CANCELLED
            waited = self.clock.monotonic() - started
            if self.timeout_seconds is not None and waited >= self.timeout_seconds:
                return End.TIMED_OUT
            if self._failures >= BLIND_AFTER and not all(error.temporary for error in poll.errors):
                return End.BLIND
            self.clock.sleep(self._pause())

    def _pause(self) -> float:
        """Seconds to the next look: dense while things happen, sparse in silence and in trouble."""
        quiet = self.clock.monotonic() - self._last_event >= QUIET_AFTER_SECONDS
        pause = max(POLL_SECONDS_QUIET if quiet else POLL_SECONDS, self.watcher.width / REQUESTS_PER_SECOND)
        return (
            min(pause * 2.0 ** min(self._failures, 8), ERROR_PAUSE_SECONDS_MAX) if self._failures else pause
        )

    def _tell(self, poll: Poll) -> None:
        now = self.clock.monotonic()
        if poll.events:
            self._last_told = self._last_event = now
            self._newest = max(event.timestamp for event in poll.events)
            self.listener.events(poll.events, self.watcher.operation)
        elif now - self._last_told >= HEARTBEAT_SECONDS:
            self._last_told = now
            # Clocks are never compared: theirs stood at `newest` when ours stood at `last_event`.
            self.listener.quiet(self.watcher.operation, now=self._newest + now - self._last_event)
        if not poll.errors and self._troubles:
            self._troubles.clear()
            self.listener.trouble("CloudFormation answers again; nothing was missed.")
        for error in poll.errors:
            if str(error) not in self._troubles:
                self._troubles.add(str(error))
                self.listener.trouble(str(error))

    def _keep_lock(self) -> None:
        if self.lock is None:
            return
        try:
            self.lock.renew_if_due()
            self._lock_trouble = False
        except LockLost as error:
            self.lock = None
            self.listener.trouble(f"{error} What is running goes on; nothing more is started.")
        except RegistryError as error:
            if not self._lock_trouble:
                self._lock_trouble = True
                self.listener.trouble(f"The lock could not be renewed: {error}")
