"""The whole product: a real runner, a workflow from `examples/`, real boto3 and PyGithub over HTTP."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.act import REPOSITORY, Act, WorkflowRun
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

SPEED = 60.0
EXAMPLES = REPOSITORY / "examples"
DATABASE = "https://templates.example/database.yaml"
(CREDENTIALS,) = re.findall(
    r"aws-actions/configure-aws-credentials@\w+", (EXAMPLES / "template.yml").read_text("utf-8")
)
STAND_IN = """
name: credentials
description: stands in for the action that fetches credentials
inputs: {role-to-assume: {description: role}, aws-region: {description: region}}
runs:
  using: composite
  steps:
    - shell: bash
      run: |
        printf 'AWS_%s\\n' ACCESS_KEY_ID=test SECRET_ACCESS_KEY=test "REGION=$REGION" \\
          "DEFAULT_REGION=$REGION" >>"$GITHUB_ENV"
      env: {REGION: "${{ inputs.aws-region }}"}
"""
FAILING_SERVICE = """  Service:
    Type: AWS::ECS::Service
    Metadata:
      TestGround:
        Seconds: 40
        Fail: >-
          Resource handler returned message: "The container does not start ##[error]x"
          (RequestToken: 1, HandlerErrorCode: GeneralServiceException)
"""


class World:
    """A cloud, a GitHub and a repository with the example's template."""

    def __init__(self, folder: Path, speed: float) -> None:
        self.origin = time.time()
        self.speed = speed
        self.cloud = CloudFormationServer(lambda: self.origin + (time.time() - self.origin) * speed)
        self.github = GitHubServer()
        self.github.state.tokens["token-of-the-job"] = dict(self.github.state.tokens["token"])
        self.act = Act(folder)
        self.act.stand_in(CREDENTIALS, STAND_IN)
        self.cloud.templates[DATABASE] = (EXAMPLES / "web-service" / "database.yaml").read_text("utf-8")
        self.template((EXAMPLES / "web-service" / "template.yaml").read_text("utf-8"))

    def template(self, text: str) -> None:
        self.act.write("template.yaml", text)

    def environment(self, number: int = 777) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.cloud.endpoint_url,
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_RUN_ID": str(number),
            "DEPLOY_COORDINATOR_CLOCK": f"{self.origin}:{self.speed}",
            "NO_COLOR": "1",
        }

    def run(self, workflow: str, **environment: str) -> WorkflowRun:
        return self.act.run(workflow, environment={**self.environment(), **environment})

    def registry(self) -> dict[str, object]:
        document = self.github.repository.document("deploy-registry", ".deployment-registry/deployments.json")
        return dict(json.loads(document or b"{}"))


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    made = World(tmp_path, getattr(request, "param", SPEED))
    with made.cloud, made.github:
        yield made


def example(name: str, runtime: str = "host") -> str:
    """An example as it stands, but for the runtime, and for `queue:`, which act does not know."""
    lines = (EXAMPLES / name).read_text("utf-8").splitlines(keepends=True)
    text = "".join(line for line in lines if not line.startswith("  queue:"))
    return text.replace(
        "        with:\n          stack-name:",
        f"        with:\n          runtime: {runtime}\n          stack-name:",
    )


def check_good(world: World, run: WorkflowRun) -> None:
    assert run.code == 0, run.story
    main = run.step("deploy.main")
    assert "CREATE_COMPLETE" in main.text
    assert "Database/Instance" in main.text
    outputs = run.step("deploy").outputs
    assert (outputs["outcome"], outputs["stack-status"]) == ("succeeded", "CREATE_COMPLETE")
    assert "Url" in json.loads(outputs["stack-outputs"])
    assert int(outputs["duration-seconds"]) > 60
    summary = run.step("deploy.post").summary
    assert summary.startswith("## ✅ Deployed: shop → production")
    assert "```mermaid" in summary
    assert outputs["correlation-id"] in summary
    registry = world.registry()
    assert registry["tickets"] == []
    assert registry["locks"] == {"production": {"epoch": 1, "settling": []}}


def check_failed(world: World, run: WorkflowRun) -> None:
    assert run.code != 0
    main = run.step("deploy.main")
    assert main.result == "failure"
    assert "✗ CREATE_FAILED" in main.text
    assert any("does not start" in note.message and note.level == "error" for note in main.annotations)
    summary = run.step("deploy.post").summary
    assert summary.startswith("## ❌ Failed and rolled back: shop → production")
    assert "The container does not start" in summary
    outputs = run.step("deploy").outputs
    assert (outputs["outcome"], outputs["stack-status"]) == ("rolled-back", "ROLLBACK_COMPLETE")
    assert outputs["root-cause"].startswith("Service (AWS::ECS::Service): The container does not start")
    assert world.registry()["tickets"] == []


