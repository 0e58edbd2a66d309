"""Before the deployment: parse, look, take the lock, wait for the stacks, announce."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from deploy_action.cloudformation.change_set import epoch_in
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.slow_call import SlowCall
from deploy_action.common.times import date_time
from deploy_action.deploy.review import review
from deploy_action.deploy.trial import guard_before_lock
from deploy_action.errors import (
    AccountUnknown,
    Busy,
    Cancelled,
    CannotStart,
    CoordinatorError,
    InvalidInput,
    OlderSkipped,
    StackSourceError,
    Superseded,
)
from deploy_action.github.run_without_secrets import why_without_secrets
from deploy_action.inputs.plan import WhenOutdated
from deploy_action.inputs.raw import raw_inputs
from deploy_action.inputs.settings import Mode, Settings, WhenBusy, parse_inputs
from deploy_action.job.account import check_account
from deploy_action.job.commit_age import look_at_commit_age
from deploy_action.job.concurrency import look_at_concurrency
from deploy_action.job.context import JobContext, skipped, with_failure
from deploy_action.job.coordination import Coordination
from deploy_action.job.default_locks import lock_names
from deploy_action.job.environment_page import EnvironmentPage
from deploy_action.job.estimates import foresee
from deploy_action.job.history import HistoryLoader
from deploy_action.job.job_log import optional
from deploy_action.job.open_notifier import open_channel, remember
from deploy_action.job.preflight import start_preflight
from deploy_action.job.required_outputs import give_back, hand_on
from deploy_action.job.state import JobState
from deploy_action.job.teardown import teardown_of
from deploy_action.job.template_upload import uploaded
from deploy_action.locking.stack_activity import described, executed_by
from deploy_action.locking.without_registry import WhenAway
from deploy_action.reporting.outputs import outputs_of
from deploy_action.reporting.report import Links, Report
from deploy_action.reporting.shared_causes import shared_cause
from deploy_action.steps.ask import ask
from deploy_action.wiring import Wiring

FLUSH_SECONDS = 2.0
"""For the first message, whose id is an output of this step."""


def run(job: JobContext) -> int:
    """Exit code 0 where `main` may go on, or was skipped on request."""
    report = Report(correlation_id=new_correlation_id(job.clock.now()), links=links_of(job))
    state = JobState(report)
    settings: Settings | None = None
    page = EnvironmentPage(job)
    job.files.set_outputs({"correlation-id": report.correlation_id})
    try:
        settings = parse_inputs(job.environ, step="pre")
        job = job.deploying(settings.commit)
        links = replace(links_of(job), version=settings.version)
        shows_only = settings.no_execute_change_set or settings.plan.plans
        deploys = settings.mode not in {Mode.ATTACH, Mode.ASK} and not shows_only
        tears_down = teardown_of(settings.command)
        asked = tuple(stack.short_name for stack in settings.stacks)
        asked += tuple(str(one) for one in settings.stack_sets)
        state.report = replace(state.report, links=links, deploys=deploys, tears_down=tears_down, asked=asked)
        page = EnvironmentPage(job)
        for warning in settings.warnings:
            job.reporter.note(warning)
        if settings.mode is Mode.ASK:
            return ask(job, settings, state)
        _prepare(job, settings, state, page)
    except CoordinatorError as error:
        page.keep(state)
        return _stopped(job, state, error, settings)
    page.keep(state)
    state.report = replace(state.report, notes=tuple(job.reporter.notes))
    try:
        hand_on(job, {**_queue_outputs(state), "proceed": "true"}, state=state)
    except CannotStart as error:
        give_back(job, settings, state)
        return _stopped(job, state, error, settings)
    return 0


def new_correlation_id(unix_seconds: float) -> str:
    """`YYYYMMDD-HHMMSS-xxxxxx`, UTC: sorts by time, and is unique for all practical purposes."""
    stamp = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(3)}"


def _prepare(job: JobContext, settings: Settings, state: JobState, page: EnvironmentPage) -> None:
    reporter = job.reporter
    wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
    state.stacks = settings.stacks
    check_account(job, wiring, settings)
    reporter.line(f"Deployment {state.report.correlation_id}: {_purpose(settings, state.report.tears_down)}")
    origin = f" of {job.run.repository}" if job.run.repository else ""
    reporter.line(f"Began {date_time(job.clock.now())}{origin}.")
    if state.report.tears_down:
        call, stacks = state.report.tears_down, _names(settings)
        reporter.alert(
            f"`command` runs `{call}`: it deletes {stacks}.",
            f"`command` ran `{call}`, which deletes {stacks}.",
        )
    settings = uploaded(job, wiring, settings)
    preflight = start_preflight(job, wiring, settings, state.report.correlation_id)
    known_epoch = _look(job, wiring, settings)
    with SlowCall("GitHub", reporter.line, job.clock):
        optional(reporter, "The look at concurrency", lambda: look_at_concurrency(job, wiring, settings))
    locks = _locks(job, wiring, settings, state)
    state.report = replace(state.report, environment=settings.environment, locks=locks)
    channel = optional(reporter, "The channel", lambda: open_channel(job, wiring, settings, state))
    reporter.channel = channel or reporter.channel
    if preflight is not None:
        preflight.before_the_lock()
    with SlowCall("GitHub", reporter.line, job.clock):
        optional(reporter, "The environments page", lambda: page.open(wiring, settings, state))
    if settings.mode is Mode.CHANGE_SETS and settings.plan.when_outdated is WhenOutdated.STOP:
        review(job, wiring, settings, state.report.correlation_id, locked=False)
    if settings.mode is Mode.TEMPLATE and not settings.plan.plans:
        guard_before_lock(job, wiring.cloudformation, settings, state.report.correlation_id)
    recall = (
        HistoryLoader(wiring, settings, commit=job.run.commit) if settings.mode is not Mode.ATTACH else None
    )
    if recall is not None and settings.plan.plans:
        optional(reporter, "The estimate", lambda: foresee(job, state, recall))
    elif recall is not None:
        Coordination(
            job,
            wiring,
            settings,
            state,
            left=recall.usual_seconds_so_far,
            known_epoch=known_epoch,
            usual_seconds=recall.usual_seconds_of,
        ).begin()
        look_at_commit_age(job, wiring, settings, state)
        optional(reporter, "The estimate", lambda: foresee(job, state, recall))
    if preflight is not None:
        optional(reporter, "The rest of the preflight", preflight.after_the_lock)
    if settings.mode is Mode.COMMAND:
        job.folder.hand_over_command(settings.command, settings.working_directory)
    reporter.channel.started(state.report)
    reporter.channel.flush(FLUSH_SECONDS)
    remember(reporter.channel, state)


def _look(job: JobContext, wiring: Wiring, settings: Settings) -> int | None:
    """One look at the stacks before anything is locked: credentials that cannot work are told now. Returns
    the highest epoch in the names of the change sets that were executed last; None where it could not be
    seen."""
    try:
        with SlowCall("CloudFormation", job.reporter.line, job.clock):
            seen = [state for stack in settings.stacks for state in described(wiring.cloudformation, stack)]
        return max((epoch_in(executed_by(state)) for state in seen), default=0)
    except StackSourceError as error:
        if shared_cause(error.what):
            error.remedy = why_without_secrets(job.environ) or error.remedy
        if error.misconfigured or (not error.temporary and settings.mode is Mode.TEMPLATE):
            raise CannotStart(
                error.what, why="Nothing was locked or changed.", remedy=error.remedy
            ) from error
        job.reporter.note(f"The stacks could not be looked at: {error}")
        return None


def _locks(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> tuple[str, ...]:
    """None where AWS does not tell the account that names them: like a registry that is away. A plan takes
    none."""
    if settings.plan.plans:
        return ()
    try:
        return lock_names(job, wiring, settings)
    except AccountUnknown as error:
        if settings.when_registry_away is not WhenAway.GO_ON:
            raise
        sentence = (
            f"Continuing without a lock. {error.what} CloudFormation still allows only one operation per "
            f"stack. {error.remedy}"
        )
        job.reporter.note(sentence)
        state.alone = True
        state.report = replace(state.report, fallback=sentence)
        return ()


def _stopped(job: JobContext, state: JobState, error: CoordinatorError, settings: Settings | None) -> int:
    """Tell why `main` will not run. `when-busy: skip` makes a busy lock a green skip."""
    outcome, code = Outcome.FAILED, error.exit_code
    if isinstance(error, Busy):
        outcome = Outcome.BUSY
        if error.may_skip and settings is not None and settings.when_busy is WhenBusy.SKIP:
            outcome, code = Outcome.SKIPPED, 0
    elif isinstance(error, Cancelled):
        outcome = Outcome.CANCELLED
    elif isinstance(error, Superseded | OlderSkipped):
        outcome = Outcome.SKIPPED
    problems = error.problems if isinstance(error, InvalidInput) else ()
    for problem in problems if len(problems) > 1 else ():
        job.reporter.line(f"  - {problem}")
    if code:
        job.reporter.error(error)
    else:
        job.reporter.line(skipped(error))
    state.report = replace(
        with_failure(state.report, error, outcome),
        notes=tuple(job.reporter.notes),
    )
    state.report = _as_given(job, state.report) if settings is None else state.report
    try:
        job.folder.save(state)
    except OSError as failure:
        job.reporter.note(f"Keeping the state failed: {failure}")
        if settings is not None:
            give_back(job, settings, state)
    outputs = outputs_of(state.report)
    del outputs["correlation-id"]
    job.files.set_outputs(outputs)
    return code


def _as_given(job: JobContext, report: Report) -> Report:
    """With the names as they stand in inputs that are wrong."""
    try:
        given = raw_inputs(job.environ)
    except InvalidInput:
        return report
    return replace(
        report, environment=given.get("environment", ""), asked=tuple(given.get("stack-name", "").split())
    )


def _queue_outputs(state: JobState) -> dict[str, str]:
    outputs = outputs_of(state.report, slack_thread_ts=state.slack_thread_ts)
    early = ("queue-seconds", "slack-thread-ts")
    return {name: text for name, text in outputs.items() if name in early or name.startswith("estimate-")}


def _purpose(settings: Settings, tears_down: str) -> str:
    stacks = _names(settings)
    how = {
        Mode.TEMPLATE: f"template {settings.template} to {stacks}",
        Mode.COMMAND: f"a {'teardown by ' if tears_down else ''}command, watching {stacks}",
        Mode.CHANGE_SETS: f"what was planned for {stacks}",
        Mode.ATTACH: f"watching what is in progress on {stacks}",
    }[settings.mode]
    how = f"plan of {how}" if settings.plan.plans else how
    return f"{how} (environment {settings.environment})" if settings.environment else how


def _names(settings: Settings) -> str:
    names = [str(stack) for stack in settings.stacks]
    return ", ".join(names + [f"stack set {one}" for one in settings.stack_sets])


def links_of(job: JobContext) -> Links:
    return Links(run=job.run.url, commit=job.run.commit_url, commit_id=job.run.commit)
