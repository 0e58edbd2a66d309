"""The checks before the lock: each finding, its situation, and the words that people read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto.backends import get_backend
from moto.server import ThreadedMotoServer

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.common.times import iso
from deploy_action.github.run_context import run_context
from deploy_action.inputs.settings import parse_inputs
from deploy_action.preflight.check_list import Checks
from deploy_action.preflight.checks.quotas import Counted
from deploy_action.preflight.finding import KINDS
from deploy_action.preflight.sources.limits import Limits
from deploy_action.wiring import Wiring
from tests.fakes.aws import VARIABLES, Aws
from tests.fakes.cloudformation.harness import client
from tests.fakes.github.server import GitHubServer
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

QUEUE = "Resources: {Queue: {Type: AWS::SQS::Queue}}\n"
BROKEN = """
Resources:
  Bad: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}
"""


@pytest.fixture(autouse=True)
def _time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is busy with tests is slower than a deployment may be held up."""
    monkeypatch.setattr("deploy_action.job.preflight.GRACE_SECONDS", 60.0)
    monkeypatch.setattr("deploy_action.job.preflight.SECONDS_MAX", 60.0)


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    # Services are loaded by their first request otherwise, which takes longer than the product waits.
    for service in VARIABLES.values():
        get_backend({"servicequotas": "service-quotas", "lambda": "awslambda"}.get(service, service))  # type: ignore[call-overload]
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    import requests

    requests.post(f"{moto_url}/moto-api/reset", timeout=10)
    with Aws(moto_url) as server:
        server.use(monkeypatch)
        yield server


def made(service: str, aws: Aws, operation: str, **arguments: Any) -> Any:
    """Make something in the account that the deployment goes to."""
    session = boto3.Session("test", "test", region_name="eu-west-1")
    own = session.client(service, endpoint_url=aws.upstream)
    try:
        return getattr(own, operation)(**arguments)
    finally:
        own.close()


def checked(stage: Stage, body: str = QUEUE, name: str = "job", **inputs: str) -> Job:
    """A job whose `pre` was run with the checks on."""
    given = {"template": stage.template(body, f"{name}.yaml"), "preflight": "warn", **inputs}
    job = stage.job(name, **{key: value for key, value in given.items() if value})
    job.run("pre")
    return job


def told(job: Job, code: str) -> str:
    """The line of a finding."""
    assert code in KINDS
    lines = [line for line in job.log.splitlines() if line.startswith("Preflight ") and f" {code}: " in line]
    assert lines, f"no {code} in:\n{job.log}"
    return lines[0]


def blocks(job: Job, code: str, *words: str) -> None:
    line = told(job, code)
    assert f" blocking {code}: " in line
    for word in words:
        assert word in line


def warns(job: Job, code: str, *words: str) -> None:
    line = told(job, code)
    assert f" warning {code}: " in line
    for word in words:
        assert word in line


def notes(job: Job, code: str, *words: str) -> None:
    line = told(job, code)
    assert f" note {code}: " in line
    for word in words:
        assert word in line


def quiet(job: Job) -> None:
    """Nothing was found."""
    lines = [line for line in job.log.splitlines() if line.startswith("Preflight ")]
    assert len(lines) == 1, job.log
    assert "nothing to report" in lines[0]


