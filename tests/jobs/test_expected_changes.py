"""`expect-changes-within`: tools that start a deployment remotely and end before anything began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 30}}}}"
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: "no topic"}}}}'


def remote(stage: Stage, job: Job, bodies: dict[str, str], *, after: float = 40.0, code: int = 0) -> None:
    """A command that ends at once; `after` seconds later each stack is created, one after the other."""

    def start(cloudformation: Any) -> int:
        for number, (name, body) in enumerate(bodies.items()):

            def create(name: str = name, body: str = body) -> None:
                from tests.fakes.cloudformation.harness import client

                there = client(stage.server)
                there.create_stack(StackName=name, TemplateBody=body)
                there.close()

            stage.clock.at(stage.clock.elapsed + after * (number + 1), create)
        return code

    job.launch_command(start)


def holds(stage: Stage) -> bool:
    return bool(stage.registry()["locks"]["production"]["tickets"])


def test_a_pipeline_that_begins_later_is_watched_under_the_lock(stage: Stage) -> None:
    job = stage.job(
        command="aws codepipeline start-pipeline-execution --name shop", expect_changes_within="2m"
    )
    job.run("pre")
    remote(stage, job, {"shop": GOOD})
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"
    assert "Waiting up to 2m00s for a change to begin on eu-west-1/shop" in job.log


def test_a_pipeline_that_fails_later_is_a_failure(stage: Stage) -> None:
    job = stage.job(command="x", expect_changes_within="2m")
    job.run("pre")
    remote(stage, job, {"shop": BAD})
    assert job.run("main") == 1
    assert "no topic" in job.log


def test_stacks_one_after_the_other_are_all_waited_for(stage: Stage) -> None:
    job = stage.job(command="x", stack_name="shop-db\nshop-api", expect_changes_within="2m")
    job.run("pre")
    remote(stage, job, {"shop-db": GOOD, "shop-api": BAD}, after=90)
    assert job.run("main") == 1, "the second one begins 60 s after the first has ended"
    assert job.outputs()["stack-status"].startswith("shop-db=CREATE_COMPLETE shop-api=")


@pytest.mark.parametrize("name", ["shop", "shop-*"])
def test_nothing_that_begins_is_not_green(stage: Stage, name: str) -> None:
    job = stage.job(command="x", stack_name=name, expect_changes_within="2m")
    job.run("pre")
    began = stage.clock.monotonic()
    remote(stage, job, {})
    assert job.run("main") == 7
    assert job.outputs()["outcome"] == "unknown"
    assert job.outputs()["deployed"] == "false"
    assert 120 <= stage.clock.monotonic() - began < 150
    assert f"No change began on eu-west-1/{name} within 2m00s" in job.log


def test_a_stack_that_stays_as_it_is_beside_one_that_changed_is_told(stage: Stage) -> None:
    job = stage.job(command="x", stack_name="shop\nshop-db", expect_changes_within="1m")
    job.run("pre")
    remote(stage, job, {"shop": GOOD})
    assert job.run("main") == 0, job.log
    assert "Nothing began on eu-west-1/shop-db within 1m00s" in job.log


def test_of_a_command_that_failed_nothing_more_is_expected(stage: Stage) -> None:
    job = stage.job(command="x", expect_changes_within="10m")
    job.run("pre")
    began = stage.clock.monotonic()
    remote(stage, job, {}, code=3)
    assert job.run("main") == 3
    assert stage.clock.monotonic() - began < 30


def test_where_events_may_not_be_read_the_status_is_waited_for(stage: Stage) -> None:
    stage.server.faults.add("access_denied", operation="DescribeStackEvents")
    job = stage.job(command="x", expect_changes_within="2m")
    job.run("pre")
    remote(stage, job, {"shop": BAD})
    assert job.run("main") == 1, job.log


def test_a_watch_waits_for_what_somebody_else_starts(stage: Stage) -> None:
    job = stage.job(mode="watch", expect_changes_within="2m", environment="")
    job.run("pre")
    remote_at = stage.clock.elapsed + 50

    def create() -> None:
        from tests.fakes.cloudformation.harness import client

        there = client(stage.server)
        there.create_stack(StackName="shop", TemplateBody=BAD)
        there.close()

    stage.clock.at(remote_at, create)
    assert job.run("main") == 1, job.log
    assert "no topic" in job.log


def test_a_watch_of_what_never_begins_is_not_green(stage: Stage) -> None:
    job = stage.job(mode="watch", expect_changes_within="2m", environment="")
    job.run("pre")
    assert job.run("main") == 7
    assert "No change began on eu-west-1/shop within 2m00s" in job.log


@pytest.mark.parametrize("text", ["2", "0s", "two minutes", "25h", "-1m"])
def test_a_time_needs_its_unit(stage: Stage, text: str) -> None:
    job = stage.job(command="x", expect_changes_within=text)
    assert job.run("pre") == 3
    assert "`expect-changes-within`" in job.log


def test_with_a_template_it_is_refused(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD), expect_changes_within="2m")
    assert job.run("pre") == 3
