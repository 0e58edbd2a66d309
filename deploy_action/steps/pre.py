"""Before the deployment: parse, look, take the lock, wait for the stacks, announce."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime

from deploy_action.cloudformation.change_set import epoch_in
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.common.slow_call import SlowCall
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
from deploy_action.inputs.settings import Mode, Settings, WhenBusy, parse_inputs
from deploy_action.job.commit_age import look_at_commit_age
from deploy_action.job.concurrency import look_at_concurrency
from deploy_action.job.context import JobContext, skipped, with_failure
from deploy_action.job.coordination import Coordination
from deploy_action.job.default_locks import lock_names
from deploy_action.job.environment_page import EnvironmentPage
from deploy_action.job.estimates import foresee
from deploy_action.job.history import HistoryLoader
from deploy_action.job.job_log import optional
from deploy_action.job.named_account import check_account
from deploy_action.job.open_notifier import open_channel, remember
from deploy_action.job.preflight import start_preflight
from deploy_action.job.required_outputs import give_back, hand_on
from deploy_action.job.state import JobState
from deploy_action.job.teardown import teardown_of
from deploy_action.locking.stack_activity import described, executed_by
from deploy_action.locking.without_registry import WhenAway
from deploy_action.reporting.outputs import outputs_of
from deploy_action.reporting.report import Links, Report
from deploy_action.reporting.shared_causes import shared_cause
from deploy_action.reporting.summary.page import opening
from deploy_action.wiring import Wiring

FLUSH_SECONDS = 2.0
"""For the first message, whose id is an output of this step."""


def run(world: JobContext) -> int:
    """Exit code 0 where `main` may go on, or was skipped on request."""
    report = Report(correlation_id=new_correlation_id(world.clock.now()), links=links_of(world))
    state = JobState(report)
    settings: Settings | None = None
    page = EnvironmentPage(world)
    world.files.set_outputs({"correlation-id": report.correlation_id})
    try:
        settings = parse_inputs(world.environ, step="pre")
        world = world.deploying(settings.commit)
        links = replace(links_of(world), version=settings.version)
        deploys = settings.mode is not Mode.ATTACH and not settings.no_execute_change_set
        tears_down = teardown_of(settings.command)
        state.report = replace(state.report, links=links, deploys=deploys, tears_down=tears_down)
        page = EnvironmentPage(world)
        for warning in settings.warnings:
            world.teller.note(warning)
        _prepare(world, settings, state, page)
    except CoordinatorError as error:
        page.keep(state)
        return _stopped(world, state, error, settings)
    page.keep(state)
    state.report = replace(state.report, notes=tuple(world.teller.notes))
    try:
        hand_on(world, {**_queue_outputs(state), "proceed": "true"}, state=state)
    except CannotStart as error:
        give_back(world, settings, state)
        return _stopped(world, state, error, settings)
    optional(world.teller, "The summary", lambda: world.files.add_summary(opening(state.report)))
    return 0


def new_correlation_id(unix_seconds: float) -> str:
    """`YYYYMMDD-HHMMSS-xxxxxx`, UTC: sorts by time, and is unique for all practical purposes."""
    stamp = datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{secrets.token_hex(3)}"


def _prepare(world: JobContext, settings: Settings, state: JobState, page: EnvironmentPage) -> None:
    teller = world.teller
    wiring = Wiring(settings, world.run, world.environ, monotonic=world.clock.monotonic)
    state.stacks = settings.stacks
    check_account(world, wiring, settings)
    teller.line(f"Deployment {state.report.correlation_id}: {_purpose(settings, state.report.tears_down)}")
    if state.report.tears_down:
        teller.note(f"`command` runs `{state.report.tears_down}`: it deletes {_names(settings)}.")
    preflight = start_preflight(world, wiring, settings, state.report.correlation_id)
    known_epoch = _look(world, wiring, settings)
    with SlowCall("GitHub", teller.line, world.clock):
        optional(teller, "The look at concurrency", lambda: look_at_concurrency(world, wiring, settings))
    locks = _locks(world, wiring, settings, state)
    state.report = replace(state.report, environment=settings.environment, locks=locks)
    channel = optional(teller, "The channel", lambda: open_channel(world, wiring, settings, state))
    teller.channel = channel or teller.channel
    if preflight is not None:
        preflight.before_the_lock()
    with SlowCall("GitHub", teller.line, world.clock):
        optional(teller, "The environments page", lambda: page.open(wiring, settings, state))
    recall = HistoryLoader(wiring, settings) if settings.mode is not Mode.ATTACH else None
    if recall is not None:
        Coordination(
            world, wiring, settings, state, left=recall.usual_seconds_so_far, known_epoch=known_epoch
        ).begin()
        look_at_commit_age(world, wiring, settings, state)
        optional(teller, "The estimate", lambda: foresee(world, state, recall))
    if preflight is not None:
        optional(teller, "The rest of the preflight", preflight.after_the_lock)
    if settings.mode is Mode.COMMAND:
        world.folder.hand_over_command(settings.command, settings.working_directory)
    teller.channel.started(state.report)
    teller.channel.flush(FLUSH_SECONDS)
    remember(teller.channel, state)


def _look(world: JobContext, wiring: Wiring, settings: Settings) -> int | None:
    """One look at the stacks before anything is locked: credentials that cannot work are told now. Returns
    the highest epoch in the names of the change sets that were executed last; None where it could not be
    seen."""
    try:
        with SlowCall("CloudFormation", world.teller.line, world.clock):
            seen = [state for stack in settings.stacks for state in described(wiring.cloudformation, stack)]
        return max((epoch_in(executed_by(state)) for state in seen), default=0)
    except StackSourceError as error:
        if shared_cause(error.what):
            error.remedy = why_without_secrets(world.environ) or error.remedy
        if error.misconfigured or (not error.temporary and settings.mode is Mode.TEMPLATE):
            raise CannotStart(
                error.what, why="Nothing was locked or changed.", remedy=error.remedy
            ) from error
        world.teller.note(f"The stacks could not be looked at: {error}")
        return None


def _locks(world: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> tuple[str, ...]:
    """None where AWS does not tell the account that names them: like a registry that is away."""
    try:
        return lock_names(world, wiring, settings)
    except AccountUnknown as error:
        if settings.when_registry_away is not WhenAway.GO_ON:
            raise
        sentence = (
            f"Continuing without a lock. {error.what} CloudFormation still allows only one operation per "
            f"stack. {error.remedy}"
        )
        world.teller.note(sentence)
        state.alone = True
        state.report = replace(state.report, fallback=sentence)
        return ()


def _stopped(world: JobContext, state: JobState, error: CoordinatorError, settings: Settings | None) -> int:
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
    if isinstance(error, InvalidInput) and len(error.problems) > 1:
        for problem in error.problems:
            world.teller.line(f"  - {problem}")
    if code:
        world.teller.error(error)
    else:
        world.teller.line(skipped(error))
    state.report = replace(with_failure(state.report, error, outcome), notes=tuple(world.teller.notes))
    try:
        world.folder.save(state)
    except OSError as failure:
        world.teller.note(f"Keeping the state failed: {failure}")
        if settings is not None:
            give_back(world, settings, state)
    outputs = outputs_of(state.report)
    del outputs["correlation-id"]
    world.files.set_outputs(outputs)
    return code


def _queue_outputs(state: JobState) -> dict[str, str]:
    outputs = outputs_of(state.report, slack_thread_ts=state.slack_thread_ts)
    early = ("queue-seconds", "slack-thread-ts")
    return {name: text for name, text in outputs.items() if name in early or name.startswith("estimate-")}


def _purpose(settings: Settings, tears_down: str) -> str:
    stacks = _names(settings)
    how = {
        Mode.TEMPLATE: f"template {settings.template} to {stacks}",
        Mode.COMMAND: f"a {'teardown by ' if tears_down else ''}command, watching {stacks}",
        Mode.ATTACH: f"watching what is in progress on {stacks}",
    }[settings.mode]
    return f"{how} (environment {settings.environment})" if settings.environment else how


def _names(settings: Settings) -> str:
    names = [str(stack) for stack in settings.stacks]
    return ", ".join(names + [f"stack set {one}" for one in settings.stack_sets])


def links_of(world: JobContext) -> Links:
    return Links(run=world.run.url, commit=world.run.commit_url, commit_id=world.run.commit)
