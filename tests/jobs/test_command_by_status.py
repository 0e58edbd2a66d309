"""A command whose stacks' events may not be read: their status, which may be, decides. A service control
policy denies calls one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs.stage import Job, Stage

EVENTS, STACKS = "DescribeStackEvents", "DescribeStacks"
GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 40}}}}"
BAD = GOOD.replace("Seconds: 40", "Seconds: 40, Fail: nope")
MORE = GOOD.replace("Resources: {", "Resources: {More: {Type: AWS::SNS::Topic}, ")
WORSE = MORE.replace(
    "More: {Type: AWS::SNS::Topic", "More: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: x}}"
)


def create(body: str, **options: Any) -> Callable[[Any], int]:
    def command(cloudformation: Any) -> int:
        cloudformation.create_stack(StackName="shop", TemplateBody=body, **options)
        return 0

    return command


def update(body: str) -> Callable[[Any], int]:
    def command(cloudformation: Any) -> int:
        cloudformation.update_stack(StackName="shop", TemplateBody=body)
        return 0

    return command


def delete(cloudformation: Any) -> int:
    cloudformation.delete_stack(StackName="shop")
    return 0


def nothing(cloudformation: Any) -> int:
    return 0


def existing(stage: Stage) -> None:
    job = stage.job("before", command="x")
    job.run("pre")
    job.launch_command(create(GOOD))
    assert job.run("main") == 0, job.log
    job.run("post")
    stage.clock.sleep(600)


def deploy(stage: Stage, command: Callable[[Any], int], *, late: float = 0.0) -> tuple[int, Job]:
    """With events denied from the start, or `late` seconds after the command was let go."""
    job = stage.job("own", command="x")
    stage.server.faults.add("access_denied", operation=EVENTS, after=stage.clock.now() + late)
    assert job.run("pre") == 0, job.log
    job.launch_command(command)
    code = job.run("main")
    job.run("post")
    return code, job


@pytest.mark.parametrize("late", [0.0, 20.0], ids=["from the start", "midway"])
@pytest.mark.parametrize(
    ("command", "before", "right"),
    [
        (create(GOOD), False, (0, "succeeded")),
        (create(BAD), False, (1, "rolled-back")),
        (create(BAD, OnFailure="DELETE"), False, (1, "failed")),
        (update(MORE), True, (0, "succeeded")),
        (update(WORSE), True, (1, "rolled-back")),
        (delete, True, (0, "succeeded")),
        (nothing, True, (0, "no-changes")),
        (nothing, False, (0, "no-changes")),
    ],
    ids=["create", "failed", "failed-deleted", "update", "rolled-back", "delete", "no-change", "no-stack"],
)
def test_the_status_decides_where_events_are_denied(
    command: Callable[[Any], int], before: bool, right: tuple[int, str], late: float, stage: Stage
) -> None:
    if before:
        existing(stage)
    code, job = deploy(stage, command, late=late)
    assert (code, job.outputs()["outcome"]) == right, job.log
    assert stage.registry()["tickets"] == []


def test_a_late_read_is_not_taken_for_no_change(stage: Stage) -> None:
    existing(stage)
    stage.server.faults.add("stale", operation=STACKS, seconds=20, after=stage.clock.now())
    code, job = deploy(stage, update(WORSE))
    assert (code, job.outputs()["outcome"]) == (1, "rolled-back"), job.log


def test_where_neither_may_be_read_it_stays_unknown(stage: Stage) -> None:
    stage.server.faults.add("access_denied", operation=STACKS)
    code, job = deploy(stage, create(BAD))
    assert (code, job.outputs()["outcome"]) == (0, "unknown"), job.log


def test_a_stack_that_failed_before_and_was_left_alone_is_no_failure(stage: Stage) -> None:
    job = stage.job("before", command="x")
    job.run("pre")
    job.launch_command(create(BAD))
    assert job.run("main") == 1
    job.run("post")
    stage.clock.sleep(600)
    code, job = deploy(stage, nothing)
    assert (code, job.outputs()["outcome"]) == (0, "no-changes"), job.log