class TestItself:
    def test_a_deployment_without_trouble_is_told_in_one_line_with_id_and_identity(
        self, stage: Stage
    ) -> None:
        job = checked(stage)
        quiet(job)
        line = next(line for line in job.log.splitlines() if line.startswith("Preflight "))
        assert job.outputs()["correlation-id"] in line
        assert "arn:aws:sts::123456789012:assumed-role/deploy/deploy in eu-west-1" in line
        assert job.run("main") == 0

    def test_off_asks_nobody(self, stage: Stage) -> None:
        job = checked(stage, preflight="off")
        assert "Preflight" not in job.log
        assert stage.server.requests["GetTemplateSummary", "eu-west-1"] == 0

    def test_strict_stops_before_the_lock_with_its_own_exit_code(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(QUEUE), preflight="strict", parameter_overrides="Unknown=x")
        assert job.deploy() == 9
        assert "certain to fail" in job.log
        assert "`Unknown`" in job.log
        assert job.outputs()["outcome"] == "failed"
        assert job.outputs().get("proceed") != "true"
        assert stage.registry() == {}

    def test_strict_goes_on_with_warnings(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        job = stage.job(template=stage.template(QUEUE), preflight="strict")
        job.environ["AWS_DEFAULT_REGION"] = "eu-central-1"
        assert job.deploy() == 0, job.log
        warns(job, "region-ambiguous", "eu-central-1")

    def test_warn_goes_on_whatever_is_found(self, stage: Stage) -> None:
        job = checked(stage, parameter_overrides="Unknown=x")
        blocks(job, "parameter-unknown", "`Unknown`", "spelling")
        assert job.outputs()["proceed"] == "true"
        assert "::warning title=Preflight%3A parameter-unknown::" in job.log
        assert stage.registry()["tickets"]

    def test_strict_goes_on_where_checks_are_denied(self, stage: Stage) -> None:
        stage.server.faults.add("access_denied", operation="GetTemplateSummary")
        job = stage.job(template=stage.template(QUEUE), preflight="strict")
        assert job.deploy() == 0, job.log
        notes(job, "check-denied", "`cloudformation:GetTemplateSummary`", "Grant")

    def test_strict_stops_where_change_sets_may_not_be_read(self, stage: Stage) -> None:
        stage.server.faults.add("access_denied", operation="DescribeChangeSet")
        job = stage.job(template=stage.template(QUEUE), preflight="strict")
        assert job.run("pre") != 0, job.log
        blocks(job, "change-sets-denied", "`cloudformation:DescribeChangeSet`", "Allow")
        assert stage.registry() == {}

    def test_strict_goes_on_where_a_check_gets_no_answer(self, stage: Stage) -> None:
        stage.server.faults.add("garbage", operation="GetTemplateSummary")
        job = stage.job(template=stage.template(QUEUE), preflight="strict")
        assert job.deploy() == 0, job.log

    def test_what_a_command_may_know_a_way_out_of_is_a_warning(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(BROKEN)).deploy()
        job = stage.job(command="cdk deploy", preflight="strict")
        assert job.run("pre") == 0, job.log
        warns(job, "stack-rollback-complete", "ROLLBACK_COMPLETE")

    def test_findings_stand_in_the_summary(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(QUEUE), preflight="strict", parameter_overrides="Unknown=x")
        job.deploy()
        assert "Preflight, blocking parameter-unknown" in job.summary


class TestWhoElse:
    def test_the_holder_of_the_lock_is_told_first_and_until_when(self, stage: Stage) -> None:
        first = stage.job("first", template=stage.template(QUEUE))
        assert first.run("pre") == 0
        path = stage.root / "registry" / "deployments.json"
        document = json.loads(path.read_text("utf-8"))
        document["tickets"][0]["expected_end"] = iso(stage.clock.now() + 600)
        path.write_text(json.dumps(document), "utf-8")
        job = checked(stage, name="second", when_busy="fail", parameter_overrides="Unknown=x")
        notes(job, "lock-held", first.outputs()["correlation-id"], "by first", "until about", "(in 10m00s)")
        lines = [line for line in job.log.splitlines() if line.startswith("Preflight ")]
        assert " lock-held: " in lines[1]
        assert " parameter-unknown: " in lines[2]

    def test_a_frozen_lock(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(QUEUE)).deploy()
        path = stage.root / "registry" / "deployments.json"
        document = json.loads(path.read_text("utf-8"))
        document["locks"]["production"]["freeze"] = {
            "by": "ada",
            "reason": "Sale",
            "since": "2027-01-01T00:00:00Z",
        }
        path.write_text(json.dumps(document), "utf-8")
        job = checked(stage, name="second", when_busy="fail")
        warns(job, "lock-frozen", "production", "until somebody lifts it", "ada", "Sale", "unfreeze")

    @pytest.mark.parametrize(
        ("content", "code"), [(b"not json", "registry-unreadable"), (None, "registry-forbidden")]
    )
    def test_a_registry_that_cannot_be_used(self, stage: Stage, content: bytes | None, code: str) -> None:
        place = stage.root / "registry"
        if content is None:
            place.rmdir()
            place.write_text("a file where the folder should be")
        else:
            (place / "deployments.json").write_bytes(content)
        job = checked(stage)
        warns(job, code)
        assert job.outputs()["proceed"] == "true"


class TestGitHub:
    @pytest.fixture
    def github(self) -> Iterator[GitHubServer]:
        with GitHubServer() as server:
            yield server

    def job(self, stage: Stage, github: GitHubServer, token: str = "token") -> Job:
        job = stage.job(
            template=stage.template(QUEUE), preflight="warn", registry="github", github_token=token
        )
        job.environ |= {"GITHUB_API_URL": github.url, "GITHUB_GRAPHQL_URL": github.graphql_url}
        job.run("pre")
        return job

    def test_a_token_that_may_write_is_fine(self, stage: Stage, github: GitHubServer) -> None:
        job = self.job(stage, github)
        assert " token-" not in job.log
        assert github.repository.head("refs/heads/deploy-coordinator-probe") is None

    def test_a_token_that_may_only_read_is_found_out_by_taking_the_lock(
        self, stage: Stage, github: GitHubServer
    ) -> None:
        github.state.tokens["reader"] = {"contents": "read", "metadata": "read"}
        job = self.job(stage, github, "reader")
        assert "CloudFormation's own status alone" in job.log
        assert job.outputs()["proceed"] == "true"

    def test_the_checks_write_nothing(self, stage: Stage, github: GitHubServer) -> None:
        job = self.job(stage, github)
        before = job.log.index("Preflight ")
        assert "Acquired lock" in job.log[before:]
        asked = github.asked("POST /repos/.*/git/refs")
        assert all("probe" not in request.body.decode() for request in asked)

    def test_a_repository_that_the_token_does_not_reach(self, stage: Stage, github: GitHubServer) -> None:
        github.state.tokens["other"] = {"contents": "write", "metadata": "read"}
        github.state.reach["other"] = {"org/elsewhere"}
        job = self.job(stage, github, "other")
        warns(job, "token-cannot-write", "may not see")

    def test_a_token_that_github_refuses(self, stage: Stage, github: GitHubServer) -> None:
        github.fail("GET /repos/org/app$", status=401, body={"message": "Bad credentials"}, times=None)
        job = self.job(stage, github)
        warns(job, "token-refused", "Bad credentials", "expired")

    def test_a_registry_that_does_not_answer(self, stage: Stage, github: GitHubServer) -> None:
        github.fail("git/|contents/|graphql", status=502, times=None)
        job = self.job(stage, github)
        warns(job, "registry-unreachable", "CloudFormation's own status")

    def test_a_clock_that_is_wrong(self, stage: Stage, github: GitHubServer) -> None:
        # GitHub answers with the real time, and this machine lives in 2027.
        warns(self.job(stage, github), "clock-skew", "ahead of that of GitHub", "NTP")


class TestCredentials:
    def test_none_at_all(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        job = stage.job(command="cdk deploy", preflight="warn")
        assert job.run("pre") == 0
        warns(job, "credentials-missing", "no usable AWS credentials", "configure-aws-credentials")
        lines = [line for line in job.log.splitlines() if line.startswith("Preflight ")]
        assert len(lines) == 2, "one finding, not one of each check"

    def test_expired_ones(self, stage: Stage) -> None:
        stage.server.faults.add("expired_token", operation="GetCallerIdentity")
        job = checked(stage)
        blocks(job, "credentials-expired", "ExpiredToken", "role-duration-seconds")

    def test_a_session_that_the_environment_says_is_over(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(QUEUE), preflight="warn")
        job.environ["AWS_CREDENTIAL_EXPIRATION"] = iso(stage.clock.now() - 120)
        job.run("pre")
        warns(job, "credentials-expired", "2m00s ago", "AWS still takes it")

    def test_a_session_that_ends_before_the_deployment_does(self, stage: Stage) -> None:
        slow = QUEUE.replace("AWS::SQS::Queue}", "AWS::RDS::DBInstance}")
        job = stage.job(template=stage.template(slow), preflight="warn")
        job.environ["AWS_SESSION_EXPIRATION"] = iso(stage.clock.now() + 240)
        job.run("pre")
        warns(job, "credentials-end-early", "ends in 4m00s", "may take", "role-duration-seconds")

    def test_a_session_that_lasts(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(QUEUE), preflight="warn")
        job.environ["AWS_SESSION_EXPIRATION"] = iso(stage.clock.now() + 3600)
        job.run("pre")
        quiet(job)

    def test_a_region_that_nobody_knows(self, stage: Stage) -> None:
        job = checked(stage, stack_name="eu-nowhere-9/shop")
        warns(job, "region-unknown", "`eu-nowhere-9`", "spelling")

    def test_a_region_that_the_account_has_not_enabled(self, stage: Stage) -> None:
        stage.server.faults.add("invalid_token", operation="GetCallerIdentity", region="af-south-1")
        job = checked(stage, stack_name="af-south-1/shop")
        blocks(job, "region-disabled", "af-south-1", "Enable the region")


class TestTheStack:
    def test_one_that_was_rolled_back(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(BROKEN)).deploy()
        blocks(
            checked(stage), "stack-rollback-complete", "eu-west-1/shop is ROLLBACK_COMPLETE", "cleanup STACK"
        )

    def test_one_that_is_deleted_first_on_request(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(BROKEN)).deploy()
        job = checked(stage, delete_rolled_back_stack="true")
        notes(job, "stack-rollback-complete", "is deleted first")

    def test_one_that_is_protected_from_that(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(BROKEN)).deploy()
        cloudformation = client(stage.server)
        cloudformation.update_termination_protection(StackName="shop", EnableTerminationProtection=True)
        cloudformation.close()
        job = checked(stage, delete_rolled_back_stack="true")
        blocks(job, "stack-protected", "protected", "update-termination-protection")

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            ("ROLLBACK_FAILED", "stack-rollback-failed"),
            ("DELETE_FAILED", "stack-delete-failed"),
            ("UPDATE_ROLLBACK_FAILED", "stack-update-rollback-failed"),
            ("CREATE_FAILED", "stack-create-failed"),
            ("UPDATE_FAILED", "stack-update-failed"),
        ],
    )
    def test_others_that_are_stuck(self, stage: Stage, status: str, code: str) -> None:
        stuck(stage, status)
        blocks(checked(stage), code, f"eu-west-1/shop is {status}", "cleanup STACK")

    @pytest.mark.parametrize("status", ["CREATE_FAILED", "UPDATE_FAILED"])
    def test_one_that_was_left_half_done_is_deployed_with_rollback_disabled(
        self, stage: Stage, status: str
    ) -> None:
        stuck(stage, status)
        assert "stack-" not in checked(stage, disable_rollback="true").log

    def test_one_that_was_left_half_done_may_be_known_to_the_command(self, stage: Stage) -> None:
        stuck(stage, "UPDATE_FAILED")
        warns(
            checked(stage, template="", command="cdk deploy --no-rollback"), "stack-update-failed", "rollback"
        )

    def test_one_in_progress(self, stage: Stage) -> None:
        cloudformation = client(stage.server)
        slow = QUEUE.replace("Queue}}", "Queue, Metadata: {TestGround: {Seconds: 100}}}}")
        cloudformation.create_stack(StackName="shop", TemplateBody=slow)
        cloudformation.close()
        notes(checked(stage), "stack-in-progress", "CREATE_IN_PROGRESS", "waits until it is at rest")

    def test_an_empty_one_under_review(self, stage: Stage) -> None:
        cloudformation = client(stage.server)
        cloudformation.create_change_set(
            StackName="shop", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=QUEUE
        )
        cloudformation.close()
        notes(checked(stage), "stack-under-review", "REVIEW_IN_PROGRESS", "creates it")

    def test_a_nested_one(self, stage: Stage) -> None:
        stage.server.templates["https://templates.example/child.yaml"] = QUEUE
        parent = (
            "Resources: {Child: {Type: AWS::CloudFormation::Stack, "
            "Properties: {TemplateURL: https://templates.example/child.yaml}}}"
        )
        stage.job("first", template=stage.template(parent)).deploy()
        cloudformation = client(stage.server)
        rows = cloudformation.describe_stacks()["Stacks"]
        cloudformation.close()
        child = next(row["StackName"] for row in rows if row.get("ParentId"))
        warns(checked(stage, stack_name=child), "stack-nested", "nested in shop", "Deploy the parent")


