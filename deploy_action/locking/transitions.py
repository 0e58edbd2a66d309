"""Every transition on the registry document.

Everything here is a function of the document: no I/O, no clock, no randomness. `at` is an ISO 8601 time for
people who read the document. Machines' clocks differ, so only two decisions rest on it, which harm nobody
when they are off: when a freeze ends, and when a line of the document's memory is old.

Guarantees, given a registry whose swaps are atomic:
- one lock has one holder, or several that only read; its epoch rises with each, whatever becomes of the
  document;
- locks of one ticket are taken together or not at all, so tickets cannot deadlock;
- tickets that share a lock are served in order of arrival, unless one passes others that wait
  (`locking.queue_order`); with the policy `newest`, older deployments of the same give way instead
  (`locking.superseding`).

Not guaranteed: that a holder knows at once that it was taken over. It learns so at its next swap, which is
why it renews immediately before it changes anything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from deploy_action.common.times import unix_seconds
from deploy_action.errors import Busy, LockLost, Superseded
from deploy_action.locking.document import QUEUE_MAX, Document, Finished, Lock, QueuePolicy, Ticket
from deploy_action.locking.expected_end import expected_end
from deploy_action.locking.lock_name import lock_key
from deploy_action.locking.queue_order import entered, freeze_of
from deploy_action.locking.superseding import NOTHING, superseder, supersedes

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from deploy_action.locking.document import Freeze

KEPT_FINISHED = 50
"""Lines of one lock."""
KEPT_FINISHED_IN_ALL = 200
KEPT_LOCKS = 200
"""Lock entries above which the idle ones leave the document."""
KEPT_FINISHED_SECONDS = 7 * 24 * 3600.0

ABANDONED = "abandoned"
SKIPPED = "skipped"
PASSED = "passed"
WITHDRAWN = "withdrawn"
FORCED = "released by force"
NO_FLOORS: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Waiting:
    """The facts about waiting. `ahead` begins with the holders; the own position counts from 1. `freeze`
    keeps even the first in the queue from the lock."""

    ahead: tuple[Ticket, ...]
    waited_seconds: float
    timeout_seconds: float = 0.0
    """How long it waits in all."""
    freeze: Freeze | None = None
    remarks: tuple[str, ...] = ()
    """Why somebody who seems to be gone is still waited for."""
    away_seconds: float | None = None
    """Since when the registry does not answer: the rest is what it said before."""
    left_seconds: float | None = None
    """How long the first holder is expected to go on at most, by how long it was seen to hold; negative
    where it is overdue. None where it did not say."""
    turn_seconds: float | None = None
    """When the own turn may come, where what everybody ahead takes is known."""

    @property
    def position(self) -> int:
        return len(self.ahead) + 1


def ahead_of(document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
    """The tickets that go first: holders of any of the ticket's locks, then earlier waiters, in order.

    A ticket that is not in the document would stand last.
    """
    ahead: list[Ticket] = []
    before = True
    for other in document.tickets:
        if other.nonce == ticket.nonce:
            before = False
        elif other.conflicts_with(ticket) and (other.holding or before):
            ahead.append(other)
        elif other.holding and other.shares_stack_with(ticket):
            ahead.append(other)  # under another lock
    return tuple(sorted(ahead, key=lambda t: not t.holding))


def behind(document: Document, holder: Ticket) -> tuple[str, ...]:
    """The correlation ids of those who wait for a lock that the ticket holds, in order."""
    waiters = (one for one in document.tickets if not one.holding and one.nonce != holder.nonce)
    return tuple(one.correlation_id for one in waiters if one.conflicts_with(holder))


def enqueue(
    document: Document,
    ticket: Ticket,
    *,
    at: str,
    alive: Set[str] = frozenset(),
    compared: Mapping[tuple[str, str], str] = NOTHING,
) -> Document:
    """Enter the ticket where its turn is, and remove what it supersedes. Idempotent: a ticket that stands
    there keeps its place.

    `alive` and `compared`: as in `superseding`. Raises Superseded where a living one makes it pointless,
    Busy where the queue is full.
    """
    if document.ticket(ticket.nonce) is not None:
        return document
    if len(document.tickets) >= QUEUE_MAX:
        raise full(len(document.tickets))
    number = ticket.number or document.arrivals + 1
    locks = tuple(dict.fromkeys(document.spelled(name) for name in ticket.locks))
    shared = tuple(document.spelled(name) for name in ticket.shared)
    new = replace(ticket, locks=locks, shared=shared, number=number, epochs=(), held_since="")
    joining = replace(new, revision=document.revision + 1)
    newer = superseder(document, joining, alive=alive, compared=compared)
    if newer is not None:
        raise superseded(joining, superseded_by(newer))
    for other in document.tickets:
        if not other.holding and supersedes(joining, other, compared):
            document = finish(document, other, outcome=SKIPPED, at=at, note=superseded_by(joining))
    return entered(replace(document, arrivals=max(document.arrivals, number)), joining, at=at)


def grant(
    document: Document,
    nonce: str,
    *,
    at: str,
    expected_seconds: float | None = None,
    floors: Mapping[str, int] = NO_FLOORS,
) -> Document | None:
    """Make the ticket the holder of all its locks; None while somebody is ahead, a lock is frozen, or the
    ticket is not there. `expected_seconds`: how long it will hold them, where the document does not know.
    `floors`: epochs by lock that were given before, as far as that is known otherwise."""
    ticket = document.ticket(nonce)
    if ticket is None:
        return None
    if ticket.holding:
        return document
    if ahead_of(document, ticket) or freeze_of(document, ticket, at=at):
        return None
    locks = dict(document.locks)
    for name in ticket.locks:
        lock = document.lock(name)
        floor = floors.get(lock_key(name), 0)
        freeze = lock.freeze if lock.freeze is not None and not lock.freeze.over(at) else None
        locks[name] = replace(lock, epoch=max(lock.epoch, floor) + 1, freeze=freeze)
    held = replace(
        ticket,
        revision=document.revision + 1,
        epochs=tuple((name, locks[name].epoch) for name in ticket.locks),
        held_since=at,
        expected_end=expected_end(document, ticket, at, expected_seconds),
    )
    return replace(document, locks=locks).with_ticket(held)


def request(
    document: Document,
    ticket: Ticket,
    *,
    at: str,
    enqueue_if_busy: bool,
    expected_seconds: float | None = None,
    alive: Set[str] = frozenset(),
    compared: Mapping[tuple[str, str], str] = NOTHING,
    floors: Mapping[str, int] = NO_FLOORS,
) -> Document | None:
    """One swap's worth: take the locks if they are free, else stand in the queue. Arguments as in `enqueue`.

    None where the locks are busy and `enqueue_if_busy` is false: nothing is to be written. Raises Superseded.
    """
    queued = enqueue(document, ticket, at=at, alive=alive, compared=compared)
    granted = grant(queued, ticket.nonce, at=at, expected_seconds=expected_seconds, floors=floors)
    if granted is not None:
        return granted
    return queued if enqueue_if_busy else None


def join(
    document: Document,
    ticket: Ticket,
    *,
    at: str,
    nothing_changed: bool = False,
    floors: Mapping[str, int] = NO_FLOORS,
) -> Document:
    """A request by somebody who could not reach the registry before: it waits in turn, whatever it chose
    before, and shows life.

    Raises LockLost where an operator took it out; and, with `nothing_changed` yet, Superseded where a newer
    one took its place meanwhile.
    """
    line = document.farewell(ticket.nonce)
    if line is not None and document.ticket(ticket.nonce) is None:
        if line.outcome == FORCED:
            raise lost(document, ticket)
        if line.outcome == SKIPPED and nothing_changed:
            raise superseded(ticket, line.note)
    current = document.ticket(ticket.nonce)
    if current is not None and not current.holding:
        standing = replace(current, policy=QueuePolicy.FIFO)
        if len(current.locks) > 1:
            standing = replace(standing, renewals=current.renewals + 1)
        document = document.with_ticket(standing)
    patient = replace(ticket, policy=QueuePolicy.FIFO)
    return request(document, patient, at=at, enqueue_if_busy=True, floors=floors) or document


def renew(document: Document, ticket: Ticket, *, expected_end: str = "") -> Document:
    """A sign of life of a holder or a waiter. Raises LockLost where the ticket is gone or was superseded."""
    current = document.ticket(ticket.nonce)
    if current is None or current.epochs != ticket.epochs:
        raise lost(document, ticket)
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
    return finish(leave_settling(document, current, settling), current, outcome=outcome, at=at)


def leave_settling(document: Document, ticket: Ticket, stacks: tuple[str, ...]) -> Document:
    """Add the stacks to what the next holder of the ticket's locks waits for. A waiter leaves nothing."""
    if not ticket.holding:
        return document
    locks = dict(document.locks)
    for name in ticket.locks:
        lock = locks.get(name, Lock())
        locks[name] = replace(lock, settling=tuple(dict.fromkeys((*lock.settling, *stacks))))
    return replace(document, locks=locks)


