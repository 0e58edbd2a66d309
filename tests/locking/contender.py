"""Processes that contend for one lock: `python -m tests.locking.contender PLAN`.

One launcher imports what is slow to import and forks the contenders; each is a process of its own that deals
with the real store through the real client. What they see goes to the plan's log, one JSON line at a time.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from deploy_action.common.clock import clock_from
from deploy_action.errors import LockLost, RegistryConflict, RegistryUnavailable
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import decode
from deploy_action.locking.document import Ticket
from deploy_action.locking.ports import NO_FILES, Snapshot
from tests.ground.stores import ON_AWS, Store, session
from tests.locking.referee import Referee

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deploy_action.locking.ports import Registry
    from deploy_action.locking.transitions import Waiting


class Contender(msgspec.Struct, frozen=True):
    """One process. Times are in seconds of the scaled clock.

    It dies `dies_after` seconds after the moment that `dies` names: `start`, `waiting` or `holding`; and
    stands still for `stands_still` seconds, `stops_after` seconds after the moment that `stops` names, which
    may also be `granted` (before its fence) or `fenced` (after it).
    """

    name: str
    arrives: float
    holds: float
    dies: str = ""
    dies_after: float = 0.0
    stops: str = ""
    stops_after: float = 0.0
    stands_still: float = 0.0


class Plan(msgspec.Struct, frozen=True):
    store: Store
    log: str
    clock: str
    lease_seconds: float
    poll_seconds: float
    contenders: list[Contender]
    referee: str = ""
    """The folder of what stands for CloudFormation; empty without one."""
    faults: float = 0.0
    """Of the requests to the registry, so many meet a fault: no answer, before or after the effect."""


class WatchedRegistry:
    """Counts what a client asks of a store, and how often it stood in the queue."""

    def __init__(self, store: Registry, nonce: str, *, faults: float = 0.0) -> None:
        self._store = store
        self._faults = faults
        self._dice = random.Random(nonce)
        self._nonce = nonce
        self._read = Snapshot(None, "")
        self.location, self.advice = store.location, store.advice
        self.counts = {"reads": 0, "swaps": 0, "conflicts": 0, "faults": 0}
        self.arrivals = 0

    def read(self) -> Snapshot:
        self.counts["reads"] += 1
        self._fail()
        self._read = self._store.read()
        return self._read

    def read_file(self, name: str, version: str) -> bytes | None:
        return self._store.read_file(name, version)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self.counts["swaps"] += 1
        self._fail()
        try:
            version = self._store.swap(document, version, message=message, files=files)
        except RegistryConflict:
            self.counts["conflicts"] += 1
            raise
        self.arrivals += self._stands(document) and not self._stands(self._read.document)
        self._fail()
        return version

    def _fail(self) -> None:
        if self._dice.random() < self._faults:
            self.counts["faults"] += 1
            raise RegistryUnavailable("No answer.")

    def _stands(self, document: bytes | None) -> bool:
        return decode(document).ticket(self._nonce) is not None


class Life:
    """What one contender does."""

    def __init__(self, plan: Plan, who: Contender, store: Registry, *, waker: int = -1) -> None:
        """`waker`: where one that stands still leaves word (`_wake_sleepers`)."""
        self._waker = waker
        self._plan = plan
        self._who = who
        self._clock = clock_from(plan.clock)
        self._speed = float(plan.clock.partition(":")[2])
        self._registry = WatchedRegistry(store, who.name, faults=plan.faults)
        self._referee = Referee(plan.referee) if plan.referee else None
        self._ahead: set[str] | None = None
        self._arrivals = 0
        self._client = LockClient(
            self._registry,
            self._clock,
            Ticket(
                who.name,
                who.name,
                ("prod",),
                ("eu-west-1/app",),
                account="1",
                lease_seconds=plan.lease_seconds,
            ),
            stacks_in_progress=self._in_progress,
            poll_seconds=plan.poll_seconds,
            revoke=self._revoke,
        )

    def live(self) -> int:
        self._befall("start")
        grant = self._client.acquire(wait=True, timeout_seconds=7200.0, tell=self._tell)
        if self._registry.arrivals > max(self._arrivals, 1):
            self._note("pruned", ahead=[])
        self._note("begin", epoch=grant.ticket.epoch)
        self._befall("granted")
        self._befall("holding")
        try:
            self._client.renew(patience_seconds=600.0)
            self._befall("fenced")
            if self._referee is not None and not self._referee.begin(self._who.name, grant.ticket.epoch):
                self._note("lost")
                return LockLost.exit_code
            self._hold()
            if self._referee is not None:
                self._referee.end(self._who.name)
            self._client.renew(patience_seconds=600.0)
        except LockLost as error:
            self._note("lost")
            return error.exit_code
        self._note("end")
        if not self._client.release(outcome="succeeded", patience_seconds=600.0):
            self._note("lost")
        self._note("left", **self._registry.counts)
        return 0

    def _hold(self) -> None:
        until = self._clock.monotonic() + self._who.holds
        while (left := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, self._plan.lease_seconds / 10))
            with suppress(RegistryUnavailable):
                self._client.renew_if_due()

    def _in_progress(self, stacks: Iterable[str]) -> list[str]:
        busy = self._referee is not None and self._referee.in_progress
        return list(stacks) if busy else []

    def _tell(self, waiting: Waiting) -> None:
        """Notes who stood ahead at arrival. Nobody may come in front later, unless we were taken for dead."""
        ahead = [ticket.nonce for ticket in waiting.ahead]
        if self._ahead is None:
            self._note("arrived", ahead=ahead)
            self._befall("waiting")
        elif self._registry.arrivals > self._arrivals:
            self._note("pruned", ahead=ahead)
        elif not self._ahead.issuperset(ahead):
            self._note("overtaken", ahead=ahead)
        self._ahead, self._arrivals = set(ahead), self._registry.arrivals

    def _revoke(self, holder: Ticket) -> bool:
        if self._referee is not None:
            self._referee.revoke(holder.nonce)
        return True

    def _befall(self, moment: str) -> None:
        who = self._who
        if who.dies == moment:
            self._in(who.dies_after, lambda: os.kill(os.getpid(), signal.SIGKILL))
        if who.stops == moment:
            self._in(who.stops_after, self._stand_still)

    def _in(self, seconds: float, deed: Callable[[], None]) -> None:
        if not seconds:
            deed()
            return
        timer = threading.Timer(seconds / self._speed, deed)
        timer.daemon = True
        timer.start()

    def _stand_still(self) -> None:
        self._note("stopped")
        os.write(self._waker, f"{os.getpid()} {self._who.stands_still / self._speed}\n".encode())
        os.kill(os.getpid(), signal.SIGSTOP)

    def _note(self, event: str, **details: Any) -> None:
        line = json.dumps({"at": self._clock.monotonic(), "event": event, "name": self._who.name, **details})
        descriptor = os.open(self._plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            os.write(descriptor, line.encode() + b"\n")
        finally:
            os.close(descriptor)


def launch(plan: Plan) -> dict[str, int]:
    """Run all contenders; returns their exit codes, negative for a signal."""
    clock = clock_from(plan.clock)
    aws = session()
    if plan.store.kind in ON_AWS:  # what a first client loads from the disk is then shared by all
        aws.client(plan.store.kind)
    plan.store.open(session=aws).read()
    started = clock.monotonic()
    names: dict[int, str] = {}
    words, waker = os.pipe()
    threading.Thread(target=_wake_sleepers, args=(words,), daemon=True).start()
    for who in plan.contenders:
        clock.sleep(started + who.arrives - clock.monotonic())
        pid = os.fork()
        if not pid:
            os._exit(_life(plan, who, aws, waker))
        names[pid] = who.name
    return {names[pid]: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in names}


def _wake_sleepers(words: int) -> None:
    """Each line names a process that stands still, and for how many seconds."""
    with os.fdopen(words) as lines:
        for line in lines:
            pid, seconds = line.split()
            timer = threading.Timer(float(seconds), _wake, (int(pid),))
            timer.daemon = True
            timer.start()


def _wake(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _life(plan: Plan, who: Contender, aws: Any, waker: int) -> int:
    try:
        return Life(plan, who, plan.store.open(session=aws), waker=waker).live()
    except BaseException:  # noqa: BLE001 - a forked process must not return into the launcher's code
        traceback.print_exc()
        return 70


if __name__ == "__main__":
    codes = launch(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Plan))
    print(json.dumps(codes))
