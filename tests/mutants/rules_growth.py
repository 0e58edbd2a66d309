"""What it takes of an account, a registry or a limit that others need too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.adapters.cloudformation import CloudFormation
from deploy_action.engine.listing import StackListing
from deploy_action.engine.schedule import Budget, Schedule
from tests.engine import test_listing, test_schedule
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    test_schedule.test_being_throttled_halves_the_rate_and_it_takes_minutes_to_come_back,
    test_schedule.test_a_throttled_request_of_any_kind_slows_the_looks,
)
def being_throttled_changes_nothing(patch: Patch) -> None:
    patch.function(Budget.throttled, lambda _original, *_args: None)


@killed_by(test_schedule.test_pages_and_the_requests_of_others_in_this_process_count)
def a_look_is_one_request_however_many_pages_it_takes(patch: Patch) -> None:
    patch.function(Schedule.charge, lambda _original, *_args: None)


@killed_by(Case(test_listing.test_an_account_is_listed_whole_twice_and_what_is_in_progress_between, "550"))
def a_glob_lists_the_whole_account_again_and_again(patch: Patch) -> None:
    patch.function(CloudFormation.in_progress, lambda _original, source, pattern: source.matching(pattern))


@killed_by(test_listing.test_a_stack_that_begins_and_ends_between_two_lists_is_found_at_the_end)
def the_end_is_not_listed_whole(patch: Patch) -> None:
    patch.function(
        StackListing.whole,
        lambda _original, listing, now, _known, errors, _between: listing.in_progress(now, errors),
    )
