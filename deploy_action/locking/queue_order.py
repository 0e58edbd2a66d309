"""The order of the queue: order of arrival, `priority: high`, promotion, and freezes that let somebody pass.

The queue's order is that of the document's tickets, and nothing else: whoever goes first stands first. So an
earlier version, which knows neither priorities nor freezes with exceptions, serves the same order. Nobody
passes a holder: a holder is ahead wherever it stands (`locking.transitions.ahead_of`).
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.locking.document import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.locking.document import Document, Freeze, Ticket


PASSED_NAMED = 10
"""Of those who are passed, in the audit."""


class Priority(Enum):
    """Whom a deployment passes that arrived before it and waits."""

    NORMAL = "normal"
    HIGH = "high"
    """Those of normal priority."""


def freeze_of(document: Document, ticket: Ticket, *, at: str) -> Freeze | None:
    """A freeze that at this time (ISO 8601) keeps one of its locks from the ticket."""
    freezes = (document.lock(name).freeze for name in ticket.locks)
    return next(
        (one for one in freezes if one is not None and not one.over(at) and not one.admits(ticket)), None
    )


def is_high(ticket: Ticket) -> bool:
    return ticket.priority == Priority.HIGH.value


def placed(document: Document, ticket: Ticket, *, at: str, promoted: bool = False) -> Document:
    """With a ticket that waits, or none yet, where its turn is. `promoted`: it passes all whom no freeze
    makes it let pass; else those of lower priority, and those whom a freeze holds and not it. Those who are
    passed are of one queue with it: others keep their places."""
    others = tuple(one for one in document.tickets if one.nonce != ticket.nonce)
    at_index = len(others)
    for index in reversed(range(len(others))):
        other = others[index]
        if other.holding or not other.conflicts_with(ticket):
            continue
        if not _goes_before(document, ticket, other, at=at, promoted=promoted):
            break
        at_index = index
    return replace(document, tickets=(*others[:at_index], ticket, *others[at_index:]))


def with_admitted_first(document: Document, *, at: str) -> Document:
    """With those whom a freeze lets pass before those whom it holds."""
    for ticket in document.tickets:
        if not ticket.holding and (freeze := _admitting(document, ticket, at)) is not None:
            moved = replace(ticket, passes_because=f"the freeze by {freeze.by} lets it pass")
            new = placed(document, moved, at=at)
            if _order(new) != _order(document):
                document = new
    return document


def reason_to_pass(document: Document, ticket: Ticket, *, at: str) -> str:
    """Why a newcomer may stand before earlier ones; empty for one that never does."""
    freeze = _admitting(document, ticket, at)
    if freeze is not None and freeze_of(document, ticket, at=at) is None:
        return f"the freeze by {freeze.by} lets it pass"
    return "it has `priority: high`" if is_high(ticket) else ""


def entered(document: Document, ticket: Ticket, *, at: str) -> Document:
    """With a newcomer in its turn. Who passes others by its priority is audited, as what is done by hand
    is."""
    because = reason_to_pass(document, ticket, at=at)
    document = placed(document, replace(ticket, passes_because=because or ticket.passes_because), at=at)
    passed = passes(document, ticket.nonce)
    if not (passed and is_high(ticket)):
        return document
    detail = f"{ticket.correlation_id} {ticket.url} passes {', '.join(passed[:PASSED_NAMED])}"
    return document.audited(
        AuditEntry(at, ticket.actor, "priority", ticket.locks, because or ticket.passes_because, detail)
    )


def passed_by(ticket: Ticket, ahead: tuple[Ticket, ...]) -> Iterator[str]:
    """A sentence for each of those ahead that arrived later."""
    for other in ahead:
        if other.passes_because and ticket.number and other.number > ticket.number:
            yield (
                f"deployment {other.correlation_id} came later and goes first, since {other.passes_because}"
            )


def passes(document: Document, nonce: str) -> tuple[str, ...]:
    """The correlation ids of those who wait behind the ticket although they arrived before it, in order."""
    own = document.ticket(nonce)
    if own is None:
        return ()
    behind = document.tickets[document.tickets.index(own) + 1 :]
    return tuple(
        one.correlation_id
        for one in behind
        if not one.holding and one.conflicts_with(own) and one.number < own.number
    )


def _goes_before(document: Document, ticket: Ticket, other: Ticket, *, at: str, promoted: bool) -> bool:
    held, holds_other = (freeze_of(document, one, at=at) is not None for one in (ticket, other))
    if held != holds_other:
        return holds_other
    return promoted or (is_high(ticket) and not is_high(other))


def _admitting(document: Document, ticket: Ticket, at: str) -> Freeze | None:
    freezes = (document.lock(name).freeze for name in ticket.locks)
    return next((one for one in freezes if one is not None and not one.over(at) and one.admits(ticket)), None)


def _order(document: Document) -> tuple[str, ...]:
    return tuple(one.nonce for one in document.tickets)
