"""What people are told of an end: the worst of all stacks, and never a success that nobody saw."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.cloudformation.outcome import Outcome, StackLine, outcome_of, stack_lines
from deploy_action.cloudformation.stacks import Verdict, operation_verdict, verdict_of
from deploy_action.diagnosis.causes import causes_of
from deploy_action.reporting.report import Failure, Report
from deploy_action.reporting.resource_activity import resource_activities
from tests.cloudformation.story import ROOT, resource, stack, told

LINE = StackLine("eu-west-1", "shop", ROOT, "UPDATE_COMPLETE")


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        (["UPDATE_COMPLETE"], Outcome.SUCCEEDED),
        (["UPDATE_COMPLETE", "ROLLBACK_COMPLETE"], Outcome.ROLLED_BACK),
        (["ROLLBACK_COMPLETE", "ROLLBACK_FAILED"], Outcome.FAILED),
        (["UPDATE_COMPLETE", "UPDATE_IN_PROGRESS"], Outcome.UNKNOWN),
        (["UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE"], Outcome.ROLLED_BACK),
        (["UPDATE_COMPLETE", "REVIEW_IN_PROGRESS"], Outcome.UNKNOWN),
        ([], Outcome.UNKNOWN),
    ],
)
def test_the_outcome_is_the_worst_of_all_stacks(statuses: list[str], outcome: Outcome) -> None:
    assert outcome_of(tuple(replace(LINE, status=status) for status in statuses)) is outcome


@pytest.mark.parametrize(
    ("begun", "status", "verdict"),
    [
        ("CREATE", "CREATE_COMPLETE", Verdict.SUCCEEDED),
        ("CREATE", "DELETE_COMPLETE", Verdict.FAILED),
        ("CREATE", "DELETE_IN_PROGRESS", Verdict.RUNNING),
        ("CREATE", "ROLLBACK_COMPLETE", Verdict.ROLLED_BACK),
        ("UPDATE", "DELETE_COMPLETE", Verdict.FAILED),
        ("UPDATE", "UPDATE_ROLLBACK_COMPLETE", Verdict.ROLLED_BACK),
        ("DELETE", "DELETE_COMPLETE", Verdict.SUCCEEDED),
        ("DELETE", "UPDATE_COMPLETE", Verdict.FAILED),
        ("DELETE", "ROLLBACK_COMPLETE", Verdict.FAILED),
        ("DELETE", "DELETE_FAILED", Verdict.FAILED),
        ("", "DELETE_COMPLETE", Verdict.SUCCEEDED),
    ],
)
def test_what_an_operation_was_begun_as_is_half_of_its_verdict(
    begun: str, status: str, verdict: Verdict
) -> None:
    assert operation_verdict(begun, status) is verdict


def test_only_two_outcomes_are_good() -> None:
    assert {outcome for outcome in Outcome if outcome.good} == {Outcome.SUCCEEDED, Outcome.NO_CHANGES}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("CREATE_COMPLETE", Verdict.SUCCEEDED),
        ("DELETE_COMPLETE", Verdict.SUCCEEDED),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Verdict.RUNNING),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Verdict.RUNNING),
        ("UPDATE_ROLLBACK_COMPLETE", Verdict.ROLLED_BACK),
        ("ROLLBACK_COMPLETE", Verdict.ROLLED_BACK),
        ("UPDATE_ROLLBACK_FAILED", Verdict.FAILED),
        ("DELETE_FAILED", Verdict.FAILED),
        ("REVIEW_IN_PROGRESS", Verdict.NONE),
        ("UPDATE_PERHAPS_COMPLETE", Verdict.FAILED),
        ("update_complete", Verdict.FAILED),
        ("", Verdict.FAILED),
    ],
)
def test_what_a_status_says(status: str, verdict: Verdict) -> None:
    assert verdict_of(status) is verdict


def test_one_status_stands_alone_and_several_are_named() -> None:
    web = replace(LINE, name="web", status="CREATE_FAILED")
    assert Report("id", stacks=(LINE,)).stack_status == "UPDATE_COMPLETE"
    assert Report("id", stacks=(LINE, web)).stack_status == "shop=UPDATE_COMPLETE web=CREATE_FAILED"
    assert Report("id").stack_status == ""


def test_the_root_cause_is_the_first_one_else_what_kept_it_from_starting() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(1, "A", "CREATE_FAILED", "x"),
        resource(2, "B", "CREATE_FAILED", "y"),
    )
    report = Report("id", causes=causes_of(operation), failure=Failure("It was held."))
    assert report.root_cause == "A (AWS::Test::Thing): x"
    assert replace(report, causes=()).root_cause == "It was held."
    assert Report("id").root_cause == ""


def test_bars_are_in_the_order_in_which_they_began_and_lines_only_of_stacks_with_an_operation() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(5, "B", "CREATE_IN_PROGRESS"),
        resource(2, "A", "CREATE_COMPLETE"),
        stack(0, "REVIEW_IN_PROGRESS", of=ROOT.replace("shop", "web")),
    )
    assert [bar.label for bar in resource_activities(operation)] == ["A", "B"]
    assert [line.name for line in stack_lines(operation)] == ["shop"]
