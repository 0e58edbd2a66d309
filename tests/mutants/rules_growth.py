"""What it takes of an account, a registry or a limit that others need too."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.client import CloudFormation
from deploy_action.github import request_budget
from deploy_action.history import files as history_files
from deploy_action.locking import heads
from deploy_action.locking import ticket as lock_ticket
from deploy_action.locking.github_jobs import GitHubRuns
from deploy_action.locking.registry_outage import Outage
from deploy_action.locking.stores import github_branch
from deploy_action.locking.takeover import TakeoverPolicy
from deploy_action.locking.write_backoff import Backoff, Spread
from deploy_action.monitoring.poll_scheduler import Budget, Schedule
from deploy_action.monitoring.stack_listing import StackListing
from tests.contract import test_branch_squash
from tests.history import test_files
from tests.locking import (
    test_client,
    test_crowd,
    test_github_jobs,
    test_heads,
    test_leavers,
    test_request_budget,
    test_takeover,
)
from tests.locking import test_write_backoff as test_backoff
from tests.monitoring import test_poll_scheduler as test_schedule
from tests.monitoring import test_stack_listing as test_listing
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.locking.document import Ticket
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


@killed_by(Case(test_crowd.test_many_that_start_at_once_write_little_and_all_stand_in_the_queue, "48"))
def who_lost_a_swap_tries_again_at_once(patch: Patch) -> None:
    patch.function(Backoff.window_seconds, lambda _original, _self: 0.4)


@killed_by(test_backoff.test_a_document_that_still_moves_is_waited_for_but_not_for_ever)
def a_crowd_is_not_seen(patch: Patch) -> None:
    patch.function(Backoff.crowded, lambda _original, *_args, **_kwargs: False)


@killed_by(Case(test_leavers.test_the_release_is_written_at_once_and_who_leaves_writes_little, "github-40"))
def all_that_leave_write_at_once(patch: Patch) -> None:
    patch.function(Spread.window_seconds, lambda _original, *_args, **_kwargs: 0.0)


@killed_by(test_takeover.TestManyThatAreGone.test_all_in_a_row_are_found_in_one_look)
def one_look_finds_one_that_is_gone(patch: Patch) -> None:
    patch.function(TakeoverPolicy.gone, lambda original, *args: original(*args)[:1])


@killed_by(test_github_jobs.test_the_list_says_nothing_about_an_attempt_that_came_after_it)
def a_run_that_ended_once_has_ended_for_ever(patch: Patch) -> None:
    def listed(original: Callable[..., bool], runs: GitHubRuns, api: object, ticket: Ticket) -> bool:
        return original(runs, api, replace(ticket, run_attempt="1"))

    patch.function(GitHubRuns._is_listed, listed)


@killed_by(test_crowd.test_who_is_refused_by_a_limit_waits_for_it_and_never_goes_on_alone)
def a_limit_means_that_the_registry_is_away(patch: Patch) -> None:
    patch.function(Outage.hold_off_seconds, lambda _original, *_args: None)


@killed_by(test_request_budget.test_a_waiter_looks_more_seldom_where_the_budget_runs_out)
def a_waiter_uses_the_last_request_of_an_hour(patch: Patch) -> None:
    patch.constant(request_budget, "STRAIN_MAX", 1.0)


@killed_by(test_branch_squash.test_a_write_right_before_the_branch_moves_is_not_lost)
def a_squash_does_not_ask_whether_the_branch_moved(patch: Patch) -> None:
    def unconditional(original: Callable[..., dict[str, object]], *args: str) -> dict[str, object]:
        return {name: value for name, value in original(*args).items() if name != "beforeOid"}

    patch.function(github_branch._update, unconditional)


@killed_by(Case(test_files.test_a_file_store_that_stopped_half_way_counts_nothing_twice, "2"))
def what_moves_on_leaves_its_place_first(patch: Patch) -> None:
    def backwards(original: Callable[..., dict[str, bytes]], *args: object) -> dict[str, bytes]:
        return dict(reversed(original(*args).items()))

    patch.function(history_files._moved_on, backwards)


@killed_by(test_heads.test_a_release_that_writes_no_head_is_seen_within_a_minute)
def heads_are_believed_for_ever(patch: Patch) -> None:
    patch.function(heads.read_seconds, lambda _original, *_args, **_more: 86_400.0)


@killed_by(test_heads.test_the_release_of_a_stack_under_another_lock_is_heard_of)
def only_the_heads_of_the_own_locks_are_watched(patch: Patch) -> None:
    patch.function(heads._foreign, lambda _original, *_args: frozenset())


@killed_by(test_heads.TestNews.test_a_lock_that_becomes_free_is_for_everybody)
def who_stands_far_back_does_not_hear_of_a_free_lock(patch: Patch) -> None:
    def is_news(
        original: Callable[..., bool], old: object, new: object, ticket: Ticket, ahead: frozenset[str]
    ) -> bool:
        free = not (heads._of(old, "held") and heads._of(new, "held"))
        return not free and original(old, new, ticket, ahead)

    patch.function(heads._is_news, is_news)


@killed_by(test_heads.TestNews.test_who_passed_is_not_behind_any_more)
def who_passes_is_not_heard_of(patch: Patch) -> None:
    def is_news(
        original: Callable[..., bool], old: object, new: object, ticket: Ticket, ahead: frozenset[str]
    ) -> bool:
        return original(old, new, ticket, ahead | {*map(str, heads._of(new, "held"))})

    patch.function(heads._is_news, is_news)


@killed_by(test_client.test_a_grant_whose_answer_was_lost_does_not_stay_behind_a_cancellation)
def whatever_stands_in_the_document_is_a_crowd(patch: Patch) -> None:
    patch.function(lock_ticket._crowd, lambda _original, document, _ticket: len(document.tickets))


@killed_by(test_heads.TestNews.test_a_holder_with_a_short_lease_is_looked_after)
def a_short_lease_is_not_looked_after(patch: Patch) -> None:
    patch.constant(heads, "SHORT_LEASE_SECONDS", 0.0)
