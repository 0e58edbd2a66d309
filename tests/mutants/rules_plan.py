"""Only what was reviewed is applied, and a plan locks and executes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.change_set import ChangeSet
from deploy_action.deploy import (
    plan_by_command,
    plan_publication,
    prepared,
    since_review,
    trial,
)
from deploy_action.github import pull_requests
from deploy_action.plan import difference, order, record
from tests.jobs import test_apply_killed, test_data_loss, test_plan
from tests.mutants.mutant import killed_by
from tests.plan import test_order, test_record

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_plan.test_what_differs_from_what_would_be_planned_now_stops_it)
def what_was_reviewed_is_applied_whatever_the_template_says_now(patch: Patch) -> None:
    patch.function(since_review.SinceReview.differences, lambda *_of, **_more: ())


@killed_by(
    test_plan.test_a_commit_that_nobody_planned_is_not_deployed,
    test_record.test_a_plan_is_found_by_any_of_its_commits,
)
def the_newest_plan_is_applied_whichever_commit_it_is_of(patch: Patch) -> None:
    def find(original: Any, plans: Any, **asked: Any) -> Any:
        plans = list(plans)
        return original(plans, **{**asked, "commits": plans[-1].commits if plans else ()})

    patch.function(record.find, find)


@killed_by(test_plan.test_the_comment_of_somebody_who_may_not_write_is_never_taken_for_ours)
def a_comment_is_ours_by_its_first_line_alone(patch: Patch) -> None:
    patch.function(
        pull_requests._is_ours, lambda _original, row, marker: str(row.get("body", "")).startswith(marker)
    )


@killed_by(
    test_plan.test_a_command_plans_several_stacks_and_they_are_applied_in_the_order_of_imports,
    test_order.test_who_ceases_to_import_goes_before_who_ceases_to_export,
)
def stacks_are_applied_as_they_come(patch: Patch) -> None:
    patch.function(order.in_order, lambda _original, stacks: tuple(one.name for one in stacks))


@killed_by(test_data_loss.test_stop_has_an_exit_code_of_its_own)
def data_is_looked_at_only_behind_the_lock(patch: Patch) -> None:
    patch.function(trial.guard_before_lock, lambda *_: None)


@killed_by(test_plan.test_the_plan_of_an_older_push_takes_no_place_of_the_newer_one)
def the_plan_that_ends_last_is_the_one_to_review(patch: Patch) -> None:
    patch.function(plan_publication.superseded_by, lambda *_: "")


@killed_by(test_plan.test_two_change_sets_on_one_stack_are_no_plan_and_stay)
def whatever_appears_is_the_plan_of_the_command(patch: Patch) -> None:
    patch.function(plan_by_command._check_one_each, lambda *_: None)


@killed_by(test_plan.test_a_new_stack_stays_while_the_plan_of_another_pull_request_waits_there)
def an_empty_stack_is_deleted_with_what_waits_there(patch: Patch) -> None:
    patch.function(prepared._waits, lambda *_: False)


@killed_by(test_apply_killed.test_somebody_deployed_while_it_was_dead_and_it_says_so)
def what_became_obsolete_while_it_was_dead_is_waited_for(patch: Patch) -> None:
    patch.function(ChangeSet.never_executed, lambda *_: False)


@killed_by(test_plan.test_a_parameter_that_is_no_longer_given_would_have_another_value)
def parameters_that_are_not_given_are_as_they_were(patch: Patch) -> None:
    patch.function(difference.others_of, lambda *_: {})
