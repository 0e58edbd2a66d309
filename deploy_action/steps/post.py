"""After the deployment, whatever became of it: release the lock, write the summary, tell the channel.

Nothing here may fail the job: the deployment has its verdict already.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome, StackLine
from deploy_action.cloudformation.stacks import is_in_progress
from deploy_action.common.times import iso
from deploy_action.errors import Cancelled, InvalidInput, RegistryError, StackSourceError
from deploy_action.history.files import remembered
from deploy_action.inputs.settings import Mode, parse_inputs
from deploy_action.job.environment_page import WHAT, EnvironmentPage
from deploy_action.job.history import record_of
from deploy_action.job.job_log import optional
from deploy_action.job.last_seen import last_seen
from deploy_action.job.lost_state import give_back_by_job
from deploy_action.job.open_notifier import open_channel, remember
from deploy_action.job.state import JobState
from deploy_action.locking.compare_and_swap import FilesChange
from deploy_action.locking.delegation import account_of_loan
from deploy_action.locking.messages import not_given_back
from deploy_action.locking.stack_activity import in_progress, ref_of
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS, Left
from deploy_action.monitoring.closing_budget import CLOSING_SECONDS, POST_SECONDS, Closing
from deploy_action.reporting.outputs import outputs_of
from deploy_action.reporting.report import Failure, Report
from deploy_action.reporting.summary.page import summary
from deploy_action.wiring import Wiring

if TYPE_CHECKING:
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.locking.client import LockClient
    from deploy_action.locking.document import Ticket

HISTORY_PATIENCE_SECONDS = RELEASE_PATIENCE_SECONDS = 10.0
"""For a registry that does not answer, in each of two tries to release: with the history, and without it."""
FLUSH_SECONDS = 6.0
"""For the last word; what is not delivered by then, a later deployment delivers."""


def run(job: JobContext) -> int:
    kept = job.folder.load()
    state = kept or JobState(Report(correlation_id="unknown"))
    job = job.deploying(state.report.links.commit_id)
    job.reporter.notes.extend(state.report.notes)
    state.report = _final(job, state)
    outputs: tuple[str, ...] = ()
    try:
        settings = parse_inputs(job.environ, step="post")
    except InvalidInput:
        # `pre` has told every problem, and locked nothing.
        job.reporter.line("Nothing was locked, so there is nothing to give back.")
    else:
        outputs = settings.slack_outputs
        if settings.mode is not Mode.ASK:
            wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
            _end(job, state, wiring, lost=kept is None)
            optional(job.reporter, "The announcement", lambda: _announce(job, state, wiring, settings))
            optional(job.reporter, WHAT, lambda: EnvironmentPage(job).close(wiring, settings, state))
        elif kept is None:
            return 0  # its answer stands in the outputs of `pre`
    state.report = replace(state.report, notes=tuple(dict.fromkeys(job.reporter.notes)))
    shown = state.report.plan is not None and state.report.failure is None
    page = (
        ""
        if shown
        else optional(
            job.reporter,
            "The summary",
            lambda: summary(state.report, now=job.clock.now(), outputs=outputs),
        )
    )
    for trouble in (
        job.files.add_summary(page or ""),
        job.files.set_outputs(outputs_of(state.report, slack_thread_ts=state.slack_thread_ts)),
    ):
        if trouble:
            job.reporter.note(trouble)
    optional(job.reporter, "Clearing the state", job.folder.forget)
    return 0


def _final(job: JobContext, state: JobState) -> Report:
    """The report, also where a step was killed before it could say how it ended."""
    report = state.report
    if state.exit_code is not None or report.failure is not None:
        return report
    told = job.environ.get("DEPLOY_COORDINATOR_MAIN_OUTCOME", "")
    if told in {outcome.value for outcome in Outcome}:
        # `main` said how it ended, and could not write down the rest.
        return replace(report, outcome=Outcome(told))
    job_cancelled = job.environ.get("DEPLOY_COORDINATOR_JOB_STATUS") == "cancelled"
    outcome = Outcome.CANCELLED if job_cancelled else Outcome.UNKNOWN
    step = "main" if state.main_started else "pre"
    failure = Failure(
        f"The `{step}` step was ended before it could say how the deployment went.",
        "A job that is cancelled or out of time ends its steps within seconds.",
        "Look at the stack in the console before you deploy again." if state.main_started else "",
    )
    seen = last_seen(state) if state.main_started and not report.stacks else ()
    return replace(report, outcome=outcome, failure=failure, last_seen=seen)


def _end(job: JobContext, state: JobState, wiring: Wiring, *, lost: bool) -> None:
    """`lost`: an earlier step's state cannot be read."""
    settling = optional(
        job.reporter, "The look at the stacks", lambda: _still_in_progress(job, state, wiring)
    )
    if settling is None:
        settling = tuple(_named(state, stack) for stack in state.stacks)
    if state.ticket is not None:
        optional(job.reporter, "Giving the lock back", lambda: _release(job, state, wiring, settling))
    elif lost:
        optional(job.reporter, "The look for a lock of this job", lambda: give_back_by_job(job, wiring))


