"""The parts of a job in the registry, where the state that its steps hand on is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.inputs.settings import TOKENS_VARIABLE, job_tokens
from deploy_action.locking.delegation import Borrower, is_of_job
from deploy_action.locking.stack_activity import doubtful

if TYPE_CHECKING:
    from deploy_action.job.context import JobContext
    from deploy_action.locking.document import Document, Ticket
    from deploy_action.wiring import Wiring


def give_back_by_job(job: JobContext, wiring: Wiring) -> None:
    """Release what stands there under this run, attempt and job; but for the locks of the job's own `lock`
    steps. Raises RegistryError."""
    if not job.run.check_run_id:
        return  # its key names all legs of a matrix
    tokens = job_tokens(job.environ.get(TOKENS_VARIABLE, ""))
    own_locks = Borrower(tokens).nonces()
    document = wiring.look(job.clock)
    for ticket in of_job(job, document):
        if ticket.nonce in own_locks:
            continue
        client = wiring.lock_client(ticket, job.clock)
        settling = tuple(doubtful(wiring.cloudformation, ticket.stacks)) if ticket.holding else ()
        if client.release(outcome=Outcome.UNKNOWN.value, settling=settling):
            job.reporter.note(
                f"The state of this job's steps is lost. The lock {', '.join(ticket.locks)} was found by run "
                "and job, and given back; what was deployed under it is not remembered."
            )
    for ticket in document.tickets:
        for loan in ticket.loans:
            own = loan.repository == job.run.repository
            if own and is_of_job(loan, job.run.check_run_id, job.run.run_id):
                wiring.lock_client(ticket, job.clock).leave(loan.correlation_id)


def of_job(job: JobContext, document: Document) -> list[Ticket]:
    run = job.run
    whose = (run.repository, run.run_id, run.run_attempt, run.check_run_id)
    return [
        one for one in document.tickets if (one.repository, one.run_id, one.run_attempt, one.job) == whose
    ]
