"""When `queue-policy: newest` makes a deployment pointless: a newer one of the same does all it would do.

"The same" is the same job of the same workflow, for the same ref, into the same account, with nothing left
out: one leg of a matrix does not make another leg's deployment, nor a branch that of another. "Newer" is what
is deployed, not who came first: a re-run of an old run deploys the old commit, and jobs of one run, which
have its number in common, are never newer than each other. What is not known, such as in a document of an
earlier version, covers nothing, and is covered by nothing.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.locking.document import QueuePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from deploy_action.locking.document import Document, Ticket


class WhenSuperseded(Enum):
    """The treatment of a job whose `lock` step gave way to a newer deployment."""

    FAIL = "fail"
    SKIP = "skip"
    """It goes on, and its steps ask whether the lock is held."""


Compared = dict[tuple[str, str], str]
"""By (base, head), two commits: what GitHub's comparison says of the head: `ahead`, `behind`, `diverged` or
`identical`."""
SAME = ("account", "repository", "workflow_file", "job_key", "ref")
"""Fields of a ticket that must be known and equal."""
UNTOLD = ""
"""In `Compared`: GitHub was asked and could not tell, so the runs' numbers decide alone."""
NOT_OLDER = frozenset({"ahead", "identical", UNTOLD})
NOTHING: Mapping[tuple[str, str], str] = {}


def unknown_of(ticket: Ticket) -> tuple[str, ...]:
    """The parts that a ticket lacks, by field name: with any of it, nobody gives way for it."""
    missing = [name for name in (*SAME, "commit", "stacks") if not getattr(ticket, name)]
    return (*missing, *(() if _number(ticket) else ("run_number",)))


def may_supersede(newer: Ticket, older: Ticket) -> bool:
    """Whether one makes the other pointless, unless their commits say otherwise. It need not be alive."""
    return (
        newer.policy is older.policy is QueuePolicy.NEWEST
        and not (unknown_of(newer) or unknown_of(older))
        and all(getattr(newer, name) == getattr(older, name) for name in SAME)
        and _number(newer) > _number(older)
        and set(older.locks) <= set(newer.locks)
        and set(older.stacks) <= set(newer.stacks)
    )


def supersedes(newer: Ticket, older: Ticket, compared: Mapping[tuple[str, str], str] = NOTHING) -> bool:
    """As `may_supersede`, and GitHub was asked and does not say that the newer run's commit is the older one:
    a branch may have been set back."""
    return may_supersede(newer, older) and (
        newer.commit == older.commit or compared.get((older.commit, newer.commit)) in NOT_OLDER
    )


def superseder(
    document: Document, ticket: Ticket, *, alive: Set[str], compared: Mapping[tuple[str, str], str] = NOTHING
) -> Ticket | None:
    """The newer deployment in its place: a holder or a waiter, one of those (by nonce) that are known to
    live, for a dead one deploys nothing."""
    return next(
        (one for one in document.tickets if one.nonce in alive and supersedes(one, ticket, compared)), None
    )


def _number(ticket: Ticket) -> int:
    """Of its run; 0 where it has none."""
    text = ticket.run_number
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
