"""An end that is known is told soon, whatever CloudFormation does afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.monitoring.closing_budget import CLOSING_SECONDS
from deploy_action.monitoring.watch_loop import ROUND_SECONDS
from tests.jobs.test_faults import GOOD

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

HANG_SECONDS = 20.0
SLACK_SECONDS = 2 * HANG_SECONDS
"""A request under way is not cut off, and the fake cannot see that requests became shorter."""


def hang(stage: Stage, *, after: float) -> None:
    start = stage.clock.now() + after
    stage.server.faults.add("hang", operation="Describe*", after=start, seconds=HANG_SECONDS)
    stage.server.faults.add("hang", operation="List*", after=start, seconds=HANG_SECONDS)


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
    took = stage.clock.monotonic() - began
    assert job.outputs()["outcome"] == "unknown"
    assert took < 5 + ROUND_SECONDS + CLOSING_SECONDS + SLACK_SECONDS, took


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