STUCK = {
    "ROLLBACK_FAILED": [
        (
            "{Kept: {Type: AWS::SQS::Queue, Metadata: {TestGround: {Fail: stuck, FailOn: delete}}}, "
            "Bad: {Type: AWS::SNS::Topic, DependsOn: Kept, Metadata: {TestGround: {Fail: nope}}}}"
        ),
    ],
    "DELETE_FAILED": [
        "{Kept: {Type: AWS::SQS::Queue, Metadata: {TestGround: {Fail: stuck, FailOn: delete}}}}",
    ],
    "CREATE_FAILED": ["{Bad: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"],
    "UPDATE_FAILED": [
        "{Bad: {Type: AWS::SNS::Topic}}",
        (
            "{Bad: {Type: AWS::SNS::Topic, Properties: {DisplayName: x}, "
            "Metadata: {TestGround: {Fail: nope}}}}"
        ),
    ],
    "UPDATE_ROLLBACK_FAILED": [
        (
            "{Queue: {Type: AWS::SQS::Queue, Metadata: {TestGround: {Fail: stuck, FailOn: rollback}}}, "
            "Topic: {Type: AWS::SNS::Topic}}"
        ),
        (
            "{Queue: {Type: AWS::SQS::Queue, Properties: {DelaySeconds: 5}, "
            "Metadata: {TestGround: {Fail: stuck, FailOn: rollback}}}, "
            "Topic: {Type: AWS::SNS::Topic, DependsOn: Queue, Properties: {DisplayName: x}, "
            "Metadata: {TestGround: {Fail: nope, FailOn: update}}}}"
        ),
    ],
}


