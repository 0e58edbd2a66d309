"""What a deployment puts in the place of what, and what counts as deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.deploy.expected_changes import ExpectedChanges
from deploy_action.deploy.stack_sets import StackSetsOfJob
from deploy_action.job import lock_acquisition as acquiring
from deploy_action.job.job_log import JobLogReporter
from deploy_action.job.teardown import teardown_of
from deploy_action.locking import commit_age
from deploy_action.monitoring import stack_sets
from deploy_action.monitoring.stack_set_watch import StackSetWatch
from deploy_action.reporting.report import Report
from tests.jobs import test_expected_changes, test_stack_sets, test_teardown
from tests.jobs.test_commit_age import TestAnOlderCommit, TestDeployed
from tests.jobs.test_coordination import TestJobsOfOneRun
from tests.jobs.test_said_once import TestNoCredentials
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(TestAnOlderCommit.test_it_fails_where_that_is_asked)
def an_older_commit_is_as_good_as_a_newer_one(patch: Patch) -> None:
    patch.function(commit_age.age, lambda _original, *_all: commit_age.Age(older=False, sentence=""))


@killed_by(TestAnOlderCommit.test_another_stack_is_no_measure)
def any_stack_is_a_measure(patch: Patch) -> None:
    patch.function(commit_age._shares_a_stack, lambda _original, *_all: True)


@killed_by(Case(TestDeployed.test_nothing_else_counts, "watch"))
def what_was_only_watched_counts_as_deployed(patch: Patch) -> None:
    patch.function(Report.deployed, lambda _original, self: self.outcome.good)


@killed_by(TestJobsOfOneRun.test_another_run_is_not_waited_for)
def everybody_is_of_the_own_run(patch: Patch) -> None:
    def all_of_own_run(_original: Any, _ticket: Any, ahead: Any) -> bool:
        return bool(ahead)

    patch.function(acquiring.all_of_own_run, all_of_own_run)


@killed_by(
    test_expected_changes.test_nothing_that_begins_is_not_green,
    test_expected_changes.test_a_pipeline_that_fails_later_is_a_failure,
)
def a_remote_start_is_over_with_its_command(patch: Patch) -> None:
    patch.function(ExpectedChanges.still_to_come, lambda _original, *_all, **_more: False)
    patch.function(ExpectedChanges.check, lambda _original, *_all, **_more: None)


@killed_by(
    test_stack_sets.test_an_operation_is_watched_to_its_end,
    test_stack_sets.test_in_another_account_the_operations_own_words_tell,
)
def an_operation_of_a_stack_set_is_over_with_its_command(patch: Patch) -> None:
    patch.function(StackSetWatch.working, lambda _original, _self: False)


@killed_by(test_stack_sets.test_an_operation_that_cannot_be_read_is_not_green)
def a_stack_set_that_cannot_be_read_is_at_rest(patch: Patch) -> None:
    patch.function(StackSetsOfJob.unclear, lambda _original, _self: False)


@killed_by(test_stack_sets.test_an_operation_that_somebody_stops_has_failed)
def a_stopped_operation_has_succeeded(patch: Patch) -> None:
    patch.constant(stack_sets, "_ENDED_WELL", frozenset({"SUCCEEDED", "STOPPED"}))


@killed_by(TestNoCredentials.test_they_are_one_warning)
def every_complaint_tells_its_cause_in_full(patch: Patch) -> None:
    patch.function(JobLogReporter.knows_cause, lambda _original, *_all: False)


@killed_by(test_teardown.test_its_estimate_is_not_that_of_a_deployment)
def a_teardown_is_estimated_as_an_update(patch: Patch) -> None:
    patch.function(teardown_of, lambda _original, _command: "")
