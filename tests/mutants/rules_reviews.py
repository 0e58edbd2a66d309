"""A run that holds a lock while it waits for a reviewer, and those who pass it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.common.instants import MonotonicTime
from deploy_action.locking import expiry as leases
from deploy_action.locking import transitions as lock
from deploy_action.locking.github_jobs import GitHubRuns
from deploy_action.locking.takeover import TakeoverPolicy
from tests.jobs import test_halves
from tests.locking import test_github_jobs as test_github_runs
from tests.locking import test_reviews
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from deploy_action.locking.review import Review
    from tests.mutants.mutant import Patch

NOT_PASSED = test_reviews.test_a_run_of_which_something_may_be_in_progress_is_not_passed


@killed_by(Case(NOT_PASSED, "a job in progress"))
def a_run_is_passed_while_a_job_of_it_works(patch: Patch) -> None:
    def asked(original: Any, self: TakeoverPolicy, *of: Any) -> Any:
        review = original(self, *of)
        return review and replace(review, idle=True)

    patch.function(TakeoverPolicy._waits_for_review, asked)


@killed_by(Case(NOT_PASSED, "a stack in progress"))
def a_run_is_passed_while_its_stack_is_in_progress(patch: Patch) -> None:
    patch.function(TakeoverPolicy._may_pass, lambda _original, _self, _ticket, review, *_more: review.idle)


@killed_by(test_reviews.test_a_run_that_goes_on_between_the_look_and_the_write_keeps_its_lock)
def an_old_answer_about_a_reviewer_is_believed(patch: Patch) -> None:
    def may_pass(
        _original: Any, self: TakeoverPolicy, ticket: Any, review: Review, _life: Any, now: float
    ) -> bool:
        return review.idle and self._at_rest(ticket, review.text, MonotonicTime(now), certain=True)

    patch.function(TakeoverPolicy._may_pass, may_pass)


@killed_by(test_reviews.test_a_run_that_borrows_its_lock_again_is_not_evicted_although_github_lags)
def a_run_is_passed_although_it_has_gone_on(patch: Patch) -> None:
    patch.function(leases.life_of, lambda _original, _ticket: (0, ()))


@killed_by(test_reviews.test_a_run_that_was_passed_waits_for_its_turn_and_gets_a_new_epoch)
def a_run_that_was_passed_counts_as_dead(patch: Patch) -> None:
    patch.constant(lock, "PASSED", "abandoned")


@killed_by(test_github_runs.TestReviews.test_a_run_with_a_job_that_is_not_done_is_not_idle)
def only_jobs_in_progress_keep_a_run_from_being_idle(patch: Patch) -> None:
    def review(original: Any, self: GitHubRuns, ticket: Any) -> Any:
        found = original(self, ticket)
        return found and replace(found, idle=True)

    patch.function(GitHubRuns.review, review)


@killed_by(test_halves.test_a_run_that_waits_for_a_reviewer_is_passed_and_takes_its_turn_again)
def nobody_asks_github_about_a_reviewer(patch: Patch) -> None:
    patch.function(GitHubRuns.review, lambda *_of: None)
