"""Way 1 with templates that CloudFormation reads from S3 only: uploaded by content, then deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.cloudformation.harness import client
from tests.fakes.s3 import S3Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

COMMENTS = "# a line of a large template\n" * 4200
LARGE = f"""# Häfen und Strände
{COMMENTS}
Parameters:
  Number: {{Type: String, Default: "007"}}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: nested/child.yaml   # beside this file
      Parameters: {{Number: !Ref Number}}
Outputs:
  Number: {{Value: !Ref Number}}
"""
CHILD = """
Parameters:
  Number: {Type: String}
Resources:
  Leaf: {Type: AWS::SQS::Queue}
"""
SMALL = "Resources:\n  Queue: {Type: AWS::SQS::Queue}\n"


@pytest.fixture
def s3(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    with S3Server(stage.server.templates) as server:
        server.buckets["templates"] = "eu-west-1"
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        yield server


def large(stage: Stage, name: str = "job", **inputs: str) -> Job:
    (stage.root / "nested").mkdir(exist_ok=True)
    stage.template(CHILD, "nested/child.yaml")
    return stage.job(name, template=stage.template(LARGE), **inputs)


def test_a_large_template_with_a_nested_one_of_the_workspace_is_uploaded_and_deployed(
    stage: Stage, s3: S3Server
) -> None:
    job = large(stage, s3_bucket="templates", s3_prefix="shop/main")
    assert job.deploy() == 0, job.log
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"
    assert json.loads(job.outputs()["stack-outputs"]) == {"Number": "007"}
    child, root = s3.puts
    assert child.startswith("templates/shop/main/")
    assert child.endswith(".template")
    assert f"Uploaded nested/child.yaml ({len(CHILD):,} bytes) to s3://{child}." in job.log
    assert "Uploaded template.yaml (1" in job.log
    assert f"to s3://{root}." in job.log
    body = s3.objects[root].decode()
    assert body == LARGE.replace("nested/child.yaml ", f'"{s3.url}/{child}" ')
    requests = stage.server.log
    (made,) = [one for one in requests if one["operation"] == "CreateChangeSet"]
    assert made


def test_what_is_there_already_is_not_uploaded_again(stage: Stage, s3: S3Server) -> None:
    large(stage, s3_bucket="templates").deploy()
    before = list(s3.puts)
    second = large(stage, "second", s3_bucket="templates")
    assert second.deploy() == 0, second.log
    assert s3.puts == before
    assert "Uploaded" not in second.log


def test_an_object_of_other_content_under_that_name_is_replaced(stage: Stage, s3: S3Server) -> None:
    large(stage, s3_bucket="templates").deploy()
    child, _root = s3.puts
    s3.objects[child] = b"Resources: {Evil: {Type: AWS::SQS::Queue}}"
    assert large(stage, "second", s3_bucket="templates").deploy() == 0
    assert s3.objects[child] == CHILD.encode()


def test_a_role_that_may_only_put_is_enough(stage: Stage, s3: S3Server) -> None:
    s3.denied |= {"HeadBucket", "HeadObject"}
    job = large(stage, s3_bucket="templates")
    assert job.deploy() == 0, job.log


def test_a_bucket_of_another_region_is_found(stage: Stage, s3: S3Server) -> None:
    s3.buckets["templates"] = "us-east-1"
    job = large(stage, s3_bucket="templates")
    assert job.deploy() == 0, job.log


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (LARGE, "`template.yaml` nests `nested/child.yaml` of this workspace"),
        (COMMENTS + SMALL, "`template.yaml` has 121,"),
    ],
)
def test_without_a_bucket_it_is_told_before_anything_is_locked(
    stage: Stage, s3: S3Server, body: str, names: str
) -> None:
    (stage.root / "nested").mkdir()
    stage.template(CHILD, "nested/child.yaml")
    job = stage.job(template=stage.template(body))
    assert job.deploy() == 3
    assert names in job.log
    assert "`s3-bucket`" in job.log
    assert stage.registry() == {}
    assert not s3.requests


@pytest.mark.parametrize(
    ("bucket", "denied", "words"),
    [
        ("nobodys", set(), "The bucket `nobodys` of `s3-bucket` cannot be used"),
        ("templates", {"PutObject"}, "is not authorized to perform: s3:PutObject"),
    ],
)
def test_a_bucket_that_refuses_is_told_before_anything_is_locked(
    stage: Stage, s3: S3Server, bucket: str, denied: set[str], words: str
) -> None:
    s3.denied |= denied
    job = large(stage, s3_bucket=bucket)
    assert job.deploy() == 4, job.log
    assert words in job.log
    assert "`s3:PutObject`" in job.log
    assert stage.registry() == {}


def test_s3_that_is_busy_is_asked_again(stage: Stage, s3: S3Server) -> None:
    s3.fail("PUT", status=503, body="<Error><Code>SlowDown</Code><Message>Slow</Message></Error>", times=2)
    job = large(stage, s3_bucket="templates")
    assert job.deploy() == 0, job.log


def test_a_small_template_is_handed_over_as_it_is(stage: Stage, s3: S3Server) -> None:
    job = stage.job(template=stage.template(SMALL), s3_bucket="templates")
    assert job.deploy() == 0, job.log
    assert not s3.requests


def test_a_watch_that_goes_on_needs_no_bucket(stage: Stage, s3: S3Server) -> None:
    """What was executed is seen through, whatever has become of S3."""
    job = large(stage, s3_bucket="templates")
    assert job.run("pre") == 0

    def dies() -> None:
        s3.buckets.clear()
        job.environ["DEPLOY_COORDINATOR_RESTARTS"] = "1"
        raise KeyboardInterrupt

    stage.clock.at(stage.clock.elapsed + 6, dies)
    with pytest.raises(KeyboardInterrupt):
        job.run("main")
    assert job.run("main") == 0, job.log


def test_other_local_files_are_named(stage: Stage, s3: S3Server) -> None:
    (stage.root / "src").mkdir()
    body = "Resources:\n  Worker: {Type: AWS::Lambda::Function, Properties: {Code: src/}}\n"
    job = stage.job(template=stage.template(body), s3_bucket="templates")
    assert job.deploy() == 3
    assert "`Code` of AWS::Lambda::Function `Worker` in `template.yaml` names `src/`" in job.log
    assert "aws cloudformation package" in job.log
    assert stage.registry() == {}


def test_the_preflight_reads_the_uploaded_template(stage: Stage, s3: S3Server) -> None:
    job = large(stage, s3_bucket="templates", preflight="warn")
    assert job.deploy() == 0, job.log
    assert "template-" not in job.log
    cloudformation = client(stage.server)
    url = f"{s3.url}/{s3.puts[-1]}"
    assert cloudformation.get_template_summary(TemplateURL=url)["Parameters"]
    cloudformation.close()
