"""Deploying under a lock that the same job or run holds already, taken by its `lock` step.

A lock is lent to whoever knows its token (the ticket's nonce, which nobody has by accident), and to every job
of the very run attempt that holds it as a run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.core.lock import ABANDONED, FORCED, lost
from deploy_action.errors import CannotStart

if TYPE_CHECKING:
    from deploy_action.core.document import Document, Ticket

STACKS_MAX = 200
"""What a lock protects is looked at before it is taken over; a registry document stays small."""


def parse_token(text: str) -> str:
    """A lock's token as given; raises ValueError with a sentence for people."""
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError("it is not the output `lock-token` of a `lock` step.")
    return text


@dataclass(frozen=True, slots=True)
class Borrower:
    """Whose locks may be used: those with these tokens, and those of this run attempt (`url`)."""

    tokens: tuple[str, ...] = ()
    url: str = ""

    def lender(self, document: Document, ticket: Ticket) -> Ticket | None:
        """The ticket to go on under instead of `ticket`; None where that one has to take its own turn.

        Raises CannotStart where only some of the wanted locks are held: waiting for the others while holding
        these could wait for ever. Raises LockLost where the lock was lent, and somebody took it over.
        """
        for other in document.tickets:
            if other.nonce == ticket.nonce or not self.may_use(other):
                continue
            missing = set(ticket.locks) - set(other.locks)
            if not missing:
                return other
            if ticket.shares_lock_with(other):
                held, wanted = ", ".join(other.locks), ", ".join(sorted(missing))
                raise CannotStart(
                    f"The `lock` step holds {held}, and this deployment wants {wanted} too.",
                    why="Waiting for one lock while another is held can wait for ever. Nothing was changed.",
                    remedy="Name all of them, one a line, in the `lock` step: they are taken together.",
                )
        for token in self.tokens:
            line = document.farewell(token)
            if line is None or document.ticket(token) is not None or set(line.locks).isdisjoint(ticket.locks):
                continue
            if line.outcome in {ABANDONED, FORCED}:
                raise lost(document, replace(ticket, nonce=token, correlation_id=line.correlation_id))
        return None

    def may_use(self, other: Ticket) -> bool:
        """Whether that one's lock is lent to us."""
        return other.nonce in self.tokens or (other.held_by_run and bool(self.url) and other.url == self.url)


def borrow(document: Document, lender: Ticket, ticket: Ticket) -> Document:
    """The lender's ticket also stands for what `ticket` deploys: whoever would take the lock over looks at
    these stacks too, and finds the change sets by the id. It is a sign of life as well."""
    return document.with_ticket(
        replace(
            lender,
            correlation_id=ticket.correlation_id,
            stacks=tuple(dict.fromkeys((*lender.stacks, *ticket.stacks)))[:STACKS_MAX],
            account=lender.account or ticket.account,
            renewals=lender.renewals + 1,
        )
    )
