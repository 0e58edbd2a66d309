"""Watches until the end: polls, tells, keeps the lock alive, and never lets trouble with the stream decide
about the deployment."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from deploy_action.cloudformation.operation import Phase, phase_of
from deploy_action.common.heartbeat import pause_before
from deploy_action.common.instants import CloudFormationTime
from deploy_action.diagnosis.causes import early_warnings, warning_key
from deploy_action.errors import CoordinatorError, LockLost
from deploy_action.monitoring.closing_budget import Closing
from deploy_action.monitoring.stall import look

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.common.instants import MonotonicTime
    from deploy_action.common.ports import Clock
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.diagnosis.service_investigator import ServiceInvestigator
    from deploy_action.diagnosis.service_lookups import Finding
    from deploy_action.history.estimate import Estimate
    from deploy_action.monitoring.event_stream import EventStream
    from deploy_action.monitoring.stall import StallChange
    from deploy_action.monitoring.watched_stack import Poll

STALL_LOOK_SECONDS = 10.0
OVERDUE = "overdue"
"""Stands among the alerts for the deployment as a whole."""
WARNED = "warned "
LAST_LOOKS_MAX = 12
STATUS_SECONDS = 15.0
"""The part of the last looks' budget that is left to read how the stacks ended."""
ROUND_SECONDS = 60.0
"""So long one round of looks may take before the time-out, the lock and `done` have their turn."""
HURRIED_ROUND_SECONDS = 5.0
"""The same where `hurry` says that an end is near."""
PAUSE_SECONDS_MIN = 0.1
NAP_SECONDS = 1.0
"""How late `hurry`, a cancellation or the time-out may be noticed."""
BELL_NAP_SECONDS = 0.25
"""The same of a doorbell's message."""
BLIND_AFTER = 3
"""Looks in a row that CloudFormation refuses for good, until watching is given up."""


