"""A deployment that would take data away: told, or stopped before anything changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.change_set import Change, ChangeSet
from deploy_action.cloudformation.change_set_tree import PlannedStack
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.deploy.data_guard import guarded_by
from deploy_action.errors import StackSourceError
from deploy_action.inputs.plan import PlanSettings
from tests.fakes.cloudformation.harness import client, status
from tests.jobs.test_supervision import cloud

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

TABLE = """
Resources:
  Orders:
    Type: AWS::DynamoDB::Table
    Properties: {TableName: orders}
  Logs: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}
  Topic: {Type: AWS::SNS::Topic}
"""
REPLACED = TABLE.replace("TableName: orders", "TableName: orders-2")
LOGS_GONE = TABLE.replace("  Logs: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}\n", "")
PARENT = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://templates.example/child.yaml"}
  Topic: {Type: AWS::SNS::Topic}
"""
WITHOUT_CHILD = "Resources:\n  Topic: {Type: AWS::SNS::Topic}\n"


def deployed(stage: Stage, body: str) -> None:
    job = stage.job("first", template=stage.template(body))
    assert job.deploy() == 0, job.log


def second(stage: Stage, body: str, **inputs: str) -> Job:
    job = stage.job("second", template=stage.template(body), **inputs)
    job.deploy()
    return job


def kept_as_it_was(stage: Stage) -> bool:
    cfn = client(stage.server)
    sets = cfn.list_change_sets(StackName="shop")["Summaries"]
    waiting = [one for one in sets if one["ExecutionStatus"] == "AVAILABLE"]
    try:
        return status(cfn, "shop") == "CREATE_COMPLETE" and waiting == []
    finally:
        cfn.close()


def test_a_replaced_table_is_told_and_deployed_by_default(stage: Stage) -> None:
    deployed(stage, TABLE)
    job = second(stage, REPLACED)
    assert job.outputs()["outcome"] == "succeeded", job.log
    assert (
        "This deployment loses data: `shop/Orders` (AWS::DynamoDB::Table, a table, `orders`) is replaced."
        in job.log
    )
    assert "loses data" in job.summary


def test_stop_stops_it_and_changes_nothing(stage: Stage) -> None:
    deployed(stage, TABLE)
    job = second(stage, REPLACED, data_loss="stop")
    assert job.outputs()["outcome"] == "failed"
    assert job.outputs()["deployed"] == "false"
    assert "This deployment would lose data: `shop/Orders`" in job.log
    assert kept_as_it_was(stage)


def test_stop_has_an_exit_code_of_its_own(stage: Stage) -> None:
    deployed(stage, TABLE)
    job = stage.job("second", template=stage.template(REPLACED), data_loss="stop")
    assert job.deploy() == 11, job.log
    assert "docs/plan.md says how to decide" in job.summary
    assert "Nothing was locked or changed." in job.log
    assert "cquired lock" not in job.log


def test_what_cannot_be_told_before_the_lock_stops_behind_it(stage: Stage) -> None:
    deployed(stage, TABLE)
    stage.server.faults.add("access_denied", operation="CreateChangeSet", count=1)
    job = stage.job("second", template=stage.template(REPLACED), data_loss="stop")
    assert job.deploy() == 11, job.log
    assert "The check of data comes with the change set" in job.log
    assert "cquired lock" in job.log
    assert kept_as_it_was(stage)


def test_data_that_is_named_may_go(stage: Stage) -> None:
    deployed(stage, TABLE)
    job = second(stage, REPLACED, data_loss="stop", allow_data_loss="shop/Orders\nNobody")
    assert job.outputs()["outcome"] == "succeeded", job.log
    assert "As `allow-data-loss` permits, `shop/Orders`" in job.log
    assert "`allow-data-loss` names `Nobody`, which is neither deleted nor replaced." in job.log


def test_what_a_policy_keeps_stops_nothing_and_is_said(stage: Stage) -> None:
    deployed(stage, TABLE)
    job = second(stage, LOGS_GONE, data_loss="stop")
    assert job.outputs()["outcome"] == "succeeded", job.log
    assert "is deleted; `Retain` keeps its data." in job.log


def test_a_nested_stack_that_goes_takes_its_table_along(stage: Stage) -> None:
    stage.server.templates["https://templates.example/child.yaml"] = TABLE
    deployed(stage, PARENT)
    job = second(stage, WITHOUT_CHILD, data_loss="stop")
    assert job.outputs()["outcome"] == "failed", job.log
    assert "`shop/Child/Orders` (AWS::DynamoDB::Table, a table) is deleted with its stack" in job.log
    assert kept_as_it_was(stage)


def test_a_nested_stack_that_cannot_be_looked_into_counts_as_data(stage: Stage) -> None:
    stage.server.templates["https://templates.example/child.yaml"] = WITHOUT_CHILD
    deployed(stage, PARENT)
    stage.server.faults.add("access_denied", operation="GetTemplate")
    job = second(stage, WITHOUT_CHILD, data_loss="stop")
    assert job.outputs()["outcome"] == "failed", job.log
    assert "what is in it could not be read" in job.log


