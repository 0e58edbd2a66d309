"""Workflow runs as GitHub knows them: whether they live, their concurrency groups, their workflow file."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from deploy_action.common.times import unix_seconds
from deploy_action.errors import CoordinatorError
from deploy_action.github.api import API_URL, GitHubApi
from deploy_action.locking.commit_age import CommitsBetween
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.review import Review

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.github.api import Answer, TokenSource
    from deploy_action.locking.document import Ticket

REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")
NUMBER = re.compile(r"[1-9][0-9]{0,18}")
COMMIT = re.compile(r"[0-9a-f]{40,64}")
ALIVE = frozenset({"requested", "queued", "pending", "waiting", "in_progress"})
FACTS = ("id", "run_id", "run_attempt", "status")
STANDINGS = frozenset({"ahead", "behind", "diverged", "identical"})
REMEMBERED_MAX = 200
JOBS_MAX = 100
"""In one answer. A run with more is never said to be idle."""
SINCE_MAX = 30
LISTED_AFTER = 3
"""Where so many runs were found to have ended, one by one, those that ended are listed: many were cancelled
at once."""

_NOTHING: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class RegistryServer:
    """The GitHub that the registry is on, and the token for it, with the input that it comes from."""

    token: str | TokenSource
    server_url: str
    api_url: str
    input: str = "registry-token"


class GitHubRuns:
    """Jobs and runs, by GitHub's REST API. Needs `actions: read`; the workflow file, `contents: read`.

    Tickets are data from outside: nothing of one gets into a request before it has the shape of its kind, and
    no answer is believed that is about another run or attempt than the ticket's. Only a cancelled job raises.
    """

    def __init__(
        self,
        token: str,
        repository: str,
        *,
        server_url: str = "https://github.com",
        api_url: str = API_URL,
        timeout: int = 5,
        registry: RegistryServer | None = None,
    ) -> None:
        """`repository` is the run's own, `owner/name`, empty where the run is not GitHub's; `timeout` is in
        seconds, see `GitHubApi`. `registry`: where the registry has a token of its own, GitHub is asked by
        it about other repositories of its server."""
        self._api = GitHubApi(token, api_url=api_url, timeout=timeout, read_again=0)
        self._repository = repository if token else ""
        self._asks_own = bool(token)
        self._pages = f"{server_url.rstrip('/')}/"
        self._others, self._others_pages, self._others_input = self._api, self._pages, "github-token"
        if registry is not None:
            self._others = GitHubApi(registry.token, api_url=registry.api_url, timeout=timeout, read_again=0)
            self._others_pages = f"{registry.server_url.rstrip('/')}/"
            self._others_input = registry.input
        # By path: the ETag of the last answer, and what counts of its body.
        self._seen: dict[str, tuple[str, Mapping[str, object]]] = {}
        self._ended: dict[tuple[str, str, int], int] = {}
        """Server, repository and run, and the newest attempt that was listed as completed."""
        self._found_ended = 0
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """The first refusal for want of permission, as one sentence with its remedy; empty where none was."""
        return self._trouble

    def close(self) -> None:
        """Close connections. The object may be used again."""
        self._api.close()
        self._others.close()

    def life(self, ticket: Ticket) -> JobStatus:
        api = self._api_for(ticket)
        if api is None:
            return JobStatus.UNKNOWN
        if self._is_listed(api, ticket):
            return JobStatus.COMPLETED
        life = self._life(api, ticket)
        self._found_ended += life is JobStatus.COMPLETED
        if self._found_ended >= LISTED_AFTER:
            self._found_ended = 0
            self._list_ended(api, ticket.repository)
        return life

    def _life(self, api: GitHubApi, ticket: Ticket) -> JobStatus:
        if NUMBER.fullmatch(ticket.job):
            status, job = self._facts(api, ticket.repository, f"jobs/{ticket.job}")
            if status not in {200, 404}:
                return JobStatus.UNKNOWN
            if _is_of(job, ticket, id=ticket.job, run_id=ticket.run_id):
                return _life(job)
        if not ticket.run_attempt:  # the run alone would answer for its newest attempt
            return JobStatus.UNKNOWN
        attempt = f"runs/{ticket.run_id}/attempts/{ticket.run_attempt}"
        status, run = self._facts(api, ticket.repository, attempt)
        if status == 404 and not self._is_own(api, ticket.repository):
            self._remember_trouble(api, ticket.repository, status)
        return _life(run) if _is_of(run, ticket, id=ticket.run_id) else JobStatus.UNKNOWN

    def _is_listed(self, api: GitHubApi, ticket: Ticket) -> bool:
        """An attempt begins only once the one before it has ended."""
        attempt = self._ended.get((api.url, ticket.repository.lower(), int(ticket.run_id)), 0)
        return bool(ticket.run_attempt) and int(ticket.run_attempt) <= attempt

    def _list_ended(self, api: GitHubApi, repository: str) -> None:
        """The newest runs that are completed, with one request."""
        query = f"runs?status=completed&exclude_pull_requests=true&per_page={JOBS_MAX}"
        listed = _body(self._ask(api, repository, query)).get("workflow_runs")
        self._ended.clear()
        for run in listed if isinstance(listed, list) else []:
            facts = run if isinstance(run, dict) else {}
            number, attempt = facts.get("id"), facts.get("run_attempt")
            if facts.get("status") == "completed" and isinstance(number, int) and isinstance(attempt, int):
                self._ended[api.url, repository.lower(), number] = attempt

    def review(self, ticket: Ticket) -> Review | None:
        api = self._api_for(ticket)
        if api is None or not (ticket.held_by_run and ticket.run_attempt):
            return None
        what = f"runs/{ticket.run_id}/attempts/{ticket.run_attempt}"
        _, run = self._facts(api, ticket.repository, what)
        if not _is_of(run, ticket, id=ticket.run_id) or run.get("status") != "waiting":
            return None
        body = _body(self._ask(api, ticket.repository, f"{what}/jobs?per_page={JOBS_MAX}"))
        listed = body.get("jobs")
        jobs = [job for job in listed if isinstance(job, dict)] if isinstance(listed, list) else []
        waiting = [job for job in jobs if job.get("status") == "waiting"]
        whole = body.get("total_count") == len(jobs)
        idle = whole and all(job.get("status") in {"waiting", "completed"} for job in jobs)
        since = [text for job in waiting if isinstance(text := job.get("created_at"), str)]
        return Review(idle, min(since, default="")[:SINCE_MAX], ticket.url) if waiting else None

    def concurrency_groups(self, run_id: str) -> tuple[str, ...] | None:
        """Names of the groups of this repository's run and of its jobs; None where that cannot be known.

        GitHub derives them from the run's configuration, so () means that there are none. GitHub Enterprise
        Server does not have this call.
        """
        if not (REPOSITORY.fullmatch(self._repository) and NUMBER.fullmatch(run_id)):
            return None
        answer = self._ask(self._api, self._repository, f"runs/{run_id}/concurrency_groups")
        groups = _body(answer).get("concurrency_groups")
        if not isinstance(groups, list):
            return None
        names = [group.get("group_name") if isinstance(group, dict) else None for group in groups]
        texts = tuple(name for name in names if isinstance(name, str))
        return texts if len(texts) == len(names) else None

    def job_name(self, job_id: str) -> str:
        """As the run's page shows it: with the job that called its workflow, and its leg of a matrix. Empty
        where it cannot be had."""
        if not (REPOSITORY.fullmatch(self._repository) and NUMBER.fullmatch(job_id)):
            return ""
        name = _body(self._ask(self._api, self._repository, f"jobs/{job_id}")).get("name")
        return name if isinstance(name, str) else ""

    def compare(self, base: str, head: str) -> str:
        """How one commit of this repository stands to another: ahead, behind, diverged or identical; empty
        where it cannot be had. Needs `contents: read`."""
        return self.commits_between(base, head).status

    def commits_between(self, base: str, head: str) -> CommitsBetween:
        """As `compare`, with how many commits `head` lacks."""
        if not (REPOSITORY.fullmatch(self._repository) and COMMIT.fullmatch(base) and COMMIT.fullmatch(head)):
            return CommitsBetween()
        # The first page alone lists the files that differ.
        body = _body(self._get(self._api, self._repository, f"compare/{base}...{head}?per_page=1&page=2"))
        status, behind = body.get("status"), body.get("behind_by")
        if not isinstance(status, str) or status not in STANDINGS:
            return CommitsBetween()
        return CommitsBetween(status, behind if isinstance(behind, int) and behind > 0 else 0)

    def commit_time(self, commit: str) -> str:
        """When it was committed, ISO 8601; empty where that cannot be had."""
        if not (REPOSITORY.fullmatch(self._repository) and COMMIT.fullmatch(commit)):
            return ""
        committer = _body(self._get(self._api, self._repository, f"git/commits/{commit}")).get("committer")
        found = committer.get("date") if isinstance(committer, dict) else None
        return found if isinstance(found, str) and unix_seconds(found) is not None else ""

    def workflow_text(self, path: str, ref: str) -> str | None:
        """The file at `path` of this repository at the commit `ref`; None where it cannot be had."""
        if not (path and REPOSITORY.fullmatch(self._repository) and COMMIT.fullmatch(ref)):
            return None
        body = _body(self._get(self._api, self._repository, f"contents/{quote(path)}?ref={ref}"))
        content = body.get("content")
        if body.get("encoding") != "base64" or not isinstance(content, str):
            return None
        try:
            return base64.b64decode(content).decode("utf-8-sig")
        except ValueError:
            return None

    def _api_for(self, ticket: Ticket) -> GitHubApi | None:
        """None for a ticket that no GitHub can be asked about: each is asked about its own runs only."""
        if not self._names_a_run(ticket):
            return None
        if ticket.url.startswith(self._pages) and self._is_own(self._api, ticket.repository):
            return self._api
        if ticket.url.startswith(self._others_pages):
            return self._others
        return self._api if self._asks_own and ticket.url.startswith(self._pages) else None

    @staticmethod
    def _names_a_run(ticket: Ticket) -> bool:
        return bool(
            REPOSITORY.fullmatch(ticket.repository)
            and NUMBER.fullmatch(ticket.run_id)
            and (not ticket.run_attempt or NUMBER.fullmatch(ticket.run_attempt))
        )

    def _facts(self, api: GitHubApi, repository: str, what: str) -> tuple[int, Mapping[str, object]]:
        """Status (0: no answer) and what counts of the body. Asking again for what did not change is free."""
        path = f"{api.url}/{repository}/{what}"
        etag, facts = self._seen.pop(path, ("", _NOTHING))
        answer = self._ask(api, repository, what, etag=etag)
        if answer is None:
            return 0, _NOTHING
        status = answer.status
        if status == 304:
            status = 200
        else:
            body = _body(answer)
            facts = {name: body[name] for name in FACTS if name in body}
            etag = answer.headers.get("etag", "")
        if status == 200 and etag:
            if len(self._seen) >= REMEMBERED_MAX:
                self._seen.pop(next(iter(self._seen)))
            self._seen[path] = (etag, facts)
        return status, facts

    def _ask(self, api: GitHubApi, repository: str, what: str, *, etag: str = "") -> Answer | None:
        answer = self._get(api, repository, f"actions/{what}", etag=etag)
        if answer is not None and answer.status == 403:
            self._remember_trouble(api, repository, answer.status)
        return answer

    def _get(self, api: GitHubApi, repository: str, what: str, *, etag: str = "") -> Answer | None:
        """None: no answer that could be used, whatever the reason."""
        try:
            return api.get(f"/repos/{repository}/{what}", etag=etag or None)
        except CoordinatorError:
            raise
        except Exception:  # noqa: BLE001 - the port's promise: a look that fails has seen nothing
            return None

    def _remember_trouble(self, api: GitHubApi, repository: str, status: int) -> None:
        if self._is_own(api, repository):
            remedy = "add `permissions: actions: read` to the job"
        else:
            name = self._others_input if api is self._others else "github-token"
            remedy = f"hand in a `{name}` that has `actions: read` there"
        self._trouble = self._trouble or (
            f"GitHub does not show this token the runs of {repository} ({status}), so a dead holder is found "
            f"by its silence only; {remedy}."
        )

    def _is_own(self, api: GitHubApi, repository: str) -> bool:
        return api is self._api and repository.lower() == self._repository.lower()


def _body(answer: Answer | None) -> Mapping[str, object]:
    if answer is None or answer.status != 200 or not isinstance(answer.body, dict):
        return _NOTHING
    return answer.body


def _is_of(facts: Mapping[str, object], ticket: Ticket, **numbers: str) -> bool:
    """The facts are about the ticket's own run and attempt, as far as both name one."""
    attempt = facts.get("run_attempt")
    return all(facts.get(name) == int(number) for name, number in numbers.items()) and (
        attempt is None or not ticket.run_attempt or attempt == int(ticket.run_attempt)
    )


def _life(facts: Mapping[str, object]) -> JobStatus:
    status = facts.get("status")
    if status == "completed":
        return JobStatus.COMPLETED
    return JobStatus.RUNNING if isinstance(status, str) and status in ALIVE else JobStatus.UNKNOWN
