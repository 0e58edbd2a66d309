"""The log's groups: one for each phase, never one inside another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.operation import Operation
from deploy_action.reporting.log.groups import Groups
from tests.cloudformation.story import DATABASE, nested, resource, stack

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent

AT = 1_790_000_000.0
OTHER = "arn:aws:cloudformation:eu-west-1:123456789012:stack/blog/4444"


def grouped(*events: StackEvent, at_once: bool = False) -> list[str]:
    operation, groups, told = Operation(), Groups(), []
    if at_once:
        for event in events:
            operation.apply(event)
    for event in events:
        if not at_once:
            operation.apply(event)
        told += [*groups.before(event, operation), event.status]
    return [*told, *groups.end()]


UPDATE = (
    stack(AT, "UPDATE_IN_PROGRESS"),
    resource(AT + 1, "A", "UPDATE_COMPLETE"),
    stack(AT + 2, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
    resource(AT + 3, "A", "DELETE_COMPLETE"),
    stack(AT + 4, "UPDATE_COMPLETE"),
)


def test_each_phase_has_its_group_and_the_end_opens_none() -> None:
    for at_once in (False, True):
        assert grouped(*UPDATE, at_once=at_once) == [
            "::group::Deploy",
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE",
            "::endgroup::",
            "::group::Clean-up",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_COMPLETE",
            "UPDATE_COMPLETE",
            "::endgroup::",
        ]


def test_what_becomes_visible_late_opens_no_group_again() -> None:
    told = grouped(
        stack(AT, "CREATE_IN_PROGRESS"),
        nested(AT, "Database", "CREATE_IN_PROGRESS"),
        stack(AT + 9, "ROLLBACK_IN_PROGRESS"),
        stack(AT + 1, "CREATE_IN_PROGRESS", of=DATABASE),
        resource(AT + 2, "Instance", "CREATE_FAILED", of=DATABASE),
        stack(AT + 20, "ROLLBACK_COMPLETE"),
    )
    assert [line for line in told if line.startswith("::")] == [
        "::group::Deploy",
        "::endgroup::",
        "::group::Rollback",
        "::endgroup::",
    ]


def test_of_several_roots_the_furthest_counts() -> None:
    told = grouped(
        stack(AT, "UPDATE_IN_PROGRESS"),
        stack(AT, "UPDATE_IN_PROGRESS", of=OTHER),
        stack(AT + 1, "UPDATE_ROLLBACK_IN_PROGRESS", of=OTHER),
        resource(AT + 2, "A", "UPDATE_COMPLETE"),
        stack(AT + 3, "UPDATE_COMPLETE"),
    )
    assert [line for line in told if line.startswith("::")] == [
        "::group::Deploy",
        "::endgroup::",
        "::group::Rollback",
        "::endgroup::",
    ]


def test_a_stack_that_begins_anew_begins_with_deploy() -> None:
    told = grouped(*UPDATE, stack(AT + 10, "UPDATE_IN_PROGRESS"))
    assert [line for line in told if line.startswith("::group")] == [
        "::group::Deploy",
        "::group::Clean-up",
        "::group::Deploy",
    ]


STATUSES = ["CREATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "X"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([DATABASE, OTHER]), st.sampled_from(STATUSES), st.integers(0, 9))),
    st.booleans(),
)
def test_groups_never_nest(story: list[tuple[str, str, int]], at_once: bool) -> None:
    events = [stack(AT + at, status, of=of) for of, status, at in story]
    commands = [line for line in grouped(*events, at_once=at_once) if line.startswith("::")]
    assert [line.partition("::group::")[1] for line in commands[::2]] == ["::group::"] * (len(commands) // 2)
    assert commands[1::2] == ["::endgroup::"] * (len(commands) // 2)
    assert len(commands) % 2 == 0
