"""What an operation was begun as, and stacks that were deleted before anybody looked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation import deployability as start
from deploy_action.cloudformation import stacks
from deploy_action.monitoring.stack_listing import StackListing
from tests.jobs import test_template, test_verdicts
from tests.mutants.mutant import Case, killed_by
from tests.reporting import test_report

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    Case(
        test_report.test_what_an_operation_was_begun_as_is_half_of_its_verdict,
        "CREATE-DELETE_COMPLETE-Verdict.FAILED",
    ),
    Case(
        test_report.test_what_an_operation_was_begun_as_is_half_of_its_verdict,
        "DELETE-UPDATE_COMPLETE-Verdict.FAILED",
    ),
    Case(test_verdicts.test_a_creation_that_fails_and_is_deleted_is_a_failure_with_its_cause, "60.0-shop"),
)
def the_last_status_alone_is_the_verdict(patch: Patch) -> None:
    patch.function(stacks.operation_verdict, lambda _original, _begun, status: stacks.verdict_of(status))


@killed_by(Case(test_verdicts.test_a_good_deletion_is_seen_and_headed_as_one, "1.5-shop*-doomed1"))
def a_stack_that_a_listing_lacks_is_not_looked_for(patch: Patch) -> None:
    patch.function(StackListing._look_for, lambda _original, *_args: None)


@killed_by(Case(test_verdicts.test_a_creation_that_is_gone_between_two_looks_is_seen, "sh*"))
def deleted_stacks_are_never_listed(patch: Patch) -> None:
    patch.function(StackListing.deleted, lambda _original, *_args: [])


@killed_by(test_template.test_a_replacement_is_not_executed_while_rollback_is_disabled)
def a_replacement_is_executed_although_it_must_fail(patch: Patch) -> None:
    patch.function(start.replaced_without_rollback, lambda _original, _changes: None)
