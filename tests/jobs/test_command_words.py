"""A command that fails before CloudFormation: its own words say why, wherever the failure is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client
from tests.fakes.slack.blockkit import seen
from tests.jobs.test_slack import about, job_with, slack
from tests.reporting.readers import elements, runner_commands

if TYPE_CHECKING:
    from tests.fakes.slack.server import SlackServer
    from tests.jobs.stage import Job, Stage

__all__ = ["slack"]

CDK = """\
\x1b[32m\u2728  Synthesis time: 4.1s\x1b[39m
Shop: start: Building 3f2a template
\x1b[31mShop: SSM parameter /cdk-bootstrap/hnb659fds/version not found. Has the environment been bootstrapped?\x1b[39m
"""  # noqa: E501
WHY = "SSM parameter /cdk-bootstrap/hnb659fds/version not found"
SECRET = "hunter2-hunter2"


def fails(job: Job, output: str, code: int = 1) -> Job:
    job.run("pre")
    job.command_said(output)
    job.launch_command(lambda _cloudformation: code)
    assert job.run("main") == code
    job.run("post")
    return job


def test_log_outputs_and_summary_say_why(stage: Stage) -> None:
    job = fails(stage.job(command="cdk deploy"), CDK, code=3)
    why = f"The command ended with exit code 3. It said: Shop: {WHY}"
    assert job.outputs()["root-cause"].startswith(why)
    assert why in elements(job.page)[1]
    assert f"::error title=deploy-coordinator::{why}" in job.log
    assert "\x1b" not in job.page + job.outputs()["root-cause"]
    assert "cdk bootstrap" in job.log, "what to do next"


def test_a_command_without_telling_words_is_told_with_its_last_ones(stage: Stage) -> None:
    job = fails(stage.job(command="x"), "one\ntwo\n\n")
    assert job.outputs()["root-cause"] == "The command ended with exit code 1. It said: two"


@pytest.mark.parametrize("output", ["", "\n \n"])
def test_a_silent_command_is_told_as_before(stage: Stage, output: str) -> None:
    job = fails(stage.job(command="x"), output)
    assert job.outputs()["root-cause"] == "The command ended with exit code 1."


def test_what_cannot_be_read_is_no_reason_for_another_verdict(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")
    (job.state.path / "command.tail").write_bytes(b"9999999\n\xff\xfeError: half a ch\xe2")
    job.launch_command(lambda _cloudformation: 5)
    assert job.run("main") == 5
    assert "It said: " in job.outputs()["root-cause"]


@pytest.mark.parametrize(
    "form",
    [
        f"::add-mask::{SECRET}\nError: no access with {SECRET}",
        f"##[add-mask]{SECRET}\nError: no access with {SECRET}",
        f"Error: password is {SECRET}; in DATABASE_PASSWORD",
        "Error: postgres://shop:hunter2-hunter2@db/x refused",
        "Error: key AKIAIOSFODNN7EXAMPLE, token ghp_abcdefghijklmnopqrstuvwxyz0123456789 hunter2",
        "::add-mask::a%250Ab\nError: a%0Ab is hunter2 no more",
    ],
)
def test_secrets_are_hidden_where_the_command_is_quoted(stage: Stage, form: str) -> None:
    job = stage.job(command="x")
    job.environ["DATABASE_PASSWORD"] = SECRET
    fails(job, form)
    told = job.outputs()["root-cause"] + job.summary + job.log
    assert "It said: Error: " in told
    assert "***" in told
    for secret in (SECRET, "AKIAIOSFODNN7EXAMPLE", "ghp_abc", "a%0Ab"):
        assert secret not in told


def test_words_of_a_command_are_hostile(stage: Stage) -> None:
    job = stage.job(command="x")
    fails(job, "Error: ##[set-output name=x]y <img src=x> @org/team `code` ::error::z\n")
    assert runner_commands(job.outputs()["root-cause"]) == []
    log = "\n".join(line for line in job.log.splitlines() if "It said" not in line)
    assert "set-output" not in log
    assert "img" not in elements(job.page)[0]


def test_slack_says_it_too(stage: Stage, slack: SlackServer) -> None:
    job = fails(job_with(stage, slack, command="cdk deploy"), CDK)
    (message,) = about(slack, job)
    assert WHY in seen(message.content)
    assert WHY in message.content["text"], "a phone shows the text alone"


BAD_QUEUE = (
    "Resources: {Queue: {Type: AWS::SQS::Queue, Metadata: {TestGround: {Validation: 'no such property'}}}}"
)


def makes_change_set(cloudformation: Any, body: str = BAD_QUEUE, name: str = "cdk-deploy-change-set") -> int:
    """As tools do: the change set is asked for, and fails after a while."""
    cloudformation.create_change_set(
        StackName="shop", ChangeSetName=name, ChangeSetType="CREATE", TemplateBody=body
    )
    return 1


def refused(stage: Stage) -> Job:
    job = stage.job(command="cdk deploy")
    job.run("pre")
    job.command_said("Failed to create ChangeSet: use the DescribeEvents API for details\n")
    job.launch_command(makes_change_set)
    assert job.run("main") == 1
    job.run("post")
    return job


def test_what_cloudformation_has_against_the_change_set_of_a_command_is_told(stage: Stage) -> None:
    job = refused(stage)
    cause = job.outputs()["root-cause"]
    assert "could not make the change set cdk-deploy-change-set of eu-west-1/shop: Queue (" in cause
    assert "no such property" in job.page
    assert "Failed to create ChangeSet" in job.page, "its own words too"


def test_a_command_whose_role_may_not_see_the_details_is_told_so(stage: Stage) -> None:
    stage.server.faults.add("access_denied", operation="DescribeEvents")
    assert "need the permission `cloudformation:DescribeEvents`" in refused(stage).log


def test_change_sets_that_failed_before_the_command_are_none_of_its_own(stage: Stage) -> None:
    cloudformation = client(stage.server)
    makes_change_set(cloudformation, name="old")
    cloudformation.close()
    stage.clock.sleep(60)
    job = fails(stage.job(command="x"), "one\n")
    assert job.outputs()["root-cause"] == "The command ended with exit code 1. It said: one"
