"""How long a lock is held, as far as the registry's own memory and its holder tell."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from deploy_action.common.times import iso, unix_seconds

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Ticket

HELD_SECONDS_MAX = 35 * 24 * 3600.0
"""No job runs for longer."""
USUAL_OF = 5
"""At most this many of the last successes tell how long a lock is usually held."""
_SUCCEEDED = "succeeded"


def usual_seconds(document: Document, ticket: Ticket) -> float | None:
    """How long deployments of the same stacks under the same locks usually hold them: the median of the last
    few successes. None where there was none."""
    held = [
        line.held_seconds
        for line in document.finished
        if line.outcome == _SUCCEEDED
        and line.held_seconds > 0
        and (set(line.locks), set(line.stacks)) == (set(ticket.locks), set(ticket.stacks))
    ]
    return median(held[-USUAL_OF:]) if held else None


def expected_end(document: Document, ticket: Ticket, at: str, expected_seconds: float | None) -> str:
    """ISO 8601, of a ticket that is granted at `at`; empty where nobody knows. `expected_seconds`: how long
    it says that it will hold, where the document does not know."""
    usual, now = usual_seconds(document, ticket), unix_seconds(at)
    usual = expected_seconds if usual is None else usual
    return "" if usual is None or now is None or usual > HELD_SECONDS_MAX else iso(now + usual)


def expected_hold_seconds(ticket: Ticket) -> float | None:
    """How long a holder expects to hold in all, both times by its own clock. None where it did not say."""
    since, end = unix_seconds(ticket.held_since), unix_seconds(ticket.expected_end)
    return end - since if since is not None and end is not None and end > since else None
