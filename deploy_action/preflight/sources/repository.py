"""The registry's repository, as GitHub describes it to this token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import BehindUnavailable
from deploy_action.github.api import GitHubApi, GitHubMisconfigured, GitHubUnavailable, their_time
from deploy_action.preflight.facts import Repository

if TYPE_CHECKING:
    from deploy_action.github.api import TokenSource

TIMEOUT_SECONDS = 5
NO_COMMIT = "0" * 40


def look_at(repository: str, *, token: str | TokenSource, api_url: str, probe: bool) -> Repository:
    """`probe`: ask for something that cannot be done, to learn whether the token might. Raises
    BehindUnavailable."""
    api = GitHubApi(token, api_url=api_url, timeout=TIMEOUT_SECONDS, read_again=0)
    try:
        answer = api.get(f"/repos/{repository}")
        permissions = answer.body.get("permissions") if isinstance(answer.body, dict) else None
        pushes = isinstance(permissions, dict) and permissions.get("push") is True
        may_write = True if pushes else None
        if probe and answer.status == 200 and not pushes:
            may_write = _probe(api, repository)
    except GitHubUnavailable as error:
        remedy = error.remedy if isinstance(error, GitHubMisconfigured) else ""
        raise BehindUnavailable(str(error), remedy=remedy) from error
    finally:
        api.close()
    return Repository(
        answer.status,
        may_write=may_write,
        their_time=their_time(answer.headers),
        message=answer.message,
    )


def _probe(api: GitHubApi, repository: str) -> bool | None:
    """A branch at a commit that cannot exist: refused for want of permission, else for the commit.

    What `permissions` says is that of a user; of the token of a job or an App it says nothing.
    """
    answer = api.post(
        f"/repos/{repository}/git/refs", {"ref": "refs/heads/deploy-coordinator-probe", "sha": NO_COMMIT}
    )
    if answer.status in {401, 403, 404}:
        return False
    return True if answer.status in {409, 422} else None
