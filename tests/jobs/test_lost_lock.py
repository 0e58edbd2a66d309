"""A lock that is lost while a deployment runs is told, or ends its command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.locking import admin as operators
from deploy_action.locking.codec import decode, encode
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 700}}}}"


def take_away(stage: Stage) -> None:
    path = stage.root / "registry" / "deployments.json"
    old = decode(path.read_bytes())
    (holder,) = old.tickets
    new = operators.force_release(old, holder.nonce, by="ann", reason="stuck", at="2027-01-15T09:00:00Z")
    path.write_bytes(encode(new.with_operation("by hand")))


def at(stage: Stage, seconds: float) -> None:
    stage.clock.at(stage.clock.elapsed + seconds, lambda: take_away(stage))


def test_a_lock_that_was_lost_shortly_before_the_end_is_told_at_the_end(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    assert job.run("pre") == 0, job.log
    at(stage, 6.0)
    assert job.run("main") == 0, job.log
    job.run("post")
    assert "no longer holds `production`" in job.log
    assert "What ran until now was not protected to its end" in job.summary
    assert job.outputs()["outcome"] == "succeeded"


def test_one_that_was_told_while_it_ran_is_not_told_again(stage: Stage) -> None:
    job = stage.job(template=stage.template(SLOW))
    assert job.run("pre") == 0, job.log
    at(stage, 100.0)
    assert job.run("main") == 0, job.log
    assert job.log.count("no longer holds `production`") == 1
    state = job.state.load()
    assert state is not None
    assert "no longer holds" in state.report.lock_lost
    assert "no longer holds" in state.report.fallback


def test_a_missing_mount_keeps_a_deployment_from_starting(stage: Stage) -> None:
    (stage.root / "registry").rmdir()
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 4
    assert "create the folder once: `mkdir -p" in job.log
    assert not (stage.root / "registry").exists()
    assert stage.server.requests["CreateChangeSet", "eu-west-1"] == 0


def test_holders_of_two_locks_whose_globs_overlap_are_both_told(stage: Stage) -> None:
    command = {"command": "true", "template": ""}
    first = stage.job("first", stack_name="shop-*", lock="one", **command)
    second = stage.job("second", stack_name="shop-web*", lock="two", **command)
    for job in (first, second):
        job.environ["GITHUB_RUN_ID"] = job.environ["GITHUB_ACTOR"]
        assert job.run("pre") == 0, job.log
    assert "overlap" not in first.log
    assert "its eu-west-1/shop-* and the eu-west-1/shop-web* of this deployment overlap" in second.log
    first.launch_command(lambda _cloud: 0)
    first.run("main")
    assert first.log.count("its eu-west-1/shop-web* and the eu-west-1/shop-* of this deployment overlap") == 1


@pytest.mark.parametrize(("wish", "code"), [("tell", 0), ("stop", 5)])
def test_a_command_goes_on_or_is_ended(stage: Stage, wish: str, code: int) -> None:
    job: Job = stage.job(command="make", on_lost_lock=wish)

    def act(_cloud: object) -> None:
        at(stage, 60.0)
        stage.clock.at(stage.clock.elapsed + 600.0, lambda: job.end_command(0))

    job.launch_command(act)
    began = stage.clock.elapsed
    assert job.run("pre") == 0, job.log
    assert job.run("main") == code, job.log
    assert (stage.clock.elapsed - began < 500.0) is (wish == "stop")
    assert ("as `on-lost-lock: stop` asks" in job.log) is (wish == "stop")


def test_a_command_is_given_its_epoch(stage: Stage) -> None:
    stage.job("before", template=stage.template(GOOD)).deploy()
    job = stage.job(command="make")
    job.launch_command(lambda _cloud: 0)
    assert job.deploy() == 0, job.log
    lines = dict(
        line.split("=", 1) for line in (job.state.path / "command.env").read_text("utf-8").splitlines()
    )
    assert lines["DEPLOY_COORDINATOR_EPOCH"] == "2"
    finished = json.loads((stage.root / "registry" / "deployments.json").read_text("utf-8"))["finished"]
    assert finished[-1]["nonce"] == lines["DEPLOY_COORDINATOR_TICKET"]


def test_a_newer_schema_keeps_a_deployment_from_starting(stage: Stage) -> None:
    folder = stage.root / "registry"
    (folder / "deployments.json").write_text('{"schema": 99}', "utf-8")
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 4
    assert "Use a version that knows it" in job.log
    cloudformation = client(stage.server)
    assert cloudformation.describe_stacks()["Stacks"] == []
    cloudformation.close()


@pytest.mark.parametrize(("wish", "code"), [("go-on", 0), ("wait", 2), ("fail", 2)])
def test_what_becomes_of_a_deployment_whose_registry_cannot_be_used(
    stage: Stage, wish: str, code: int
) -> None:
    folder = stage.root / "registry"
    (folder / "deployments.json").write_text("{half", "utf-8")
    job = stage.job(
        template=stage.template(GOOD), when_registry_away=wish, when_busy="skip" if code else "wait"
    )
    assert job.deploy() == code, job.log
    assert job.outputs()["outcome"] == ("busy" if code else "succeeded")


def test_what_is_waited_for_at_the_fence_is_followed_by_another_fence(stage: Stage) -> None:
    cloudformation = client(stage.server)
    arn = cloudformation.create_stack(StackName="databases", TemplateBody=SLOW)["StackId"]
    job = stage.job(template=stage.template(GOOD))
    path = stage.root / "registry" / "deployments.json"
    path.write_text("{half", "utf-8")
    assert job.run("pre") == 0, job.log
    settling = {"schema": 1, "locks": {"production": {"epoch": 3, "settling": [f"eu-west-1/{arn}"]}}}
    path.write_text(json.dumps(settling), "utf-8")
    # After the last sign of life while it waits, and before what it waits for has ended.
    stage.clock.at(690.0, lambda: take_away(stage))
    assert job.run("main") == 5, job.log
    assert stage.server.requests["ExecuteChangeSet", "eu-west-1"] == 0
    cloudformation.close()
