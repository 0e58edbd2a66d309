"""One simulated process: its clocks, its await points, and what befalls it there."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from deploy_action.common.instants import MonotonicTime, WallTime
from deploy_action.errors import CoordinatorError
from tests.clock import START
from tests.simulation.faults import LATE_SECONDS_MAX, Fault

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from greenlet import greenlet

    from deploy_action.locking.document import Document
    from tests.simulation.faults import Faults
    from tests.simulation.scheduler import Scheduler
    from tests.simulation.trace import Trace

T = TypeVar("T")

READ_FAULTS = (Fault.LOST_REQUEST, Fault.LOST_ANSWER)
WRITE_FAULTS = (Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.LATE, Fault.REFUSED, Fault.REPEATED)
CALL_FAULTS = (Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.LATE)
TIMEOUT_SECONDS = 5.0
LOST_AFTER_SECONDS = 600.0
"""GitHub calls a job completed whose runner was silent for so long."""
SERVER_ERRORS = (ClientError, CoordinatorError)
"""What a simulated server refuses with. Anything else is a defect of the simulation."""


class Service(Enum):
    """Whom a request goes to. Outages are the registry's alone; CloudFormation has a budget of its own."""

    REGISTRY = "registry"
    JOBS = "jobs"
    CLOUDFORMATION = "CloudFormation"


class Dead(BaseException):
    """Raised in a crashed process at whatever it still tries to do."""


