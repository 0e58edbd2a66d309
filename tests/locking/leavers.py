"""Many waiters that are cancelled at once while the holder releases its lock, in virtual time."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.errors import RegistryError
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import encode
from deploy_action.locking.document import Document, Lock, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.transitions import WITHDRAWN
from tests.locking.crowd import Crowd, Distant, PlannedClock
from tests.locking.memory_registry import MemoryRegistry
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Iterable

CANCEL_SECONDS = 1.0
"""GitHub reaches all runners within it."""
LAG_SECONDS = 2.0
"""Between the end of a job and GitHub's word of it."""
ASK_SECONDS = 0.3
LISTED_AFTER = 3


@dataclass
class Leaving:
    """Seconds after the cancellation: until the holder's release was written, until the next one had the
    lock, and until the last of those that left gave up; `writes` of all."""

    released: float = 0.0
    granted: float = 0.0
    ended: float = 0.0
    writes: int = 0
    asked: int = 0
    ends: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Store:
    """How long one look and one write take, and how often those at the front look."""

    read_seconds: float
    write_seconds: float
    poll_seconds: float


GITHUB = Store(read_seconds=0.3, write_seconds=0.9, poll_seconds=13.0)
DYNAMODB = Store(read_seconds=0.03, write_seconds=0.05, poll_seconds=2.5)


def play(waiters: int, store: Store, *, next_lives: bool = False, seed: int = 1) -> Leaving:
    """One holder, `waiters` that are cancelled within CANCEL_SECONDS, and one behind them, or before them
    with `next_lives`, that lives."""
    scheduler, chance, crowd, found = Scheduler(), random.Random(seed), Crowd(), Leaving()
    random.seed(seed)
    holder = _ticket(0, epochs=(("prod", 1),), held_since="2027-01-15T08:00:00Z")
    others = [_ticket(number) for number in range(1, waiters + 2)]
    survivor = others.pop(0 if next_lives else -1)
    tickets = (holder, survivor, *others) if next_lives else (holder, *others, survivor)
    document = Document(
        revision=len(tickets), tickets=tickets, locks={"prod": Lock(epoch=1)}, arrivals=len(tickets)
    )
    registry = MemoryRegistry(encode(document))

    listed: dict[str, float] = {}

    def life(ticket: Ticket) -> JobStatus:
        """As `GitHubRuns`: after LISTED_AFTER of them, the runs that have ended are listed at once."""
        if ticket.nonce in listed:
            return JobStatus.COMPLETED
        scheduler.wait(ASK_SECONDS)
        found.asked += 1
        ended = {one: at for one, at in found.ends.items() if scheduler.time - at >= LAG_SECONDS}
        if found.asked % LISTED_AFTER == 0:
            scheduler.wait(ASK_SECONDS)
            listed.update(ended)
        return JobStatus.COMPLETED if ticket.nonce in ended else JobStatus.RUNNING

    def client(ticket: Ticket) -> LockClient:
        clock = PlannedClock(scheduler)
        distant = Distant(registry, clock, chance, crowd, store.read_seconds, store.write_seconds)
        return LockClient(
            distant, clock, ticket, stacks_in_progress=_none, poll_seconds=store.poll_seconds, life=life
        )

    def leave(ticket: Ticket) -> None:
        client(ticket)._withdraw(WITHDRAWN)
        with suppress(RegistryError):
            client(ticket).release(outcome=WITHDRAWN, patience_seconds=2.0)
        found.ends[ticket.nonce] = found.ended = scheduler.time

    def release() -> None:
        client(holder).release(outcome="succeeded")
        found.released = scheduler.time - begin

    def wait() -> None:
        client(survivor).acquire(wait=True, timeout_seconds=7200.0, tell=lambda _waiting: None)
        found.granted = scheduler.time - begin
        scheduler.stop()

    begin = 60.0
    scheduler.spawn(0.0, wait)
    scheduler.spawn(begin + CANCEL_SECONDS / 2, release)
    for ticket in others:
        scheduler.spawn(begin + chance.uniform(0.0, CANCEL_SECONDS), lambda ticket=ticket: leave(ticket))  # type: ignore[misc]
    scheduler.run(7200.0)
    found.writes = crowd.mutations
    found.ended -= begin
    return found


def _ticket(number: int, **more: object) -> Ticket:
    return Ticket(
        f"nonce-{number}",
        f"20270115-080000-{number:06x}",
        ("prod",),
        ("eu-west-1/app",),
        account="1",
        lease_seconds=600.0,
        number=number + 1,
        **more,  # type: ignore[arg-type]
    )


def _none(_texts: Iterable[str]) -> list[str]:
    return []
