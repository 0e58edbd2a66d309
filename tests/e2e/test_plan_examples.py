"""The examples that plan and apply, by a real runner: opened, pushed again, merged, overtaken by somebody."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.test_examples import GOOD, example, good, world
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.act import WorkflowRun
    from tests.e2e.test_deploy import World

__all__ = ["world"]
pytestmark = pytest.mark.e2e

PULL_REQUEST = {"pull_request": {"number": 12, "head": {"sha": "a" * 40}}}
MERGED = {
    "number": 12,
    "merge_commit_sha": "*",
    "merged_at": "2026-01-01T00:00:00Z",
    "head": {"sha": "a" * 40},
}
TWO_TOPICS = GOOD.replace("Topic:", "Second: {Type: AWS::SNS::Topic}, Topic:")
NPX = """#!{python}
# Prepares change sets as `cdk deploy --all --method=prepare-change-set` does: one of its name a stack, anew.
import sys, time
from pathlib import Path
import boto3

assert sys.argv[1:3] == ["cdk", "deploy"], sys.argv
assert "--method=prepare-change-set" in sys.argv
name = sys.argv[sys.argv.index("--change-set-name") + 1]
cloudformation = boto3.client("cloudformation")
for stack in ("shop-network", "shop-service"):
    try:
        status = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
    except cloudformation.exceptions.ClientError:
        status = "REVIEW_IN_PROGRESS"
    kind = "CREATE" if status == "REVIEW_IN_PROGRESS" else "UPDATE"
    body = Path(stack + ".yaml").read_text()
    cloudformation.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=body
    )
    while (
        cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)["Status"]
        in ("CREATE_PENDING", "CREATE_IN_PROGRESS")
    ):
        time.sleep(0.05)
"""


class PullRequest:
    """One pull request, and the workflow of the example."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._workflow = example(name)
        self._path = os.environ["PATH"]
        world.github.state.tokens["token-of-the-job"]["pull-requests"] = "write"
        world.github.state.pulls.append(dict(MERGED))

    def with_tools(self, **tools: str) -> None:
        folder = self._world.act.folder / "tools"
        folder.mkdir()
        for name, text in tools.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        self._path = f"{folder}{os.pathsep}{self._path}"

    def pushed(self) -> dict[str, Any]:
        """Its only comment, after the plan."""
        good(self._run("pull_request", PULL_REQUEST))
        ((number, comment),) = self._world.github.state.comments
        assert number == 12
        return dict(comment)

    def merged(self) -> WorkflowRun:
        return self._run("push", {})

    def _run(self, event: str, payload: dict[str, Any]) -> WorkflowRun:
        environment = {**self._world.environment(), "PATH": self._path}
        return self._world.act.run(self._workflow, environment=environment, event=event, payload=payload)


@pytest.fixture
def cfn(world: World) -> Iterator[Any]:
    made = client(world.cloud)
    yield made
    made.close()


def waiting(cfn: Any, stack: str) -> list[str]:
    rows = cfn.list_change_sets(StackName=stack)["Summaries"]
    return [row["ChangeSetId"] for row in rows if row["ExecutionStatus"] == "AVAILABLE"]


def check(request: PullRequest, world: World, cfn: Any, file: str, *stacks: str) -> None:
    """`file`: the template of the last of the stacks."""
    opened = request.pushed()
    subject = f"{', '.join(stacks)} → production"
    assert f"Plan, {len(stacks)} added: {subject}" in opened["body"]
    assert "New: " in opened["body"]
    world.act.write(file, TWO_TOPICS)
    again = request.pushed()
    assert again["id"] == opened["id"]
    assert f"Plan, {len(stacks) + 1} added: {subject}" in again["body"]
    reviewed = [waiting(cfn, name) for name in stacks]
    assert [len(arns) for arns in reviewed] == [1] * len(stacks)
    good(request.merged())
    states = [cfn.describe_stacks(StackName=name)["Stacks"][0] for name in stacks]
    assert [state["StackStatus"] for state in states] == ["CREATE_COMPLETE"] * len(stacks)
    assert [[state["ChangeSetId"]] for state in states] == reviewed

    world.act.write(file, GOOD)
    assert "1 deleted" in request.pushed()["body"]
    cfn.update_stack(StackName=stacks[-1], TemplateBody=TWO_TOPICS.replace("Second", "Third"))
    time.sleep(3)
    stopped = request.merged()
    assert stopped.code != 0
    assert (
        f"The reviewed change set of stack eu-west-1/{stacks[-1]} cannot be executed any more" in stopped.raw
    )
    assert "it is OBSOLETE" in stopped.raw
    assert f"+Remove {stacks[-1]}/Third AWS::SNS::Topic" in stopped.raw
    left = cfn.list_stack_resources(StackName=stacks[-1])["StackResourceSummaries"]
    assert "Third" in {row["LogicalResourceId"] for row in left}
    registry = world.registry()
    assert registry["tickets"] == []


def test_a_template_is_planned_applied_and_stopped_where_it_is_outdated(world: World, cfn: Any) -> None:
    check(PullRequest(world, "plan-and-apply.yml"), world, cfn, "template.yaml", "shop")


def test_the_stacks_of_a_cdk_app_are(world: World, cfn: Any) -> None:
    for name in ("shop-network", "shop-service"):
        world.act.write(f"{name}.yaml", GOOD)
    request = PullRequest(world, "plan-and-apply-cdk.yml")
    request.with_tools(npm="#!/bin/sh\necho installed\n", npx=NPX.replace("{python}", sys.executable))
    check(request, world, cfn, "shop-service.yaml", "shop-network", "shop-service")