def stuck(stage: Stage, status: str) -> None:
    """A stack that ended so."""
    cloudformation = client(stage.server)
    for number, resources in enumerate(STUCK[status]):
        change = cloudformation.update_stack if number else cloudformation.create_stack
        kept = {"DisableRollback": True} if status in {"CREATE_FAILED", "UPDATE_FAILED"} else {}
        change(StackName="shop", TemplateBody=f"Resources: {resources}", **kept)
        stage.clock.sleep(1000)
    if status == "DELETE_FAILED":
        cloudformation.delete_stack(StackName="shop")
        stage.clock.sleep(1000)
    assert cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == status
    cloudformation.close()


class TestTheTemplate:
    def test_one_that_cloudformation_refuses(self, stage: Stage) -> None:
        job = checked(stage, "Resources: [\n")
        blocks(job, "template-invalid", "Template format error", "cfn-lint")

    def test_one_that_cannot_be_read_and_nobody_could_be_asked_about(self, stage: Stage) -> None:
        stage.server.faults.add("access_denied", operation="GetTemplateSummary")
        warns(checked(stage, "Resources: [\n"), "template-unreadable", "neither JSON nor YAML at line")

    def test_one_at_an_address_that_cannot_be_fetched(self, stage: Stage) -> None:
        job = checked(stage, template="https://s3.amazonaws.com/templates/gone.yaml")
        blocks(job, "template-unreachable", "s3:GetObject")

    def test_one_that_is_almost_too_large(self, stage: Stage) -> None:
        job = checked(stage, QUEUE + "# " + "x" * 50_000)
        warns(job, "template-large", "51,200 bytes", "S3")

    def test_more_resources_than_cloudformation_takes(self, stage: Stage) -> None:
        many = "Resources:\n" + "".join(f"  Q{n}: {{Type: AWS::SQS::Queue}}\n" for n in range(501))
        blocks(checked(stage, many), "template-limits", "501 resources", "500")

    def test_almost_as_many_resources_as_cloudformation_takes(self, stage: Stage) -> None:
        many = "Resources:\n" + "".join(f"  Q{n}: {{Type: AWS::SQS::Queue}}\n" for n in range(480))
        warns(checked(stage, many), "template-limits", "480 of at most 500 resources")

    def test_a_capability_that_is_not_acknowledged(self, stage: Stage, aws: Aws) -> None:
        role = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}"
        blocks(checked(stage, role), "capabilities-missing", "Add `CAPABILITY_IAM`", "AWS::IAM::Role")
        given = checked(stage, role, "given", capabilities="CAPABILITY_NAMED_IAM", when_busy="skip")
        assert "capabilities-" not in given.log

    def test_a_capability_that_a_transform_needs(self, stage: Stage) -> None:
        sam = (
            "Transform: AWS::Serverless-2016-10-31\n"
            "Resources: {Web: {Type: AWS::Serverless::Function, Properties: {Handler: a.b}}}\n"
        )
        warns(checked(stage, sam), "capabilities-likely", "roles for Web", "`CAPABILITY_IAM`")

    def test_a_parameter_without_a_value(self, stage: Stage) -> None:
        body = "Parameters: {Size: {Type: String}, Kind: {Type: String, Default: a}}\n" + QUEUE
        job = checked(stage, body)
        blocks(job, "parameter-missing", "`Size`", "`parameter-overrides`")
        assert "`Kind`" not in job.log

    def test_a_parameter_that_the_stack_has_a_value_of(self, stage: Stage) -> None:
        body = "Parameters: {Size: {Type: String}}\n" + QUEUE
        stage.job("first", template=stage.template(body), parameter_overrides="Size=1").deploy()
        quiet(checked(stage, body))

    def test_a_value_that_the_template_does_not_allow_is_not_repeated(self, stage: Stage) -> None:
        body = "Parameters: {Size: {Type: String, AllowedValues: [small, large]}}\n" + QUEUE
        job = checked(stage, body, parameter_overrides="Size=geheim")
        blocks(job, "parameter-invalid", "`Size`", "none of small, large")
        assert "geheim" not in job.log


