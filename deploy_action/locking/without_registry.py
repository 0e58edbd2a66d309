"""Whether a deployment may go on without its registry: only where nothing that it knows speaks against it.

What it knows is the last document that could be understood, its own lease, and CloudFormation. Of each
deployment that the document showed ahead:

| its job | its stacks | it is waited for |
| --- | --- | --- |
| runs | | for as long as this deployment waits at all |
| | in progress | for as long as this deployment waits at all |
| has ended | at rest | not |
| has ended, or cannot be known | cannot be seen, or at rest | six leases, and longer the further back |

So those that wait leave the queue one after the other, in its order, and a living holder is never run over.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.locking.document import Freeze, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.queue_order import freeze_of
from deploy_action.locking.transitions import ahead_of

if TYPE_CHECKING:
    from deploy_action.locking.document import Document

BLIND_LEASES = 6.0
"""As long as a silent holder is waited for whose job is said to run (`locking.expiry.STUCK_LEASES`)."""
SPREAD_SECONDS = 120.0
"""So long whoever is next may take to begin once nothing keeps it: a living waiter takes a free lock in
it."""
CLOCK_TOLERANCE = 0.95
"""Of a lease: two clocks of good machines differ by less in it, and a request takes its time."""


class WhenAway(Enum):
    """The course of a deployment whose registry cannot be used."""

    GO_ON = "go-on"
    """It goes on where nothing that it knows speaks against it."""
    WAIT = "wait"
    """It waits for the registry, and ends as busy with its time-out."""
    FAIL = "fail"
    """It ends as busy."""


class Rest(Enum):
    """The state of a ticket's stacks in CloudFormation."""

    AT_REST = "at rest"
    IN_PROGRESS = "in progress"
    UNSEEN = "cannot be seen"


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The deployments that share the locks, as the last document named them, in the queue's order."""

    ahead: tuple[Ticket, ...] = ()
    behind: tuple[Ticket, ...] = ()
    freeze: Freeze | None = None
    was_blind: bool = False
    """The registry was not understood for a whole lease, in which others may have passed."""


def last_seen(document: Document, ticket: Ticket, *, at: str) -> LastSeen:
    """`at`: the wall clock's time, for freezes."""
    ahead = ahead_of(document, ticket)
    known = {ticket.nonce, *(other.nonce for other in ahead)}
    behind = (t for t in document.tickets if t.nonce not in known and t.conflicts_with(ticket))
    return LastSeen(ahead, tuple(behind), freeze_of(document, ticket, at=at))


def waited_for(
    other: Ticket, *, place: int, life: JobStatus, rest: Rest, blind_seconds: float, quiet_seconds: float
) -> str:
    """Why one that was ahead is still waited for; empty where it is not.

    `place` counts from 0, the holder's. `blind_seconds`: since the registry was last understood;
    `quiet_seconds`: since anything of anybody ahead was last seen in progress.
    """
    who = f"Deployment {other.correlation_id}"
    held = "held the lock" if other.holding else "was ahead in the queue"
    if rest is Rest.IN_PROGRESS:
        return f"{who} {held} when the registry was last seen, and a stack of it is in progress."
    if life is JobStatus.RUNNING:
        return f"{who} {held} when the registry was last seen, and its job still runs."
    if life is JobStatus.COMPLETED and rest is Rest.AT_REST:
        return ""
    blind = blind_seconds - BLIND_LEASES * other.lease
    if min(blind, quiet_seconds) >= place * SPREAD_SECONDS:
        return ""
    return (
        f"{who} {held} when the registry was last seen, and may still be at work: nothing is known of its "
        f"job."
    )


def holds_by_lease(ticket: Ticket, *, confirmed_seconds: float | None) -> bool:
    """Whether nobody can have taken the lock yet: others wait for a whole lease without a sign of life.

    `confirmed_seconds`: since the last renewal that was answered was asked for, on the holder's own clock.
    """
    return (
        ticket.holding
        and confirmed_seconds is not None
        and confirmed_seconds < CLOCK_TOLERANCE * ticket.lease
    )
