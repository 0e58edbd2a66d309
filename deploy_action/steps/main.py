"""The deployment itself, in one of three ways. The exit code is its verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.times import date_time, duration
from deploy_action.deploy import applying, planning
from deploy_action.deploy import attach as by_attaching
from deploy_action.deploy import command as by_command
from deploy_action.deploy import template as by_template
from deploy_action.deploy.deployment import Deployment
from deploy_action.errors import (
    Busy,
    Cancelled,
    CannotStart,
    CoordinatorError,
    DeploymentFailed,
    EndedWithoutLock,
    Superseded,
    TimedOut,
    VerdictUnknown,
)
from deploy_action.github.command_outputs import left_out_sentence, parse_outputs
from deploy_action.inputs.settings import Mode, Settings, WhenBusy, parse_inputs
from deploy_action.job.context import JobContext, skipped, with_failure
from deploy_action.job.environment_page import EnvironmentPage
from deploy_action.job.job_log import optional
from deploy_action.job.last_seen import last_seen
from deploy_action.reporting.outputs import outputs_of

if TYPE_CHECKING:
    from deploy_action.job.state import JobState

FLUSH_SECONDS = 1.0
"""For what is on its way; the last word follows in `post`."""
PROBLEMS_MAX = 3
"""Of the command's outputs that cannot be understood."""
NOT_SEEN = {Outcome.UNKNOWN, Outcome.CANCELLED}
NOT_GOOD = {Outcome.FAILED, Outcome.ROLLED_BACK}
WAYS = {
    Mode.TEMPLATE: by_template.deploy,
    Mode.COMMAND: by_command.deploy,
    Mode.ATTACH: by_attaching.deploy,
    Mode.CHANGE_SETS: applying.apply,
}


def run(job: JobContext) -> int:
    state = job.folder.load()
    if state is None and job.environ.get("DEPLOY_COORDINATOR_RESTARTS", "0") not in {"", "0"}:
        raise VerdictUnknown(
            "The coordinator was started again, and the state folder no longer holds what it needs to go on.",
            why="How the deployment goes on is not watched; unknown is not success.",
            remedy="Look at the stack in the console before you deploy again.",
        )
    if state is None:
        raise CannotStart(
            "Could not read the state saved by `pre`.",
            why="Without it the lock is not known to be held, so nothing was changed.",
            remedy="Run the job again.",
        )
    job = job.deploying(state.report.links.commit_id)
    settings = parse_inputs(job.environ, step="main")
    if state.exit_code is not None:
        job.reporter.line("This step was killed after it had reported the outcome.")
        return state.exit_code
    job.reporter.notes.extend(state.report.notes)
    gap_seconds = _begin(job, state)
    deployment = Deployment(job, settings, state)
    if state.starts > 1:
        job.reporter.channel.restarted(gap_seconds, state.starts - 1)
    page = EnvironmentPage(job)
    optional(job.reporter, "The environments page", lambda: page.begin(deployment.wiring, state))
    try:
        way = planning.plan if settings.plan.plans else WAYS[settings.mode]
        code = way(deployment)
    except CoordinatorError as error:
        state.report = with_failure(state.report, error, _outcome(error, state, settings))
        if _has_begun(state):
            state.report = replace(state.report, not_started=False, needs_repair=False)
        code = 0 if state.report.outcome is Outcome.SKIPPED else error.exit_code
        if state.report.outcome in NOT_SEEN and not state.report.stacks:
            operation = (
                deployment.estimate.stream.operation if deployment.estimate.stream is not None else None
            )
            state.report = replace(state.report, last_seen=last_seen(state, operation))
        if code:
            job.reporter.error(error)
        else:
            job.reporter.line(skipped(error))
    job.reporter.remarks()
    optional(job.reporter, "The last look at the lock", deployment.coordination.confirm_to_the_end)
    deployment.coordination.remember()
    page.settle()
    state.closing_over = deployment.closing.left_seconds() <= 0
    own = _command_outputs(job) if settings.mode is Mode.COMMAND else {}
    _hand_on(job, state, code, own, seconds=deployment.lock.seconds())
    job.reporter.channel.flush(FLUSH_SECONDS)
    return code


def _begin(job: JobContext, state: JobState) -> float | None:
    """Say since when nobody watched, where this is not the first start; returns that time, None where it is
    not known."""
    reporter, folder, now = job.reporter, job.folder, job.clock.monotonic()
    reporter.printed.update(folder.printed())
    reporter.on_printed = folder.add_printed
    state.starts += 1
    gap_seconds = None
    if state.starts == 1:
        state.main_started, state.main_began = True, now
    else:
        last = folder.last_sign()
        gap_seconds = None if last is None else max(0.0, now - last)
        gap = "for an unknown time" if gap_seconds is None else f"for {duration(gap_seconds)}"
        # Before it is told: whoever is killed right here must not be counted again.
        job.keep(state)
        reporter.note(
            f"Monitoring was restarted (restart {state.starts - 1}), since the coordinator was killed or "
            f"had a defect; nobody watched {gap}. What happened meanwhile follows."
        )
        state.report = replace(state.report, notes=tuple(reporter.notes))
    folder.sign(now)
    job.keep(state)
    return gap_seconds


def _has_begun(state: JobState) -> bool:
    """Something was executed, or may have been: no refusal says any more that nothing was changed."""
    report = state.report
    done = state.execution is not None or bool(state.applied) or report.command_exit_code is not None
    return done or (bool(report.stacks) and not report.outcome.good)


def _outcome(error: CoordinatorError, state: JobState, settings: Settings) -> Outcome:
    if isinstance(error, Busy):
        skips = error.may_skip and settings.when_busy is WhenBusy.SKIP
        return Outcome.SKIPPED if skips else Outcome.BUSY
    if isinstance(error, Superseded):
        return Outcome.SKIPPED
    if isinstance(error, DeploymentFailed):
        return state.report.outcome
    if isinstance(error, Cancelled):
        return Outcome.CANCELLED
    if isinstance(error, TimedOut | EndedWithoutLock):
        return state.report.outcome if state.report.outcome in NOT_GOOD else Outcome.UNKNOWN
    return Outcome.UNKNOWN if isinstance(error, VerdictUnknown) else Outcome.FAILED


def _command_outputs(job: JobContext) -> dict[str, str]:
    found = parse_outputs(job.folder.command_output())
    text, left_out = found.as_json()
    for problem in found.problems[:PROBLEMS_MAX]:
        job.reporter.note(problem)
    if left_out:
        job.reporter.note(left_out_sentence(left_out))
    return {"command-outputs": text}


def _hand_on(job: JobContext, state: JobState, code: int, own: dict[str, str], *, seconds: float) -> None:
    state.report = replace(state.report, duration_seconds=seconds, notes=tuple(job.reporter.notes))
    state.exit_code = code
    at = date_time(job.clock.now())
    job.reporter.line(f"Outcome: {state.report.outcome.value} after {duration(seconds)}, {at}.")
    outputs = outputs_of(state.report, slack_thread_ts=state.slack_thread_ts)
    trouble = job.files.set_outputs(own | outputs)
    if trouble:
        job.reporter.note(f"{trouble} Later steps find the outputs empty.")
    job.keep(state)