REFERRING = """
Conditions: {Never: !Equals [a, b]}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      Tags:
        - {Key: a, Value: "{{resolve:secretsmanager:here:SecretString:password}}"}
        - {Key: b, Value: !Sub "{{resolve:secretsmanager:${AWS::StackName}-gone:SecretString:password}}"}
        - {Key: c, Value: "{{resolve:ssm:/app/here:1}}"}
        - {Key: d, Value: "{{resolve:ssm:/app/gone}}"}
        - {Key: e, Value: !If [Never, "{{resolve:secretsmanager:perhaps}}", x]}
        - {Key: f, Value: "{{resolve:secretsmanager:made-here}}"}
  Own: {Type: AWS::SecretsManager::Secret, Properties: {Name: made-here}}
"""


class TestReferences:
    def test_secrets_and_parameters_that_do_not_exist(self, stage: Stage, aws: Aws) -> None:
        made("secretsmanager", aws, "create_secret", Name="here", SecretString="x")
        made("ssm", aws, "put_parameter", Name="/app/here", Value="x", Type="String")
        job = checked(stage, REFERRING)
        blocks(job, "secret-missing", "`shop-gone`", "Queue", "Create the secret")
        blocks(job, "ssm-parameter-missing", "`/app/gone`", "Create the parameter")
        perhaps = [line for line in job.log.splitlines() if "`perhaps`" in line]
        assert "warning secret-missing" in perhaps[0]
        assert "`here`" not in job.log
        assert "/app/here" not in job.log
        assert "made-here" not in job.log
        assert not any("GetSecretValue" in r.headers.get("x-amz-target", "") for r in aws.requests)

    def test_a_parameter_type_that_reads_the_store(self, stage: Stage, aws: Aws) -> None:
        body = "Parameters: {Ami: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /ami/gone}}\n" + QUEUE
        blocks(checked(stage, body), "ssm-parameter-missing", "Ami", "`/ami/gone`")

    def test_a_secret_that_is_about_to_be_deleted_counts_as_missing(self, stage: Stage, aws: Aws) -> None:
        made("secretsmanager", aws, "create_secret", Name="here", SecretString="x")
        made("secretsmanager", aws, "delete_secret", SecretId="here")
        blocks(checked(stage, REFERRING), "secret-missing", "`here`")

    def test_a_denial_is_a_note(self, stage: Stage, aws: Aws) -> None:
        aws.denied = {"secretsmanager", "ssm"}
        job = checked(stage, REFERRING, preflight="strict")
        assert job.outputs()["proceed"] == "true", job.log
        denials = [line for line in job.log.splitlines() if "note check-denied" in line]
        assert "`secretsmanager:DescribeSecret`" in "".join(denials)
        assert "`ssm:GetParameters`" in "".join(denials)


