"""GitHub's environments page: a deployment with its statuses, by GitHub's REST API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from deploy_action.errors import PageUnavailable
from deploy_action.github.api import API_URL, GitHubApi, GitHubUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.github.api import Answer

DESCRIPTION_MAX = 140
_LOOKED_AT = 20
_ASKED_MAX = 3
"""Deployments by somebody else whose statuses are asked for."""
_OURS = "deploy_coordinator"
_TARGET = "target"
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


class GitHubDeployments:
    """Needs `deployments: write`. Every method raises PageUnavailable and nothing else."""

    def __init__(self, token: str, repository: str, *, api_url: str = API_URL, timeout: int = 5) -> None:
        """`repository` is `owner/name`; `timeout` is in seconds, see `GitHubApi`."""
        self._api = GitHubApi(token, api_url=api_url, timeout=timeout, read_again=0)
        self._path = f"/repos/{repository}/deployments"

    def create(
        self,
        *,
        commit: str,
        environment: str,
        correlation_id: str,
        target: str,
        transient: bool,
        production: bool,
    ) -> str:
        """A deployment of a commit; returns its id. Nothing is merged, and no checks are waited for. `target`
        says what is deployed where; empty where that is not known."""
        answer = self._post(
            self._path,
            {
                "ref": commit,
                "environment": environment,
                "auto_merge": False,
                "required_contexts": [],
                "payload": {_OURS: correlation_id, **({_TARGET: target} if target else {})},
                "description": f"deploy-coordinator {correlation_id}",
                "transient_environment": transient,
                "production_environment": production,
            },
        )
        found = answer.body.get("id") if isinstance(answer.body, dict) else None
        if not isinstance(found, int):
            raise PageUnavailable("GitHub made a deployment and did not say which.")
        return str(found)

    def set_status(
        self,
        deployment_id: str,
        state: str,
        *,
        log_url: str,
        environment_url: str = "",
        description: str = "",
    ) -> None:
        """`state`: queued, in_progress, success, failure, error or inactive.

        By itself GitHub would call every earlier deployment of the environment inactive, also those of other
        stacks, accounts and legs of a matrix, which are still deployed: `retire_earlier` knows these apart.
        """
        body: dict[str, object] = {
            "state": state,
            "description": description[:DESCRIPTION_MAX],
            "auto_inactive": False,
        }
        links = {"log_url": log_url, "environment_url": environment_url}
        body |= {name: url for name, url in links.items() if url}
        self._post(f"{self._path}/{deployment_id}/statuses", body)

    def retire_earlier(self, deployment_id: str, *, environment: str, log_url: str) -> None:
        """Call those inactive that the deployment replaced: earlier ones of the same target that succeeded.
        GitHub keeps those of production, and transient ones, as they are."""
        rows = self._newest(environment=environment)
        own = next((row for row in rows if _id(row) == deployment_id), None)
        target = _payload(own or {}, _TARGET)
        if own is None or not target:
            return
        earlier = [row for row in rows[rows.index(own) + 1 :] if _payload(row, _TARGET) == target]
        kept = ("production_environment", "transient_environment")
        for row in [row for row in earlier if not any(row.get(name) for name in kept)][:_ASKED_MAX]:
            statuses = self._get(f"{self._path}/{_id(row)}/statuses?per_page=1")
            if statuses and statuses[0].get("state") == "success":
                self.set_status(_id(row), "inactive", log_url=log_url)

    def of(self, correlation_id: str, *, commit: str, environment: str) -> str:
        """The id of the deployment that was made for a correlation id; empty where there is none."""
        for row in self._newest(sha=commit, environment=environment):
            if _correlation_id(row) == correlation_id:
                return _id(row)
        return ""

    def by_github(self, *, commit: str, environment: str, run_id: str, job_id: str = "") -> bool:
        """Whether GitHub itself made one for this job, as it does where a job has `environment:`. Without its
        numeric id, for any job of the run."""
        of_job = rf"/{re.escape(job_id)}(?![0-9])" if job_id else ""
        job = rf"/actions/runs/{re.escape(run_id)}/job{of_job}"
        others = [
            row for row in self._newest(sha=commit, environment=environment) if not _correlation_id(row)
        ]
        for row in others[:_ASKED_MAX]:
            statuses = self._get(f"{self._path}/{_id(row)}/statuses")
            links = (str(one.get("log_url") or "") for one in statuses)
            if any(re.search(job, link) for link in links):
                return True
        return False

    def _newest(self, **which: str) -> list[Mapping[str, Any]]:
        """The newest first."""
        asked = urlencode({**which, "per_page": _LOOKED_AT})
        return [row for row in self._get(f"{self._path}?{asked}") if _id(row)]

    def _get(self, path: str) -> list[Mapping[str, Any]]:
        try:
            answer = self._api.get(path)
        except GitHubUnavailable as error:
            raise PageUnavailable(str(error)) from error
        _check(answer)
        rows = answer.body if isinstance(answer.body, list) else []
        return [row for row in rows if isinstance(row, dict)]

    def _post(self, path: str, body: dict[str, object]) -> Answer:
        try:
            answer = self._api.post(path, body)
        except GitHubUnavailable as error:
            raise PageUnavailable(str(error)) from error
        _check(answer)
        return answer


def _check(answer: Answer) -> None:
    if answer.status in {200, 201}:
        return
    if answer.status in {401, 403, 404}:
        raise PageUnavailable(
            f"GitHub does not let this token write deployments ({answer.status}).",
            remedy="Add `permissions: deployments: write` to the job.",
        )
    raise PageUnavailable(f"GitHub answered {answer.status}: {answer.message[:300]}")


def _id(row: Mapping[str, Any]) -> str:
    text = str(row.get("id", ""))
    return text if _NUMBER.fullmatch(text) else ""


def _correlation_id(row: Mapping[str, Any]) -> str:
    return _payload(row, _OURS)


def _payload(row: Mapping[str, Any], name: str) -> str:
    payload = row.get("payload")
    found = payload.get(name) if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""
