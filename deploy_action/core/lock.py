"""The registry document and every transition on it.

Everything here is a function of the document: no I/O, no clock, no randomness. `at` is an ISO 8601 time for
people who read the document; no decision rests on it, since machines' clocks differ.

Guarantees, given a registry whose swaps are atomic:
- one lock has at most one holder, and its epoch rises by one with each holder;
- locks of one ticket are taken together or not at all, so tickets cannot deadlock;
- tickets that share a lock are served in order of arrival.

Not guaranteed: that a holder knows at once that it was taken over. It learns so at its next swap, which is
why it renews immediately before it changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from deploy_action.errors import LockLost

SCHEMA = 1
KEPT_OPERATIONS = 200
"""Operation ids kept to recognise one's own write after an ambiguous answer."""
KEPT_FINISHED = 50
LEASE_SECONDS = 300.0
WAITER_LEASES = 1.5
"""A living waiter writes once a lease, give or take its pause between two looks."""
LEASE_SECONDS_MIN = 30.0
LEASE_SECONDS_MAX = 3600.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """One deployment's place in the queue. Its identity is `nonce`: never the actor, never the run alone."""

    nonce: str
    correlation_id: str
    locks: tuple[str, ...]
    stacks: tuple[str, ...] = ()
    """`REGION/NAME` of what it deploys, for the look at CloudFormation before a takeover."""
    lease_seconds: float = LEASE_SECONDS
    renewals: int = 0
    """Raised at each sign of life. Unchanged for `lease_seconds` on an observer's clock means: expired."""
    epochs: tuple[tuple[str, int], ...] = ()
    """(lock, epoch) of each lock while it holds them; empty while it waits."""
    requested_at: str = ""
    held_since: str = ""
    expected_end: str = ""
    repository: str = ""
    run_id: str = ""
    run_attempt: str = ""
    job: str = ""
    actor: str = ""
    workflow: str = ""
    url: str = ""
    commit: str = ""
    extra: tuple[tuple[str, Any], ...] = ()
    """Fields of a later version of this schema: written back as they were."""

    @property
    def holding(self) -> bool:
        return bool(self.epochs)

    @property
    def epoch(self) -> int:
        """The highest epoch held: what change sets carry as their fence."""
        return max((epoch for _, epoch in self.epochs), default=0)

    @property
    def lease(self) -> float:
        """The lease in seconds, within sane limits whatever the document says."""
        return min(max(self.lease_seconds, LEASE_SECONDS_MIN), LEASE_SECONDS_MAX)

    def shares_lock_with(self, other: Ticket) -> bool:
        return not set(self.locks).isdisjoint(other.locks)


@dataclass(frozen=True, slots=True)
class Lock:
    """`epoch` counts the holders so far. `settling` names stacks (`REGION/ID`) that the last holder left in
    progress: the next one waits for them, whichever stacks are its own."""

    epoch: int = 0
    settling: tuple[str, ...] = ()
    extra: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """A line of the document's own memory: who had the lock before."""

    correlation_id: str
    locks: tuple[str, ...]
    outcome: str
    released_at: str
    url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole registry. Tickets stand in order of arrival."""

    locks: dict[str, Lock] = field(default_factory=dict)
    tickets: tuple[Ticket, ...] = ()
    finished: tuple[Finished, ...] = ()
    operations: tuple[str, ...] = ()
    extra: tuple[tuple[str, Any], ...] = ()

    def ticket(self, nonce: str) -> Ticket | None:
        return next((ticket for ticket in self.tickets if ticket.nonce == nonce), None)

    def holder_of(self, lock: str) -> Ticket | None:
        return next((t for t in self.tickets if t.holding and lock in t.locks), None)

    def with_operation(self, operation_id: str) -> Document:
        return replace(self, operations=(*self.operations, operation_id)[-KEPT_OPERATIONS:])

    def with_ticket(self, ticket: Ticket) -> Document:
        return replace(self, tickets=tuple(ticket if t.nonce == ticket.nonce else t for t in self.tickets))

    def without(self, nonce: str) -> Document:
        return replace(self, tickets=tuple(t for t in self.tickets if t.nonce != nonce))


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a waiter is told. `ahead` begins with the holders; the own position counts from 1."""

    ahead: tuple[Ticket, ...]
    waited_seconds: float

    @property
    def position(self) -> int:
        return len(self.ahead) + 1