class Listener(Protocol):
    """Whoever tells people what the session sees."""

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None: ...

    def looked(self, operation: Operation, *, now: CloudFormationTime) -> None:
        """A look showed nothing new, and no heartbeat is due. `now`: unix seconds of CloudFormation."""
        ...

    def quiet(
        self, operation: Operation, *, now: CloudFormationTime, unanswered_since: CloudFormationTime | None
    ) -> None:
        """Nothing was seen to happen for a while. Both are CloudFormation's clock, unix seconds;
        `unanswered_since`: since when it could not be asked, None where it answers."""
        ...

    def stalled(self, change: StallChange, operation: Operation) -> None:
        """A resource takes longer than it usually does, and is silent. Told once for each stall."""
        ...

    def moving(self, change: StallChange, operation: Operation) -> None:
        """It moves again, or has ended."""
        ...

    def overdue(self, elapsed_seconds: float, estimate: Estimate) -> None:
        """The deployment takes longer than its interval. Told once."""
        ...

    def warned(self, cause: Cause) -> None:
        """Something still in progress is said to fail. Told once."""
        ...

    def found(self, findings: Sequence[Finding]) -> None:
        """Findings of services about silent or failed resources."""
        ...

    def trouble(self, sentence: str, error: CoordinatorError | None = None) -> None:
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
class WatchLoop:
    """One deployment under watch. `done` tells, after each look, whether there is more to wait for.

    `gives_up`: end as BLIND when CloudFormation refuses to be read; without it, go on until `done`.
    `first_event_seconds`: how long the first event may take; None for as long as it takes.
    `keep_lock`: renews the lock when it is time to; raises LockLost, once.
    `elapsed_seconds`: what had passed of the time-out before (a watch that was restarted).
    `estimate`: how long the deployment was expected to take in all.
    `alerts`: what was alerted before a restart; `keep_alerts` is given the new set before people are told.
    `closing`: what the looks after the end may take, shared with whoever reads it afterwards.
    `hurry`: something ended that makes a look worth while at once; asked every NAP_SECONDS, so it is cheap.
    """

    watcher: EventStream
    clock: Clock
    listener: Listener
    done: Callable[[], bool]
    cancelled: Callable[[], bool]
    timeout_seconds: float | None = None
    keep_lock: Callable[[], None] = lambda: None
    gives_up: bool = True
    first_event_seconds: float | None = None
    elapsed_seconds: float = 0.0
    hurry: Callable[[], bool] = lambda: False
    estimate: Estimate | None = None
    stall_after_seconds: float | None = None
    alerts: frozenset[str] = frozenset()
    keep_alerts: Callable[[frozenset[str]], None] = lambda _alerts: None
    looker: ServiceInvestigator | None = None
    closing: Closing | None = None
    _looked_for_stalls: float = float("-inf")
    _hurried: bool = False
    _failures: int = 0
    _last_told: float = 0.0
    _heartbeats: int = 0
    _told: set[str] = field(default_factory=set)
    _given_up_on: set[str] = field(default_factory=set)
    _unanswered_since: CloudFormationTime | None = None

    def run(self) -> End:
        started = self.clock.monotonic()
        self._last_told = started
        while True:
            poll = self.watcher.poll(began := self.clock.monotonic(), stop=self._interrupts(started, began))
            if self.watcher.readable:
                self._failures = 0
            elif poll.errors:
                self._failures += 1
            self._tell(poll)
            self._guarded("Looking for stalls", self._look_for_stalls)
            self._keep_lock()
            if self.done():
                closing = self.closing or Closing(self.clock, cancelled=self.cancelled)
                closing.begin()
                self._last_looks(closing)
                if self.done():
                    return End.DONE
                closing.again()
            if self.cancelled():
                return End.CANCELLED
            end = self._given_up(self.clock.monotonic() - started)
            if end is not None:
                return end
            self._rest(started)

    def _interrupts(self, started: float, began: float) -> Callable[[], bool]:
        def stop() -> bool:
            now = self.clock.monotonic()
            took = now - began
            late = took >= ROUND_SECONDS or (took >= HURRIED_ROUND_SECONDS and self.hurry())
            return self.cancelled() or late or self._timed_out(now - started)

        return stop

    def _last_looks(self, closing: Closing) -> None:
        """Something may become visible, or begin, only now: until a look at all of it shows nothing new, and
        two of them do where there was trouble, or `closing` has little left."""
        clean = 0

        def spent() -> bool:
            return closing.over() or (closing.left_seconds() <= STATUS_SECONDS and not self.cancelled())

        for attempt in range(LAST_LOOKS_MAX):
            if attempt and (not closing.pause(NAP_SECONDS) or spent()):
                return
            poll = self.watcher.poll(self.clock.monotonic(), complete=True, stop=spent, pause=closing.pause)
            self._tell(poll)
            self._keep_lock()
            clean = 0 if poll.errors or poll.events else clean + 1
            if clean > bool(self._told) or self.cancelled() or self.watcher.refused:
                return

    def _timed_out(self, waited: float) -> bool:
        return self.timeout_seconds is not None and waited + self.elapsed_seconds >= self.timeout_seconds

    def _given_up(self, waited: float) -> End | None:
        if self._timed_out(waited):
            return End.TIMED_OUT
        if self.gives_up and self.watcher.refused and self._failures >= BLIND_AFTER:
            return End.BLIND
        late = self.first_event_seconds is not None and waited >= self.first_event_seconds
        if late and self.watcher.readable and not self.watcher.began:
            return End.NEVER_BEGAN
        return None

    def _rest(self, started: float) -> None:
        """Until somebody's turn comes, or there is a reason not to wait for it."""
        end = self.clock.monotonic() + max(PAUSE_SECONDS_MIN, self.watcher.next_look(self.clock.monotonic()))
        while (now := self.clock.monotonic()) < end and not self.cancelled():
            if not self._hurried and self.hurry():
                self._hurried = True
                self.watcher.hurry(now)
                return
            if self._timed_out(now - started):
                return
            doorbell = self.watcher.bell.doorbell
            nap = BELL_NAP_SECONDS if doorbell.listening() else NAP_SECONDS
            self.clock.sleep(min(nap, end - now))
            if doorbell.rung():
                return

    def _tell(self, poll: Poll) -> None:
        now = self.clock.monotonic()
        if poll.events:
            self._last_told, self._heartbeats = now, 0
            self.listener.events(poll.events, self.watcher.operation)
            self._guarded("Looking for early signs", self._warn)
        elif now - self._last_told >= pause_before(self._heartbeats):
            self._last_told, self._heartbeats = now, self._heartbeats + 1
            self.listener.quiet(
                self.watcher.operation, now=self._their_now(now), unanswered_since=self._unanswered_since
            )
        else:
            self.listener.looked(self.watcher.operation, now=self._their_now(now))
        if self._unanswered_since is not None and self.watcher.readable:
            self.listener.line("CloudFormation answers again; nothing was missed.")
            self._unanswered_since = None
        elif self._unanswered_since is None and not self.watcher.readable:
            self._unanswered_since = self._their_now(now)
        for error in poll.errors:
            self._trouble(str(error), error)
        for sentence in self.watcher.bell.sentences():
            self.listener.trouble(sentence)
        if self.looker is not None:
            self.listener.found(self.looker.look(self.watcher.operation, now=self._their_now(now)))

    def _warn(self) -> None:
        """Failures stand in the log already; what is about to is easily overlooked."""
        for cause in early_warnings(self.watcher.operation):
            key = f"{WARNED}{warning_key(cause)}"
            if cause.status.endswith("_IN_PROGRESS") and key not in self.alerts:
                self._alerted(self.alerts | {key})
                self.listener.warned(cause)

    def _guarded(self, what: str, call: Callable[[], None]) -> None:
        """A defect in what a watch can do without is told once, and it goes on without it."""
        if what in self._given_up_on:
            return
        try:
            call()
        except CoordinatorError:
            raise
        except Exception as error:  # noqa: BLE001 - the first law
            self._given_up_on.add(what)
            self._trouble(f"{what} failed by a defect of deploy-coordinator: {type(error).__name__}: {error}")

    def _alerted(self, alerts: frozenset[str]) -> None:
        if alerts != self.alerts:
            self.alerts = alerts
            self.keep_alerts(alerts)

    def _look_for_stalls(self) -> None:
        """Only while the stream is read: else the silence is ours."""
        here = self.clock.monotonic()
        theirs = self.watcher.their_now(here)
        if theirs is None or not self.watcher.readable or here - self._looked_for_stalls < STALL_LOOK_SECONDS:
            return
        self._looked_for_stalls = here
        operation = self.watcher.operation
        others = frozenset(key for key in self.alerts if key == OVERDUE or key.startswith(WARNED))
        changes, stalled = look(
            operation,
            self.watcher.forecast,
            now=theirs,
            alerted=self.alerts - others,
            after_seconds=self.stall_after_seconds,
        )
        elapsed = theirs - (operation.started if operation.started is not None else theirs)
        late = self.estimate if OVERDUE not in others and self._is_late(elapsed) else None
        self._alerted(stalled | others | (set() if late is None else {OVERDUE}))
        for change in changes:
            (self.listener.stalled if change.began else self.listener.moving)(change, operation)
        if late is not None:
            self.listener.overdue(elapsed, late)

    def _is_late(self, elapsed_seconds: float) -> bool:
        """The estimate is of the deployment; its rollback takes as long as it takes."""
        operation = self.watcher.operation
        if self.estimate is None or operation.ended is not None:
            return False
        rolls_back = any(phase_of(root.status) is Phase.ROLLBACK for root in operation.roots)
        return elapsed_seconds > self.estimate.high_seconds and not rolls_back

    def _their_now(self, now: MonotonicTime) -> CloudFormationTime:
        """Before the first event nothing is measured by it."""
        theirs = self.watcher.their_now(now)
        return CloudFormationTime(self.clock.now()) if theirs is None else theirs

    def _trouble(self, sentence: str, error: CoordinatorError | None = None) -> None:
        """GitHub shows few annotations: what was told once is a plain line when it comes back."""
        if sentence not in self._told:
            self._told.add(sentence)
            self.listener.trouble(sentence, error)
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
