"""The sentences about a lock that is busy or was taken over."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from deploy_action.common.times import duration
from deploy_action.errors import Busy, RegistryAway, RegistryGone, RegistryUnavailable, is_limit
from deploy_action.locking.queue_words import who_is_ahead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.errors import RegistryError
    from deploy_action.locking.document import Freeze, Ticket
    from deploy_action.locking.transitions import Waiting


SHOWN = 5
OUTLIVES = (
    "A token or AWS credentials must outlive the wait (`wait-timeout-in-minutes`) and the deployment "
    "together: a GitHub App's token ends after an hour, `${{ github.token }}` with its job."
)


def away(error: RegistryError, waited_seconds: float, objection: str = "") -> RegistryAway:
    """Why a deployment does not go on without its registry. `objection`: what it knows that speaks against
    it."""
    waited = f" after {duration(waited_seconds)} of waiting" if waited_seconds else ""
    limited = isinstance(error, RegistryUnavailable) and error.retry_seconds is not None
    state = "asks to be left alone" if is_limit(error) else "cannot be used"
    return RegistryAway(
        f"The registry {state}{waited}. {error.what}",
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
            why=f"Only {', '.join(freeze.allow)} may deploy under it. Nothing was changed."
            if freeze.allow
            else "Nothing may be deployed under a frozen lock. Nothing was changed.",
            remedy=f"Run this again after {freeze.until}."
            if freeze.until
            else "Run this again once the freeze is lifted.",
        )
    who = who_is_ahead(waiting.ahead, waiting.left_seconds) if first else "another deployment is ahead"
    other_way = "set `when-busy: wait`" if waited_seconds is None else "raise `wait-timeout-in-minutes`"
    error = Busy(
        f"The lock is busy{waited}: {who}.",
        why="Two deployments of one environment must not overlap. Nothing was changed.",
        remedy=f"Run this again later, or {other_way}.",
    )
    error.ahead = waiting.ahead
    return error


def not_admitted(error: RegistryError, ahead: tuple[Ticket, ...]) -> RegistryAway:
    """A waiter that may not look at the queue any more. `ahead`: as the last document showed them."""
    who = f" Deployment {ahead[0].correlation_id} was ahead when it was last seen." if ahead else ""
    return RegistryAway(
        f"The registry refuses what it allowed before, so the queue cannot be seen any more: {error.what}"
        f"{who}",
        why="Two deployments of one environment must not overlap. Nothing was changed.",
        remedy=f"{error.remedy} {OUTLIVES} Then run this again.".strip(),
    )


def cannot_renew(error: RegistryError, ticket: Ticket, behind: tuple[str, ...]) -> str:
    """For a holder that may not write any more. `behind`: the correlation ids of those who wait."""
    return (
        f"The registry refuses what it allowed before, so the lock can neither be renewed nor given back: "
        f"{error.what} {_until_when(ticket, behind)} {OUTLIVES}"
    )


def not_given_back(error: RegistryError, ticket: Ticket, behind: tuple[str, ...]) -> str:
    """For a holder that ends with its lock held. `behind`: the correlation ids of those who wait."""
    if isinstance(error, RegistryGone):
        return f"The lock {', '.join(ticket.locks)} could not be given back, and nothing holds it: {error}"
    return (
        f"The lock {', '.join(ticket.locks)} could not be given back and stays held: {error} "
        f"{_until_when(ticket, behind)}"
    )


def replaced_note(
    location: str, *, gone: bool, frozen_again: Mapping[str, Freeze], lost: Mapping[str, Freeze]
) -> str:
    """For whoever was the first to write after the document was deleted, or replaced by an older one. Freezes
    by lock."""
    what = (
        f"Somebody deleted the registry while it was in use: {location} was gone. This deployment has "
        "created it again, with the epochs that it knew; other deployments enter themselves again, and the "
        "history begins anew."
        if gone
        else f"Somebody put an older state of the registry back: {location} did not show what it had shown "
        "before. This deployment has entered itself again."
    )
    again = f" Frozen again, as it was: {_freezes(frozen_again)}." if frozen_again else ""
    missing = f" These freezes were lost, so set them again: {_freezes(lost)}." if lost else ""
    unknown = "" if frozen_again or lost else " A freeze that this deployment did not see is lost with it."
    return f"{what}{again}{missing}{unknown}"


def _freezes(freezes: Mapping[str, Freeze]) -> str:
    return ", ".join(
        f'{name} (by {one.by} since {one.since}: "{one.reason}")' for name, one in freezes.items()
    )


def _until_when(ticket: Ticket, behind: tuple[str, ...]) -> str:
    names = ", ".join(behind[:SHOWN]) + (" and others" if len(behind) > SHOWN else "")
    waiting = f"When it was last seen, {names} waited for it. " if behind else ""
    commands = " and ".join(
        f"`deploy-coordinator release {shlex.quote(name)} --force --reason ...`" for name in ticket.locks
    )
    return (
        f"{waiting}Others take it over as soon as GitHub shows them that this job has ended (`actions: "
        f"read`), else {duration(ticket.lease)} after its last sign of life, and not while its stacks are "
        f"in progress. To free it now: {commands}."
    )


def passing_note(ticket: Ticket, why: str) -> str:
    return (
        f"Passed run {ticket.correlation_id}, which {why}: no job and no stack of it is in progress. "
        "It queues again when it continues."
    )


def takeover_note(ticket: Ticket, why: str) -> str:
    who = f"{ticket.correlation_id} ({ticket.url or 'no link'})"
    if ticket.holding:
        rest = "no stack of it is in progress" if ticket.stacks else "it names no stack"
        return f"Took over from holder {who}: {why}, and {rest}."
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


def taken_out(ticket: Ticket, note: str) -> Busy:
    """`note`: who did it."""
    return Busy(
        f"Deployment {ticket.correlation_id} was taken out of the queue. {note}",
        why="Nothing was changed.",
        remedy="Ask who did it, then run this again.",
    )