def _announce(job: JobContext, state: JobState, wiring: Wiring, settings: Settings) -> None:
    channel = open_channel(job, wiring, settings, state)
    channel.ended(state.report, timed_out=state.report.timed_out)
    channel.flush(FLUSH_SECONDS)
    remember(channel, state)
    if channel.box is not None:
        from deploy_action.job.slack_handoff import hand_over

        hand_over(job, wiring, settings, channel)


def _named(state: JobState, stack: StackRef) -> str:
    """`ACCOUNT/REGION/NAME` where the account is known: whoever is next may work in another one."""
    text = f"{stack.region}/{stack.name}"
    if state.ticket is None:
        return text
    account = account_of_loan(state.ticket, state.report.correlation_id)
    return replace(state.ticket, stacks=(text,), account=account).named_stacks[0]


def _still_in_progress(job: JobContext, state: JobState, wiring: Wiring) -> tuple[str, ...]:
    """`REGION/ID` of what this deployment leaves in progress; the next holder waits for it.

    Not looked at where nothing of ours can be: the only stack of a change set was seen to end, or nothing
    was begun.
    """
    outcome = state.report.outcome
    still = any(is_in_progress(stack.status) for stack in state.report.stacks)
    ended = outcome.good and state.report.changes is not None and not still
    if not state.main_started or state.ticket is None or ended or outcome in {Outcome.BUSY, Outcome.SKIPPED}:
        return ()
    found: list[str] = []
    lines: list[StackLine] = []
    seconds = POST_SECONDS if state.closing_over else CLOSING_SECONDS
    closing = Closing(job.clock, cancelled=job.cancelled, seconds=seconds)
    wiring.aws.limit(closing.left_seconds)
    closing.begin()
    for ref in state.stacks:
        if closing.over():
            job.reporter.note(f"Could not check in time whether {ref} is still in progress.")
            found.append(_named(state, ref))
            continue
        try:
            busy = in_progress(wiring.cloudformation, [ref])
        except StackSourceError as error:
            job.reporter.note(f"Could not check whether {ref} is still in progress: {error}")
            found.append(_named(state, ref))
            continue
        for stack in busy:
            found.append(f"{ref.region}/{stack.stack_id}")
            lines.append(StackLine(ref.region, stack.ref.name, stack.stack_id, stack.status, stack.reason))
    if lines and not state.report.stacks:
        state.report = replace(state.report, stacks=tuple(lines))
    return tuple(found)


