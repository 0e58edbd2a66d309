"""GitHub's environments page, where `github-deployment` asks for it.

It never waits for long, and whatever goes wrong is a note.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.background_call import BackgroundCall
from deploy_action.errors import PageUnavailable
from deploy_action.inputs.settings import Mode
from deploy_action.inputs.values import web_address
from deploy_action.job.account import soon_known
from deploy_action.job.job_log import optional
from deploy_action.reporting.headline import description

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.github.deployments import GitHubDeployments
    from deploy_action.github.run_context import RunContext
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.reporting.report import Report
    from deploy_action.wiring import Wiring

PATIENCE_SECONDS = 4.0
"""Of real time, since a request began."""
WHAT = "The environments page"
OUTPUT = "output:"
_STATES = {
    Outcome.SUCCEEDED: "success",
    Outcome.NO_CHANGES: "success",
    Outcome.FAILED: "failure",
    Outcome.ROLLED_BACK: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.CANCELLED: "error",
    Outcome.BUSY: "inactive",
    Outcome.SKIPPED: "inactive",
}
_PRODUCTION = {"production", "prod", "live"}
_MERGE = re.compile(r"\d+/merge")


class EnvironmentPage:
    """One deployment on the page, in one step. `state.github_deployment` hands its id on: None where that is
    not known, empty where there is none."""

    def __init__(self, job: JobContext) -> None:
        self._world = job
        self._creation: BackgroundCall[str] | None = None
        self._status: BackgroundCall[None] | None = None

    def open(self, wiring: Wiring, settings: Settings, state: JobState) -> None:
        """In `pre`, before the queue: begin to make it, `queued`."""
        github, run = wiring.deployments(), self._world.run
        if github is None or settings.mode is Mode.ATTACH:
            state.github_deployment = ""
            return
        correlation_id = state.report.correlation_id
        stacks = settings.stacks

        def target() -> str:
            return target_of(soon_known(wiring, settings) if stacks else "", stacks)

        self._creation = BackgroundCall(
            lambda: _created(github, run, settings, correlation_id, target), "environments"
        )

    def keep(self, state: JobState) -> None:
        """At the end of `pre`: hand on which one it is."""
        creation, reporter = self._creation, self._world.reporter
        if creation is None:
            return
        found = optional(reporter, WHAT, lambda: creation.result(PATIENCE_SECONDS))
        if found == "":
            reporter.line(
                "GitHub itself shows this job on the environments page, since the job has an `environment:`; "
                "`github-deployment` would show it twice, and is left out."
            )
        state.github_deployment = found if found is not None or not creation.done else ""

    def begin(self, wiring: Wiring, state: JobState) -> None:
        """In `main`: `in_progress`."""
        github = wiring.deployments() if state.github_deployment else None
        if github is not None and state.github_deployment and state.starts == 1:
            number, log_url = state.github_deployment, self._world.run.url
            doing = f"Deploying {state.report.subject}"
            self._status = BackgroundCall(
                lambda: github.set_status(number, "in_progress", log_url=log_url, description=doing),
                "environments",
            )

    def settle(self) -> None:
        """At the end of `main`."""
        status = self._status
        if status is not None:
            optional(self._world.reporter, WHAT, lambda: status.result(PATIENCE_SECONDS))

    def close(self, wiring: Wiring, settings: Settings, state: JobState) -> None:
        """In `post`: how it ended, also where a step was killed before it could hand anything on. Raises
        PageUnavailable."""
        github = wiring.deployments() if state.github_deployment != "" else None
        if github is None or settings.mode is Mode.ATTACH:
            return
        report, run = state.report, self._world.run
        number = state.github_deployment or github.of(
            report.correlation_id, commit=run.commit, environment=settings.environment
        )
        if number:
            url = optional(self._world.reporter, WHAT, lambda: _environment_url(settings, report)) or ""
            github.set_status(
                number,
                state_of(report, began=state.main_started),
                log_url=run.url,
                environment_url=url,
                description=description(report),
            )
            if report.outcome.good:
                github.retire_earlier(number, environment=settings.environment, log_url=run.url)


def state_of(report: Report, *, began: bool) -> str:
    """GitHub's word. What never began leaves what was deployed before as it was."""
    if report.outcome is Outcome.CANCELLED and not began:
        return "inactive"
    return _STATES[report.outcome]


def target_of(account: str, stacks: tuple[StackRef, ...]) -> str:
    """The key of two deployments of one environment that are the same: account, regions and stacks. Empty
    where one of these is not known: such a deployment replaces nothing."""
    if not (account and stacks):
        return ""
    names = " ".join(sorted(f"{account}/{one.region}/{one.name}" for one in stacks))
    return hashlib.sha256(names.encode()).hexdigest()


def _created(
    github: GitHubDeployments,
    run: RunContext,
    settings: Settings,
    correlation_id: str,
    target: Callable[[], str],
) -> str:
    """The id; empty where GitHub made one of its own for this job."""
    if github.by_github(
        commit=run.event_commit,
        environment=settings.environment,
        run_id=run.run_id,
        job_id=run.check_run_id if run.check_run_id.isdecimal() else "",
    ):
        return ""
    number = github.create(
        commit=run.commit,
        environment=settings.environment,
        correlation_id=correlation_id,
        target=target(),
        transient=_MERGE.fullmatch(run.ref) is not None,
        production=settings.environment.lower() in _PRODUCTION,
    )
    with suppress(PageUnavailable):  # it is there, and the next status says more
        github.set_status(number, "queued", log_url=run.url)
    return number


def _environment_url(settings: Settings, report: Report) -> str:
    """As given, or as the stack's output says. Raises PageUnavailable for one that is no web address."""
    text = settings.environment_url
    if not text.startswith(OUTPUT):
        return text
    name = text.removeprefix(OUTPUT)
    if not report.outcome.good:
        return ""
    named = [value for key, value in report.outputs.items() if name in {key, key.rpartition("/")[2]}]
    if len(named) > 1:
        raise PageUnavailable(
            f"{len(named)} stacks have an output `{name}`: write `output:STACK/{name}` in `environment-url`."
        )
    value = named[0] if named else ""
    try:
        return web_address(value)
    except ValueError:
        raise PageUnavailable(
            f"The stack's output `{name}` is no web address."
            if value
            else f"The stack has no output `{name}`."
        ) from None
