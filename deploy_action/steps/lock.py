"""The two halves of a lock for teams whose deployment is spread over steps or jobs: `lock` takes it, `keep`
renews it beside the job's other steps, `unlock` ends the job's hold, `release` gives it back explicitly.

After `lock` nothing here fails a job: what was deployed under the lock has its verdict already.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.errors import (
    Busy,
    CannotStart,
    CoordinatorError,
    InvalidInput,
    LockLost,
    NotHeld,
    RegistryError,
    Superseded,
)
from deploy_action.inputs.settings import (
    TOKENS_VARIABLE,
    Hold,
    OnLostLock,
    Settings,
    WhenBusy,
    job_tokens,
    parse_inputs,
)
from deploy_action.job.account import check_account
from deploy_action.job.context import JobContext, skipped
from deploy_action.job.coordination import Coordination
from deploy_action.job.default_locks import lock_names
from deploy_action.job.job_log import optional
from deploy_action.job.required_outputs import give_back, hand_on
from deploy_action.job.state import JobState, StateFolder
from deploy_action.locking.delegation import as_ticket, is_of_job, nonces_of
from deploy_action.locking.document import Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.messages import not_given_back
from deploy_action.locking.stack_activity import doubtful
from deploy_action.locking.superseding import WhenSuperseded
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS
from deploy_action.locking.tokens import new_token
from deploy_action.reporting.report import Report
from deploy_action.steps.post import left_in_progress
from deploy_action.steps.pre import links_of, new_correlation_id
from deploy_action.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Callable

KEEPER = "keeper"
"""The folder in the state folder where `keep` has its own state, and the file that asks for a keeper."""
LOOK_SECONDS = 5.0
ASK_SECONDS = 120.0
"""Between two looks at whether GitHub says that the own job has ended."""
OUTCOMES = {"success": Outcome.SUCCEEDED, "failure": Outcome.FAILED, "cancelled": Outcome.CANCELLED}


def lock(job: JobContext) -> int:
    """Take the lock. Exit code 0 where it is held, where CloudFormation alone coordinates, and where the job
    wants to go on without."""
    state = JobState(
        Report(correlation_id=new_correlation_id(job.clock.now()), links=links_of(job)),
        lock_token=new_token(),
    )
    settings: Settings | None = None
    try:
        hand_on(job, {"correlation-id": state.report.correlation_id, "held": "false"})
        settings = parse_inputs(job.environ, step="lock")
        for warning in settings.warnings:
            job.reporter.note(warning)
        _take(job, settings, state)
    except CoordinatorError as error:
        return _not_held(job, state, error, settings)
    state.exit_code = 0
    state.report = replace(state.report, notes=tuple(job.reporter.notes))
    try:
        hand_on(job, _outputs(state), state=state)
    except CannotStart as error:
        give_back(job, settings, state)
        return _not_held(job, state, error, settings)
    _offer(job, settings, state)
    return 0


def _take(job: JobContext, settings: Settings, state: JobState) -> None:
    wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
    state.stacks = settings.stacks
    check_account(job, wiring, settings)
    locks = lock_names(job, wiring, settings)
    state.report = replace(state.report, environment=settings.environment, locks=locks)
    coordination = Coordination(job, wiring, settings, state)
    coordination.begin()
    if state.borrowed and state.ticket is not None:
        state.lock_token = _token_of(state.ticket, settings.lock_tokens)
    if state.ticket is not None and state.ticket.holding:
        coordination.fence()  # the steps after it rely on the lock, and none of them asks


def _token_of(lender: Ticket, tokens: tuple[str, ...]) -> str:
    """By which the lock was found; empty where it is that of the run, whose jobs need none."""
    return next((token for token in tokens if lender.nonce in nonces_of(token)), "")


def _outputs(state: JobState) -> dict[str, str]:
    """The token opens the lock in this run only. It is not masked: the runner hands no masked output on to
    another job."""
    ticket = state.ticket
    return {
        "held": "true" if ticket is not None and ticket.holding else "alone",
        "lock-token": state.lock_token if ticket is not None else "",
        "epoch": str(ticket.epoch) if ticket is not None and ticket.holding else "",
        "queue-seconds": str(round(state.report.queue_seconds)),
    }


def _offer(job: JobContext, settings: Settings, state: JobState) -> None:
    """The token to the later steps of this job, and the lock to a keeper."""
    token = state.lock_token if state.ticket is not None else ""
    if not token:
        return
    if settings.hold is Hold.RUN:
        job.reporter.line(
            "The lock is held until the `release` step, or the end of this run. A run of which GitHub says "
            "nothing (`actions: read` is missing) is taken for ended after an hour without a deployment."
        )
    elif not state.borrowed:
        optional(job.reporter, "Asking for a keeper", lambda: (job.folder.path / KEEPER).mkdir(exist_ok=True))
    tokens = dict.fromkeys((*job_tokens(job.environ.get(TOKENS_VARIABLE, "")), token))
    trouble = job.files.set_environment({TOKENS_VARIABLE: " ".join(tokens)})
    if trouble:
        job.reporter.note(f"{trouble} Hand `lock-token` to the deployments of this job.")


def _not_held(job: JobContext, state: JobState, error: CoordinatorError, settings: Settings | None) -> int:
    if isinstance(error, InvalidInput) and len(error.problems) > 1:
        for problem in error.problems:
            job.reporter.line(f"  - {problem}")
    state.exit_code = error.exit_code or NotHeld.exit_code
    job.keep(state)
    if settings is not None and _may_go_on(error, settings):
        job.reporter.line(skipped(error))
        job.reporter.note(
            "The lock is not held, and the job goes on: give the steps that need it "
            "`if: steps.ID.outputs.held != 'false'`, with the id of this step."
        )
        return 0
    if isinstance(error, Superseded):
        error = NotHeld(
            error.what,
            why="The steps after this one would run without the lock. Nothing was changed.",
            remedy="The newer deployment does what this one would have done; nothing has to be run again. "
            "`when-superseded: skip` goes on instead, for jobs whose steps look at the output `held`.",
        )
    job.reporter.error(error)
    return error.exit_code


def _may_go_on(error: CoordinatorError, settings: Settings) -> bool:
    """Whether the job wants to go on without the lock."""
    if isinstance(error, Superseded):
        return settings.when_superseded is WhenSuperseded.SKIP
    return isinstance(error, Busy) and error.may_skip and settings.when_busy is WhenBusy.SKIP


def keep(job: JobContext) -> int:
    """Show life until told to stop, or the lock is lost, or the own job has ended."""
    own = StateFolder(job.folder.path / KEEPER)
    state = own.load() or job.folder.load()
    if state is None or state.ticket is None:
        return 0
    nonce = state.ticket.nonce
    job = replace(job, folder=own)
    settings = parse_inputs(job.environ, step="keep")
    wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
    coordination = Coordination(job, wiring, settings, state)
    job.reporter.notes.extend(state.report.notes)
    coordination.resume()
    asked_at = job.clock.monotonic()
    while not (job.cancelled() or _released(job, nonce).exists()):
        try:
            coordination.keep()
        except LockLost as error:
            if not _released(job, nonce).exists():
                job.reporter.note(str(error))
                _remember(job, coordination, state)
            return 0
        _remember(job, coordination, state)
        if job.clock.monotonic() - asked_at >= ASK_SECONDS:
            asked_at = job.clock.monotonic()
            if wiring.runs is not None and wiring.runs.life(state.ticket) is JobStatus.COMPLETED:
                job.reporter.line("The job has ended without giving its lock back; others may take it.")
                return 0
        job.clock.sleep(LOOK_SECONDS)
    return 0


def _remember(job: JobContext, coordination: Coordination, state: JobState) -> None:
    coordination.remember()
    state.report = replace(state.report, notes=tuple(job.reporter.notes))
    job.keep(state)


def unlock(job: JobContext) -> int:
    """The end of the job that locked: give back what was taken, or what may have been."""
    taken = job.folder.load()
    if taken is None or taken.ticket is None or taken.borrowed:
        return 0
    kept = StateFolder(job.folder.path / KEEPER).load()
    for note in kept.report.notes if kept is not None else ():
        if note not in taken.report.notes:
            job.reporter.note(note)
    try:
        settings = parse_inputs(job.environ, step="unlock")
    except InvalidInput:
        return 0  # `lock` has told every problem, and locked nothing
    if settings.hold is Hold.RUN and taken.exit_code == 0:
        job.reporter.line(f"The run goes on holding the lock {', '.join(taken.ticket.locks)}.")
        return 0
    ticket = kept.ticket if kept is not None and kept.ticket is not None else taken.ticket
    outcome = _outcome(job) if taken.exit_code == 0 else "withdrawn"
    wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
    optional(job.reporter, "Giving the lock back", lambda: _give_back(job, wiring, ticket, outcome))
    optional(job.reporter, "Clearing the state", job.folder.forget)
    if kept is not None and kept.report.lock_lost and settings.on_lost_lock is OnLostLock.STOP:
        lost = LockLost(
            f"The job ends red, as `on-lost-lock: stop` asks. {kept.report.lock_lost}",
            why="Later steps of the job ran without the lock.",
            remedy="Look at what others deployed meanwhile.",
        )
        job.reporter.error(lost)
        return lost.exit_code
    return 0


def release(job: JobContext) -> int:
    """Give back the locks of these tokens; without any, what this run holds, as a deployment finds it too."""
    settings = parse_inputs(job.environ, step="release")
    wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
    locks = tuple(map(nonces_of, settings.lock_tokens)) or optional(
        job.reporter, "The look for a lock of this run", lambda: _locks_of_run(job, wiring)
    )
    if locks == ():
        job.reporter.line(
            "No `lock` step of this job or of this run has locked anything, so there is nothing to give back."
        )
    given: set[str] = set()
    for nonces in locks or ():
        if optional(job.reporter, "Giving the lock back", partial(_by_nonces, job, wiring, nonces)):
            given.update(nonces)
    of_job = job_tokens(job.environ.get(TOKENS_VARIABLE, ""))
    left = [token for token in of_job if given.isdisjoint(nonces_of(token))]
    job.files.set_environment({TOKENS_VARIABLE: " ".join(left)})
    return 0


def _locks_of_run(job: JobContext, wiring: Wiring) -> tuple[tuple[str, ...], ...]:
    """The nonces of those that this run attempt holds as a run. Raises RegistryError."""
    client = wiring.lock_client(Ticket(nonce="", correlation_id="", locks=()), job.clock)
    return tuple((nonce,) for nonce in client.lent_to_us())


def _released(job: JobContext, nonce: str) -> Path:
    """Tells a keeper in the same job that its lock was given back on purpose."""
    return Path(job.environ.get("RUNNER_TEMP") or job.folder.path) / f"deploy-coordinator.released.{nonce}"


def _by_nonces(job: JobContext, wiring: Wiring, nonces: tuple[str, ...]) -> bool:
    """Whether the lock is known not to be held any more, whichever of these it has. Raises RegistryError,
    OSError."""
    document = wiring.look(job.clock)
    ticket = next((one for one in map(document.ticket, nonces) if one is not None), None)
    line = next((one for one in map(document.farewell, nonces) if one is not None), None)
    if ticket is not None and not wiring.borrower.may_use(ticket):
        job.reporter.note(
            f"This `lock-token` is that of a lock of another run ({ticket.url or ticket.correlation_id}); "
            "nothing was given back. A run gives back its own locks only."
        )
        return False
    for nonce in nonces:
        _released(job, nonce).touch()
    if ticket is not None:
        _give_back(job, wiring, ticket, _outcome(job))
    elif line is not None:
        job.reporter.line(f"The lock {', '.join(line.locks)} is held no more ({line.outcome}). {line.note}")
    else:
        job.reporter.note("The registry knows no lock with this `lock-token`; nothing was given back.")
    return True


def _give_back(job: JobContext, wiring: Wiring, ticket: Ticket, outcome: str) -> None:
    client = wiring.lock_client(ticket, job.clock)
    try:
        # What was deployed under the lock has added its stacks to the ticket.
        current, line = client.find(patience_seconds=BRIEF_PATIENCE_SECONDS)
    except RegistryError:
        current, line = ticket, None  # the release itself is tried for longer
    settling = tuple(doubtful(wiring.cloudformation, current.named_stacks)) if current is not None else ()
    locks = ", ".join(ticket.locks)
    ended = _ended_loans(job, wiring, current)
    try:
        given = client.release(outcome=outcome, settling=settling, ended=ended)
    except RegistryError as error:
        job.reporter.note(not_given_back(error, ticket, client.behind))
        return
    for note in client.take_notes():
        job.reporter.note(note)
    if given and client.lent_to:
        names = ", ".join(f"{loan.correlation_id} ({loan.url or 'no link'})" for loan in client.lent_to[:5])
        job.reporter.note(
            f"The lock {locks} stays held, since others still deploy under it: {names}. The last of them "
            "gives it back at its end."
        )
    elif given:
        job.reporter.line(f"Gave the lock {locks} back.")
        left_in_progress(job, settling)
    elif line is not None:
        job.reporter.line(f"The lock {locks} was given back before ({line.outcome}). {line.note}")
    elif ticket.holding:
        job.reporter.line(f"The lock {locks} was not ours any more; left as it is.")


def _ended_loans(job: JobContext, wiring: Wiring, ticket: Ticket | None) -> frozenset[str]:
    """Deployments under the lock that ended without a word: those of this job, and of jobs that are over."""
    run, runs = job.run, wiring.runs
    return frozenset(
        loan.correlation_id
        for loan in (ticket.loans if ticket is not None else ())
        if is_of_job(loan, run.check_run_id, run.run_id)
        or (runs is not None and runs.life(as_ticket(loan)) is JobStatus.COMPLETED)
    )


def _outcome(job: JobContext) -> str:
    """How the job went, as far as the lock is concerned."""
    status = job.environ.get("DEPLOY_COORDINATOR_JOB_STATUS", "")
    return (OUTCOMES.get(status) or Outcome.UNKNOWN).value


STEPS: dict[str, Callable[[JobContext], int]] = {
    "lock": lock,
    "keep": keep,
    "unlock": unlock,
    "release": release,
}
