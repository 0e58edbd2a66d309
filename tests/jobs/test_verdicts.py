"""A verdict follows from what an operation was begun as and what became of it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 1, DeleteSeconds: 1}}}}"
COMMAND_SECONDS = 12.0
"""It waits for what it began: `cdk destroy`, `serverless remove`."""
EXPORTING = """
Resources: {Topic: {Type: AWS::SNS::Topic}}
Outputs: {Arn: {Value: !Ref Topic, Export: {Name: shop-topic}}}
"""
IMPORTING = """
Resources: {Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !ImportValue shop-topic}}}
"""


def failing(seconds: float) -> str:
    ground = f"{{Seconds: {seconds}, DeleteSeconds: {seconds / 2}, Fail: no topic}}"
    bucket = f"{{Seconds: 0.2, DeleteSeconds: {seconds / 2}}}"
    return f"""
Resources:
  Topic: {{Type: AWS::SNS::Topic, Metadata: {{TestGround: {ground}}}}}
  Bucket: {{Type: AWS::S3::Bucket, Metadata: {{TestGround: {bucket}}}}}
"""


def create(stage: Stage, name: str, body: str = GOOD, *, wait: float = 60, **options: str) -> None:
    act(stage, lambda aws: aws.create_stack(StackName=name, TemplateBody=body, **options))
    stage.clock.sleep(wait)


def act(stage: Stage, call: Callable[[Any], object]) -> None:
    aws = client(stage.server)
    call(aws)
    aws.close()


def run(stage: Stage, call: Callable[[Any], object], *, stacks: str = "shop", after: float = 0.0) -> Job:
    """A deployment by a command that does `call` and reports success."""
    job = stage.job(command="x", stack_name=stacks)
    job.run("pre")

    def command(aws: Any) -> None:
        call(aws)
        stage.clock.at(stage.clock.elapsed + COMMAND_SECONDS, lambda: job.end_command(0))

    job.launch_command(command, after=after)
    return job


def delete(aws: Any, *names: str) -> None:
    for name in names:
        aws.delete_stack(StackName=name)


def failing_creation(seconds: float, name: str = "shop") -> Callable[[Any], object]:
    return lambda aws: aws.create_stack(StackName=name, TemplateBody=failing(seconds), OnFailure="DELETE")


def remembered(stage: Stage) -> list[dict[str, Any]]:
    path = stage.root / "registry" / "deployment-history.json"
    return list(json.loads(path.read_text("utf-8"))["deployments"]) if path.exists() else []


@pytest.mark.parametrize("stacks", ["shop", "sh*"])
@pytest.mark.parametrize("seconds", [60.0, 1.0])
def test_a_creation_that_fails_and_is_deleted_is_a_failure_with_its_cause(
    stage: Stage, stacks: str, seconds: float
) -> None:
    job = run(stage, failing_creation(seconds), stacks=stacks, after=7)
    assert job.run("main") == 1, job.log
    job.run("post")
    assert job.outputs()["outcome"] == "failed"
    assert job.outputs()["stack-status"] == "DELETE_COMPLETE"
    topic = "shop/Topic" if stacks == "sh*" else "Topic"
    assert job.outputs()["root-cause"] == f"{topic} (AWS::SNS::Topic): no topic"
    record = remembered(stage)[-1]
    assert record["outcome"] == "failed"
    assert [(run["operation"], run["outcome"]) for run in record["runs"]] == [("create", "failed")]


@pytest.mark.parametrize("name", ["shop", "sh*"])
@pytest.mark.parametrize("after", [30, 75])
def test_attached_to_the_deletion_of_a_failed_creation_it_is_the_creation_that_is_judged(
    stage: Stage, name: str, after: float
) -> None:
    create(stage, "shop", failing(60), wait=after, OnFailure="DELETE")
    job = stage.job(stack_name=name)
    assert job.deploy() == 1, job.log
    assert job.outputs()["outcome"] == "failed"
    topic = "shop/Topic" if name == "sh*" else "Topic"
    assert job.outputs()["root-cause"] == f"{topic} (AWS::SNS::Topic): no topic"
    assert f"CREATE_FAILED         {topic}" in job.log


@pytest.mark.parametrize("stacks", ["shop", "sh*"])
def test_a_creation_that_is_gone_between_two_looks_is_seen(stage: Stage, stacks: str) -> None:
    """`DescribeStackEvents` knows a deleted stack by its id alone, and no listing of living stacks has it."""
    job = run(stage, failing_creation(0.2), stacks=stacks, after=1.2)
    assert job.run("main") == 1, job.log
    assert job.outputs()["root-cause"].endswith("Topic (AWS::SNS::Topic): no topic")


def test_a_failed_creation_that_the_command_deletes_itself_is_a_failure(stage: Stage) -> None:
    """`sam deploy --on-failure DELETE`, and more than one script."""
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(lambda aws: aws.create_stack(StackName="shop", TemplateBody=failing(5)) and None)
    aws = client(stage.server)

    def clean() -> None:
        delete(aws, "shop")
        job.end_command(0)

    stage.clock.at(stage.clock.elapsed + 60, clean)
    assert job.run("main") == 1, job.log
    aws.close()
    assert job.outputs()["root-cause"].endswith("Topic (AWS::SNS::Topic): no topic")


@pytest.mark.parametrize("stacks", ["shop", "sh*"])
def test_a_deletion_that_is_refused_is_a_failure_with_its_reason(stage: Stage, stacks: str) -> None:
    create(stage, "shop", EXPORTING)
    create(stage, "web", IMPORTING)
    job = run(stage, lambda aws: delete(aws, "shop"), stacks=stacks)
    assert job.run("main") == 1, job.log
    job.run("post")
    assert job.outputs()["outcome"] == "failed"
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"
    assert "Cannot delete export shop-topic as it is in use by web." in job.outputs()["root-cause"]
    record = remembered(stage)[-1]
    assert [(run["operation"], run["outcome"]) for run in record["runs"]] == [("delete", "failed")]


@pytest.mark.parametrize(
    ("stacks", "doomed"),
    [("shop", ["shop"]), ("shop*", ["shop"]), ("shop*", ["shop", "shop-db", "shop-web"])],
)
@pytest.mark.parametrize("after", [0, 1.5, 3, 4.5, 6, 7.5, 9])
def test_a_good_deletion_is_seen_and_headed_as_one(
    stage: Stage, stacks: str, doomed: list[str], after: float
) -> None:
    for name in doomed:
        create(stage, name)
    create(stage, "shop-stays" if "*" in stacks else "other")
    job = run(stage, lambda aws: delete(aws, *doomed), stacks=stacks, after=after)
    assert job.run("main") == 0, job.log
    job.run("post")
    assert job.outputs()["outcome"] == "succeeded"
    assert re.match(r"## ✅ Deleted: .* → production", job.page)
    assert [log_line for log_line in job.log.splitlines() if "DELETE_COMPLETE       shop" in log_line]
    assert "DELETE_COMPLETE" in job.outputs()["stack-status"]


def test_what_was_deleted_before_this_deployment_is_not_its_own(stage: Stage) -> None:
    create(stage, "shop-old", failing(1), OnFailure="DELETE")
    create(stage, "shop-new")
    job = run(stage, lambda _aws: None, stacks="shop-*")
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "no-changes"


class TestWhatIsSaidWhereNothingWasSeen:
    def test_a_name_that_matches_nothing_is_told_with_what_changed_instead(self, stage: Stage) -> None:
        create(stage, "shopping-prod")
        job = run(
            stage,
            lambda aws: aws.create_stack(StackName="shop-prod", TemplateBody=GOOD),
            stacks="shop-production",
        )
        assert job.run("main") == 0, job.log
        job.run("post")
        told = "There is no stack `shop-production` in eu-west-1, so nothing of it was watched."
        assert f"{told} Changed meanwhile, unwatched: shop-prod." in job.log
        assert told in job.summary
        assert "The command ended well; no watched stack changed." in job.log
        assert "## ✅ No watched stack changed: shop-production → production" in job.page

    def test_a_glob_that_matches_nothing_is_told_with_names_like_it(self, stage: Stage) -> None:
        create(stage, "shop-prod")
        job = run(stage, lambda _aws: None, stacks="shop-prd*")
        job.run("main")
        assert "No stack matches `shop-prd*` in eu-west-1" in job.log
        assert "Names like it: shop-prod." in job.log

    def test_so_is_one_that_was_to_be_watched_only(self, stage: Stage) -> None:
        create(stage, "shop-prod")
        job = stage.job(stack_name="shop-prd")
        assert job.deploy() == 0
        assert "There is no stack `shop-prd` in eu-west-1" in job.log
        assert "Names like it: shop-prod." in job.log

    def test_a_stack_that_was_deleted_is_not_looked_for(self, stage: Stage) -> None:
        create(stage, "shop")
        job = run(stage, lambda aws: delete(aws, "shop"))
        job.run("main")
        assert "There is no stack" not in job.log

    def test_a_command_that_fails_unseen_says_nothing_of_stacks(self, stage: Stage) -> None:
        stage.server.faults.add("access_denied", operation="DescribeStack*")
        job = stage.job(command="x")
        job.run("pre")
        job.launch_command(lambda _aws: 3)
        assert job.run("main") == 3
        assert "Not all changes to the stacks could be seen" in job.log
        assert "No watched stack failed" not in job.log


KEPT = """
Resources:
  Topic: {Type: AWS::SNS::Topic}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties: {GroupDescription: x}
    Metadata: {TestGround: {Seconds: 1, Fail: it is in use, FailOn: delete}}
