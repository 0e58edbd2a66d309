"""Pull requests: which one a run is about, its comment of ours, and which one a commit came from."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_action.errors import PullRequestUnavailable
from deploy_action.github.api import API_URL, GitHubApi, GitHubUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.github.api import Answer

PAGES_MAX = 10
PAGE_SIZE = 100
_EVENT_BYTES_MAX = 10_000_000
_REF = re.compile(r"refs/pull/(\d{1,10})/(?:merge|head)")
_OURS = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


@dataclass(frozen=True, slots=True)
class PullRequest:
    """`head`: the commit that was pushed, where the event tells it. `closed`: the event tells that it was
    closed, `merged` or not."""

    number: int
    head: str = ""
    closed: bool = False
    merged: bool = False


def pull_request_of(environ: Mapping[str, str]) -> PullRequest | None:
    """That the run is about; None where there is none. Never raises."""
    found = _REF.fullmatch(environ.get("GITHUB_REF", ""))
    event: Any = None
    with suppress(OSError, ValueError, RecursionError):
        path = Path(environ.get("GITHUB_EVENT_PATH", ""))
        if path.is_file() and path.stat().st_size <= _EVENT_BYTES_MAX:
            event = json.loads(path.read_text("utf-8"))
    told = event.get("pull_request") if isinstance(event, dict) else None
    if isinstance(told, dict) and isinstance(told.get("number"), int):
        head = told.get("head")
        sha = head.get("sha") if isinstance(head, dict) else None
        closed = event.get("action") == "closed"
        merged = closed and told.get("merged") is True
        return PullRequest(told["number"], sha if isinstance(sha, str) else "", closed, merged)
    return PullRequest(int(found[1])) if found else None


class PullRequests:
    """Needs `pull-requests: write` for comments, `read` for `heads_of`. Every method raises
    PullRequestUnavailable and nothing else."""

    def __init__(self, token: str, repository: str, *, api_url: str = API_URL, timeout: int = 10) -> None:
        self._api = GitHubApi(token, api_url=api_url, timeout=timeout)
        self._path = f"/repos/{repository}"

    def comment(self, number: int, marker: str, text: str) -> str:
        """Write our comment on the pull request: in place of the one that begins with `marker`, else a new
        one. Returns its address.

        A comment of somebody who may not write here is never taken for ours, whatever it begins with.
        """
        known = self._find(number, marker)
        address = self._replace(known, text)
        if address is not None:
            return address
        answer = self._asked("post", f"{self._path}/issues/{number}/comments", {"body": text})
        if answer.status != 201:
            raise _refused(answer)
        # Two plans at once find no comment, and both write one: the older one stays.
        known = self._find(number, marker)
        own = answer.body.get("id") if isinstance(answer.body, dict) else None
        address = self._replace(known, text) if own in known[1:] else None
        return _address(answer) if address is None else address

    def head_of(self, number: int) -> str:
        """The commit that was pushed last; empty where GitHub does not tell it."""
        answer = self._asked("get", f"{self._path}/pulls/{number}", {})
        head = answer.body.get("head") if answer.status == 200 and isinstance(answer.body, dict) else None
        sha = head.get("sha") if isinstance(head, dict) else None
        return sha if isinstance(sha, str) else ""

    def _replace(self, known: Sequence[int], text: str) -> str | None:
        """Write the text into the first comment, and take away the others. Returns its address, None where
        there is none any more."""
        if not known:
            return None
        path = f"{self._path}/issues/comments"
        answer = self._asked("patch", f"{path}/{known[0]}", {"body": text})
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise _refused(answer)
        for other in known[1:]:
            self._asked("delete", f"{path}/{other}", {})
        return _address(answer)

    def heads_of(self, commit: str) -> tuple[str, ...]:
        """The commits that pull requests had at their head when they were merged as `commit`, and the merge
        commits of these."""
        answer = self._asked("get", f"{self._path}/commits/{commit}/pulls", {})
        if answer.status != 200 or not isinstance(answer.body, list):
            raise _refused(answer)
        found: list[str] = []
        for row in answer.body:
            if isinstance(row, dict) and row.get("merge_commit_sha") == commit and row.get("merged_at"):
                head = row.get("head")
                found += [head["sha"]] if isinstance(head, dict) and isinstance(head.get("sha"), str) else []
        return tuple(found)

    def _find(self, number: int, marker: str) -> list[int]:
        """Our comments, the oldest first: more than one where two plans were written at once."""
        found: list[int] = []
        for page in range(1, PAGES_MAX + 1):
            path = f"{self._path}/issues/{number}/comments?per_page={PAGE_SIZE}&page={page}"
            answer = self._asked("get", path, {})
            rows = answer.body if answer.status == 200 else None
            if not isinstance(rows, list):
                raise _refused(answer)
            found += [int(row["id"]) for row in rows if _is_ours(row, marker)]
            if len(rows) < PAGE_SIZE:
                break
        return found

    def _asked(self, verb: str, path: str, body: dict[str, object]) -> Answer:
        try:
            if verb == "get":
                return self._api.get(path)
            if verb == "delete":
                return self._api.delete(path)
            return self._api.post(path, body) if verb == "post" else self._api.patch(path, body)
        except GitHubUnavailable as error:
            raise PullRequestUnavailable(f"GitHub could not be asked: {error}") from error


def _is_ours(row: Any, marker: str) -> bool:
    if not (isinstance(row, dict) and isinstance(row.get("id"), int) and isinstance(row.get("body"), str)):
        return False
    user = row.get("user")
    bot = isinstance(user, dict) and user.get("type") == "Bot"
    return row["body"].startswith(marker) and (bot or row.get("author_association") in _OURS)


def _address(answer: Answer) -> str:
    found = answer.body.get("html_url") if isinstance(answer.body, dict) else None
    return found if isinstance(found, str) else ""


def _refused(answer: Answer) -> PullRequestUnavailable:
    remedy = ""
    if answer.status in {401, 403, 404}:
        remedy = (
            "Give the job `permissions: pull-requests: write`. A pull request from a fork cannot have it."
        )
    return PullRequestUnavailable(
        f"GitHub answers {answer.status}{f': {answer.message}' if answer.message else ''}.", remedy=remedy
    )
