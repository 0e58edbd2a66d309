"""Way 3: watching what somebody else began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 100}}}}"


@pytest.mark.parametrize("name", ["shop", "sh*", "eu-west-1/shop"])
def test_what_is_in_progress_is_watched_from_its_start_without_a_lock(stage: Stage, name: str) -> None:
    _create(stage, SLOW)
    stage.clock.sleep(30)
    job = stage.job(stack_name=name, log="full")
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    label = "shop/Topic" if "*" in name else "Topic"
    lines = [line for line in job.log.splitlines() if f"  {label}  " in line]
    assert len(lines) == 3
    assert stage.registry() == {}


def test_a_failure_of_somebody_else_is_told_as_a_failure(stage: Stage) -> None:
    _create(stage, SLOW.replace("Seconds: 100", "Seconds: 100, Fail: nope"))
    job = stage.job()
    assert job.deploy() == 1
    assert job.outputs()["root-cause"] == "Topic (AWS::SNS::Topic): nope"


def test_with_nothing_in_progress_there_is_nothing_to_watch(stage: Stage) -> None:
    job = stage.job()
    assert job.deploy() == 0
    assert job.outputs()["outcome"] == "no-changes"
    assert "nothing to watch" in job.log


def _create(stage: Stage, body: str) -> None:
    cloudformation = client(stage.server)
    cloudformation.create_stack(StackName="shop", TemplateBody=body)
    cloudformation.close()
