"""The calm log: a line at the end of each resource, one at its start where it takes a while, nothing lost."""

from __future__ import annotations

import random
from io import StringIO

import pytest

from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.instants import CloudFormationTime
from deploy_action.github.runner_files import JobLog
from deploy_action.job.job_log import JobLogReporter
from deploy_action.reporting.log.folding import START_SECONDS, Folding
from deploy_action.reporting.log.lines import LogStyle
from tests.clock import VirtualClock
from tests.cloudformation import story

ROOT = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1"
CHILD = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop-Data/2"


def event(
    at: float,
    name: str,
    status: str,
    *,
    reason: str = "",
    detailed: str = "",
    stack: str = ROOT,
    kind: str = "AWS::SQS::Queue",
    physical: str = "",
    hook: str = "",
) -> StackEvent:
    return StackEvent(
        f"{stack[-1]}{name}{status}{reason}{detailed}{at}",
        "eu-west-1",
        stack,
        name,
        physical,
        kind,
        status,
        at,
        reason,
        detailed_status=detailed,
        hook_type=hook,
    )


def shown(events: list[StackEvent], *, rest: bool = True) -> list[str]:
    folding = Folding()
    lines = [line for one in events for _, line in folding.take(one, f"{one.logical_id} {one.status}")]
    return [line for line in [*lines, *(line for _, line in folding.rest() if rest)] if line]


def test_what_is_done_at_once_is_one_line() -> None:
    assert shown(
        [
            event(0, "A", "CREATE_IN_PROGRESS"),
            event(1, "A", "CREATE_IN_PROGRESS", reason="Resource creation Initiated"),
            event(2, "A", "CREATE_COMPLETE"),
        ]
    ) == ["A CREATE_COMPLETE"]


def test_what_takes_a_while_is_shown_at_its_start_and_its_end() -> None:
    assert shown(
        [
            event(0, "A", "CREATE_IN_PROGRESS"),
            event(1, "A", "CREATE_IN_PROGRESS", reason="Resource creation Initiated"),
            event(6, "B", "CREATE_IN_PROGRESS"),
            event(8, "A", "CREATE_IN_PROGRESS", detailed="CONFIGURATION_COMPLETE"),
            event(9, "A", "CREATE_COMPLETE"),
            event(10, "B", "CREATE_COMPLETE"),
        ]
    ) == ["A CREATE_IN_PROGRESS", "A CREATE_COMPLETE", "B CREATE_COMPLETE"]


def test_a_start_is_due_although_nothing_else_happens() -> None:
    folding = Folding()
    folding.take(event(0, "A", "CREATE_IN_PROGRESS"), "A")
    assert folding.due(CloudFormationTime(START_SECONDS - 0.1)) == []
    assert [line for _, line in folding.due(CloudFormationTime(START_SECONDS))] == ["A"]
    assert folding.due(CloudFormationTime(60.0)) == []


def test_a_replacement_is_said_at_once() -> None:
    reason = "Requested update requires the creation of a new physical resource; hence creating one."
    assert shown(
        [
            event(0, "A", "UPDATE_IN_PROGRESS", reason=reason),
            event(1, "A", "UPDATE_IN_PROGRESS", reason="Resource creation Initiated"),
            event(2, "A", "UPDATE_COMPLETE"),
        ]
    ) == ["A UPDATE_IN_PROGRESS", "A UPDATE_COMPLETE"]


def test_failures_hooks_and_the_stack_itself_are_shown_in_full() -> None:
    told = [
        event(0, "shop", "CREATE_IN_PROGRESS", kind=STACK_TYPE, physical=ROOT),
        event(1, "A", "CREATE_IN_PROGRESS", hook="Org::Hook"),
        event(2, "A", "CREATE_FAILED", reason="refused"),
        event(3, "B", "DELETE_SKIPPED"),
        event(4, "shop", "ROLLBACK_IN_PROGRESS", kind=STACK_TYPE, physical=ROOT),
    ]
    assert shown(told) == [f"{one.logical_id} {one.status}" for one in told]


def test_a_nested_stack_begins_before_what_is_in_it() -> None:
    assert shown(
        [
            event(0, "Data", "CREATE_IN_PROGRESS", kind=STACK_TYPE, physical=CHILD),
            event(1, "Table", "CREATE_IN_PROGRESS", stack=CHILD),
            event(2, "Table", "CREATE_COMPLETE", stack=CHILD),
            event(3, "Data", "CREATE_COMPLETE", kind=STACK_TYPE, physical=CHILD),
        ]
    ) == ["Data CREATE_IN_PROGRESS", "Table CREATE_COMPLETE", "Data CREATE_COMPLETE"]


def test_a_start_that_was_shown_before_a_restart_is_not_shown_again() -> None:
    folding = Folding()
    folding.seen(event(0, "A", "CREATE_IN_PROGRESS"))
    initiated = event(1, "A", "CREATE_IN_PROGRESS", reason="Resource creation Initiated")
    assert folding.take(initiated, "A") == [(initiated, "")]
    assert folding.rest() == []


def test_a_start_that_never_ends_is_shown_when_nothing_more_comes() -> None:
    assert shown([event(0, "A", "CREATE_IN_PROGRESS")]) == ["A CREATE_IN_PROGRESS"]


def test_a_look_that_shows_nothing_shows_the_start_of_what_takes_a_while() -> None:
    stream = StringIO()
    reporter = JobLogReporter(JobLog(stream), VirtualClock(), LogStyle(color=False), folding=Folding())
    operation = Operation()
    events = (
        story.stack(100.0, "CREATE_IN_PROGRESS"),
        story.resource(100.0, "A", "CREATE_IN_PROGRESS"),
    )
    for one in events:
        operation.apply(one)
    reporter.events(events, operation)
    reporter.looked(operation, now=CloudFormationTime(100.0 + 2.0))
    assert "  A  " not in stream.getvalue()
    reporter.looked(operation, now=CloudFormationTime(100.0 + 6.0))
    reporter.looked(operation, now=CloudFormationTime(100.0 + 9.0))
    assert stream.getvalue().count("  A  ") == 1


@pytest.mark.parametrize("seed", range(20))
def test_every_event_is_settled_once_and_every_end_is_shown(seed: int) -> None:
    chance = random.Random(seed)
    events, at = [], 0.0
    for number in range(40):
        name, action = f"R{number % 12}", chance.choice(["CREATE", "UPDATE", "DELETE"])
        for status in ("IN_PROGRESS", "IN_PROGRESS", chance.choice(["COMPLETE", "FAILED", "IN_PROGRESS"])):
            at += chance.choice([0.2, 1.0, 7.0])
            reason = chance.choice(["", "Resource creation Initiated", "odd"])
            events.append(event(at, name, f"{action}_{status}", reason=reason))
    folding = Folding()
    settled = [one for each in events for one in folding.take(each, each.status)] + folding.rest()
    assert sorted(one.event_id for one, _ in settled) == sorted(one.event_id for one in events)
    ends = [one.event_id for one in events if not one.status.endswith("_IN_PROGRESS")]
    assert {one.event_id for one, line in settled if line} >= set(ends)
