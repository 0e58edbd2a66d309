"""How long a deployment has left, while it runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.common.instants import CloudFormationTime
from deploy_action.estimation.history_forecast import LearnedForecast
from deploy_action.estimation.planned_changes import PlannedChanges
from deploy_action.estimation.remaining import ROLLBACK_PRIOR, ROLLBACKS
from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.estimate import Basis, Estimate
from deploy_action.history.operations import runs_of
from tests.cloudformation.story import DATABASE, nested, resource, stack, told
from tests.history.past_story import FUNCTION, STACK, TABLE, past, plan, run

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation

SLOW = "AWS::KMS::Key"
SEEN = past([run(15, "A"), run(15.2, "A"), run(14.9, "A")])


def left(
    *events: StackEvent, now: float, known: DeploymentHistory = SEEN, planned: PlannedChanges | None = None
) -> Estimate:
    plans = (plan("A"),) if planned is None else (planned,)
    found = LearnedForecast(known, plans).remaining(told(*events), now=CloudFormationTime(now))
    assert found is not None
    assert 0 <= found.low_seconds <= found.mid_seconds <= found.high_seconds < math.inf
    return found


START = stack(1000, "UPDATE_IN_PROGRESS")
BEGUN = resource(1002.5, "A", "UPDATE_IN_PROGRESS", type_=FUNCTION)
DONE = resource(1012.5, "A", "UPDATE_COMPLETE", type_=FUNCTION)
TIDY = stack(1014, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
BACK = stack(1020, "UPDATE_ROLLBACK_IN_PROGRESS")


class TestRemaining:
    def test_it_falls_as_time_passes(self) -> None:
        found = [
            left(START, now=1000.5).mid_seconds,
            left(START, BEGUN, now=1004).mid_seconds,
            left(START, BEGUN, now=1010).mid_seconds,
            left(START, BEGUN, DONE, now=1012.6).mid_seconds,
            left(START, BEGUN, DONE, TIDY, now=1014.2).mid_seconds,
        ]
        assert found == sorted(found, reverse=True)
        assert found[0] == pytest.approx(15, abs=2.5)
        assert found[-1] < 2

    def test_a_resource_past_its_usual_end_is_not_about_to_end(self) -> None:
        assert left(START, BEGUN, now=1062).mid_seconds > 15
        assert left(START, BEGUN, now=1602).mid_seconds > 150

    def test_a_clean_up_that_goes_on_is_not_about_to_end(self) -> None:
        assert left(START, BEGUN, DONE, TIDY, now=1200).mid_seconds > 30

    def test_what_has_not_begun_counts(self) -> None:
        one = left(START, BEGUN, now=1004)
        more = left(START, BEGUN, now=1004, planned=plan("A", "B", "T", type_=TABLE, action="CREATE"))
        assert more.mid_seconds > one.mid_seconds + 5

    def test_a_rollback_has_its_own_estimate(self) -> None:
        found = left(START, BEGUN, BACK, now=1021)
        assert found.basis == ROLLBACK_PRIOR
        known = past([run(15, "A"), run(400, "A", outcome="rolled-back", rollback=380)])
        longer = left(START, BEGUN, BACK, now=1021, known=known)
        assert longer.basis == ROLLBACKS
        assert longer.high_seconds > found.high_seconds
        assert longer.mid_seconds < 60, "another failure's rollback says little of this one"

    @pytest.mark.parametrize(("kind", "low", "high"), [("AWS::IAM::Role", 1.0, 5.7), (SLOW, 131, 165)])
    def test_what_was_refused_at_once_is_given_up_at_once_or_after_two_minutes(
        self, kind: str, low: float, high: float
    ) -> None:
        refused = (
            replace(resource(1003, "A", "CREATE_IN_PROGRESS", type_=kind), physical_id=""),
            replace(resource(1004, "A", "CREATE_FAILED", "denied", type_=kind), physical_id=""),
        )
        back = stack(1005, "ROLLBACK_IN_PROGRESS")
        begun = stack(1000, "CREATE_IN_PROGRESS")
        found = left(
            begun,
            *refused,
            back,
            now=1005.5,
            known=DeploymentHistory(),
            planned=PlannedChanges(STACK, "create"),
        )
        assert low < found.mid_seconds < high
        late = left(
            begun,
            *refused,
            back,
            now=1025,
            known=DeploymentHistory(),
            planned=PlannedChanges(STACK, "create"),
        )
        assert 100 < late.mid_seconds < 150, "never anything between"

    def test_a_deletion_that_failed_is_tried_again_after_three_minutes(self) -> None:
        failing = resource(1022, "A", "DELETE_IN_PROGRESS"), resource(1023, "A", "DELETE_FAILED")
        found = left(START, BEGUN, BACK, *failing, now=1030)
        assert 300 < found.mid_seconds < 400, "it mostly fails three times"
        twice = left(START, BEGUN, BACK, *failing * 2, now=1030)
        assert 120 < twice.mid_seconds < 300
        assert left(START, BEGUN, BACK, *failing * 3, now=1030).mid_seconds < 60

    def test_rollbacks_do_not_teach_good_runs_nor_the_other_way_round(self) -> None:
        known = past([*[run(15, "A")] * 3, run(400, "A", outcome="rolled-back", rollback=380)])
        assert left(START, BEGUN, now=1004, known=known).mid_seconds == pytest.approx(
            left(START, BEGUN, now=1004).mid_seconds, abs=0.5
        )

    def test_without_a_plan_the_last_run_that_did_the_same_is_the_plan(self) -> None:
        found = left(START, BEGUN, now=1004, planned=PlannedChanges(STACK, "update"))
        assert found.mid_seconds == pytest.approx(left(START, BEGUN, now=1004).mid_seconds, abs=2)

    def test_without_anything_it_is_still_an_answer(self) -> None:
        found = LearnedForecast(DeploymentHistory()).remaining(
            told(START, BEGUN), now=CloudFormationTime(1004)
        )
        assert found is not None
        assert found.mid_seconds > 0

    def test_nothing_is_left_to_tell_at_rest(self) -> None:
        ended = told(START, BEGUN, DONE, stack(1015, "UPDATE_COMPLETE"))
        assert LearnedForecast(SEEN, (plan("A"),)).remaining(ended, now=CloudFormationTime(1016)) is None
        assert LearnedForecast(SEEN).remaining(told(), now=CloudFormationTime(1016)) is None

    def test_nested_stacks_are_told_by_what_runs_inside(self) -> None:
        events = (
            START,
            nested(1002, "Database", "CREATE_IN_PROGRESS", id_=DATABASE),
            stack(1003, "CREATE_IN_PROGRESS", of=DATABASE),
            resource(1004, "T", "CREATE_IN_PROGRESS", of=DATABASE, type_=TABLE),
        )
        assert left(*events, now=1005).mid_seconds > 15


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 1e5),
            st.sampled_from(["A", "B", "T", "shop"]),
            st.sampled_from(
                [
                    "CREATE_IN_PROGRESS",
                    "CREATE_COMPLETE",
                    "CREATE_FAILED",
                    "UPDATE_IN_PROGRESS",
                    "UPDATE_COMPLETE",
                    "DELETE_IN_PROGRESS",
                    "DELETE_COMPLETE",
                    "UPDATE_ROLLBACK_IN_PROGRESS",
                    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                    "REVIEW_IN_PROGRESS",
                    "SOMETHING_NEW",
                ]
            ),
        ),
        max_size=25,
    ),
    st.floats(-1e5, 1e6),
    st.sampled_from(["create", "update", "delete"]),
)
def test_any_events_have_a_sane_answer_or_none(
    rows: list[tuple[float, str, str]], now: float, kind: str
) -> None:
    events = [
        stack(at, status) if name == "shop" else resource(at, name, status, type_=FUNCTION)
        for at, name, status in sorted(rows)
    ]
    for plans in ((), (plan("A", "T", kind=kind),), (PlannedChanges(STACK, kind),)):
        from deploy_action.estimation.remaining import remaining

        found = remaining(told(*events), {one.stack: one for one in plans}, SEEN, now=CloudFormationTime(now))
        if found is not None:
            assert 0 <= found.low_seconds <= found.mid_seconds <= found.high_seconds < math.inf


class TestUsual:
    def activity(self, operation: Operation, index: int = 0) -> object:
        return operation.activities[index]

    def test_this_resource_comes_before_its_type_and_the_table(self) -> None:
        forecast = LearnedForecast(SEEN, (plan("A"),))
        operation = told(
            START,
            BEGUN,
            resource(1003, "B", "UPDATE_IN_PROGRESS", type_=FUNCTION),
            resource(1003, "T", "CREATE_IN_PROGRESS", type_=TABLE),
            resource(1003, "X", "CREATE_IN_PROGRESS"),
        )
        found = [forecast.usual(one, one.logical_id) for one in operation.activities]
        assert [one and (one.basis, one.samples) for one in found] == [
            (Basis.RESOURCE, 3),
            (Basis.TYPE, 3),
            (Basis.PRIOR, 0),
            None,
        ]
        assert all(one is None or 0 < one.low_seconds < one.mid_seconds < one.high_seconds for one in found)

    def test_a_nested_resource_is_known_under_its_root(self) -> None:
        inside = replace(SEEN.runs[0].steps[0], label="Database/T", resource_type=TABLE, action="CREATE")
        known = past([replace(run(15, "A"), steps=(inside,))])
        operation = told(
            START,
            nested(1002, "Database", "CREATE_IN_PROGRESS", id_=DATABASE),
            resource(1004, "T", "CREATE_IN_PROGRESS", of=DATABASE, type_=TABLE),
        )
        found = LearnedForecast(known).usual(operation.activities[-1], "Database/T")
        assert found is not None
        assert found.basis is Basis.RESOURCE


class TestTheWhole:
    def test_planned_is_known_where_all_change_sets_are(self) -> None:
        one = replace(plan("A"), kind="create")
        other = replace(plan("B", "C"), stack="eu-west-1/other", kind="create")
        assert LearnedForecast(SEEN, (one, other)).planned == 3
        assert LearnedForecast(SEEN, (one, PlannedChanges("eu-west-1/other", "create"))).planned is None
        assert LearnedForecast(SEEN, (one, replace(other, kind="update"))).planned is None
        assert LearnedForecast(SEEN).planned is None

    def test_one_stack_is_estimated_by_its_plan_and_several_together(self) -> None:
        one = LearnedForecast(SEEN, (plan("A"),)).estimate
        both = LearnedForecast(SEEN, (plan("A"), replace(plan("B"), stack="eu-west-1/other"))).estimate
        assert one is not None
        assert both is not None
        assert one.mid_seconds == pytest.approx(15)
        assert both.high_seconds > one.high_seconds
        assert both.low_seconds <= both.mid_seconds <= both.high_seconds
        assert LearnedForecast(SEEN).estimate is None


class TestRuns:
    def test_a_run_says_what_was_touched_and_how_long_each_phase_took(self) -> None:
        operation = told(
            START,
            BEGUN,
            DONE,
            resource(1003, "New", "CREATE_IN_PROGRESS", type_=TABLE),
            resource(1013, "New", "CREATE_COMPLETE", type_=TABLE),
            TIDY,
            resource(1015, "Old", "DELETE_IN_PROGRESS", type_=TABLE),
            resource(1025, "Old", "DELETE_COMPLETE", type_=TABLE),
            stack(1026, "UPDATE_COMPLETE"),
        )
        (found,) = runs_of(operation)
        assert (found.stack, found.kind, found.outcome, found.count) == (STACK, "update", "succeeded", 3)
        assert (found.seconds, found.deploy_seconds, found.cleanup_seconds) == (26, 14, 12)
        assert [(step.label, step.start, step.seconds) for step in found.steps] == [
            ("A", 2.5, 10),
            ("New", 3, 10),
        ]
        assert [step.label for step in found.cleanup] == ["Old"]

    def test_a_rolled_back_run_has_a_rollback_and_no_durations(self) -> None:
        well = resource(1003, "B", "UPDATE_IN_PROGRESS"), resource(1009, "B", "UPDATE_COMPLETE")
        failed = resource(1013, "A", "UPDATE_FAILED", type_=FUNCTION)
        end = stack(1090, "UPDATE_ROLLBACK_COMPLETE")
        (found,) = runs_of(told(START, BEGUN, *well, failed, BACK, end))
        assert (found.outcome, found.rollback_seconds, found.steps) == ("rolled-back", 70, ())

    def test_half_an_operation_is_no_run(self) -> None:
        assert runs_of(told(START, BEGUN, DONE)) == ()
        assert runs_of(told(stack(1020, "ROLLBACK_IN_PROGRESS"), stack(1090, "ROLLBACK_COMPLETE"))) == ()
        assert runs_of(told(stack(1090, "UPDATE_COMPLETE"))) == ()