def resource(kind: str, name: str, property_name: str) -> str:
    return f"Resources: {{Thing: {{Type: '{kind}', Properties: {{{property_name}: {name}}}}}}}\n"


TAKEN = [
    ("AWS::S3::Bucket", "BucketName", "orphan-bucket", "s3", "create_bucket",
     {"Bucket": "orphan-bucket", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}),
    ("AWS::Logs::LogGroup", "LogGroupName", "/app/orphan", "logs", "create_log_group",
     {"logGroupName": "/app/orphan"}),
    ("AWS::IAM::Role", "RoleName", "orphan", "iam", "create_role",
     {"RoleName": "orphan", "AssumeRolePolicyDocument": "{}"}),
    ("AWS::IAM::User", "UserName", "orphan", "iam", "create_user", {"UserName": "orphan"}),
    ("AWS::IAM::Group", "GroupName", "orphan", "iam", "create_group", {"GroupName": "orphan"}),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName", "orphan", "iam", "create_instance_profile",
     {"InstanceProfileName": "orphan"}),
    ("AWS::DynamoDB::Table", "TableName", "orphan", "dynamodb", "create_table",
     {"TableName": "orphan", "BillingMode": "PAY_PER_REQUEST",
      "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
      "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}]}),
    ("AWS::SQS::Queue", "QueueName", "orphan", "sqs", "create_queue", {"QueueName": "orphan"}),
    ("AWS::SNS::Topic", "TopicName", "orphan", "sns", "create_topic", {"Name": "orphan"}),
    ("AWS::SSM::Parameter", "Name", "/orphan", "ssm", "put_parameter",
     {"Name": "/orphan", "Value": "x", "Type": "String"}),
    ("AWS::SecretsManager::Secret", "Name", "orphan", "secretsmanager", "create_secret",
     {"Name": "orphan", "SecretString": "x"}),
    ("AWS::ECR::Repository", "RepositoryName", "orphan", "ecr", "create_repository",
     {"repositoryName": "orphan"}),
    ("AWS::RDS::DBCluster", "DBClusterIdentifier", "orphan", "rds", "create_db_cluster",
     {"DBClusterIdentifier": "orphan", "Engine": "aurora-postgresql", "MasterUsername": "ada",
      "MasterUserPassword": "password1"}),
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier", "orphan", "rds", "create_db_instance",
     {"DBInstanceIdentifier": "orphan", "Engine": "postgres", "DBInstanceClass": "db.t3.micro",
      "MasterUsername": "ada", "MasterUserPassword": "password1", "AllocatedStorage": 20}),
]  # fmt: skip


