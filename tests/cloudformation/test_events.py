"""The fold of events: what is known of an operation at each moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.operation import Activity, Operation, Phase, phase_of
from deploy_action.cloudformation.stacks import STACK_TYPE, StackRef, Verdict
from deploy_action.common.instants import CloudFormationTime
from tests.cloudformation.story import DATABASE, REPLICA, ROOT, nested, resource, stack, told

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent


def bars(operation: Operation) -> list[tuple[str, str, str, float, float | None]]:
    return [
        (operation.label_of(a), a.action, a.phase.value, a.started, a.ended) for a in operation.activities
    ]


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("", Phase.DEPLOY),
        ("CREATE_IN_PROGRESS", Phase.DEPLOY),
        ("UPDATE_IN_PROGRESS", Phase.DEPLOY),
        ("DELETE_IN_PROGRESS", Phase.DEPLOY),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Phase.CLEANUP),
        ("ROLLBACK_IN_PROGRESS", Phase.ROLLBACK),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Phase.ROLLBACK),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Phase.ROLLBACK),
        ("IMPORT_ROLLBACK_IN_PROGRESS", Phase.ROLLBACK),
    ],
)
def test_the_phase_is_told_by_the_status_of_the_stack(status: str, phase: Phase) -> None:
    assert phase_of(status) is phase


def test_a_creation_is_one_bar_a_resource_from_its_first_to_its_last_event() -> None:
    operation = told(
        stack(0, "REVIEW_IN_PROGRESS", "User Initiated"),
        stack(5, "CREATE_IN_PROGRESS", "User Initiated"),
        resource(6, "Bucket", "CREATE_IN_PROGRESS"),
        resource(7, "Bucket", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        resource(
            7, "Bucket", "CREATE_IN_PROGRESS", "Eventual consistency", detailed="CONFIGURATION_COMPLETE"
        ),
        resource(20, "Bucket", "CREATE_COMPLETE"),
        stack(21, "CREATE_COMPLETE"),
    )
    assert bars(operation) == [("Bucket", "CREATE", "Deploy", 6, 20)]
    assert (operation.started, operation.ended) == (5, 21)
    assert operation.done_count() == 1
    (root,) = operation.roots
    assert (root.name, root.status, root.verdict) == ("shop", "CREATE_COMPLETE", Verdict.SUCCEEDED)


def test_a_configuration_that_is_complete_is_not_yet_a_resource_that_is() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(1, "Fleet", "CREATE_IN_PROGRESS"),
        resource(9, "Fleet", "CREATE_IN_PROGRESS", detailed="CONFIGURATION_COMPLETE"),
    )
    (fleet,) = operation.running
    assert (fleet.running, fleet.seconds(CloudFormationTime(30)), fleet.seconds()) == (True, 29, 0)
    assert operation.done_count() == 0
    assert operation.ended is None


def test_a_stack_under_review_is_no_operation() -> None:
    operation = told(stack(0, "REVIEW_IN_PROGRESS"))
    (root,) = operation.roots
    assert (root.verdict, root.in_progress, operation.started, operation.ended) == (
        Verdict.NONE,
        False,
        None,
        None,
    )


def test_clean_up_of_a_replaced_resource_is_a_phase_of_its_own() -> None:
    operation = told(
        stack(0, "UPDATE_IN_PROGRESS"),
        resource(1, "Task", "UPDATE_IN_PROGRESS", "Requested update requires the creation of a new resource"),
        resource(4, "Task", "UPDATE_COMPLETE"),
        stack(5, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        resource(6, "Task", "DELETE_IN_PROGRESS"),
        resource(8, "Task", "DELETE_COMPLETE"),
        stack(9, "UPDATE_COMPLETE"),
    )
    assert bars(operation) == [("Task", "UPDATE", "Deploy", 1, 4), ("Task", "DELETE", "Clean-up", 6, 8)]
    assert operation.done_count() == 1, "what clean-up deletes does not count as deployed"
    assert operation.ended == 9


def test_a_rollback_is_a_phase_of_the_same_operation_though_its_operation_id_is_new() -> None:
    operation = told(
        stack(0, "UPDATE_IN_PROGRESS"),
        resource(1, "Queue", "UPDATE_IN_PROGRESS"),
        resource(3, "Queue", "UPDATE_FAILED", "no"),
        stack(4, "UPDATE_ROLLBACK_IN_PROGRESS", operation="o2"),
        resource(5, "Queue", "UPDATE_IN_PROGRESS", operation="o2"),
        resource(7, "Queue", "UPDATE_COMPLETE", operation="o2"),
        stack(8, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", operation="o2"),
        resource(9, "Topic", "DELETE_IN_PROGRESS", operation="o2"),
        resource(9, "Topic", "DELETE_COMPLETE", operation="o2"),
        stack(10, "UPDATE_ROLLBACK_COMPLETE", operation="o2"),
    )
    assert bars(operation) == [
        ("Queue", "UPDATE", "Deploy", 1, 3),
        ("Queue", "UPDATE", "Rollback", 5, 7),
        ("Topic", "DELETE", "Rollback", 9, 9),
    ]
    (root,) = operation.roots
    assert (root.started, root.ended, root.verdict) == (0, 10, Verdict.ROLLED_BACK)
    assert [event.status for event in root.failures] == [
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]


def test_events_of_one_instant_keep_their_order() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(1, "A", "CREATE_IN_PROGRESS"),
        resource(1, "B", "CREATE_IN_PROGRESS"),
        resource(1, "A", "CREATE_COMPLETE"),
        resource(1, "B", "CREATE_FAILED", "no"),
        stack(1, "ROLLBACK_IN_PROGRESS"),
        resource(1, "A", "DELETE_IN_PROGRESS"),
        resource(1, "A", "DELETE_COMPLETE"),
        stack(1, "ROLLBACK_COMPLETE"),
    )
    assert [(a.logical_id, a.action, a.phase) for a in operation.activities] == [
        ("A", "CREATE", Phase.DEPLOY),
        ("B", "CREATE", Phase.DEPLOY),
        ("A", "DELETE", Phase.ROLLBACK),
    ]
    assert operation.ended == 1


def test_each_new_try_of_a_deletion_that_failed_is_a_bar() -> None:
    operation = told(
        stack(0, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        resource(1, "Key", "DELETE_IN_PROGRESS"),
        resource(2, "Key", "DELETE_FAILED", "denied"),
        resource(180, "Key", "DELETE_IN_PROGRESS"),
        resource(181, "Key", "DELETE_FAILED", "denied"),
        stack(182, "UPDATE_COMPLETE", "Update successful. One or more resources could not be deleted."),
    )
    assert [(a.started, a.ended, a.failed) for a in operation.activities] == [(1, 2, True), (180, 181, True)]
    assert operation.roots[0].verdict is Verdict.SUCCEEDED


def test_a_skipped_deletion_ends_its_bar() -> None:
    operation = told(stack(0, "DELETE_IN_PROGRESS"), resource(1, "Bucket", "DELETE_SKIPPED"))
    assert operation.running == []
    assert operation.done_count() == 0


class TestNestedStacks:
    def create(self) -> list[StackEvent]:
        return [
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Database", "CREATE_IN_PROGRESS", id_=""),
            nested(2, "Database", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
            stack(2, "CREATE_IN_PROGRESS", of=DATABASE),
            resource(3, "Instance", "CREATE_IN_PROGRESS", of=DATABASE),
            nested(4, "Replica", "CREATE_IN_PROGRESS", id_=REPLICA, of=DATABASE),
            stack(4, "CREATE_IN_PROGRESS", of=REPLICA),
            resource(5, "Instance", "CREATE_IN_PROGRESS", of=REPLICA),
        ]

    def test_they_are_resources_of_their_parent_and_no_roots(self) -> None:
        operation = told(*self.create())
        assert [root.stack_id for root in operation.roots] == [ROOT]
        assert operation.started == 0
        assert [operation.label_of(a) for a in operation.running] == [
            "Database/Instance",
            "Database/Replica/Instance",
        ]
        assert operation.is_working_on(DATABASE)
        assert operation.is_working_on(REPLICA)

    def test_the_first_event_of_one_named_like_its_parent_is_not_about_the_parent(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            nested(1, "shop", "CREATE_IN_PROGRESS", id_=""),
            nested(2, "shop", "CREATE_FAILED", "Requires capabilities : [CAPABILITY_IAM]", id_=""),
        )
        assert operation.roots[0].status == "UPDATE_IN_PROGRESS"
        assert [a.status for a in operation.activities] == ["CREATE_FAILED"]

    def test_the_end_of_one_is_not_the_end_of_all(self) -> None:
        operation = told(
            *self.create(),
            resource(6, "Instance", "CREATE_COMPLETE", of=REPLICA),
            stack(7, "CREATE_COMPLETE", of=REPLICA),
            nested(8, "Replica", "CREATE_COMPLETE", id_=REPLICA, of=DATABASE),
        )
        assert operation.ended is None
        assert not operation.is_working_on(REPLICA)
        assert operation.done_count() == 1, "stacks are not counted"

    def test_bars_of_the_creation_stay_when_a_nested_stack_is_rolled_back(self) -> None:
        operation = told(
            *self.create()[:5],
            resource(9, "Instance", "CREATE_COMPLETE", of=DATABASE),
            stack(10, "CREATE_COMPLETE", of=DATABASE),
            nested(10, "Database", "CREATE_COMPLETE"),
            stack(11, "ROLLBACK_IN_PROGRESS"),
            nested(12, "Database", "DELETE_IN_PROGRESS"),
            stack(12, "DELETE_IN_PROGRESS", of=DATABASE),
            resource(13, "Instance", "DELETE_IN_PROGRESS", of=DATABASE),
            resource(15, "Instance", "DELETE_COMPLETE", of=DATABASE),
            stack(16, "DELETE_COMPLETE", of=DATABASE),
            nested(16, "Database", "DELETE_COMPLETE"),
            stack(17, "ROLLBACK_COMPLETE"),
        )
        assert bars(operation) == [
            ("Database", "CREATE", "Deploy", 1, 10),
            ("Database", "DELETE", "Rollback", 12, 16),
            ("Database/Instance", "CREATE", "Deploy", 3, 9),
            ("Database/Instance", "DELETE", "Rollback", 13, 15),
        ]
        assert operation.ended == 17

    def test_an_update_that_a_rollback_makes_inside_is_of_the_rollback(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            nested(1, "Database", "UPDATE_IN_PROGRESS"),
            stack(1, "UPDATE_IN_PROGRESS", of=DATABASE),
            resource(2, "Instance", "UPDATE_IN_PROGRESS", of=DATABASE),
            resource(3, "Instance", "UPDATE_COMPLETE", of=DATABASE),
            stack(4, "UPDATE_COMPLETE", of=DATABASE),
            nested(4, "Database", "UPDATE_COMPLETE"),
            stack(5, "UPDATE_ROLLBACK_IN_PROGRESS"),
            nested(6, "Database", "UPDATE_IN_PROGRESS"),
            stack(6, "UPDATE_IN_PROGRESS", of=DATABASE),
            resource(7, "Instance", "UPDATE_IN_PROGRESS", of=DATABASE),
        )
        inside = [a for a in operation.activities if a.stack_id == DATABASE]
        assert [a.phase for a in inside] == [Phase.DEPLOY, Phase.ROLLBACK]

    def test_phases_are_right_though_the_parent_is_read_to_its_end_first(self) -> None:
        """A watch that is started again sees all events of the parent before those inside."""
        events = [
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Database", "CREATE_IN_PROGRESS"),
            stack(1, "CREATE_IN_PROGRESS", of=DATABASE),
            resource(2, "Instance", "CREATE_IN_PROGRESS", of=DATABASE),
            resource(3, "Instance", "CREATE_COMPLETE", of=DATABASE),
            stack(4, "CREATE_COMPLETE", of=DATABASE),
            nested(4, "Database", "CREATE_COMPLETE"),
            resource(5, "Service", "CREATE_FAILED", "no"),
            stack(6, "ROLLBACK_IN_PROGRESS"),
            nested(7, "Database", "DELETE_IN_PROGRESS"),
            stack(7, "DELETE_IN_PROGRESS", of=DATABASE),
            resource(8, "Instance", "DELETE_IN_PROGRESS", of=DATABASE),
            stack(9, "ROLLBACK_COMPLETE"),
        ]
        parent_first = sorted(events, key=lambda event: event.stack_id != ROOT)
        assert bars(told(*parent_first)) == bars(told(*events))
        inside = [a.phase for a in told(*parent_first).activities if a.stack_id == DATABASE]
        assert inside == [Phase.DEPLOY, Phase.ROLLBACK]

    def test_a_deletion_inside_during_clean_up_is_of_the_clean_up(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            stack(1, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            nested(2, "Database", "DELETE_IN_PROGRESS"),
            stack(2, "DELETE_IN_PROGRESS", of=DATABASE),
            resource(3, "Instance", "DELETE_IN_PROGRESS", of=DATABASE),
        )
        assert {a.phase for a in operation.activities} == {Phase.CLEANUP}


class TestSeveralOperationsInOneCommand:
    def first(self) -> list[StackEvent]:
        return [
            stack(0, "UPDATE_IN_PROGRESS"),
            nested(1, "Database", "UPDATE_IN_PROGRESS"),
            stack(1, "UPDATE_IN_PROGRESS", of=DATABASE),
            resource(2, "Instance", "UPDATE_IN_PROGRESS", of=DATABASE),
            resource(3, "Instance", "UPDATE_FAILED", "full", of=DATABASE),
            stack(3, "UPDATE_ROLLBACK_COMPLETE", of=DATABASE),
            nested(4, "Database", "UPDATE_COMPLETE"),
            stack(5, "UPDATE_ROLLBACK_COMPLETE"),
        ]

    def second(self) -> list[StackEvent]:
        return [
            stack(100, "UPDATE_IN_PROGRESS", token="t2"),
            nested(101, "Database", "UPDATE_IN_PROGRESS"),
            stack(101, "UPDATE_IN_PROGRESS", of=DATABASE, token="t2"),
            resource(102, "Instance", "UPDATE_IN_PROGRESS", of=DATABASE),
            resource(109, "Instance", "UPDATE_COMPLETE", of=DATABASE),
            stack(110, "UPDATE_COMPLETE", of=DATABASE, token="t2"),
            nested(110, "Database", "UPDATE_COMPLETE"),
            stack(111, "UPDATE_COMPLETE", token="t2"),
        ]

    def test_the_last_one_is_told_with_nothing_left_of_the_first(self) -> None:
        operation = told(*self.first(), *self.second())
        assert bars(operation) == [
            ("Database", "UPDATE", "Deploy", 101, 110),
            ("Database/Instance", "UPDATE", "Deploy", 102, 109),
        ]
        assert (operation.started, operation.ended) == (100, 111)
        assert all(progress.failures == [] for progress in operation.stacks.values())

    def test_nothing_is_left_either_where_the_parent_is_read_to_its_end_first(self) -> None:
        events = sorted([*self.first(), *self.second()], key=lambda event: event.stack_id != ROOT)
        operation = told(*events)
        assert bars(operation) == bars(told(*self.first(), *self.second()))
        assert all(progress.failures == [] for progress in operation.stacks.values())

    def test_between_two_operations_there_is_an_end(self) -> None:
        operation = told(*self.first())
        assert operation.ended == 5
        operation.apply(self.second()[0])
        assert operation.ended is None

    def test_a_deletion_that_cuts_into_an_operation_goes_on_with_it(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            resource(1, "Disk", "CREATE_FAILED", "full"),
            stack(2, "ROLLBACK_IN_PROGRESS"),
            stack(3, "DELETE_IN_PROGRESS"),
        )
        assert operation.started == 0
        assert len(operation.activities) == 1


def test_several_stacks_end_with_the_last_of_them() -> None:
    other = ROOT.replace("shop", "web")
    operation = told(
        stack(3, "UPDATE_IN_PROGRESS"),
        stack(1, "CREATE_IN_PROGRESS", of=other),
        stack(9, "UPDATE_COMPLETE"),
    )
    assert (operation.started, operation.ended) == (1, None)
    operation.apply(stack(20, "CREATE_COMPLETE", of=other))
    assert operation.ended == 20
    assert [root.name for root in operation.roots] == ["shop", "web"]


class TestAWatchThatBeginsMidway:
    def test_an_end_without_its_beginning_has_no_length(self) -> None:
        (bar,) = told(resource(7, "Bucket", "CREATE_COMPLETE")).activities
        assert (bar.started, bar.ended, bar.seconds()) == (7, 7, 0)

    def test_the_first_status_seen_begins_what_is_known(self) -> None:
        operation = told(
            resource(6, "Disk", "DELETE_COMPLETE"),
            stack(7, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
            stack(9, "UPDATE_ROLLBACK_COMPLETE"),
        )
        assert (operation.started, operation.ended) == (7, 9)
        assert len(operation.activities) == 1

    def test_a_nested_stack_seen_before_its_parent_is_no_root_once_the_parent_tells(self) -> None:
        operation = told(
            resource(3, "Instance", "UPDATE_IN_PROGRESS", of=DATABASE),
            nested(4, "Database", "UPDATE_IN_PROGRESS"),
        )
        assert [root.stack_id for root in operation.roots] == [ROOT]
        assert operation.label_of(operation.running[0]) == "Database/Instance"


def test_the_longest_running_come_first() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(5, "B", "CREATE_IN_PROGRESS"),
        resource(2, "A", "CREATE_IN_PROGRESS"),
    )
    assert [a.logical_id for a in operation.running] == ["A", "B"]


def test_an_unknown_status_is_never_a_success() -> None:
    operation = told(stack(0, "CREATE_IN_PROGRESS"), stack(1, "CREATE_SOMEHOW"))
    assert operation.roots[0].verdict is Verdict.FAILED


def test_a_clock_that_steps_back_makes_no_negative_length() -> None:
    bar = Activity(ROOT, "A", "T", "CREATE", Phase.DEPLOY, started=10, status="CREATE_COMPLETE", ended=9)
    assert bar.seconds() == 0


def test_what_lies_in_a_nested_stack_is_no_root_even_when_it_is_told_late() -> None:
    operation = Operation()
    replica = DATABASE.replace("Database", "Replica")
    operation.apply(stack(100, "UPDATE_IN_PROGRESS"))
    operation.apply(nested(101, "Database", "UPDATE_IN_PROGRESS"))
    operation.apply(
        replace(
            resource(50, "Replica", "CREATE_IN_PROGRESS", of=DATABASE, type_=STACK_TYPE), physical_id=replica
        )
    )
    assert operation.is_working_on("never heard of")
    operation.apply(stack(51, "CREATE_FAILED", of=replica))
    assert [root.stack_id for root in operation.roots] == [ROOT]


class TestNames:
    def test_a_root_is_named_where_there_is_more_than_one(self) -> None:
        other = ROOT.replace("/shop/", "/web/")
        operation = told(stack(0, "CREATE_IN_PROGRESS"), resource(1, "Table", "CREATE_IN_PROGRESS"))
        assert operation.name_of_activity(operation.activities[0]) == "Table"
        operation.apply(stack(2, "CREATE_IN_PROGRESS", of=other))
        assert operation.name_of_activity(operation.activities[0]) == "shop/Table"

    def test_several_regions_are_named_too(self) -> None:
        operation = Operation((StackRef("eu-west-1", "shop"), StackRef("us-east-1", "shop")))
        operation.apply(stack(0, "CREATE_IN_PROGRESS"))
        operation.apply(nested(1, "Database", "CREATE_IN_PROGRESS"))
        assert operation.name_of(operation.stacks[ROOT]) == "eu-west-1/shop"
        assert operation.name_of(operation.stacks[DATABASE], "Table") == "eu-west-1/shop/Database/Table"

    def test_a_glob_may_find_more_at_any_time(self) -> None:
        """A name that is told in one event stays the same in the next."""
        operation = Operation((StackRef("eu-west-1", "shop*"),))
        operation.apply(stack(0, "CREATE_IN_PROGRESS"))
        assert operation.name_of(operation.stacks[ROOT], "Table") == "shop/Table"
