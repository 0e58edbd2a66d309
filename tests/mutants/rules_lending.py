"""A lock that several jobs use, and what is concluded where the registry or a job's state is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.cli import locks
from deploy_action.locking import delegation as borrowing
from deploy_action.locking import stack_activity as idle
from deploy_action.locking.registry_outage import Outage
from tests.cli import test_release_by_force
from tests.locking.test_client import TestATokenThatDies
from tests.locking.test_delegation import TestLoans
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Loan, Ticket
    from tests.mutants.mutant import Patch


@killed_by(TestLoans.test_a_release_waits_for_those_that_still_deploy)
def a_release_frees_the_lock_under_those_who_use_it(patch: Patch) -> None:
    def give_back(original: Any, document: Document, ticket: Ticket, **more: Any) -> Document:
        current = document.ticket(ticket.nonce)
        loans = (
            frozenset(loan.correlation_id for loan in current.loans) if current is not None else frozenset()
        )
        return original(document, ticket, **{**more, "ended": loans})  # type: ignore[no-any-return]

    patch.function(borrowing.give_back, give_back)


@killed_by(TestLoans.test_legs_of_a_matrix_that_have_no_ids_are_kept_apart)
def legs_of_a_matrix_are_one_job(patch: Patch) -> None:
    def is_of_job(_original: Any, loan: Loan, job_id: str, run_id: str) -> bool:
        return (loan.job, loan.run_id) == (job_id, run_id)

    patch.function(borrowing.is_of_job, is_of_job)


@killed_by(TestATokenThatDies.test_a_waiter_ends_as_busy_and_never_passes_a_living_holder)
def a_refusal_is_a_registry_that_is_away(patch: Patch) -> None:
    patch.function(Outage._refused, lambda _original, self, error: None)


@killed_by(
    test_release_by_force.test_a_release_by_force_deletes_what_the_holder_and_all_its_borrowers_have_not_executed
)
def what_earlier_borrowers_made_is_left_to_be_executed(patch: Patch) -> None:
    patch.function(
        idle.revoke,
        lambda original, deployer, holder, **more: original(deployer, replace(holder, borrowers=()), **more),
    )


@killed_by(
    test_release_by_force.test_a_release_by_force_deletes_what_the_holder_and_all_its_borrowers_have_not_executed
)
def a_release_by_force_leaves_change_sets_to_be_executed(patch: Patch) -> None:
    patch.function(locks._revoke, lambda original, ticket: None)
