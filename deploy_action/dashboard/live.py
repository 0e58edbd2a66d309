"""The deployments that run and that wait, as the registry's document said when the page was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.common.times import iso, unix_seconds

if TYPE_CHECKING:
    from deploy_action.common.instants import WallTime
    from deploy_action.locking.document import Document, Freeze, Ticket

TICKETS_MAX = 200


@dataclass(frozen=True, slots=True)
class Deploying:
    """A holder or waiter. Times are unix seconds, None where they are not known; texts are as they came."""

    holding: bool
    locks: tuple[str, ...]
    stacks: tuple[str, ...]
    actor: str
    repository: str
    correlation_id: str
    url: str
    since: float | None
    expected_end: float | None


@dataclass(frozen=True, slots=True)
class Live:
    """`as_of`, unix seconds: when it was so. `freezes`: pairs of lock and freeze."""

    as_of: float
    deploying: tuple[Deploying, ...] = ()
    freezes: tuple[tuple[str, Freeze], ...] = ()


def live_of(document: Document, *, now: WallTime) -> Live:
    freezes = [
        (name, lock.freeze)
        for name, lock in sorted(document.locks.items())
        if lock.freeze is not None and not lock.freeze.over(iso(now))
    ]
    tickets = sorted(document.tickets, key=lambda ticket: not ticket.holding)[:TICKETS_MAX]
    return Live(now, tuple(_deploying(ticket) for ticket in tickets), tuple(freezes))


def _deploying(ticket: Ticket) -> Deploying:
    return Deploying(
        holding=ticket.holding,
        locks=ticket.lock_texts,
        stacks=ticket.stacks,
        actor=ticket.actor,
        repository=ticket.repository,
        correlation_id=ticket.correlation_id,
        url=ticket.url,
        since=unix_seconds(ticket.held_since if ticket.holding else ticket.requested_at),
        expected_end=unix_seconds(ticket.expected_end),
    )
