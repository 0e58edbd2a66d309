"""A teardown by `command`: estimated, warned of and headed as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

TOPIC = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 200, %s}}}}"
BODY = TOPIC % "DeleteSeconds: 20"
STUCK = TOPIC % "Fail: in use, FailOn: delete"


def run(stage: Stage, name: str, command: str, act: Any, **inputs: str) -> Job:
    job = stage.job(name, command=command, **inputs)
    assert job.run("pre") == 0, job.log
    job.launch_command(act)
    job.run("main")
    job.run("post")
    return job


def create(body: str) -> Any:
    return lambda there: 0 if there.create_stack(StackName="shop", TemplateBody=body) else 1


def delete(there: Any) -> int:
    there.delete_stack(StackName="shop")
    return 0


def test_it_is_headed_and_warned_of_before_and_after(stage: Stage) -> None:
    run(stage, "first", "sam deploy", create(BODY))
    job = run(stage, "second", "sam delete --no-prompts", delete)
    assert "a teardown by command, watching eu-west-1/shop" in job.log
    assert job.log.count("`command` runs `sam delete`: it deletes eu-west-1/shop.") == 1
    assert job.page.startswith("## ✅ Deleted: shop → production")
    assert "- `command` ran `sam delete`, which deletes eu-west-1/shop." in job.page


def test_its_estimate_is_not_that_of_a_deployment(stage: Stage) -> None:
    run(stage, "first", "sam deploy", create(BODY))
    for number in range(3):
        first = run(stage, f"delete{number}", "sam delete --no-prompts", delete)
        run(stage, f"create{number}", "sam deploy", create(BODY))
    last = run(stage, "last", "sam delete --no-prompts", delete)
    assert float(first.outputs()["estimate-seconds"]) < 60
    assert float(last.outputs()["estimate-high-seconds"]) < 60, "a creation takes 200 s"
    assert "Usually takes about" in last.log


@pytest.mark.parametrize("command", ["sam delete --no-prompts", "make down"])
def test_one_that_fails_is_headed_as_a_deletion(stage: Stage, command: str) -> None:
    run(stage, "first", "sam deploy", create(STUCK))
    job = run(stage, "second", command, delete)
    assert job.outputs()["outcome"] == "failed"
    assert job.page.startswith("## ❌ Not deleted: shop → production")
    assert "The deletion failed (DELETE_FAILED)" in job.log


def test_a_deployment_is_warned_of_nothing(stage: Stage) -> None:
    job = run(stage, "first", "sam deploy", create(BODY))
    assert "teardown" not in job.log
    assert job.page.startswith("## ✅ Deployed: shop → production")
