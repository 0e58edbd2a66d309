"""Every wait of `main` has a bound and speaks, and nothing is claimed of what cannot be seen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.fakes.cloudformation.harness import client, status
from tests.jobs.test_faults import GOOD

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 600}}}}"
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: "nope"}}}}'


def prepared(stage: Stage, **inputs: str) -> Job:
    job = stage.job(**inputs)
    assert job.run("pre") == 0, job.log
    return job


def test_a_change_set_that_is_never_done_ends_with_the_time_out(stage: Stage) -> None:
    stage.server.world.change_set_seconds = 36_000.0
    job = prepared(stage, template=stage.template(GOOD), timeout_in_minutes="5")
    began = stage.clock.monotonic()
    assert job.run("main") == 6, job.log
    assert stage.clock.monotonic() - began < 330
    assert "still creates the change set (1m00s so far)" in job.log
    assert "still creates the change set (4m0" in job.log
    assert "`timeout-in-minutes` (5m00s) was over" in job.log
    job.run("post")
    assert stage.registry()["tickets"] == []


def test_the_time_out_counts_from_the_start_of_main(stage: Stage) -> None:
    stage.server.world.change_set_seconds = 240.0
    job = prepared(stage, template=stage.template(SLOW), timeout_in_minutes="6")
    began = stage.clock.monotonic()
    assert job.run("main") == 6, job.log
    assert 355 < stage.clock.monotonic() - began < 400


def test_a_deletion_that_does_not_end_ends_with_the_time_out(stage: Stage) -> None:
    cloudformation = client(stage.server)
    cloudformation.create_stack(StackName="shop", TemplateBody=BAD)
    stage.clock.sleep(4000)
    assert status(cloudformation, "shop") == "ROLLBACK_COMPLETE"
    stage.server.faults.add("stale", operation="DescribeStacks", seconds=1000.0)
    job = prepared(
        stage, template=stage.template(GOOD), delete_rolled_back_stack="true", timeout_in_minutes="5"
    )
    began = stage.clock.monotonic()
    assert job.run("main") == 6, job.log
    assert stage.clock.monotonic() - began < 330
    assert "still deletes stack eu-west-1/shop (1m00s so far)" in job.log
    cloudformation.close()


@pytest.mark.parametrize("created", [False, True], ids=["new stack", "stack that is there"])
def test_a_fresh_change_set_may_be_missing_for_a_moment(stage: Stage, created: bool) -> None:
    if created:
        cloudformation = client(stage.server)
        cloudformation.create_stack(StackName="shop", TemplateBody=GOOD)
        cloudformation.close()
        stage.clock.sleep(60)
    stage.server.faults.add("stale", operation="DescribeChangeSet", seconds=8.0)
    changed = GOOD.replace("Topic:", "Other:", 1)
    job = prepared(stage, template=stage.template(changed))
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert "Somebody else" not in job.log


def test_a_change_set_that_stays_away_is_gone(stage: Stage) -> None:
    stage.server.faults.add("stale", operation="DescribeChangeSet", seconds=3600.0, count=40)
    job = prepared(stage, template=stage.template(GOOD))
    assert job.run("main") == 0, job.log
    assert "Somebody else changed the stack" in job.log


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_step_of_the_clock_changes_no_duration(stage: Stage, step: float) -> None:
    job = prepared(stage, template=stage.template(GOOD), timeout_in_minutes="10")

    def set_clock() -> None:
        stage.clock._start += step
        stage.server._now = lambda: stage.clock.now() - step

    stage.clock.at(stage.clock.elapsed + 5, set_clock)
    began = stage.clock.monotonic()
    assert job.run("main") == 0, job.log
    took = stage.clock.monotonic() - began
    assert abs(int(job.outputs()["duration-seconds"]) - took) < 2


def test_a_watch_by_status_speaks(stage: Stage) -> None:
    stage.server.faults.add("access_denied", operation="DescribeStackEvents")
    job = prepared(stage, template=stage.template(SLOW))
    assert job.run("main") == 0, job.log
    assert len(re.findall(r"Watching the stack's status.* so far\)", job.log)) >= 5


def test_nothing_is_claimed_while_cloudformation_does_not_answer(stage: Stage) -> None:
    job = prepared(stage, template=stage.template(SLOW))
    start = stage.clock.now() + 60
    stage.server.faults.add("error", operation="Describe*", after=start, until=start + 300)
    assert job.run("main") == 0, job.log
    silent = [line for line in job.log.splitlines() if "has not answered since" in line]
    assert len(silent) >= 3, job.log
    assert all("last seen: still creating Topic" in line and "left" not in line for line in silent), silent
    claims = [line for line in job.log.splitlines() if "… " in line]
    first, last = job.log.index(silent[0]), job.log.index(silent[-1])
    assert not [line for line in claims if first < job.log.index(line) < last and line not in silent]


def test_stacks_that_cannot_be_read_hold_a_command_up_once_not_each(stage: Stage) -> None:
    names = "\n".join(f"shop{number}" for number in range(6))
    job = prepared(stage, command="deploy", stack_name=names)
    stage.server.faults.add("error", operation="Describe*")
    job.launch_command(lambda _: 0)
    began = stage.clock.monotonic()
    job.run("main")
    assert "AWS does not answer yet (1m0" in job.log
    assert stage.clock.monotonic() - began < 400