"""


class TestCleanUp:
    def test_what_it_gave_up_on_is_told_once_with_what_to_do(self, stage: Stage) -> None:
        create(stage, "shop", KEPT)
        job = run(stage, lambda aws: aws.update_stack(StackName="shop", TemplateBody=GOOD))
        assert job.run("main") == 0, job.log
        job.run("post")
        assert job.outputs()["outcome"] == "succeeded"
        assert job.log.count("CloudFormation failed to delete what it replaced or removed") == 1
        for text in (job.log, job.summary):
            assert "Group (AWS::EC2::SecurityGroup, " in text
            assert "it is in use" in text
            assert "delete it by hand" in text

    @pytest.mark.parametrize("way", ["template", "command"])
    def test_a_time_out_in_it_is_an_update_that_is_done(self, stage: Stage, way: str) -> None:
        create(stage, "shop", KEPT)
        if way == "template":
            job = stage.job(template=stage.template(GOOD), timeout_in_minutes="3")
            job.run("pre")
        else:
            job = stage.job(command="x", timeout_in_minutes="3")
            job.run("pre")
            job.launch_command(lambda aws: aws.update_stack(StackName="shop", TemplateBody=GOOD) and 0)
        assert job.run("main") == 0, job.log
        job.run("post")
        assert job.outputs()["outcome"] == "succeeded"
        assert job.outputs()["stack-status"] == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        assert "The update is done and cannot roll back any more" in job.log
        assert "these stacks are seen at rest: eu-west-1/shop" in job.log
