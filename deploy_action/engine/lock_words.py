"""What people are told of a lock that is busy or was taken over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.times import duration
from deploy_action.errors import Busy, RegistryAway, RegistryUnavailable

if TYPE_CHECKING:
    from deploy_action.core.document import Ticket
    from deploy_action.core.lock import Waiting
    from deploy_action.errors import RegistryError


def away(error: RegistryError, waited_seconds: float, objection: str = "") -> RegistryAway:
    """Why a deployment does not go on without its registry. `objection`: what it knows that speaks against
    it."""
    waited = f" after {duration(waited_seconds)} of waiting" if waited_seconds else ""
    limited = isinstance(error, RegistryUnavailable) and error.retry_seconds is not None
    return RegistryAway(
        f"The registry {'asks to be left alone' if limited else 'cannot be used'}{waited}. {error.what}",
        why=f"{objection} Nothing was changed.".strip(),
        remedy="Run this again once the registry answers."
        if limited or objection
        else "Run this again once the registry answers, or set `when-registry-away: go-on`.",
    )


def busy(waiting: Waiting, waited_seconds: float | None, objection: str = "") -> Busy:
    """`objection`: why this deployment did not go on although the registry is away."""
    if objection:
        return RegistryAway(
            f"The registry has not answered for {duration(waiting.away_seconds or 0.0)}. {objection}",
            why="Two deployments of one environment must not overlap. Nothing was changed.",
            remedy="Run this again once that deployment is done, or the registry answers.",
        )
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


def overtaken(newer: str) -> RegistryAway:
    """`newer`: who stood behind, by correlation id."""
    return RegistryAway(
        f"Deployment {newer}, which stood behind this one, has deployed meanwhile: this older one would "
        f"take its "
        "changes back.",
        why="Nothing was changed.",
        remedy="Run this deployment again if it is still wanted.",
    )
