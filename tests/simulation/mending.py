"""What a write may bring back after somebody deleted the document, or replaced it by an older one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.locking.document import Document, Lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.locking.document import Ticket


def mended(old: Document, new: Document, *, truth: Document, grants: Mapping[str, Ticket]) -> Document:
    """The document that `new` follows from by one allowed transition. `truth`: what was replaced; `grants`:
    all that were ever written, by nonce.

    Not `locking.restored_document`: what is audited is not asked.
    """
    base = old
    if old == Document():
        known = {line.nonce for line in truth.finished}
        fresh = {name for ticket in new.tickets if not _known(ticket, grants) for name, _ in ticket.epochs}
        most = {name: truth.locks.get(name, Lock()).epoch for name in new.locks}
        base = Document(
            locks={
                name: replace(lock, epoch=min(lock.epoch - (name in fresh), most[name]))
                for name, lock in new.locks.items()
            },
            finished=tuple(line for line in new.finished if line.nonce in known),
            audit=new.audit,
        )
    for ticket in _come_back(base, new, grants, deleted=old == Document()):
        locks = dict(base.locks)
        for name, epoch in ticket.epochs:
            locks[name] = replace(locks.get(name, Lock()), epoch=epoch)
        base = replace(base, locks=locks, tickets=(ticket, *base.tickets))
    return replace(base, revision=new.revision - 1)


def _known(ticket: Ticket, grants: Mapping[str, Ticket]) -> bool:
    return ticket.nonce in grants and ticket.epochs == grants[ticket.nonce].epochs


def _only_its_own(name: str, epoch: int, nonce: str, grants: Mapping[str, Ticket]) -> bool:
    """Who began the document anew may have written the epoch of a holder that had yet to come back."""
    return all((name, epoch) not in other.epochs for other in grants.values() if other.nonce != nonce)


def _come_back(base: Document, new: Document, grants: Mapping[str, Ticket], *, deleted: bool) -> list[Ticket]:
    """Holders that wrote themselves back, or did so and left at once; under the epochs of their grant, where
    nobody has held since."""
    standing = {ticket.nonce for ticket in base.tickets}
    left = {line.nonce for line in base.finished}
    there = {ticket.nonce: ticket for ticket in new.tickets if ticket.holding}
    there |= {line.nonce: grants[line.nonce] for line in new.finished if line.nonce in grants}
    return [
        ticket
        for nonce, ticket in there.items()
        if nonce not in standing | left
        and _known(ticket, grants)
        and all(
            base.locks.get(name, Lock()).epoch
            < epoch + (deleted or _only_its_own(name, epoch, nonce, grants))
            for name, epoch in ticket.epochs
        )
        and not any(other.holding and set(other.locks) & set(ticket.locks) for other in base.tickets)
    ]