def ahead_of(document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
    """Who must go first: holders of any of the ticket's locks, then earlier waiters, in order.

    A ticket that is not in the document would stand last.
    """
    ahead: list[Ticket] = []
    before = True
    for other in document.tickets:
        if other.nonce == ticket.nonce:
            before = False
        elif other.shares_lock_with(ticket) and (other.holding or before):
            ahead.append(other)
    return tuple(sorted(ahead, key=lambda t: not t.holding))


def enqueue(document: Document, ticket: Ticket) -> Document:
    """Append the ticket. Idempotent: a ticket that stands there keeps its place."""
    if document.ticket(ticket.nonce) is not None:
        return document
    return replace(document, tickets=(*document.tickets, replace(ticket, epochs=(), held_since="")))


def grant(document: Document, nonce: str, *, at: str) -> Document | None:
    """Make the ticket the holder of all its locks, or None while somebody is ahead or it is not there."""
    ticket = document.ticket(nonce)
    if ticket is None or (not ticket.holding and ahead_of(document, ticket)):
        return None
    if ticket.holding:
        return document
    locks = dict(document.locks)
    for name in ticket.locks:
        lock = locks.get(name, Lock())
        locks[name] = replace(lock, epoch=lock.epoch + 1)
    held = replace(ticket, epochs=tuple((name, locks[name].epoch) for name in ticket.locks), held_since=at)
    return replace(document, locks=locks).with_ticket(held)


def request(document: Document, ticket: Ticket, *, at: str, enqueue_if_busy: bool) -> Document | None:
    """One swap's worth: take the locks if they are free, else stand in the queue.

    None where the locks are busy and `enqueue_if_busy` is false: nothing is to be written.
    """
    queued = enqueue(document, ticket)
    granted = grant(queued, ticket.nonce, at=at)
    if granted is not None:
        return granted
    return queued if enqueue_if_busy else None


def renew(document: Document, ticket: Ticket, *, expected_end: str = "") -> Document:
    """A sign of life of a holder or a waiter. Raises LockLost where the ticket is gone or was superseded."""
    current = document.ticket(ticket.nonce)
    if current is None or current.epochs != ticket.epochs:
        raise LockLost(
            f"Deployment {ticket.correlation_id} no longer holds {_names(ticket.locks)}.",
            why="Somebody took the lock over, or an operator released it; going on could overlap with them.",
            remedy="See the registry for who holds it now, then run this deployment again.",
        )
    return document.with_ticket(
        replace(current, renewals=current.renewals + 1, expected_end=expected_end or current.expected_end)
    )


def release(
    document: Document, ticket: Ticket, *, outcome: str, at: str, settling: tuple[str, ...] = ()
) -> Document:
    """Leave: the holder frees its locks, a waiter its place. A no-op where the ticket is not there, or holds
    under other epochs than its owner knows: nobody can free somebody else's lock. An owner that was cut off
    before it learned of its grant (`ticket` without epochs) may release by its nonce alone.

    `settling` names stacks (`REGION/ID`) that are still in progress; those of earlier holders that nobody has
    seen to end stay on the list.
    """
    current = document.ticket(ticket.nonce)
    if current is None or (ticket.holding and current.epochs != ticket.epochs):
        return document
    locks = dict(document.locks)
    if current.holding:
        for name in current.locks:
            lock = locks.get(name, Lock())
            locks[name] = replace(lock, settling=tuple(dict.fromkeys((*lock.settling, *settling))))
    return _finish(replace(document, locks=locks), current, outcome=outcome, at=at)


def evict(document: Document, nonce: str, *, at: str, note: str) -> Document:
    """Remove a ticket whose owner is gone. The caller has made sure of that, and for a holder also that no
    stack of it is in progress."""
    current = document.ticket(nonce)
    if current is None:
        return document
    return _finish(document, current, outcome="abandoned", at=at, note=note)


def settle(document: Document, names: tuple[str, ...]) -> Document:
    """Forget what was still in progress: it has been seen to have ended."""
    locks = {
        name: replace(lock, settling=()) if name in names else lock for name, lock in document.locks.items()
    }
    return replace(document, locks=locks)


def settling_stacks(document: Document, names: tuple[str, ...]) -> tuple[str, ...]:
    found = (stack for name in names for stack in document.locks.get(name, Lock()).settling)
    return tuple(dict.fromkeys(found))


def _finish(document: Document, ticket: Ticket, *, outcome: str, at: str, note: str = "") -> Document:
    line = Finished(ticket.correlation_id, ticket.locks, outcome, at, ticket.url, note)
    kept = (*document.finished, line)[-KEPT_FINISHED:]
    return replace(document.without(ticket.nonce), finished=kept)


def _names(locks: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in locks)


_Life = tuple[int, tuple[tuple[str, int], ...]]


def _life(ticket: Ticket) -> _Life:
    """What changes with each sign of life. A grant is one: only the owner takes its locks."""
    return ticket.renewals, ticket.epochs


def silence_allowed(ticket: Ticket) -> float:
    """Seconds without a sign of life after which its owner is taken for dead."""
    return ticket.lease if ticket.holding else WAITER_LEASES * ticket.lease


class LeaseWatch:
    """Judges others by what changes on the observer's own monotonic clock, never by comparing wall clocks."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[_Life, float]] = {}

    def observe(self, document: Document, monotonic_seconds: float) -> None:
        """Take in a document as just read."""
        seen: dict[str, tuple[_Life, float]] = {}
        for ticket in document.tickets:
            life, since = self._seen.get(ticket.nonce, (None, monotonic_seconds))
            seen[ticket.nonce] = (_life(ticket), since if life == _life(ticket) else monotonic_seconds)
        self._seen = seen

    def expired(self, ticket: Ticket, monotonic_seconds: float) -> bool:
        """Unchanged for its whole lease as far as this observer has watched. False for an unknown ticket.

        A waiter has more time: each of its signs of life is a write that all others have to read.
        """
        life, since = self._seen.get(ticket.nonce, (None, monotonic_seconds))
        allowed = silence_allowed(ticket)
        return life == _life(ticket) and monotonic_seconds - since >= allowed