def test_a_nested_stack_that_a_policy_keeps_is_said(stage: Stage) -> None:
    stage.server.templates["https://templates.example/child.yaml"] = TABLE
    deployed(stage, PARENT.replace("Stack\n", "Stack\n    DeletionPolicy: Retain\n", 1))
    job = second(stage, WITHOUT_CHILD, data_loss="stop")
    assert job.outputs()["outcome"] == "succeeded", job.log
    assert "is deleted; `Retain` keeps its data." in job.log


def test_a_nested_stack_whose_changes_cannot_be_read_counts_as_data(stage: Stage) -> None:
    templates = stage.server.templates
    templates["https://templates.example/child.yaml"] = TABLE
    templates["https://templates.example/next.yaml"] = TABLE.replace("orders", "renamed")
    deployed(stage, PARENT)
    whole = CloudFormation.change_set

    def denied(self: Any, stack: Any, arn: str, **more: Any) -> Any:
        if "-Child/" in arn:
            raise StackSourceError("AWS refuses to show it.")
        return whole(self, stack, arn, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CloudFormation, "change_set", denied)
        job = second(stage, PARENT.replace("child.yaml", "next.yaml"), data_loss="stop")
    assert job.outputs()["outcome"] == "failed", job.log
    assert "`shop/Child` (AWS::CloudFormation::Stack, what changes in it could not be read)" in job.log
    assert kept_as_it_was(stage)


def nested_change(stage: Stage, **more: Any) -> tuple[PlannedStack, CloudFormation]:
    """A change of the deployed nested stack `Child`, in the words of CloudFormation."""
    source = CloudFormation(AwsClients())
    child = cloud(stage, "describe_stack_resource", StackName="shop", LogicalResourceId="Child")
    given = {"physical_id": child["StackResourceDetail"]["PhysicalResourceId"], **more}
    change = Change(given.pop("action"), "Child", "AWS::CloudFormation::Stack", **given)
    change_set = ChangeSet("arn", "c", "id", "CREATE_COMPLETE", "AVAILABLE", changes=(change,))
    return PlannedStack("eu-west-1", "shop", change_set), source


@pytest.mark.parametrize(
    "fate",
    [{"action": "Dynamic"}, {"action": "Modify", "replacement": "Conditional"}],
    ids=["dynamic", "conditional"],
)
def test_a_nested_stack_that_perhaps_goes_takes_its_table_along(stage: Stage, fate: dict[str, str]) -> None:
    stage.server.templates["https://templates.example/child.yaml"] = TABLE
    deployed(stage, PARENT)
    planned, source = nested_change(stage, **fate)
    guarded = guarded_by(source, [planned], PlanSettings())
    assert [str(one) for one in guarded.lost] == [
        "`shop/Child/Orders` (AWS::DynamoDB::Table, a table) is perhaps deleted with its stack"
    ]
    planned, source = nested_change(stage, **fate, physical_id="")
    (unread,) = guarded_by(source, [planned], PlanSettings()).lost
    assert (unread.name, unread.holds) == ("shop/Child", "what is in it could not be read")


def made_elsewhere(stage: Stage) -> str:
    """ARN of a change set without those of nested stacks, in which the table of `Child` is replaced."""
    templates = stage.server.templates
    templates["https://templates.example/child.yaml"] = TABLE
    templates["https://templates.example/next.yaml"] = REPLACED
    deployed(stage, PARENT)
    body = PARENT.replace("child.yaml", "next.yaml")
    made = cloud(stage, "create_change_set", StackName="shop", ChangeSetName="c", TemplateBody=body)
    stage.clock.sleep(30)
    return str(made["Id"])


def test_stop_stops_a_change_set_that_tells_nothing_of_a_nested_stack(stage: Stage) -> None:
    given = {"mode": "apply", "execute_change_set_id": made_elsewhere(stage), "data_loss": "stop"}
    job = stage.job("second", **given)
    assert job.deploy() == 11, job.log
    assert "`shop/Child` (AWS::CloudFormation::Stack, what changes in it could not be read)" in job.log
    assert "the change set was made without those of nested stacks" in job.log
    (stack,) = cloud(stage, "describe_stacks", StackName="shop")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    allowed = stage.job("third", **given, allow_data_loss="Child")
    assert allowed.deploy() == 0, allowed.log


def test_warn_says_that_a_change_set_tells_nothing_of_a_nested_stack(stage: Stage) -> None:
    job = stage.job("second", mode="apply", execute_change_set_id=made_elsewhere(stage))
    assert job.deploy() == 0, job.log
    assert "`shop/Child` is a nested stack, and the change set was made without those of" in job.log
    assert "loses data" not in job.log


def test_warn_stops_no_deployment_of_a_nested_stack_and_says_nothing_new(stage: Stage) -> None:
    made_elsewhere(stage)
    job = second(stage, PARENT.replace("child.yaml", "next.yaml"))
    assert job.outputs()["outcome"] == "succeeded", job.log
    assert "loses data" not in job.log


def test_a_command_cannot_be_stopped_so_nobody_is_promised_it(stage: Stage) -> None:
    job = stage.job(command="npx cdk deploy", data_loss="stop")
    assert job.deploy() == 3
    assert "`data-loss: stop` cannot stop a `command`" in job.log