def _release(job: JobContext, state: JobState, wiring: Wiring, settling: tuple[str, ...]) -> None:
    if state.ticket is None:
        return
    if state.borrowed:
        _leave(job, state, wiring, settling)
        return
    if not state.ticket.holding:
        # A place in the queue that was perhaps not given up; usually it was, and this finds nothing to do.
        outcome = state.report.outcome.value if state.alone else "withdrawn"
        try:
            client = wiring.lock_client(state.ticket, job.clock)
            client.release(outcome=outcome, settling=settling, patience_seconds=BRIEF_PATIENCE_SECONDS)
        except RegistryError as error:
            if not state.alone:  # else it was told that the registry cannot be used
                job.reporter.note(f"A place in the queue could not be given back: {error}")
        return
    locks = ", ".join(state.ticket.locks)
    try:
        client = wiring.lock_client(state.ticket, job.clock)
        given = _remembered(job, state, client, settling)
    except RegistryError as error:
        job.reporter.note(not_given_back(error, state.ticket, state.behind))
        return
    for note in client.take_notes():
        job.reporter.note(note)
    if not given:
        job.reporter.line(f"The lock {locks} was not ours any more; left as it is.")
        return
    job.reporter.line(f"Gave the lock {locks} back.")
    left_in_progress(job, settling)


def left_in_progress(job: JobContext, settling: tuple[str, ...]) -> None:
    if settling:
        names = ", ".join(str(ref_of(text)) for text in settling)
        job.reporter.note(
            f"The next deployment under this lock waits until these stacks are seen at rest: {names}."
        )


def _leave(job: JobContext, state: JobState, wiring: Wiring, settling: tuple[str, ...]) -> None:
    """Remember the deployment; the lock stays held, unless its owner waited for this end."""
    if state.ticket is None or not state.ticket.holding:
        return
    client = wiring.lock_client(state.ticket, job.clock)
    locks = ", ".join(state.ticket.locks)
    record = record_of(_own_part(job, state, state.ticket), state.report, at=iso(job.clock.now()))
    left = client.leave(
        state.report.correlation_id,
        settling=settling,
        history=FilesChange(lambda read: remembered(read, record)),
        patience_seconds=HISTORY_PATIENCE_SECONDS,
    )
    if left is Left.HELD:
        job.reporter.line(f"The lock {locks} stays held; the `lock` step's end gives it back.")
    elif left is Left.FREED:
        job.reporter.line(f"Gave the lock {locks} back: its `release` waited for this deployment.")
    else:
        job.reporter.line(f"The lock {locks} was not held any more.")
    left_in_progress(job, settling)


def _own_part(job: JobContext, state: JobState, lender: Ticket) -> Ticket:
    """The part of a lock under which several deploy that is this deployment's own."""
    run, name = job.run, state.report.correlation_id
    return replace(
        lender,
        correlation_id=name,
        stacks=tuple(f"{stack.region}/{stack.name}" for stack in state.stacks),
        account=account_of_loan(lender, name),
        repository=run.repository,
        actor=run.actor,
        commit=run.commit,
        ref=run.full_ref,
        run_number=run.run_number,
        workflow_file=run.workflow_file,
        url=run.url,
    )


def _remembered(job: JobContext, state: JobState, client: LockClient, settling: tuple[str, ...]) -> bool:
    """Release, and remember the deployment in the same swap; where that cannot be, release all the same."""
    outcome = state.report.outcome.value
    record = record_of(client.ticket, state.report, at=iso(job.clock.now()))
    memory = job.folder.memory()
    collected = memory.collected if memory is not None else ()
    change = FilesChange(lambda read: remembered(read, record, earlier=collected))
    try:
        return client.release(
            outcome=outcome,
            settling=settling,
            history=change,
            patience_seconds=HISTORY_PATIENCE_SECONDS,
        )
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a history, the lock is given back
        if client.release(outcome=outcome, settling=settling, patience_seconds=RELEASE_PATIENCE_SECONDS):
            job.reporter.note(f"This deployment is not remembered: {error}")
            return True
        # The first try may have landed without an answer, with the history in the same swap.
        line = client.find(patience_seconds=BRIEF_PATIENCE_SECONDS)[1]
        return line is not None and line.outcome == outcome
