"""The context of every step, and its way to speak to people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.errors import (
    CannotStart,
    CoordinatorError,
    DataAtRisk,
    InvalidInput,
    OlderCommit,
    OlderSkipped,
    PlanOutdated,
    PreflightFailed,
    StackNeedsRepair,
    Superseded,
    TimedOut,
)
from deploy_action.job.job_log import optional
from deploy_action.reporting.report import Failure, Report
from deploy_action.slack.background_sender import BackgroundWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.common.ports import Clock
    from deploy_action.github.run_context import RunContext
    from deploy_action.github.runner_files import RunnerFiles
    from deploy_action.job.job_log import JobLogReporter
    from deploy_action.job.state import JobState, StateFolder
    from deploy_action.slack.background_sender import Worker
    from deploy_action.slack.sender import MessageSender


@dataclass(frozen=True, slots=True)
class JobContext:
    """The outside, as one step sees it."""

    environ: Mapping[str, str]
    run: RunContext
    clock: Clock
    cancelled: Callable[[], bool]
    reporter: JobLogReporter
    files: RunnerFiles
    folder: StateFolder
    worker: Callable[[MessageSender], Worker] = BackgroundWorker
    """Makes messages go out while the step goes on."""

    def deploying(self, commit: str) -> JobContext:
        """The same world of a job that deploys that commit; an empty one changes nothing."""
        return replace(self, run=replace(self.run, commit=commit)) if commit else self

    def keep(self, state: JobState) -> None:
        """Write the state down, for a step or a coordinator that goes on from here; a failure is noted."""
        optional(self.reporter, "Keeping the state", lambda: self.folder.save(state))


REFUSALS = (InvalidInput, PreflightFailed, CannotStart, OlderCommit, DataAtRisk, PlanOutdated)
"""Ends before anything was changed: nothing that runs is touched."""


def with_failure(report: Report, error: CoordinatorError, outcome: Outcome) -> Report:
    """Why it ended so. Who asked to be skipped needs no remedy."""
    remedy = "" if outcome is Outcome.SKIPPED else error.remedy
    failure = Failure(error.what, error.why, remedy, error.said, error.cause, error.parts, error.tail)
    return replace(
        report,
        outcome=outcome,
        failure=failure,
        timed_out=isinstance(error, TimedOut),
        not_started=isinstance(error, REFUSALS),
        needs_repair=isinstance(error, StackNeedsRepair),
    )


def skipped(error: CoordinatorError) -> str:
    """Why nothing was deployed and that is no failure."""
    asked = {Superseded: "queue-policy: newest", OlderSkipped: "on-older: skip"}.get(
        type(error), "when-busy: skip"
    )
    return f"Skipped, as `{asked}` asks. {error.what}"
