"""Watches until the end: polls, tells, keeps the lock alive, and never lets trouble with the stream decide
about the deployment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from deploy_action.errors import LockLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.events import Operation, StackEvent
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
        """The stream or the lock degraded; told once for each kind of trouble."""
        ...

    def line(self, text: str) -> None:
        """Anything else worth a line."""
        ...


class End(Enum):
    """Why watching stopped."""

    DONE = "done"
    TIMED_OUT = "timed out"
    CANCELLED = "cancelled"
    BLIND = "blind"
    """CloudFormation will not answer any more (expired or insufficient credentials)."""
    NEVER_BEGAN = "never began"
    """Nothing was seen to begin in all of `first_event_seconds`."""


@dataclass(slots=True)
class Session:
    """One deployment under watch. `done` tells, after each look, whether there is more to wait for.

    `gives_up`: end as BLIND when CloudFormation refuses to be read; without it, go on until `done`.
    `first_event_seconds`: how long the first event may take; None for as long as it takes.
    `keep_lock`: renews the lock when it is time to; raises LockLost, once.
    `elapsed_seconds`: what had passed of the time-out before (a watch that was restarted).
    """

    watcher: Watcher
    clock: Clock
    listener: Listener
    done: Callable[[], bool]
    cancelled: Callable[[], bool]
    timeout_seconds: float | None = None
    keep_lock: Callable[[], None] = lambda: None
    gives_up: bool = True
    first_event_seconds: float | None = None
    elapsed_seconds: float = 0.0
    _failures: int = 0
    _last_told: float = 0.0
    _last_event: float = 0.0
    _newest: float | None = None
    _told: set[str] = field(default_factory=set)
    _troubled: bool = False

    def run(self) -> End:
        started = self.clock.monotonic()
        self._last_told = self._last_event = started
        while True:
            poll = self.watcher.poll()
            self._failures = 0 if self.watcher.readable else self._failures + 1
            self._tell(poll)
            self._keep_lock()
            if self.done():
                # Something may become visible, or begin, only now.
                self._tell(self.watcher.poll(complete=True))
                if self.done():
                    return End.DONE
            if self.cancelled():
                return End.CANCELLED
            end = self._given_up(self.clock.monotonic() - started)
            if end is not None:
                return end
            self.clock.sleep(self._pause())

    def _given_up(self, waited: float) -> End | None:
        if self.timeout_seconds is not None and waited + self.elapsed_seconds >= self.timeout_seconds:
            return End.TIMED_OUT
        if self.gives_up and self.watcher.refused and self._failures >= BLIND_AFTER:
            return End.BLIND
        late = self.first_event_seconds is not None and waited >= self.first_event_seconds
        if late and self.watcher.readable and not self.watcher.began:
            return End.NEVER_BEGAN
        return None

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
            self.listener.quiet(self.watcher.operation, now=self._their_now(now))
        if self._troubled and self.watcher.readable:
            self.listener.line("CloudFormation answers again; nothing was missed.")
        self._troubled = not self.watcher.readable
        for error in poll.errors:
            self._trouble(str(error))

    def _their_now(self, now: float) -> float:
        """Clocks are never compared: theirs stood at `newest` when ours stood at `last_event`. Before the
        first event nothing is measured by it."""
        return self.clock.now() if self._newest is None else self._newest + now - self._last_event

    def _trouble(self, sentence: str) -> None:
        """GitHub shows few annotations: what was told once is a plain line when it comes back."""
        if sentence not in self._told:
            self._told.add(sentence)
            self.listener.trouble(sentence)
        elif self._failures == 1:
            self.listener.line(sentence)

    def _keep_lock(self) -> None:
        try:
            self.keep_lock()
        except LockLost as error:
            self._trouble(
                f"{error.what} What is running goes on and is watched; others under this lock may begin once "
                "its stacks are at rest."
            )