def evict(document: Document, nonce: str, *, at: str, note: str, outcome: str = ABANDONED) -> Document:
    """Remove a ticket whose owner is gone, or pauses (PASSED). The caller has made sure of that, and that no
    stack of a holder is in progress; the next one waits for them all the same, should they not be at rest."""
    current = document.ticket(nonce)
    if current is None:
        return document
    settling = leave_settling(document, current, current.named_stacks)
    return finish(settling, current, outcome=outcome, at=at, note=note)


def settle(document: Document, ticket: Ticket, stacks: tuple[str, ...]) -> Document:
    """Forget these stacks: the holder has seen them at rest. A no-op for one that does not hold any more."""
    current = document.ticket(ticket.nonce)
    if current is None or not current.holding or current.epochs != ticket.epochs:
        return document
    locks = dict(document.locks)
    for name in ticket.locks:
        lock = locks.get(name, Lock())
        left = tuple(stack for stack in lock.settling if stack not in stacks)
        locks[name] = replace(lock, settling=left)
    return replace(document, locks=locks)


def settling_stacks(document: Document, names: tuple[str, ...]) -> tuple[str, ...]:
    found = (stack for name in names for stack in document.lock(name).settling)
    return tuple(dict.fromkeys(found))


def finish(document: Document, ticket: Ticket, *, outcome: str, at: str, note: str = "") -> Document:
    """The ticket leaves, and a line about it stays for a while."""
    line = Finished(
        ticket.correlation_id,
        ticket.locks,
        outcome,
        at,
        ticket.url,
        note,
        ticket.nonce,
        ticket.stacks,
        _held_seconds(ticket, at),
    )
    now = unix_seconds(at)
    kept = [
        old
        for old in document.finished
        if now is None or now - (unix_seconds(old.released_at) or 0.0) < KEPT_FINISHED_SECONDS
    ]
    return without_idle_locks(
        replace(document.without(ticket.nonce), finished=_memory((*kept, line), line.locks))
    )


