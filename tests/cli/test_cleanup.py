"""Cleaning up: what is shown, what is done only with --yes, and what is never touched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer

from deploy_action import cli
from tests.cli.desk import Desk
from tests.fakes.aws import Aws
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.jobs.stage import Stage

QUEUE = "{Queue: {Type: AWS::SQS::Queue}}"
ROLLED_BACK = (
    "{Queue: {Type: AWS::SQS::Queue}, Bad: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"
)
GROUND = "Metadata: {TestGround: {Fail: stuck, FailOn: rollback}}"
STUCK = [
    f"{{Queue: {{Type: AWS::SQS::Queue, {GROUND}}}, Topic: {{Type: AWS::SNS::Topic}}}}",
    (
        f"{{Queue: {{Type: AWS::SQS::Queue, Properties: {{DelaySeconds: 5}}, {GROUND}}}, "
        "Topic: {Type: AWS::SNS::Topic, DependsOn: Queue, Properties: {DisplayName: x}, "
        "Metadata: {TestGround: {Fail: nope, FailOn: update}}}}"
    ),
]
UNDELETABLE = "{Queue: {Type: AWS::SQS::Queue, Metadata: {TestGround: {Fail: stuck, FailOn: delete}}}}"
ORPHANS = (
    "{Logs: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: /app/orphan}}, "
    "Other: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}, "
    "Bad: {Type: AWS::SNS::Topic, DependsOn: [Logs, Other], Metadata: {TestGround: {Fail: nope}}}}"
)


@pytest.fixture
def shell(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in ("GITHUB_ACTOR", "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GH_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return Desk(stage.root / "registry", capsys, stage.clock)


def ended(stage: Stage, *templates: str, delete: bool = False) -> str:
    """A stack after these operations; its status."""
    cloudformation = client(stage.server)
    for number, resources in enumerate(templates):
        change = cloudformation.update_stack if number else cloudformation.create_stack
        change(StackName="shop", TemplateBody=f"Resources: {resources}")
        stage.clock.sleep(1000)
    if delete:
        cloudformation.delete_stack(StackName="shop")
        stage.clock.sleep(1000)
    cloudformation.close()
    return status(stage)


def status(stage: Stage) -> str:
    cloudformation = client(stage.server)
    try:
        return str(cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"])
    except cloudformation.exceptions.ClientError:
        return ""
    finally:
        cloudformation.close()


def stack_id(stage: Stage) -> str:
    cloudformation = client(stage.server)
    try:
        return str(cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackId"])
    finally:
        cloudformation.close()


def writes(stage: Stage) -> int:
    """Requests that change something."""
    return sum(
        count
        for (operation, _), count in stage.server.requests.items()
        if not operation.startswith(("Describe", "Get", "List"))
    )


class TestARolledBackStack:
    def test_without_yes_nothing_is_changed(self, stage: Stage, shell: Desk) -> None:
        assert ended(stage, ROLLED_BACK) == "ROLLBACK_COMPLETE"
        before = writes(stage)
        code, told = shell.run("cleanup", "shop")
        assert code == 1
        assert "eu-west-1/shop is ROLLBACK_COMPLETE" in told
        assert "Delete stack shop, whose creation failed" in told
        assert "aws cloudformation delete-stack --region eu-west-1 --stack-name shop" in told
        assert "Nothing was changed" in told
        assert writes(stage) == before
        assert status(stage) == "ROLLBACK_COMPLETE"

    def test_an_arn_of_another_account_never_means_the_stack_of_that_name_here(
        self, stage: Stage, shell: Desk
    ) -> None:
        ended(stage, ROLLED_BACK)
        here = stack_id(stage)
        for other in (here.replace(":123456789012:", ":210987654321:"), f"{here}0"):
            code, told = shell.run("cleanup", other, "--yes")
            assert code != 0, told
            assert status(stage) == "ROLLBACK_COMPLETE"
        code, told = shell.run("cleanup", here, "--yes")
        assert code == 0, told
        assert status(stage) == ""

    def test_with_yes_it_is_deleted_and_watched_until_it_is_gone(self, stage: Stage, shell: Desk) -> None:
        ended(stage, ROLLED_BACK)
        code, told = shell.run("cleanup", "shop", "--yes")
        assert code == 0, told
        assert "DELETE_IN_PROGRESS" in told
        assert "Done: eu-west-1/shop is DELETE_COMPLETE" in told
        assert status(stage) == ""

    def test_a_deletion_that_fails_is_told_and_no_success(self, stage: Stage, shell: Desk) -> None:
        broken = (
            UNDELETABLE[:-1]
            + ", Bad: {Type: AWS::SNS::Topic, DependsOn: Queue, Metadata: {TestGround: {Fail: nope}}}}"
        )
        assert ended(stage, broken) == "ROLLBACK_FAILED"
        code, told = shell.run("cleanup", "shop", "--yes")
        assert code == 1
        assert "is DELETE_FAILED now" in told
        assert "Done" not in told

    def test_for_machines(self, stage: Stage, shell: Desk) -> None:
        ended(stage, ROLLED_BACK)
        code, told = shell.run("cleanup", "shop", "--json")
        assert code == 1
        shown = json.loads(told)
        assert shown["status"] == "ROLLBACK_COMPLETE"
        assert [step["deed"] for step in shown["steps"]] == ["delete-stack"]


class TestAStackThatWasLeftHalfDone:
    """An operation failed while rollback was disabled."""

    def failed(self, stage: Stage, *templates: str) -> str:
        cloudformation = client(stage.server)
        for number, resources in enumerate(templates):
            change = cloudformation.update_stack if number else cloudformation.create_stack
            change(StackName="shop", TemplateBody=f"Resources: {resources}", DisableRollback=True)
            stage.clock.sleep(1000)
        cloudformation.close()
        return status(stage)

    def test_an_update_is_rolled_back(self, stage: Stage, shell: Desk) -> None:
        bad = (
            "{Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: x}, "
            "Metadata: {TestGround: {Fail: nope}}}}"
        )
        assert self.failed(stage, "{Topic: {Type: AWS::SNS::Topic}}", bad) == "UPDATE_FAILED"
        code, told = shell.run("cleanup", "shop")
        assert code == 1
        assert "aws cloudformation rollback-stack --region eu-west-1 --stack-name shop" in told
        assert "or deploy it again with rollback disabled" in told
        code, told = shell.run("cleanup", "shop", "--yes")
        assert code == 0, told
        assert status(stage) == "UPDATE_ROLLBACK_COMPLETE"

    def test_a_creation_is_deleted_and_what_is_lost_by_that_is_told(self, stage: Stage, shell: Desk) -> None:
        bad = "{Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"
        assert self.failed(stage, bad) == "CREATE_FAILED"
        code, told = shell.run("cleanup", "shop")
        assert code == 1
        assert "Beware: Created resources are deleted" in told
        code, told = shell.run("cleanup", "shop", "--yes")
        assert (code, status(stage)) == (0, ""), told


class TestAFailedRollback:
    def test_it_names_what_can_be_left_out_and_what_that_means(self, stage: Stage, shell: Desk) -> None:
        assert ended(stage, *STUCK) == "UPDATE_ROLLBACK_FAILED"
        code, told = shell.run("cleanup", "shop")
        assert code == 1
        assert "aws cloudformation continue-update-rollback --region eu-west-1 --stack-name shop" in told
        assert "--resources-to-skip Queue" in told
        assert "Topic" not in told.split("--resources-to-skip")[1]
        assert "without touching them" in told

    def test_to_go_on_alone_fails_again_here(self, stage: Stage, shell: Desk) -> None:
        ended(stage, *STUCK)
        code, told = shell.run("cleanup", "shop", "--yes")
        assert code == 1
        assert "is UPDATE_ROLLBACK_FAILED now" in told

    def test_to_leave_the_resource_out_ends_well(self, stage: Stage, shell: Desk) -> None:
        ended(stage, *STUCK)
        code, told = shell.run("cleanup", "shop", "--yes", "--skip", "Queue")
        assert code == 0, told
        assert "without Queue" in told
        assert status(stage) == "UPDATE_ROLLBACK_COMPLETE"

    def test_what_did_not_fail_is_not_left_out(self, stage: Stage, shell: Desk) -> None:
        ended(stage, *STUCK)
        before = writes(stage)
        code, told = shell.run("cleanup", "shop", "--yes", "--skip", "Topic")
        assert code == 64
        assert "Known: Queue" in told
        assert writes(stage) == before


class TestAFailedDeletion:
    def test_what_cannot_be_deleted_is_left_where_it_is(self, stage: Stage, shell: Desk) -> None:
        assert ended(stage, UNDELETABLE, delete=True) == "DELETE_FAILED"
        code, told = shell.run("cleanup", "shop")
        assert code == 1
        assert "--retain-resources Queue" in told
        code, told = shell.run("cleanup", "shop", "--yes", "--skip", "Queue")
        assert code == 0, told
        assert status(stage) == ""


class TestOrphans:
    @pytest.fixture
    def aws(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        with Aws(f"http://{host}:{port}") as proxy:
            proxy.use(monkeypatch)
            yield proxy
        server.stop()

    def test_those_with_a_name_of_their_own_are_deleted_by_name_only(
        self, stage: Stage, shell: Desk, aws: Aws
    ) -> None:
        import boto3

        logs = boto3.Session("test", "test", region_name="eu-west-1").client(
            "logs", endpoint_url=aws.upstream
        )
        logs.create_log_group(logGroupName="/app/orphan")
        logs.create_log_group(logGroupName="/app/other")
        assert ended(stage, ORPHANS) == "ROLLBACK_COMPLETE"
        code, told = shell.run("cleanup", "shop")
        assert code == 1
        assert "Delete AWS::Logs::LogGroup /app/orphan" in told
        assert "content is lost" in told
        assert told.count("Delete AWS::Logs::LogGroup") == 1, "generated names are in nobody's way"
        code, told = shell.run("cleanup", "shop", "--yes", "--delete-orphan", "/app/other")
        assert code == 64
        assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == [
            "/app/orphan",
            "/app/other",
        ]
        code, told = shell.run("cleanup", "shop", "--yes", "--delete-orphan", "/app/orphan")
        assert code == 0, told
        assert "Deleted AWS::Logs::LogGroup /app/orphan" in told
        assert [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]] == ["/app/other"]
        logs.close()

    def test_aws_refusal_is_told_in_its_words(self, stage: Stage, shell: Desk, aws: Aws) -> None:
        aws.denied = {"logs"}
        ended(stage, ORPHANS)
        code, told = shell.run("cleanup", "shop", "--yes", "--delete-orphan", "/app/orphan")
        assert code == 1
        assert "could not be deleted: AWS denies `logs:DeleteLogGroup`" in told


class TestTheLock:
    def test_a_stack_whose_lock_is_held_is_left_alone(self, stage: Stage, shell: Desk) -> None:
        ended(stage, ROLLED_BACK)
        shell.arrives("a")
        before = writes(stage)
        code, told = shell.run("cleanup", "shop", "--yes")
        assert code == 2
        assert "id-a holds the lock prod" in told
        assert "--despite-lock" in told
        assert writes(stage) == before
        code, told = shell.run("cleanup", "shop", "--yes", "--despite-lock")
        assert code == 0, told

    def test_so_is_one_of_which_nobody_knows(self, stage: Stage, shell: Desk, tmp_path: Path) -> None:
        ended(stage, ROLLED_BACK)
        obstacle = tmp_path / "obstacle"
        obstacle.write_text("x")
        before = writes(stage)
        code, told = shell.run("cleanup", "shop", "--yes", registry=f"file://{obstacle}/registry")
        assert code == 2
        assert "Could not look up whether" in told
        assert writes(stage) == before

    def test_the_lock_of_another_account_is_no_hindrance(self, stage: Stage, shell: Desk) -> None:
        ended(stage, ROLLED_BACK)
        shell.arrives("a", account="999999999999")
        code, told = shell.run("cleanup", "shop", "--yes")
        assert code == 0, told


def test_where_nothing_is_to_be_done(stage: Stage, shell: Desk) -> None:
    code, told = shell.run("cleanup", "shop")
    assert (code, "no stack eu-west-1/shop" in told) == (1, True)
    ended(stage, QUEUE)
    code, told = shell.run("cleanup", "shop", "--yes")
    assert (code, "nothing to clean up" in told) == (0, True)


def test_a_failed_deployment_says_how_to_clean_up(stage: Stage) -> None:
    job = stage.job(template=stage.template(f"Resources: {ROLLED_BACK}"))
    assert job.deploy() == 1
    assert "To clean up:" in job.log
    assert "aws cloudformation delete-stack --region eu-west-1 --stack-name shop" in job.log
    assert "**To clean up**" in job.summary
    assert "```text\naws cloudformation delete-stack" in job.summary


def test_the_list_of_commands_has_it(capsys: pytest.CaptureFixture[str], stage: Stage) -> None:
    assert cli.main(["--help"], stage.clock) == 0
    words: Any = capsys.readouterr().out
    for name in ("preflight", "cleanup", "doctor"):
        assert name in words


def test_the_service_role_is_handed_on(stage: Stage, shell: Desk) -> None:
    role = "arn:aws:iam::123456789012:role/cloudformation"
    ended(stage, ROLLED_BACK)
    code, told = shell.run("cleanup", "shop", "--yes", "--role-arn", "deployer")
    assert code == 64, told
    assert "is not a role's ARN" in told
    code, told = shell.run("cleanup", "shop", "--yes", "--role-arn", role)
    assert code == 0, told
    deleted = next(one for one in stage.server.log if one["operation"] == "DeleteStack")
    assert deleted["params"]["RoleARN"] == role
