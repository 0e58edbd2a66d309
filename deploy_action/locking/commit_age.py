"""Does a deployment put an older commit over a newer one? It is compared with the last good deployment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.locking.document import Ticket

GOOD = frozenset({"succeeded", "no-changes"})
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class OnOlder(Enum):
    """The treatment of a deployment of an older commit than the deployed one."""

    WARN = "warn"
    SKIP = "skip"
    FAIL = "fail"
    ALLOW = "allow"
    """A deliberate rollback: said in the log alone."""


@dataclass(frozen=True, slots=True)
class CommitsBetween:
    """GitHub's comparison of one commit with another: `status` is ahead, behind, diverged or identical; empty
    where it could not be had. `behind_by`: commits that the second lacks."""

    status: str = ""
    behind_by: int = 0


@dataclass(frozen=True, slots=True)
class Deployed:
    """The last good deployment of the same stacks, by the history; empty texts where unknown."""

    correlation_id: str
    commit: str
    url: str = ""
    ref: str = ""
    run_number: str = ""
    workflow_file: str = ""


@dataclass(frozen=True, slots=True)
class Age:
    """`older`: known to be older. None: it could not be told, though there is something to compare with."""

    older: bool | None
    sentence: str


def last_good(records: Iterable[Mapping[str, Any]], ticket: Ticket) -> Deployed | None:
    """Of the same repository, account and at least one of the same stacks; newest last in `records`."""
    found: Deployed | None = None
    for record in records:
        commit = record.get("commit")
        if not isinstance(commit, str) or not COMMIT.fullmatch(commit) or record.get("outcome") not in GOOD:
            continue
        if record.get("repository") != ticket.repository or not _same_account(record, ticket):
            continue
        if _shares_a_stack(record.get("stacks"), ticket.stacks):
            texts = {
                name: value if isinstance(value := record.get(name), str) else ""
                for name in ("correlation_id", "url", "ref", "run_number", "workflow_file")
            }
            found = Deployed(commit=commit, **texts)
    return found


def age(ticket: Ticket, there: Deployed, between: CommitsBetween) -> Age:
    """Whether the ticket's commit is older than the one that is there. Where GitHub cannot compare them,
    an older run of the same workflow and branch counts as older."""
    now, then = ticket.commit[:7], there.commit[:7]
    by = f"{there.correlation_id}{f' ({there.url})' if there.url else ''}"
    if between.status == "behind":
        many = (
            f"{between.behind_by} commit{'s' if between.behind_by != 1 else ''} " if between.behind_by else ""
        )
        return Age(True, f"Deploys {now}, {many}older than {then}, which {by} deployed.")
    if between.status == "diverged":
        lacks = f"{between.behind_by} commit{'s' if between.behind_by != 1 else ''}"
        return Age(
            False, f"Deploys {now}, which lacks {lacks} of {then}, which {by} deployed from another branch."
        )
    if between.status:
        return Age(False, "")
    same = ("ref", "workflow_file")
    numbers = _number(ticket.run_number), _number(there.run_number)
    if all(numbers) and all(
        getattr(ticket, name) and getattr(ticket, name) == getattr(there, name) for name in same
    ):
        if numbers[0] < numbers[1]:
            return Age(
                True,
                f"Deploys {now} of run {numbers[0]}, older than run {numbers[1]}, which deployed {then} "
                f"({by}).",
            )
        return Age(False, "")
    return Age(
        None,
        f"Could not compare {now} with {then}, which {by} deployed: GitHub did not show both commits "
        "(`permissions: contents: read`). It may be an older one.",
    )


def _same_account(record: Mapping[str, Any], ticket: Ticket) -> bool:
    account = record.get("account")
    return not ticket.account or not account or account == ticket.account


def _shares_a_stack(stacks: object, own: tuple[str, ...]) -> bool:
    """Of the ticket's `REGION/NAME`, where NAME may be a glob."""
    texts = [text for text in stacks if isinstance(text, str)] if isinstance(stacks, list) else []
    return any(text == pattern or fnmatchcase(text, pattern) for text in texts for pattern in own)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else 0