def _memory(lines: tuple[Finished, ...], locks: tuple[str, ...]) -> tuple[Finished, ...]:
    """The last lines of each lock, and no more in all than there may be."""
    own = [line for line in lines if not set(line.locks).isdisjoint(locks)]
    dropped = {id(line) for line in own[:-KEPT_FINISHED]}
    return tuple(line for line in lines if id(line) not in dropped)[-KEPT_FINISHED_IN_ALL:]


def without_idle_locks(document: Document) -> Document:
    """Locks of which there is nothing to say leave once there are many; the floor keeps their epochs from
    falling."""
    if len(document.locks) <= KEPT_LOCKS:
        return document
    used = {name for ticket in document.tickets for name in ticket.locks}
    idle = [
        name for name, lock in document.locks.items() if name not in used and replace(lock, epoch=0) == Lock()
    ]
    floor = max((document.locks[name].epoch for name in idle), default=0)
    return replace(
        document,
        locks={name: lock for name, lock in document.locks.items() if name not in idle},
        epoch_floor=max(document.epoch_floor, floor),
    )


def superseded(ticket: Ticket, note: str) -> Superseded:
    return Superseded(
        f"Deployment {ticket.correlation_id} gave way to a newer one of the same stacks. {note}",
        why="`queue-policy: newest` deploys only the newest that waits. Nothing was changed.",
    )


def superseded_by(ticket: Ticket) -> str:
    return f"Superseded by {ticket.correlation_id}{f' ({ticket.url})' if ticket.url else ''}."


def _held_seconds(ticket: Ticket, at: str) -> float:
    since, now = unix_seconds(ticket.held_since), unix_seconds(at)
    return max(0.0, now - since) if since is not None and now is not None else 0.0


def full(tickets: int) -> Busy:
    return Busy(
        f"The queue is full: {tickets} deployments stand in it.",
        why="Nothing was changed.",
        remedy="Look at them with the command `active`, and remove what nobody waits for.",
    )


def lost(document: Document, ticket: Ticket) -> LockLost:
    """The message to the owner of a ticket that does not stand there any more."""
    line = document.farewell(ticket.nonce)
    told = f" {line.note}" if line is not None and line.note else ""
    return LockLost(
        f"Deployment {ticket.correlation_id} no longer holds {_names(ticket.locks)}.{told}",
        why="Somebody took the lock over, or an operator released it; going on could overlap with them.",
        remedy="See who holds it now with the command `active`, then run this deployment again.",
    )


def _names(locks: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in locks)