def broken() -> str:
    text = (EXAMPLES / "web-service" / "template.yaml").read_text("utf-8")
    return text.replace("  Service:\n    Type: AWS::ECS::Service\n", FAILING_SERVICE)


def test_a_template_is_deployed_from_the_host(world: World) -> None:
    check_good(world, world.run(example("template.yml")))


def test_a_failing_template_fails_the_job_and_names_the_cause(world: World) -> None:
    world.template(broken())
    check_failed(world, world.run(example("template.yml")))


@pytest.mark.container
def test_a_template_is_deployed_from_the_container(world: World, engine: dict[str, str]) -> None:
    run = world.run(example("template.yml", "container"), **engine)
    check_good(world, run)


@pytest.mark.container
def test_a_failing_template_fails_the_job_in_the_container(world: World, engine: dict[str, str]) -> None:
    world.template(broken())
    check_failed(world, world.run(example("template.yml", "container"), **engine))


def test_bad_inputs_are_all_told_before_anything_is_locked(world: World) -> None:
    workflow = example("template.yml")
    workflow = workflow.replace(
        "template: template.yaml", "template: nowhere.yaml\n          when-busy: perhaps"
    )
    workflow = workflow.replace("CAPABILITY_IAM", "CAPABILITY_FLY")
    run = world.run(workflow)
    pre = run.step("deploy.pre")
    assert run.code != 0
    for name in ("template", "when-busy", "capabilities"):
        assert f"`{name}`" in pre.text
    assert "deploy.main" not in run.job.steps
    assert "3 inputs are wrong" in run.step("deploy.post").summary
    assert world.registry() == {}
    assert not world.cloud.requests


@pytest.mark.parametrize("handed_on", [True, False])
def test_a_misspelled_input_deploys_nothing(world: World, *, handed_on: bool) -> None:
    """GitHub's runner warns of an unknown name and hands it on; `act` drops what action.yml does not have."""
    if handed_on:
        action = world.act.action / "action.yml"
        text = action.read_text("utf-8")
        wrong = re.sub(r"(?m)^inputs:.*$", r"\g<0>\n  Tempalte: {description: wrong}", text, count=1)
        action.write_text(wrong)
    run = world.run(example("template.yml").replace("          template: ", "          Tempalte: "))
    pre = run.step("deploy.pre")
    assert run.code != 0
    assert ("`tempalte` is not an input" in pre.text) == handed_on
    assert "`template` and `command` are empty" in pre.text
    assert "deploy.main" not in run.job.steps
    assert not world.cloud.requests


# Slower: in this test a lease must outlast the start of a step on a busy machine.
@pytest.mark.parametrize("world", [40.0], indirect=True)
def test_two_jobs_at_once_take_turns(world: World) -> None:
    def workflow(tag: str) -> str:
        parameter = f"          parameter-overrides: ImageTag={tag}\n          capabilities:"
        return example("template.yml").replace("          capabilities:", parameter)

    first = world.act.start(workflow("1.1"), environment=world.environment(1))
    time.sleep(2)
    second = world.act.start(workflow("1.2"), environment=world.environment(2))
    runs = [first.wait(), second.wait()]
    assert [run.code for run in runs] == [0, 0], "\n".join(run.story for run in runs)
    assert [run.step("deploy").outputs["outcome"] for run in runs] == ["succeeded", "succeeded"]
    waited = [run for run in runs if "Waiting for the lock, position 2" in run.step("deploy.pre").text]
    assert len(waited) == 1
    assert world.registry()["locks"] == {"production": {"epoch": 2, "settling": []}}


def test_a_command_deploys_while_the_stacks_are_watched(world: World) -> None:
    world.act.write("deploy.py", COMMAND)
    workflow = example("command-cdk.yml").replace("      - run: npm ci\n", "")
    workflow = workflow.replace(
        "npx cdk deploy --all --require-approval never", f"{sys.executable} deploy.py"
    )
    workflow = workflow.replace(
        "      - uses: org/deploy-coordinator@v1",
        "      - id: deploy\n        uses: org/deploy-coordinator@v1",
    )
    run = world.run(workflow)
    assert run.code == 0, run.story
    main = run.step("deploy.main")
    assert "the tool says hello; no inputs here" in main.text
    assert "CREATE_COMPLETE       shop-topic/Topic" in main.text
    assert run.step("deploy").outputs["outcome"] == "succeeded"


COMMAND = """
import os, time
import boto3

hidden = "no inputs here" if "DEPLOY_COORDINATOR_INPUTS" not in os.environ else "the inputs, tokens included"
print("the tool says hello;", hidden, flush=True)
cloudformation = boto3.client("cloudformation")
template = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
cloudformation.create_stack(StackName="shop-topic", TemplateBody=template)
while cloudformation.describe_stacks(StackName="shop-topic")["Stacks"][0]["StackStatus"] != "CREATE_COMPLETE":
    time.sleep(0.1)
"""
