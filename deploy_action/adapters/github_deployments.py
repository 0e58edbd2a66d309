"""GitHub's environments page: a deployment with its statuses, by GitHub's REST API."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from deploy_action.adapters.github_api import API_URL, GitHubApi, GitHubUnavailable
from deploy_action.errors import PageUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.adapters.github_api import Answer

DESCRIPTION_MAX = 140
_LOOKED_AT = 20
_ASKED_MAX = 3
"""Deployments by somebody else whose statuses are asked for."""
_OURS = "deploy_coordinator"
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")


class GitHubDeployments:
    """Needs `deployments: write`. Every method raises PageUnavailable and nothing else."""

    def __init__(self, token: str, repository: str, *, api_url: str = API_URL, timeout: int = 5) -> None:
        """`repository` is `owner/name`; `timeout` is in seconds, see `GitHubApi`."""
        self._api = GitHubApi(token, api_url=api_url, timeout=timeout, read_again=0)
        self._path = f"/repos/{repository}/deployments"

    def create(
        self, *, commit: str, environment: str, correlation_id: str, transient: bool, production: bool
    ) -> str:
        """A deployment of a commit; returns its id. Nothing is merged, and no checks are waited for."""
        answer = self._post(
            self._path,
            {
                "ref": commit,
                "environment": environment,
                "auto_merge": False,
                "required_contexts": [],
                "payload": {_OURS: correlation_id},
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
        """`state`: queued, in_progress, success, failure, error or inactive."""
        body: dict[str, object] = {"state": state, "description": description[:DESCRIPTION_MAX]}
        links = {"log_url": log_url, "environment_url": environment_url}
        body |= {name: url for name, url in links.items() if url}
        self._post(f"{self._path}/{deployment_id}/statuses", body)

    def of(self, correlation_id: str, *, commit: str, environment: str) -> str:
        """The id of the deployment that was made for a correlation id; empty where there is none."""
        for row in self._newest(commit, environment):
            if _correlation_id(row) == correlation_id:
                return _id(row)
        return ""

    def by_github(self, *, commit: str, environment: str, run_id: str, job_id: str = "") -> bool:
        """Whether GitHub itself made one for this job, as it does where a job has `environment:`. Without its
        numeric id, for any job of the run."""
        of_job = rf"/{re.escape(job_id)}(?![0-9])" if job_id else ""
        job = rf"/actions/runs/{re.escape(run_id)}/job{of_job}"
        others = [row for row in self._newest(commit, environment) if not _correlation_id(row)]
        for row in others[:_ASKED_MAX]:
            statuses = self._get(f"{self._path}/{_id(row)}/statuses")
            links = (str(one.get("log_url") or "") for one in statuses)
            if any(re.search(job, link) for link in links):
                return True
        return False

    def _newest(self, commit: str, environment: str) -> list[Mapping[str, Any]]:
        asked = urlencode({"sha": commit, "environment": environment, "per_page": _LOOKED_AT})
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
    payload = row.get("payload")
    found = payload.get(_OURS) if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""
