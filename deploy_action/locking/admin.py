"""Changes of a lock by hand. Each deed says who did it and why, and leaves an audit entry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.locking.document import AuditEntry, Freeze
from deploy_action.locking.queue_order import PASSED_NAMED, Priority, passes, placed, with_admitted_first
from deploy_action.locking.transitions import FORCED, finish, leave_settling

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Ticket


def freeze(
    document: Document,
    names: tuple[str, ...],
    *,
    by: str,
    reason: str,
    at: str,
    until: str = "",
    allow: tuple[str, ...] = (),
) -> Document:
    """Grant the locks to nobody but those in `allow` (as `Freeze.allow`) before `until` (ISO 8601; empty:
    until somebody lifts it). Who holds one goes on; those allowed go before those that are not. A freeze that
    lies there already is replaced."""
    names = tuple(document.spelled(name) for name in names)
    locks = dict(document.locks)
    for name in names:
        locks[name] = replace(document.lock(name), freeze=Freeze(by, reason, at, until, allow))
    detail = f"until {until}" if until else "until it is lifted"
    detail += f", for all but {', '.join(allow)}" if allow else ""
    frozen = replace(document, locks=locks).audited(AuditEntry(at, by, "freeze", names, reason, detail))
    return with_admitted_first(frozen, at=at)


def promote(document: Document, nonce: str, *, by: str, reason: str, at: str) -> Document:
    """Make a waiter the next of its queue: before all that wait, and behind every holder. The same document
    where it does not wait, or nobody stands before it that it may pass."""
    ticket = document.ticket(nonce)
    if ticket is None or ticket.holding:
        return document
    moved = replace(ticket, priority=Priority.HIGH.value, passes_because=f'{by} promoted it: "{reason}"')
    new = placed(document, moved, at=at, promoted=True)
    if [one.nonce for one in new.tickets] == [one.nonce for one in document.tickets]:
        return document
    passed = ", ".join(passes(new, nonce)[:PASSED_NAMED])
    detail = f"{ticket.correlation_id} {ticket.url} passes {passed}"
    return new.audited(AuditEntry(at, by, "promote", ticket.locks, reason, detail))


def unfreeze(document: Document, names: tuple[str, ...], *, by: str, reason: str, at: str) -> Document:
    """Lift the freezes. The same document where none of the locks is frozen."""
    names = tuple(document.spelled(name) for name in names)
    frozen = tuple(name for name in names if document.lock(name).freeze is not None)
    if not frozen:
        return document
    locks = {
        name: replace(lock, freeze=None) if name in frozen else lock for name, lock in document.locks.items()
    }
    return replace(document, locks=locks).audited(AuditEntry(at, by, "unfreeze", frozen, reason))


def meant_for_release(document: Document, what: str, *, holder: str) -> tuple[Ticket | None, bool]:
    """The holder of the lock `what`, or the deployment of that correlation id; and whether it is the `holder`
    that the operator saw. Of several readers it is that one. Without `holder` anybody is."""
    held = sorted(document.holders_of(what), key=lambda one: one.correlation_id != holder)
    named = [one for one in document.tickets if one.correlation_id == what]
    ticket = next(iter((*held, *named)), None)
    return ticket, ticket is not None and holder in {"", ticket.correlation_id}


def force_release(document: Document, nonce: str, *, by: str, reason: str, at: str) -> Document:
    """Remove a holder or a waiter, whoever it is. The same document where it is not there.

    Its owner learns so at its next renewal, and changes nothing after that. The stacks of a holder settle:
    the next one waits until nobody works on them any more.
    """
    ticket = document.ticket(nonce)
    if ticket is None:
        return document
    note = f'Released by force by {by}: "{reason}".'
    document = leave_settling(document, ticket, ticket.named_stacks)
    document = finish(document, ticket, outcome=FORCED, at=at, note=note)
    detail = f"{'holder' if ticket.holding else 'waiter'} {ticket.correlation_id} {ticket.url}".strip()
    return document.audited(AuditEntry(at, by, "release", ticket.locks, reason, detail))
