"""An end that is known is told soon, whatever CloudFormation does afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.monitoring.closing_budget import CLOSING_SECONDS, IN_FLIGHT_SECONDS
from tests.jobs.test_faults import GOOD

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

LIMITED_SECONDS = 10.0
SLACK_SECONDS = LIMITED_SECONDS
"""The fake ends each request after so long: it cannot see that the last one waits for less."""


def hang(stage: Stage, *, after: float) -> None:
    """Nothing answers: a request that was under way then for as long as it may, later ones more briefly."""
    start = stage.clock.now() + after
    for operation in ("Describe*", "List*"):
        add, later = stage.server.faults.add, start + IN_FLIGHT_SECONDS
        add("hang", operation=operation, after=start, until=later, seconds=IN_FLIGHT_SECONDS)
        add("hang", operation=operation, after=later, seconds=LIMITED_SECONDS)


@pytest.mark.parametrize("count", [1, 6])
def test_a_command_that_ended_is_told_within_the_budget(stage: Stage, count: int) -> None:
    names = [f"shop{number}" for number in range(count)]
    job = stage.job(command="deploy", stack_name="\n".join(names))
    assert job.run("pre") == 0, job.log

    def deploy(cloudformation: object) -> int:
        for name in names:
            cloudformation.create_stack(StackName=name, TemplateBody=GOOD)  # type: ignore[attr-defined]
        hang(stage, after=0)
        return 0

    job.launch_command(deploy, after=5)
    began = stage.clock.monotonic()
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "unknown"
    took = stage.clock.monotonic() - began
    assert 5 + CLOSING_SECONDS / 2 < took < 5 + CLOSING_SECONDS + SLACK_SECONDS, took
    ended = stage.clock.monotonic()
    assert job.run("post") == 0
    assert stage.clock.monotonic() - ended < 5 + SLACK_SECONDS


def test_the_status_decides_where_events_alone_hang(stage: Stage) -> None:
    """Neither is a stack that still works taken for one that ended, nor is its end waited for in vain."""
    job = stage.job(command="deploy", stack_name="shop")
    assert job.run("pre") == 0, job.log

    def deploy(cloudformation: object) -> int:
        cloudformation.create_stack(StackName="shop", TemplateBody=GOOD)  # type: ignore[attr-defined]
        stage.server.faults.add("hang", operation="DescribeStackEvents", seconds=IN_FLIGHT_SECONDS)
        return 0

    job.launch_command(deploy, after=5)
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded", job.log


def test_post_looks_at_stacks_no_longer_than_the_budget(stage: Stage) -> None:
    job = stage.job(command="deploy", stack_name="\n".join(f"shop{number}" for number in range(12)))
    assert job.run("pre") == 0, job.log
    job.launch_command(lambda _: 1)
    job.run("main")
    hang(stage, after=0)
    began = stage.clock.monotonic()
    assert job.run("post") == 0
    assert stage.clock.monotonic() - began < CLOSING_SECONDS + SLACK_SECONDS
    assert "Could not check in time whether" in job.log
    names = {text for lock in stage.registry()["locks"].values() for text in lock["settling"]}
    assert names
    assert all(name.partition("/")[0].isdigit() for name in names)
