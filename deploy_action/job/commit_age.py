"""After the lock, before anything changes: is an older commit about to replace a newer one?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.errors import OlderCommit, OlderSkipped, RegistryError
from deploy_action.history import document as history
from deploy_action.history.files import learned
from deploy_action.job.job_log import optional
from deploy_action.locking.commit_age import Age, CommitsBetween, OnOlder, age, last_good
from deploy_action.locking.compare_and_swap import read_beside
from deploy_action.locking.delegation import account_of_loan

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.wiring import Wiring


def look_at_commit_age(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> None:
    """One request for the history, and one to compare two commits where they differ. What was deployed while
    this job waited counts, so the history is read now. Raises OlderCommit, OlderSkipped; what cannot be told
    stops nothing."""
    found = optional(job.reporter, "The look at what is deployed", lambda: _age(job, wiring, settings, state))
    if found is None or not found.sentence:
        return
    if not found.older or settings.on_older is OnOlder.ALLOW:
        asked = settings.on_older in {OnOlder.SKIP, OnOlder.FAIL} and found.older is None
        (job.reporter.note if asked else job.reporter.line)(found.sentence)
        return
    if settings.on_older is OnOlder.SKIP:
        raise OlderSkipped(found.sentence)
    if settings.on_older is OnOlder.FAIL:
        raise OlderCommit(
            found.sentence,
            why="It would take back what the newer commits changed. Nothing was changed.",
            remedy="Deploy the newest commit. For a deliberate rollback, run this with `on-older: allow`.",
        )
    job.reporter.note(f"{found.sentence} What the newer commits changed is taken back.")
    state.report = replace(state.report, older_commit=found.sentence)


def _age(job: JobContext, wiring: Wiring, settings: Settings, state: JobState) -> Age | None:
    """None where there is nothing to compare with."""
    ticket = state.ticket
    if ticket is None or not job.run.commit:
        return None
    run = job.run
    stacks = tuple(f"{stack.region}/{stack.name}" for stack in settings.stacks)
    own = replace(
        ticket,
        stacks=stacks,
        commit=run.commit,
        repository=run.repository,
        ref=run.full_ref,
        run_number=run.run_number,
        workflow_file=run.workflow_file,
        account=account_of_loan(ticket, state.report.correlation_id),
    )
    try:
        there = last_good(history.records(read_beside(wiring.registry(), learned)), own)
    except RegistryError as error:
        if settings.on_older in {OnOlder.SKIP, OnOlder.FAIL}:
            job.reporter.note(f"Could not check whether a newer commit is deployed: {error}")
        return None
    if there is None or there.commit == own.commit:
        return None
    runs = wiring.runs
    return age(own, there, runs.commits_between(there.commit, own.commit) if runs else CommitsBetween())