class Actor:
    """Implements ports.Clock. Every request and every sleep is an await point.

    At a point the process may crash or be paused; a crashed one is never resumed while the world lasts.
    """

    real_time = False

    def __init__(
        self, name: str, scheduler: Scheduler, faults: Faults, trace: Trace, dice: random.Random
    ) -> None:
        self.name = name
        self.scheduler = scheduler
        self.faults = faults
        self.trace = trace
        self.dice = dice
        self.skew = 0.0
        self.rate = 1.0
        self.slowness = 1.0
        self.greenlet: greenlet | None = None
        self.crash_at: int | None = None
        self.sturdy = False
        """Neither crashes nor pauses."""
        self.points = 0
        self.dead = False
        self.began_at = 0.0
        self.ended_at: float | None = None
        self.paused_until = 0.0
        self.lost_at = float("inf")
        """When GitHub gives up its job for good, although it may wake up again."""
        self.disturbed_at = float("-inf")
        self.requests = 0
        self.outcome = ""
        self.seen: Document | None = None
        """The newest document that it was shown, and when."""
        self.seen_at = float("-inf")
        self.confirmed_at = float("-inf")
        """When a write of it was last answered."""
        self.seen_epochs: dict[str, int] = {}
        self.knew: dict[str, dict[str, int]] = {}
        """What it had seen when it sent a write, by the operation's id: the write may land later."""
        self.fenced_at = float("-inf")
        self.is_older = False
        """It runs an earlier version of this action."""

    def sends(self, document: Document) -> None:
        self.knew[document.operations[-1]] = dict(self.seen_epochs)

    def saw(self, document: Document) -> None:
        """Not what a read shows that lags behind."""
        for name, lock in document.locks.items():
            self.seen_epochs[name] = max(self.seen_epochs.get(name, 0), lock.epoch)
        if self.seen is None or document.revision >= self.seen.revision:
            self.seen, self.seen_at = document, self.scheduler.time

    def now(self) -> WallTime:
        return WallTime(START + self.skew + self.scheduler.time)

    def monotonic(self) -> MonotonicTime:
        return MonotonicTime(self.scheduler.time * self.rate)

    def sleep(self, seconds: float) -> None:
        self.point("sleep")
        self._wait(max(0.0, seconds) / self.rate)

    @property
    def ended(self) -> bool:
        return self.dead or self.ended_at is not None

    def play(self, body: Callable[[], str]) -> None:
        """The life of the process; the outer end of its greenlet."""
        self.began_at = self.scheduler.time
        try:
            self.outcome = body()
            self.trace.add(self.name, "ends: {}", self.outcome)
        except Dead:
            return
        self.ended_at = self.scheduler.time

    def request(
        self,
        what: str,
        effect: Callable[[], T],
        broken: Callable[[], Exception],
        *,
        kinds: tuple[Fault, ...] = READ_FAULTS,
        refused: Callable[[], Exception] | None = None,
        service: Service = Service.REGISTRY,
    ) -> T:
        """One request over the network. `effect` happens at the server at one instant; `broken` is what the
        client gets for no answer, `refused` for a conflict."""
        self.requests += service is not Service.CLOUDFORMATION
        time = self.scheduler.time
        self.point(f"before {what}")
        self._wait(self._latency())
        if service is Service.REGISTRY and self.faults.is_out(self.scheduler.time, self.name):
            self._disturb("outage", what)
            self._wait(TIMEOUT_SECONDS * self.dice.random())
            raise broken()
        fault = self.faults.of_request(time, kinds)
        if fault is None:
            return self._answered(what, effect)
        self._disturb(fault.value, what)
        if fault is Fault.LATE:
            self._land_later(what, effect)
            self._wait(TIMEOUT_SECONDS)
            raise broken()
        if fault is Fault.REFUSED and refused is not None:
            self._wait(self._latency())
            raise refused()
        if fault is Fault.LOST_ANSWER:
            self._swallowed(what, effect)
            self.point(f"after {what}")
            self._wait(TIMEOUT_SECONDS * self.dice.random())
        elif fault is Fault.REPEATED:
            self._swallowed(what, effect)
            return self._answered(what, effect)
        else:
            self._wait(self._latency())
        raise broken()

    def point(self, what: str) -> None:
        """An await point: the process may crash here, or stand still for a while."""
        if self.dead:
            raise Dead
        number = self.points
        self.points += 1
        if self.sturdy:
            return
        if number == self.crash_at:
            self.crash(what)
        if self.crash_at is None and self.faults.happens(self.faults.profile.crash, self.scheduler.time):
            self.crash(what)
        if self.faults.happens(self.faults.profile.pause, self.scheduler.time):
            self.pause(what)

    def crash(self, what: str) -> None:
        self.dead = True
        self.ended_at = self.scheduler.time
        self.faults.count("crash")
        self.trace.add(self.name, "CRASHES {}", what)
        self.scheduler.leave()
        raise Dead

    def bury(self) -> None:
        """After the end of the world: unwind what is left of the process; it can do nothing any more."""
        self.dead = True
        if self.greenlet is not None and not self.greenlet.dead:
            with suppress(Dead):  # it comes back from one that never began
                self.greenlet.throw(Dead)

    def pause(self, what: str) -> None:
        seconds = self.dice.choice((20.0, 90.0, 400.0, 1000.0)) * (0.5 + self.dice.random())
        self.faults.count("pause longer than a lease" if seconds > 90 else "short pause")
        self.trace.add(self.name, "is PAUSED for {:.0f} s {}", seconds, what)
        self.paused_until = self.scheduler.time + seconds
        if seconds > LOST_AFTER_SECONDS:
            self.lost_at = min(self.lost_at, self.scheduler.time + LOST_AFTER_SECONDS)
        self._wait(seconds)
        self.disturbed_at = self.scheduler.time

    def _answered(self, what: str, effect: Callable[[], T]) -> T:
        failure: Exception | None = None
        try:
            answer = effect()
        except SERVER_ERRORS as error:
            failure = error  # it travels back to the client
        self.point(f"after {what}")
        self._wait(self._latency())
        if failure is not None:
            raise failure
        return answer

    def _land_later(self, what: str, effect: Callable[[], object]) -> None:
        delay = LATE_SECONDS_MAX * self.dice.random() ** 2
        self.scheduler.at(self.scheduler.time + delay, lambda: self._swallowed(f"late {what}", effect))

    def _swallowed(self, what: str, effect: Callable[[], object]) -> None:
        try:
            effect()
        except SERVER_ERRORS as error:
            self.trace.add(self.name, "{}: unheard {}", what, error)

    def _disturb(self, kind: str, what: str) -> None:
        self.disturbed_at = self.scheduler.time
        self.faults.count(kind)
        self.trace.add(self.name, "{}: {}", what, kind)

    def _latency(self) -> float:
        return self.slowness * (0.02 + 0.3 * self.dice.random())

    def _wait(self, seconds: float) -> None:
        if self.dead:
            raise Dead
        self.scheduler.wait(seconds)
        if self.dead:
            raise Dead