class TestNames:
    @pytest.mark.parametrize("row", TAKEN, ids=[row[0] for row in TAKEN])
    def test_a_name_that_is_taken_and_one_that_is_free(
        self, stage: Stage, aws: Aws, row: tuple[str, str, str, str, str, dict[str, Any]]
    ) -> None:
        kind, key, name, service, operation, how = row
        free = checked(stage, resource(kind, name, key), "free", capabilities="CAPABILITY_NAMED_IAM")
        assert "name-taken" not in free.log
        assert "check-" not in free.log, free.log
        made(service, aws, operation, **how)
        job = checked(
            stage, resource(kind, name, key), "taken", capabilities="CAPABILITY_NAMED_IAM", when_busy="skip"
        )
        blocks(job, "name-taken", f"Thing is to be made as {kind} `{name}`", "exists already", "import it")

    @pytest.mark.parametrize("kind", [row[0] for row in TAKEN])
    def test_a_denial_never_stops(self, stage: Stage, aws: Aws, kind: str) -> None:
        _, key, name, service, *_ = next(row for row in TAKEN if row[0] == kind)
        aws.denied = {service}
        job = checked(
            stage, resource(kind, name, key), preflight="strict", capabilities="CAPABILITY_NAMED_IAM"
        )
        assert job.outputs().get("proceed") == "true", job.log
        if service == "s3":  # it denies in the same words what exists and what does not
            warns(job, "name-taken", "does not let it be seen")
        else:
            denials = [line for line in job.log.splitlines() if " note check-denied: " in line]
            assert any(f"`{service}:" in line and kind in line for line in denials), job.log

    def test_a_secret_that_is_being_deleted_keeps_its_name(self, stage: Stage, aws: Aws) -> None:
        made("secretsmanager", aws, "create_secret", Name="orphan", SecretString="x")
        made("secretsmanager", aws, "delete_secret", SecretId="orphan")
        job = checked(stage, resource("AWS::SecretsManager::Secret", "orphan", "Name"))
        blocks(job, "name-taken", "scheduled for deletion", "restore-secret")

    def test_a_resource_that_the_stack_has_is_no_conflict(self, stage: Stage, aws: Aws) -> None:
        body = resource("AWS::SQS::Queue", "mine", "QueueName")
        stage.job("first", template=stage.template(body)).deploy()
        made("sqs", aws, "create_queue", QueueName="mine")
        assert "name-taken" not in checked(stage, body).log
        renamed = checked(stage, body.replace("mine", "mine2"), "second", when_busy="skip")
        assert "name-taken" not in renamed.log
        made("sqs", aws, "create_queue", QueueName="mine2")
        job = checked(stage, body.replace("mine", "mine2"), "third", when_busy="skip")
        blocks(job, "name-taken", "`mine2`")

    def test_a_name_by_parameter_and_a_conditional_resource(self, stage: Stage, aws: Aws) -> None:
        body = """
Parameters: {Name: {Type: String, Default: orphan}}
Conditions: {Never: !Equals [a, b]}
Resources:
  Queue: {Type: AWS::SQS::Queue, Condition: Never, Properties: {QueueName: !Sub "${Name}-1"}}
  Other: {Type: AWS::SNS::Topic}
"""
        made("sqs", aws, "create_queue", QueueName="given-1")
        warns(checked(stage, body, parameter_overrides="Name=given"), "name-taken", "`given-1`")


