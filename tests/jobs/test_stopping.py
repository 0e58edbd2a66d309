"""`on-cancel` and `on-timeout`: our own update is rolled back where that is asked for, and nobody else's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
UPDATE = (
    "Resources: {Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: x}, "
    "Metadata: {TestGround: {UpdateSeconds: 300}}}}"
)
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 300}}}}"
CANCEL = ("CancelUpdateStack", "eu-west-1")


def at(stage: Stage, seconds: float, action: Any) -> None:
    stage.clock.at(stage.clock.elapsed + seconds, action)


def status(stage: Stage) -> str:
    cloudformation = client(stage.server)
    found = cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"]
    cloudformation.close()
    return str(found)


def updating(stage: Stage, body: str = UPDATE, **inputs: str) -> Job:
    stage.job("first", template=stage.template(GOOD)).deploy()
    job = stage.job("second", template=stage.template(body), **inputs)
    assert job.run("pre") == 0, job.log
    return job


def cancelled(stage: Stage, job: Job, seconds: float = 30) -> int:
    at(stage, seconds, lambda: setattr(job.cancel, "now", True))
    code = job.run("main")
    job.run("post")
    return code


def test_a_cancelled_job_rolls_its_update_back_and_the_next_one_waits_for_that(stage: Stage) -> None:
    job = updating(stage, on_cancel="cancel-update")
    assert cancelled(stage, job) == 130, job.log
    assert job.outputs()["outcome"] == "cancelled"
    assert "Cancelled the update" in job.log
    assert "cancel its update there" not in job.log
    assert "stack/shop/" in stage.registry()["locks"]["production"]["settling"][0]
    stage.clock.sleep(120)
    assert status(stage) == "UPDATE_ROLLBACK_COMPLETE"


@pytest.mark.parametrize("inputs", [{}, {"on_cancel": "leave"}, {"on_timeout": "cancel-update"}])
def test_without_being_asked_nothing_is_cancelled(stage: Stage, inputs: dict[str, str]) -> None:
    job = updating(stage, **inputs)
    assert cancelled(stage, job) == 130
    assert stage.server.requests[CANCEL] == 0
    assert status(stage) == "UPDATE_IN_PROGRESS"


def test_a_creation_goes_on_and_that_is_told(stage: Stage) -> None:
    job = stage.job(template=stage.template(SLOW), on_cancel="cancel-update")
    job.run("pre")
    assert cancelled(stage, job) == 130
    assert stage.server.requests[CANCEL] == 0
    assert "cannot stop a stack that is CREATE_IN_PROGRESS" in job.log


def test_a_lock_that_was_lost_keeps_us_from_cancelling(stage: Stage) -> None:
    job = updating(stage, on_cancel="cancel-update")
    path = stage.root / "registry" / "deployments.json"

    def lose() -> None:
        document = json.loads(path.read_text("utf-8"))
        document["tickets"] = []
        path.write_text(json.dumps(document), "utf-8")

    at(stage, 20, lose)
    assert cancelled(stage, job) == 130
    assert stage.server.requests[CANCEL] == 0
    assert "the lock is not ours any more" in job.log


def test_somebody_elses_update_is_never_cancelled(stage: Stage) -> None:
    job = updating(
        stage, UPDATE.replace("UpdateSeconds: 300", "UpdateSeconds: 20"), on_cancel="cancel-update"
    )
    cloudformation = client(stage.server)

    def theirs() -> None:
        if status(stage) == "UPDATE_COMPLETE":
            other = UPDATE.replace("DisplayName: x", "DisplayName: y")
            cloudformation.update_stack(StackName="shop", TemplateBody=other, ClientRequestToken="theirs")
            job.cancel.now = True
        else:
            at(stage, 0.1, theirs)

    at(stage, 15, theirs)
    job.run("main")
    cloudformation.close()
    assert stage.server.requests[CANCEL] == 0, job.log
    assert status(stage) == "UPDATE_IN_PROGRESS"


def test_a_time_out_waits_for_the_roll_back_and_is_not_green(stage: Stage) -> None:
    job = updating(stage, timeout_in_minutes="1", on_timeout="cancel-update")
    assert job.run("main") == 6, job.log
    job.run("post")
    assert (job.outputs()["outcome"], job.outputs()["stack-status"]) == (
        "rolled-back",
        "UPDATE_ROLLBACK_COMPLETE",
    )
    assert "UPDATE_ROLLBACK_COMPLETE" in job.summary
    assert stage.registry()["tickets"] == []
    assert stage.registry()["locks"]["production"]["settling"] == []


def test_a_refused_cancellation_is_told_and_not_fatal(stage: Stage) -> None:
    job = updating(stage, timeout_in_minutes="1", on_timeout="cancel-update")
    stage.server.faults.add("access_denied", operation="CancelUpdateStack")
    assert job.run("main") == 6, job.log
    assert "was not cancelled" in job.log
    assert job.outputs()["outcome"] == "unknown"


@pytest.mark.parametrize("kind", ["error_after", "reset_after"])
def test_a_cancellation_whose_answer_is_lost_is_watched(stage: Stage, kind: str) -> None:
    job = updating(stage, timeout_in_minutes="1", on_timeout="cancel-update")
    stage.server.faults.add(kind, operation="CancelUpdateStack")
    assert job.run("main") == 6, job.log
    assert job.outputs()["outcome"] == "rolled-back"


def test_the_time_out_after_all_was_well_is_no_failure(stage: Stage) -> None:
    job = updating(
        stage,
        GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {"),
        on_timeout="cancel-update",
        timeout_in_minutes="1",
    )
    assert job.run("main") == 0
    assert stage.server.requests[CANCEL] == 0


def test_where_the_events_cannot_be_read_nothing_is_cancelled_and_that_is_told(stage: Stage) -> None:
    job = updating(stage, on_cancel="cancel-update")
    stage.server.faults.add("access_denied", operation="DescribeStackEvents")
    assert cancelled(stage, job, 60) == 130, job.log
    assert stage.server.requests[CANCEL] == 0
    assert "Nothing is cancelled" in job.log


def test_an_unwatched_update_is_cancelled_too(stage: Stage) -> None:
    job = updating(stage, on_timeout="cancel-update", timeout_in_minutes="1")
    job.environ["DEPLOY_COORDINATOR_UNWATCHED"] = "1"
    assert job.run("main") == 6, job.log
    assert job.outputs()["outcome"] == "rolled-back"
