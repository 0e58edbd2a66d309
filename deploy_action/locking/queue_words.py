"""The deployments ahead in the queue, in words: person, workflow, since when, until about when, where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import log_text
from deploy_action.common.times import clock_time, roughly, unix_seconds

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket

NAMED_MAX = 3
"""At most this many of those ahead are named beside the first."""


def who_is_ahead(ahead: tuple[Ticket, ...], left_seconds: float | None) -> str:
    """For `ahead` that begins with the holders, and is not empty; safe to print. `left_seconds`: as in
    `transitions.Waiting`."""
    first, others = ahead[0], ahead[1:]
    link = log_text(", ".join(part for part in (place_of(first), first.url) if part), 400)
    link = f" ({link})" if link else ""
    if first.holding:
        doing = f"deployment {_who(first)} holds the lock since {log_text(first.held_since, 30)}{link}"
    else:
        doing = f"deployment {_who(first)} is next{link}"
    expected = _expected(first.expected_end, left_seconds) if first.expected_end else ""
    named = [_who(ticket) for ticket in others[:NAMED_MAX]]
    more = f" and {len(others) - NAMED_MAX} more" if len(others) > NAMED_MAX else ""
    then = f", then {', '.join(named)}{more}" if named else ""
    return f"{doing}{expected}{then}"


def place_of(ticket: Ticket) -> str:
    """Whose workflow it is, and what it deploys: `org/app, Deploy, eu-west-1/shop and 2 more`."""
    more = f" and {len(ticket.stacks) - 1} more" if len(ticket.stacks) > 1 else ""
    stacks = f"{ticket.stacks[0][:100]}{more}" if ticket.stacks else ""
    return ", ".join(part for part in (ticket.repository[:80], ticket.workflow[:60], stacks) if part)


def _expected(end: str, left_seconds: float | None) -> str:
    """By what was seen of it here; else by the holder's clock. Never by both: two clocks may contradict."""
    if left_seconds is not None:
        if left_seconds > 0:
            return f", expected to end in {roughly(left_seconds)} at most"
        return f", overdue by {roughly(-left_seconds)}"
    seconds = unix_seconds(end)
    about = f"{clock_time(seconds)[:5]} UTC" if seconds is not None else log_text(end, 30)
    return f", expected to end about {about}"


def _who(ticket: Ticket) -> str:
    return log_text(f"{ticket.correlation_id}{f' by {ticket.actor}' if ticket.actor else ''}", 120)
