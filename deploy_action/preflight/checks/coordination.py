"""The holder of the lock, and whether this deployment could take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.times import duration, unix_seconds
from deploy_action.locking.document import Ticket
from deploy_action.preflight.finding import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.instants import WallTime
    from deploy_action.locking.document import Document

NAMED_MAX = 3


def lock_findings(
    document: Document,
    locks: tuple[str, ...],
    *,
    now: WallTime,
    at: str,
    shared: tuple[str, ...] = (),
    ours: Callable[[Ticket], bool] = lambda _ticket: False,
    waits: bool = True,
) -> list[Finding]:
    """`at` is `now` as the registry writes times. `shared`: those of the locks that this deployment only
    reads under. `ours`: whether that ticket's lock is lent to us. `waits`: false where a deployment that
    finds the lock held ends at once (`when-busy`)."""
    found = []
    holders = {ticket.nonce: ticket for ticket in _in_the_way(document, locks, shared)}
    for ticket in (holder for holder in holders.values() if not ours(holder)):
        who = f"by {ticket.actor} " if ticket.actor else ""
        link = f" {ticket.url}" if ticket.url else ""
        waiting = sum(not one.holding and one.conflicts_with(ticket) for one in document.tickets)
        queue = f" In the queue before this one: {waiting}." if waiting else ""
        names = ", ".join(lock for lock in locks if lock in ticket.locks)
        what = (
            f"Deployment {ticket.correlation_id} {who}holds the lock {names} since {ticket.held_since}, "
            f"{_until(ticket.expected_end, now)}.{link}{queue}"
        )
        remedy = "" if waits else "This one ends at once, as `when-busy` says."
        found.append(finding("lock-held", what, remedy=remedy, resource=names))
    for lock in locks:
        freeze = document.locks[lock].freeze if lock in document.locks else None
        if freeze is not None and not freeze.over(at):
            end = f"until {freeze.until}" if freeze.until else "until somebody lifts it"
            but = f", for all but {', '.join(freeze.allow)}" if freeze.allow else ""
            what = f"The lock {lock} is frozen {end}{but}, by {freeze.by}: {freeze.reason}."
            found.append(finding("lock-frozen", what, resource=lock))
    return found


def _in_the_way(document: Document, locks: tuple[str, ...], shared: tuple[str, ...]) -> tuple[Ticket, ...]:
    own = Ticket("", "", locks, shared=shared)
    return tuple(one for one in document.tickets if one.holding and one.conflicts_with(own))


def wait_ahead_seconds(
    document: Document, locks: tuple[str, ...], *, shared: tuple[str, ...] = (), now: WallTime
) -> float:
    """How long those who hold the locks still expect to take; 0 where none says."""
    ends = [unix_seconds(ticket.expected_end) for ticket in _in_the_way(document, locks, shared)]
    return max((end - now for end in ends if end is not None and end > now), default=0.0)


def _until(expected_end: str, now: WallTime) -> str:
    end = unix_seconds(expected_end)
    if end is None:
        return "and does not say until when"
    if end <= now:
        return f"and expected to be done {duration(now - end)} ago"
    return f"until about {expected_end} (in {duration(end - now)})"
