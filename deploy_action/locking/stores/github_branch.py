"""Keeps the registry's branch short: everybody who clones the repository whole gets all of its commits."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deploy_action.errors import CoordinatorError
from deploy_action.github.api import GitHubUnavailable, graphql_errors
from deploy_action.locking.stores.github_answers import sha_at, text_at

if TYPE_CHECKING:
    from deploy_action.github.api import GitHubApi

SKIP_CI = "[skip ci]"
"""No workflow is to run for a commit of the registry. `GITHUB_TOKEN`'s start none, those of an App do."""
COMMITS_MAX = 5_000
"""About three weeks of fifty deployments a day."""
ODDS = 8
"""One in so many releases on a branch that is too long tries: many may release at once, and where a rule
forbids it, nobody is to be refused with each release."""

CREATE_COMMIT = """\
mutation DeployRegistry($input: CreateCommitOnBranchInput!, $whole: Boolean!) {
  createCommitOnBranch(input: $input) {
    commit { oid tree @include(if: $whole) { oid } history @include(if: $whole) { totalCount } }
    ref @include(if: $whole) { repository { id } }
  }
}"""

MOVE_BRANCH = """\
mutation SquashRegistry($input: UpdateRefsInput!) {
  updateRefs(input: $input) { clientMutationId }
}"""


class BranchSquash:
    """Puts one commit without parents, and with the same files, in the place of all.

    GitHub moves the branch only if it still points to the commit that was just made (`beforeOid`), so a write
    of somebody else is never lost: whoever comes second is refused. Readers see another commit with the same
    document; whoever swaps against the commit before meets a conflict and reads again.
    """

    def __init__(self, api: GitHubApi, branch: str) -> None:
        self._api = api
        self._branch = branch

    def after(self, created: Any, commits: str) -> str:
        """The branch's new head, where it was squashed; else an empty text. `created`: GitHub's answer to
        CREATE_COMMIT; `commits`: where commits are made. Never raises: it can wait for the next release."""
        with suppress(GitHubUnavailable, CoordinatorError, KeyError, TypeError):
            count = created["commit"]["history"]["totalCount"]
            if count > COMMITS_MAX and secrets.randbelow(ODDS) == 0:
                return self._squashed(created, commits, count)
        return ""

    def _squashed(self, created: Any, commits: str, count: int) -> str:
        before = sha_at(created, "commit", "oid")
        message = f"{count} commits as one {SKIP_CI}"
        made = self._api.post(
            commits, {"message": message, "tree": sha_at(created, "commit", "tree", "oid"), "parents": []}
        )
        if made.status != 201:
            return ""
        after = sha_at(made.body, "sha")
        moved = self._api.graphql(
            MOVE_BRANCH,
            {
                "input": {
                    "repositoryId": text_at(created, "ref", "repository", "id"),
                    "refUpdates": [_update(self._branch, before, after)],
                }
            },
        )
        return after if moved.status == 200 and not graphql_errors(moved) else ""


def _update(branch: str, before: str, after: str) -> dict[str, object]:
    return {"name": f"refs/heads/{branch}", "beforeOid": before, "afterOid": after, "force": True}
