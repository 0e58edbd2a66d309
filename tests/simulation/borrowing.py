"""A lock that a whole run holds, under which its jobs deploy, its failed jobs are run again, and which is
released while somebody still deploys; others wait for it. A world of its own: here one ticket stands for
several.

1. Nobody else is granted the lock, or changes anything, while somebody deploys under it.
2. Whoever borrows does so from an attempt that goes on: its own.
3. The lock is free after the last.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import CoordinatorError
from deploy_action.locking.client import LockClient
from deploy_action.locking.delegation import Borrower, as_ticket, nonce_of
from deploy_action.locking.document import WHOLE_RUN, Document, Ticket
from deploy_action.locking.held_lock import HeldLock
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.stack_activity import doubtful, look_at, revoke
from deploy_action.locking.transitions import ABANDONED
from tests.simulation.actor import Actor
from tests.simulation.cloudformation import Cloud, CloudDouble
from tests.simulation.deployment import REGION, Turn
from tests.simulation.faults import Faults, Profile
from tests.simulation.gate import GatedRegistry
from tests.simulation.history import Beside, History, decode
from tests.simulation.schedule import _make_replayable, _on_dynamodb
from tests.simulation.scheduler import Scheduler
from tests.simulation.trace import Trace

if TYPE_CHECKING:
    from collections import Counter

    from tests.simulation.cloudformation import Operation

TOKEN = "a" * 32
RUN = "https://github.com/org/app/actions/runs/7"
PROFILE = Profile("a bad network", trouble=0.03, stale=0.05)
FAULTS_END = 3000.0
END_SECONDS = 30000.0


@dataclass(frozen=True, slots=True)
class Borrowing:
    """How a schedule ended."""

    violations: tuple[str, ...]
    coverage: Counter[str]
    trace: tuple[str, ...]


class BorrowingWorld:
    def __init__(self, seed: int) -> None:
        self._dice = random.Random(f"borrowing {seed}")
        self._scheduler = Scheduler()
        self._trace = Trace(self._scheduler, on=True)
        self._faults = Faults(random.Random(f"faults {seed}"), PROFILE, FAULTS_END)
        self._history = History(self._scheduler, self)
        self._beside = Beside(self._scheduler)
        self._cloud = Cloud(self, tuple(f"app-{number}" for number in range(4)), "1")
        self._document = Document()
        self._violations: list[str] = []
        self._actors: list[Actor] = []
        self._jobs: dict[tuple[str, str], list[tuple[str, Actor]]] = {}
        """By run and attempt: job ids and their processes."""
        self._lag = self._dice.choice((0.0, 30.0, 120.0))
        """Seconds for which GitHub says of a job that has ended that it runs."""
        _make_replayable(seed)

    def play(self) -> Borrowing:
        dice = self._dice
        self._enter("7", "1", 0.0, self._lock, "lock")
        ends_at = dice.uniform(200.0, 600.0)
        for number in range(dice.choice((2, 3))):
            self._enter("7", "1", dice.uniform(10.0, 60.0), self._deploy, f"app-{number}")
        if dice.random() < 0.5:
            self._enter("7", "1", dice.uniform(30.0, 200.0), self._release, "release")
            ends_at = dice.uniform(200.0, 900.0)
        again = self._enter("7", "2", ends_at, self._deploy, f"app-{dice.choice((0, 1))}", after="1")
        self._enter("7", "2", ends_at + dice.uniform(0.0, 300.0), self._release, "release", after="1")
        for number in range(2):
            self._enter(str(8 + number), "1", dice.uniform(5.0, 400.0), self._deploy, "app-3")
        self._scheduler.run(END_SECONDS)
        if not self._violations:
            late = [actor.name for actor in self._actors if not actor.ended]
            if late or again.outcome == "":
                self.fail(f"3: {late} never came to an end")
            elif self._document.tickets:
                self.fail(f"3: {[one.correlation_id for one in self._document.tickets]} stand there for ever")
        for actor in self._actors:
            actor.bury()
        return Borrowing(tuple(self._violations), self._faults.coverage, tuple(self._trace.lines))

    def fail(self, sentence: str) -> None:
        self._violations.append(sentence)
        self._scheduler.stop()

    def wrote(self, before: bytes | None, after: bytes, by: str) -> None:
        """The history's listener."""
        old, new = decode(before), decode(after)
        self._document = new
        for ticket in new.tickets:
            known = old.ticket(ticket.nonce)
            if ticket.holding and (known is None or known.epochs != ticket.epochs):
                self._trace.add(by, "GRANTED {} {}", ticket.correlation_id, ticket.epochs)
                for operation in self._cloud.running(self._scheduler.time):
                    if operation.turn.nonce != ticket.nonce:
                        self.fail(f"1: {ticket.correlation_id} is granted while {operation.token} deploys")
            if known is not None and len(ticket.loans) > len(known.loans):
                self._faults.count(f"loan in attempt {ticket.loans[-1].run_attempt}")
                if ticket.run_attempt != ticket.loans[-1].run_attempt:
                    self.fail(f"2: {ticket.loans[-1].correlation_id} borrows from an attempt that is over")
            if ticket.release_outcome:
                self._faults.count("released while somebody deploys")
        for known in old.tickets:
            line = new.farewell(known.nonce)
            if known.release_outcome and new.ticket(known.nonce) is None and line is not None:
                self._judge_end(line.outcome)

    def _judge_end(self, outcome: str) -> None:
        """Of a lock that was given back while somebody deployed. Nobody dies here, so the last one frees it,
        unless the registry took no word of its end."""
        if all(actor.outcome in {"", "done"} for actor in self._actors):
            self._faults.count("freed by the last")
            if outcome == ABANDONED:
                self.fail("3: the last one left the lock, and others had to take it over")

    def replaced(self, content: bytes | None) -> None:
        raise AssertionError("nobody replaces the document")

    def executes(self, operation: Operation, cloud: Cloud) -> None:
        self._faults.count("execution")
        for other in cloud.running(operation.started):
            if other.turn.nonce != operation.turn.nonce:
                self.fail(f"1: {operation.token} overlaps {other.token}")

    def _enter(self, run: str, attempt: str, at: float, part: object, what: str, *, after: str = "") -> Actor:
        name = f"r{run}.{attempt}-{what}-{len(self._actors)}"
        dice = random.Random(f"{name} {self._dice.random()}")
        actor = Actor(name, self._scheduler, self._faults, self._trace, dice)
        self._actors.append(actor)
        job = str(9000 + len(self._actors))
        self._jobs.setdefault((run, attempt), []).append((job, actor))
        url = RUN.replace("/7", f"/{run}") + ("" if attempt == "1" else f"/attempts/{attempt}")
        whole = what in {"lock", "release"}
        ticket = Ticket(
            nonce=nonce_of(TOKEN) if whole else f"nonce-{job}",
            correlation_id=f"20270115-080000-{job}",
            locks=("prod",),
            stacks=() if whole else (f"{REGION}/{what}",),
            lease_seconds=3600.0 if whole else 300.0,
            account="1",
            repository="org/app",
            run_id=run,
            run_attempt=attempt,
            job=WHOLE_RUN if whole else job,
            url=url,
        )

        def body() -> str:
            while after and any(not one.ended for _, one in self._jobs[run, after]):
                actor.sleep(2.0)  # GitHub runs a run again only once it has ended
            seconds = dice.uniform(20.0, 400.0)
            stacks = CloudDouble(self._cloud, actor, lambda: (Turn(client.ticket.nonce, ()), True), seconds)
            client = LockClient(
                GatedRegistry(_on_dynamodb(self._history, self._beside, actor), actor),
                actor,
                ticket,
                stacks_in_progress=lambda texts: doubtful(stacks, texts),
                poll_seconds=5.0,
                life=self._life,
                revoke=lambda holder: revoke(stacks, holder),
                borrower=Borrower((TOKEN,) if run == "7" else (), url, "org/app", run),
                look=lambda texts: look_at(stacks, texts),
            )
            try:
                part(client, actor, stacks, what)  # type: ignore[operator]
            except CoordinatorError as error:
                self._faults.count(f"ends with {type(error).__name__}")
                return type(error).__name__
            return "done"

        actor.greenlet = self._scheduler.spawn(at, lambda: actor.play(body))
        return actor

    def _life(self, ticket: Ticket) -> JobStatus:
        jobs = self._jobs[ticket.run_id, ticket.run_attempt]
        mine = [actor for job, actor in jobs if ticket.held_by_run or job == ticket.job]
        over = all(
            actor.ended_at is not None and self._scheduler.time >= actor.ended_at + self._lag
            for actor in mine
        )
        return JobStatus.COMPLETED if over else JobStatus.RUNNING

    def _lock(self, client: LockClient, actor: Actor, stacks: CloudDouble, what: str) -> None:
        client.acquire(wait=True, timeout_seconds=7200.0, tell=lambda _: None)

    def _release(self, client: LockClient, actor: Actor, stacks: CloudDouble, what: str) -> None:
        current, _ = client.find()
        loans = current.loans if current is not None else ()
        ended = {one.correlation_id for one in loans if self._life(as_ticket(one)) is JobStatus.COMPLETED}
        if current is not None:
            client.ticket = current
            client.release(outcome="succeeded", ended=ended)

    def _deploy(self, client: LockClient, actor: Actor, stacks: CloudDouble, what: str) -> None:
        own, nothing = client.ticket.correlation_id, lambda *_: None
        client.acquire(wait=True, timeout_seconds=7200.0, tell=nothing)

        def queue() -> object:
            return client.acquire(wait=True, timeout_seconds=7200.0, tell=nothing)

        held = HeldLock(client, actor, tell=nothing, queue=queue, limit_seconds=7200.0)  # type: ignore[arg-type]
        try:
            while (settling := held.fence()) or doubtful(stacks, [f"{REGION}/{what}"]):
                actor.sleep(10.0)
                if settling and not doubtful(stacks, settling):
                    held.settled(settling)
            stacks.run_tool(StackRef(REGION, what), own)
            operation = self._cloud.operation(what, own)
            while operation is not None and self._scheduler.time < operation.ends:
                held.keep()
                actor.sleep(5.0)
        finally:
            if client.borrowed:
                client.leave(own)
            else:
                client.release(outcome="succeeded")


def play_borrowing(seed: int) -> Borrowing:
    return BorrowingWorld(seed).play()
