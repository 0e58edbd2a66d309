"""Looks are dense where a stack may end and rare where it cannot."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.cloudformation.operation import Operation
from deploy_action.common.instants import CloudFormationTime
from deploy_action.estimation.forecast import NoForecast
from deploy_action.history.estimate import Basis, Usual
from deploy_action.monitoring.poll_interval import (
    BUSY_SECONDS,
    IDLE_SECONDS_MAX,
    NESTED_SECONDS,
    PROMISE_SECONDS,
    SPARSE_SECONDS_MAX,
    idle_pause_seconds,
    pause_seconds,
)
from tests.cloudformation.story import ROOT, resource, stack
from tests.history.prior import PriorForecast

AT = 1_790_000_000.0


class Learned(NoForecast):
    """Every resource takes 100 to 110 seconds."""

    def usual(self, activity: object, label: str) -> Usual:
        return Usual(100.0, 105.0, 110.0, 9, Basis.RESOURCE)


def story(*events: tuple[float, str, str]) -> Operation:
    """Of (seconds, resource or "", status)."""
    operation = Operation()
    for after, name, status in events:
        operation.apply(resource(AT + after, name, status) if name else stack(AT + after, status))
    return operation


def pause(operation: Operation, after: float, *, silent: float = 1.0, forecast: object = None) -> float:
    return pause_seconds(
        operation.stacks[ROOT],
        operation,
        forecast or NoForecast(),  # type: ignore[arg-type]  # Learned is one
        now=CloudFormationTime(AT + after),
        silent_seconds=silent,
    )


def test_an_operation_that_has_just_begun_cannot_end() -> None:
    assert pause(story((0, "", "CREATE_IN_PROGRESS")), 0.1) == pytest.approx(1.8 + PROMISE_SECONDS)


def test_with_nothing_left_to_do_the_end_is_seen_in_time() -> None:
    done = story((0, "", "CREATE_IN_PROGRESS"), (2, "A", "CREATE_IN_PROGRESS"), (9, "A", "CREATE_COMPLETE"))
    assert pause(done, 9.5) == pytest.approx(0.3 + PROMISE_SECONDS)
    assert pause(done, 12.0) == pytest.approx(PROMISE_SECONDS)


def test_a_known_resource_is_left_alone_until_it_may_be_done() -> None:
    running = story((0, "", "CREATE_IN_PROGRESS"), (2, "A", "CREATE_IN_PROGRESS"))
    assert pause(running, 10, silent=8, forecast=Learned()) == BUSY_SECONDS
    assert pause(running, 101, silent=99, forecast=Learned()) < 3.0
    assert pause(running, 105, silent=103, forecast=Learned()) < 2.0


def test_the_longest_silence_is_read_rarely_but_read() -> None:
    running = story((0, "", "CREATE_IN_PROGRESS"), (2, "A", "CREATE_IN_PROGRESS"))
    assert pause(running, 1500, silent=1498) == SPARSE_SECONDS_MAX


def test_a_rollback_that_has_much_to_delete_is_not_about_to_end() -> None:
    names = [f"R{number}" for number in range(9)]
    operation = story(
        (0, "", "CREATE_IN_PROGRESS"),
        *((2, name, "CREATE_IN_PROGRESS") for name in names),
        *((9, name, "CREATE_COMPLETE") for name in names),
        (10, "", "ROLLBACK_IN_PROGRESS"),
    )
    for stack_ in operation.stacks.values():
        for activity in stack_.activities:
            activity.physical_id = "made"
    assert pause(operation, 11) == BUSY_SECONDS
    for name in names[:8]:
        operation.apply(resource(AT + 12, name, "DELETE_IN_PROGRESS"))
        operation.apply(resource(AT + 13, name, "DELETE_COMPLETE"))
    assert pause(operation, 14) < 2.0


def test_nested_stacks_are_only_read_to_be_shown() -> None:
    operation = story((0, "", "CREATE_IN_PROGRESS"), (2, "A", "CREATE_IN_PROGRESS"))
    operation.stacks[ROOT].parent_id = "somebody"
    assert pause(operation, 3) >= NESTED_SECONDS


def test_a_stack_at_rest_is_looked_at_ever_less() -> None:
    assert idle_pause_seconds(0.0, root=True) < idle_pause_seconds(30.0, root=True) <= IDLE_SECONDS_MAX
    assert idle_pause_seconds(1e6, root=True) == IDLE_SECONDS_MAX


STATUSES = [
    "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
]  # fmt: skip
STEPS = st.tuples(
    st.floats(0, 5000), st.sampled_from(["", "A", "B", "C"]), st.sampled_from([*STATUSES, "DELETE_FAILED"])
)


@given(
    st.lists(STEPS, max_size=12),
    st.floats(-100, 9000),
    st.floats(0, 9000),
    st.sampled_from([NoForecast(), Learned(), PriorForecast({("AWS::Test::Thing", "CREATE"): 40.0}, 3)]),
)
def test_whatever_happens_a_stack_is_looked_at_again_soon(
    steps: list[tuple[float, str, str]], after: float, silent: float, forecast: object
) -> None:
    first = (0.0, "", "UPDATE_IN_PROGRESS")
    known = [(t, n, s) for t, n, s in sorted(steps) if n or s != "DELETE_FAILED"]
    operation = story(first, *known)
    assert 0.5 <= pause(operation, after, silent=silent, forecast=forecast) <= SPARSE_SECONDS_MAX


def refused(*more: tuple[float, str, str]) -> Operation:
    """A creation in which Q was made and A was refused at once, without having made anything."""
    operation = Operation()
    for event in (
        stack(AT, "CREATE_IN_PROGRESS"),
        resource(AT + 2, "Q", "CREATE_IN_PROGRESS"),
        resource(AT + 3, "Q", "CREATE_COMPLETE"),
        replace(resource(AT + 2, "A", "CREATE_IN_PROGRESS"), physical_id=""),
        replace(resource(AT + 3, "A", "CREATE_FAILED", "denied"), physical_id=""),
        stack(AT + 4, "ROLLBACK_IN_PROGRESS"),
        resource(AT + 6, "Q", "DELETE_IN_PROGRESS"),
        resource(AT + 7, "Q", "DELETE_COMPLETE"),
        *(resource(AT + after, name, status) for after, name, status in more),
    ):
        operation.apply(event)
    return operation


def test_what_was_refused_is_given_up_at_once_or_after_two_minutes() -> None:
    assert pause(refused(), 9.0) < 2, "it may end any moment"
    assert pause(refused(), 40.0, silent=33.0) == SPARSE_SECONDS_MAX
    assert pause(refused(), 125.0, silent=118.0) == pytest.approx(7 + PROMISE_SECONDS)
    assert pause(refused(), 133.0, silent=126.0) < 3


def test_nothing_is_foretold_where_something_that_was_made_is_still_there() -> None:
    both = refused()
    both.apply(resource(AT + 3.5, "B", "CREATE_COMPLETE"))
    assert pause(both, 40.0, silent=33.0) < SPARSE_SECONDS_MAX


def test_the_deletion_of_what_was_never_made_is_not_trusted_to_take_long() -> None:
    deleting = refused((8.0, "A", "DELETE_IN_PROGRESS"))
    assert pause(deleting, 9.0, forecast=Learned()) < 2
