"""What a deployment puts in the place of what, and what counts as deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.core import commit_age
from deploy_action.core.report import Report
from deploy_action.steps import acquiring
from tests.mutants.mutant import Case, killed_by
from tests.steps.test_commit_age import TestAnOlderCommit, TestDeployed
from tests.steps.test_coordination import TestJobsOfOneRun

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
