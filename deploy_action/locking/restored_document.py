"""The treatment of a registry document that was deleted, or replaced by an older one, while it was in use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.locking.lock_name import lock_key
from deploy_action.locking.transitions import SKIPPED, WITHDRAWN

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Freeze, Ticket


def remembered(last: Document) -> Document:
    """The parts that survive the deletion of the document: epochs, freezes, leftovers and the memory of those
    that left, as `last` showed them. Nobody's ticket: it may have left since, and whoever lives writes itself
    back."""
    return replace(last, tickets=(), operations=())


def written_back(
    document: Document, ticket: Ticket, *, last: Document | None = None, begins_anew: bool = False
) -> Document:
    """With the holder's ticket in it again, under the epochs that it was granted.

    One that stands there keeps all it has, and gets the loan of the deployment that `ticket` goes on under.
    The same document where it proves anything else: the ticket is known to have left, a lock
    of it was granted to somebody later, or somebody holds one. A lock's epoch below the ticket's own is what
    proves that the document does not contain the grant. Whoever never saw the earlier document counts from
    lower epochs: a line of somebody who left, which `last`, the newest document that was seen before, does
    not have, tells of that. `begins_anew`: the document was begun with what `remembered` gave, which has the
    own grant.
    """
    standing = document.ticket(ticket.nonce)
    if standing is not None:
        return _with_own_loan(document, standing, ticket)
    if not ticket.holding:
        return document
    locks = dict(document.locks)
    beyond = 0 if begins_anew else -1
    later = any(document.lock(name).epoch > epoch + beyond for name, epoch in ticket.epochs)
    held = any(other.holding and other.conflicts_with(ticket) for other in document.tickets)
    left = document.farewell(ticket.nonce) is not None
    if later or held or left or _held_since(document, ticket, last):
        return document
    for name, epoch in ticket.epochs:
        locks[document.spelled(name)] = replace(document.lock(name), epoch=epoch)
    return replace(
        document,
        locks=locks,
        tickets=(ticket, *document.tickets),
        arrivals=max(document.arrivals, ticket.number),
    )


def _held_since(document: Document, ticket: Ticket, last: Document | None) -> bool:
    if last is None:
        return False
    known = {line.nonce for line in last.finished}
    return any(
        line.nonce not in known
        and (line.held_seconds > 0 or line.outcome not in {WITHDRAWN, SKIPPED})
        and not ticket.keys.isdisjoint(map(lock_key, line.locks))
        for line in document.finished
    )


def _with_own_loan(document: Document, standing: Ticket, ticket: Ticket) -> Document:
    """Somebody else who uses the lock wrote it back, and knew nothing of this deployment under it."""
    own = next((loan for loan in ticket.loans if loan.correlation_id == ticket.correlation_id), None)
    if own is None or standing.epochs != ticket.epochs or own in standing.loans:
        return document
    return document.with_ticket(replace(standing, loans=(*standing.loans, own)))


def freezes_in(document: Document, *, at: str) -> dict[str, Freeze]:
    """The freezes that lie on locks at this time, by lock."""
    return {
        name: lock.freeze
        for name, lock in document.locks.items()
        if lock.freeze is not None and not lock.freeze.over(at)
    }
