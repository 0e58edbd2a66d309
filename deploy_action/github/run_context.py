"""The run that this is, as the runner's environment tells it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.github.deployed_commit import deployed_commit
from deploy_action.github.other_ci import of_other_ci

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RunContext:
    """Names and links of the workflow run; empty texts outside GitHub Actions."""

    repository: str = ""
    run_id: str = ""
    run_attempt: str = ""
    job: str = ""
    """The job's key in its workflow file, not its name for people."""
    check_run_id: str = ""
    workflow: str = ""
    workflow_ref: str = ""
    workflow_sha: str = ""
    job_workflow_ref: str = ""
    """Of the workflow that defines the job: another one where the run's own calls it. Empty where GitHub does
    not tell."""
    matrix: str = ""
    """The job's leg of its matrix, as JSON; `null` where it has none, empty where that is not known."""
    run_number: str = ""
    """Counts the runs of one workflow; a re-run keeps it."""
    actor: str = ""
    commit: str = ""
    """The one that is deployed, as far as is known; `event_commit` is GitHub's own for the run."""
    event_commit: str = ""
    ref: str = ""
    """A short name, such as `main`; `full_ref`, `refs/heads/main`."""
    full_ref: str = ""
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    graphql_url: str = ""
    page: str = ""
    """Of the run, in another CI system."""
    hosted_runner: bool = False
    """The runner is GitHub's own: its disk is gone after the job and shared with nobody."""

    @property
    def url(self) -> str:
        """The run's page; empty where no CI system is known."""
        if self.page:
            return self.page
        if not (self.repository and self.run_id):
            return ""
        attempt = f"/attempts/{self.run_attempt}" if self.run_attempt not in {"", "1"} else ""
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}{attempt}"

    @property
    def workflow_path(self) -> str:
        """Path of the workflow file; empty where it is not known or not in this repository."""
        own = re.escape(self.repository)
        found = re.match(rf"{own}/(\.github/workflows/[^/]+?\.ya?ml)@", self.workflow_ref, re.IGNORECASE)
        return found[1] if found else ""

    @property
    def workflow_file(self) -> str:
        """`OWNER/NAME/.github/workflows/FILE`, whichever repository it is in; empty where it is not known."""
        return self.workflow_ref.partition("@")[0]

    @property
    def commit_url(self) -> str:
        known = self.commit and self.repository and not self.page
        return f"{self.server_url}/{self.repository}/commit/{self.commit}" if known else ""


def run_context(environ: Mapping[str, str]) -> RunContext:
    """Reads `GITHUB_*` and `RUNNER_*`, as GitHub documents them for every job, and those of other CI
    systems."""
    api_url = environ.get("GITHUB_API_URL") or "https://api.github.com"
    context = RunContext(
        repository=environ.get("GITHUB_REPOSITORY", ""),
        run_id=environ.get("GITHUB_RUN_ID", ""),
        run_attempt=environ.get("GITHUB_RUN_ATTEMPT", ""),
        job=environ.get("GITHUB_JOB", ""),
        check_run_id=environ.get("DEPLOY_COORDINATOR_CHECK_RUN_ID", ""),
        workflow=environ.get("GITHUB_WORKFLOW", ""),
        workflow_ref=environ.get("GITHUB_WORKFLOW_REF", ""),
        workflow_sha=environ.get("GITHUB_WORKFLOW_SHA", ""),
        job_workflow_ref=environ.get("DEPLOY_COORDINATOR_JOB_WORKFLOW_REF", ""),
        matrix=environ.get("DEPLOY_COORDINATOR_MATRIX", "").strip(),
        run_number=environ.get("GITHUB_RUN_NUMBER", ""),
        actor=environ.get("GITHUB_TRIGGERING_ACTOR") or environ.get("GITHUB_ACTOR", ""),
        commit=deployed_commit(environ),
        event_commit=environ.get("GITHUB_SHA", ""),
        ref=environ.get("GITHUB_REF_NAME", ""),
        full_ref=environ.get("GITHUB_REF", ""),
        server_url=environ.get("GITHUB_SERVER_URL") or "https://github.com",
        api_url=api_url,
        graphql_url=environ.get("GITHUB_GRAPHQL_URL") or f"{api_url.removesuffix('/v3')}/graphql",
        hosted_runner=environ.get("RUNNER_ENVIRONMENT") == "github-hosted",
    )
    given = {name: text for name, text in of_other_ci(environ).items() if not getattr(context, name)}
    return replace(context, **given)  # type: ignore[arg-type]
