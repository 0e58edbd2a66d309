"""Several stacks in one deployment: whatever is told of a resource says which stack it is in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

GOOD = """
Resources: {Table: {Type: AWS::DynamoDB::Table}}
Outputs: {Name: {Value: !Ref Table}}
"""
BAD = 'Resources: {Table: {Type: AWS::DynamoDB::Table, Metadata: {TestGround: {Fail: "no table"}}}}'
SLOW = "Resources: {Table: {Type: AWS::DynamoDB::Table, Metadata: {TestGround: {Seconds: 200}}}}"
BOTH = "shop-api\nshop-db"


def deploys(**bodies: str) -> Any:
    """A command like `cdk deploy --all`."""

    def command(cloudformation: Any) -> int:
        for name, body in bodies.items():
            cloudformation.create_stack(StackName=name.replace("_", "-"), TemplateBody=body)
        return 0

    return command


@pytest.mark.parametrize("names", [BOTH, "shop-*"])
def test_everything_about_a_resource_names_its_stack(stage: Stage, names: str) -> None:
    job = stage.job(**{"command": "cdk deploy --all", "stack-name": names})
    job.run("pre")
    job.launch_command(deploys(shop_api=BAD, shop_db=SLOW))
    assert job.run("main") == 1
    job.run("post")
    assert "CREATE_FAILED         shop-api/Table" in job.log
    assert "CREATE_COMPLETE       shop-db/Table" in job.log
    assert "still creating shop-db/Table" in job.log, "heartbeats"
    assert "::error title=shop-api/Table (AWS%3A%3ADynamoDB%3A%3ATable)::no table" in job.log
    assert job.outputs()["root-cause"].startswith("shop-api/Table (AWS::DynamoDB::Table): no table")
    assert "**shop-api/Table** (`AWS::DynamoDB::Table`)" in job.summary
    assert "shop-api: Correct the cause. The stack can only be deleted now" in job.log


def test_a_single_stack_is_not_named_before_each_resource(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(deploys(shop=BAD))
    job.run("main")
    assert "CREATE_FAILED         Table" in job.log
    assert job.outputs()["root-cause"].startswith("Table (AWS::DynamoDB::Table)")


@pytest.mark.parametrize("names", [BOTH, "shop-*"])
def test_outputs_of_several_stacks_are_an_object_a_stack(stage: Stage, names: str) -> None:
    first = stage.job("first", **{"command": "x", "stack-name": names})
    first.run("pre")
    first.launch_command(deploys(shop_api=GOOD, shop_db=GOOD))
    assert first.run("main") == 0, first.log
    found = json.loads(first.outputs()["stack-outputs"])
    assert sorted(found) == ["shop-api", "shop-db"]
    assert all(set(outputs) == {"Name"} for outputs in found.values())


@pytest.mark.parametrize("changed", [{}, {"shop_db": GOOD}])
def test_the_shape_of_outputs_does_not_depend_on_which_stacks_changed(
    stage: Stage, changed: dict[str, str]
) -> None:
    """A workflow reads `fromJSON(…).shop-api.Name` in every run."""
    before = stage.job("before", **{"command": "x", "stack-name": BOTH})
    before.run("pre")
    before.launch_command(deploys(shop_api=GOOD))
    before.run("main")
    before.run("post")
    job = stage.job("job", **{"command": "x", "stack-name": BOTH})
    job.run("pre")
    job.launch_command(deploys(**changed))
    assert job.run("main") == 0, job.log
    assert json.loads(job.outputs()["stack-outputs"])["shop-api"]["Name"]
