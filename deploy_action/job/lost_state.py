"""What a job left in the registry, where the state that its steps hand on is gone."""

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


def give_back_by_job(world: JobContext, wiring: Wiring) -> None:
    """Release what stands there under this run, attempt and job; but for the locks of the job's own `lock`
    steps. Raises RegistryError."""
    if not world.run.check_run_id:
        return  # its key names all legs of a matrix
    tokens = job_tokens(world.environ.get(TOKENS_VARIABLE, ""))
    own_locks = Borrower(tokens).nonces()
    document = wiring.look(world.clock)
    for ticket in of_job(world, document):
        if ticket.nonce in own_locks:
            continue
        client = wiring.lock_client(ticket, world.clock)
        settling = tuple(doubtful(wiring.cloudformation, ticket.stacks)) if ticket.holding else ()
        if client.release(outcome=Outcome.UNKNOWN.value, settling=settling):
            world.teller.note(
                f"The state of this job's steps is lost. The lock {', '.join(ticket.locks)} was found by run "
                "and job, and given back; what was deployed under it is not remembered."
            )
    for ticket in document.tickets:
        for loan in ticket.loans:
            own = loan.repository == world.run.repository
            if own and is_of_job(loan, world.run.check_run_id, world.run.run_id):
                wiring.lock_client(ticket, world.clock).leave(loan.correlation_id)


def of_job(world: JobContext, document: Document) -> list[Ticket]:
    run = world.run
    whose = (run.repository, run.run_id, run.run_attempt, run.check_run_id)
    return [
        one for one in document.tickets if (one.repository, one.run_id, one.run_attempt, one.job) == whose
    ]