class TestQuotas:
    VPCS = "Resources:\n" + "".join(
        f"  Vpc{n}: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.{n}.0.0/16}}}}\n" for n in range(3)
    )

    def test_more_vpcs_than_the_account_may_have(self, stage: Stage, aws: Aws) -> None:
        for number in range(4):
            made("ec2", aws, "create_vpc", CidrBlock=f"10.{number}.0.0/16")
        job = checked(stage, self.VPCS)
        blocks(job, "quota-exceeded", "makes 3 VPCs", "of 5 in this account", "Service Quotas")

    def test_what_others_share_with_the_account_is_not_counted(self, stage: Stage, aws: Aws) -> None:
        for number in range(4):
            made("ec2", aws, "create_vpc", CidrBlock=f"10.{number}.0.0/16")
        own = Limits(AwsClients()).quota(Counted.VPC, "eu-west-1", account="123456789012")
        assert own.used == 5, "the default one too"
        other = Limits(AwsClients()).quota(Counted.VPC, "eu-west-1", account="210987654321")
        assert other.used == 0

    def test_more_buckets_and_addresses_than_the_account_may_have(self, stage: Stage, aws: Aws) -> None:
        aws.quotas = {"L-DC2B2D3D": 0, "L-0263D0A3": 1}
        made("ec2", aws, "allocate_address", Domain="vpc")
        job = checked(
            stage,
            "Conditions: {Never: !Equals [a, b]}\n"
            "Resources: {B: {Type: AWS::S3::Bucket}, E: {Type: AWS::EC2::EIP, Condition: Never}}\n",
        )
        blocks(job, "quota-exceeded", "makes 1 buckets", "0 of 0")
        addresses = [line for line in job.log.splitlines() if "makes 1 elastic IP addresses" in line]
        assert " warning quota-exceeded: " in addresses[0], "its condition may be false"

    def test_enough_room(self, stage: Stage, aws: Aws) -> None:
        job = checked(stage, self.VPCS.replace("  Vpc1", "#").replace("  Vpc2", "#"))
        assert "quota-exceeded" not in job.log
        assert "check-" not in job.log, job.log

    @pytest.mark.parametrize("service", ["ec2", "servicequotas"])
    def test_a_denial_never_stops(self, stage: Stage, aws: Aws, service: str) -> None:
        aws.denied = {service}
        job = checked(stage, self.VPCS, preflight="strict")
        assert job.outputs().get("proceed") == "true", job.log
        notes(job, "check-denied", f"`{service}:", "quota of VPCs")


def test_what_slack_refuses_is_a_warning_at_most(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE), preflight="strict")
    settings = parse_inputs(job.environ)
    wiring = Wiring(settings, run_context(job.environ), job.environ)
    told = [("warning", "The channel C1 is archived.", "Name another one."), ("note", "A name.", "An id.")]
    sources = replace(wiring.preflight_sources(), slack=lambda: told)
    check = next(one for one in Checks(settings, sources, stage.clock, {}).others() if "Slack" in one.about)
    found = list(check.run())
    assert [(one.code, one.level.value) for one in found] == [
        ("slack-unusable", "warning"),
        ("slack-unusable", "note"),
    ]
    assert found[0].sentence == "The channel C1 is archived. Name another one."


def test_slack_is_asked_and_never_stops(stage: Stage) -> None:
    with SlackServer() as slack:
        job = stage.job(
            template=stage.template(QUEUE),
            preflight="strict",
            slack_bot_token="xoxb-wrong",
            slack_channel="C0DEPLOYS",
        )
        job.environ["SLACK_API_URL"] = slack.api_url
        assert job.run("pre") == 0, job.log
        warns(job, "slack-unusable", "does not accept the token")
        assert not slack.messages


def test_a_doorbell_that_cannot_be_used_is_a_warning(stage: Stage, aws: Aws) -> None:
    made("sqs", aws, "create_queue", QueueName="bell")
    job = checked(stage, preflight="strict", events="sqs://bell")
    assert "doorbell" not in job.log
    job = checked(stage, name="absent", preflight="strict", events="sqs://nowhere")
    assert job.outputs().get("proceed") == "true", job.log
    warns(job, "doorbell-unusable", "There is no queue nowhere in eu-west-1.")
    aws.denied = {"sqs"}
    job = checked(stage, name="denied", preflight="strict", events="sqs://bell")
    warns(job, "doorbell-unusable", "is not authorized to perform")


def test_a_doorbell_that_cannot_be_used_fails_no_deployment(stage: Stage, aws: Aws) -> None:
    aws.denied = {"sqs"}
    job = checked(stage, preflight="off", events="sqs://bell")
    assert job.run("main") == 0, job.log
    assert job.run("post") == 0, job.log
    assert job.outputs().get("outcome") == "succeeded", job.log
    assert job.log.count("The doorbell cannot be used.") <= 1


def test_each_code_is_seen_by_a_test() -> None:
    files = (Path(__file__), *(Path(__file__).parents[1] / "preflight").glob("test_*.py"))
    text = "".join(file.read_text("utf-8") for file in files)
    missing = [code for code in KINDS if f'"{code}"' not in text]
    assert missing == []
