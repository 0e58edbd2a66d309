"""What people are told of a lock that is busy or was taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.times import duration
from deploy_action.errors import Busy

if TYPE_CHECKING:
    from deploy_action.core.document import Ticket
    from deploy_action.core.lock import Waiting


def busy(waiting: Waiting, waited_seconds: float | None) -> Busy:
    waited = "" if waited_seconds is None else f" after {duration(waited_seconds)} of waiting"
    first, freeze = next(iter(waiting.ahead), None), waiting.freeze
    if freeze is not None:
        return Busy(
            f'The lock is frozen{waited}, by {freeze.by} since {freeze.since}: "{freeze.reason}".',
            why="Nothing may be deployed under a frozen lock. Nothing was changed.",
            remedy=f"Run this again after {freeze.until}."
            if freeze.until
            else "Run this again once the freeze is lifted.",
        )
    who = f"deployment {first.correlation_id} ({first.url or 'no link'})" if first else "another deployment"
    other_way = "set `when-busy: wait`" if waited_seconds is None else "raise `wait-timeout-in-minutes`"
    return Busy(
        f"The lock is busy{waited}: {who} is ahead.",
        why="Two deployments of one environment must not overlap. Nothing was changed.",
        remedy=f"Run this again later, or {other_way}.",
    )


def takeover_note(ticket: Ticket, why: str) -> str:
    who = f"{ticket.correlation_id} ({ticket.url or 'no link'})"
    if ticket.holding:
        return f"Took over from holder {who}: {why}, and no stack of it is in progress."
    return f"Passed over waiter {who}: {why}."
