"""Change sets on the CloudFormation test ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.cloudformation.harness import VirtualClock, all_events, status
from tests.fakes.cloudformation.protocol import SchemaDriftError, operation_model, render_answer

if TYPE_CHECKING:
    from tests.fakes.cloudformation import CloudFormationServer

BODY = """
Resources:
  Queue: {{Type: "AWS::SQS::Queue", Properties: {{DelaySeconds: {0}}}}}
  Topic: {{Type: "AWS::SNS::Topic", Properties: {{TopicName: {1}}}}}
  Reader: {{Type: "AWS::Lambda::Function", Properties: {{Source: !GetAtt Queue.Arn}}}}
  User: {{Type: "AWS::Lambda::Function", Properties: {{Target: !Ref Topic}}}}
"""
FIRST = BODY.format(1, "one")
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


@pytest.fixture
def stack(cfn: Any, clock: VirtualClock) -> str:
    """A stack `s` made from FIRST."""
    stack_id = cfn.create_stack(StackName="s", TemplateBody=FIRST)["StackId"]
    clock.advance(600)
    return str(stack_id)


def propose(cfn: Any, clock: VirtualClock, name: str = "c", body: str = "", **more: Any) -> dict[str, Any]:
    cfn.create_change_set(
        StackName="s", ChangeSetName=name, TemplateBody=body or BODY.format(2, "two"), **more
    )
    clock.advance(5)
    return dict(cfn.describe_change_set(StackName="s", ChangeSetName=name))


def test_a_stack_made_by_a_change_set(cfn: Any, clock: VirtualClock) -> None:
    made = cfn.create_change_set(
        StackName="s", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=FIRST, Description="abc"
    )
    assert status(cfn, "s") == "REVIEW_IN_PROGRESS"
    (review,) = all_events(cfn, "s")
    assert "ClientRequestToken" not in review
    assert "OperationId" not in review
    seen = []
    for _ in range(40):
        seen.append(cfn.describe_change_set(ChangeSetName=made["Id"])["Status"])
        clock.advance(0.1)
    assert list(dict.fromkeys(seen)) == ["CREATE_PENDING", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    described = cfn.describe_change_set(ChangeSetName=made["Id"])
    assert (described["ExecutionStatus"], described["Description"]) == ("AVAILABLE", "abc")
    assert {c["ResourceChange"]["Action"] for c in described["Changes"]} == {"Add"}
    cfn.execute_change_set(ChangeSetName=made["Id"], ClientRequestToken="tok")
    assert cfn.describe_change_set(ChangeSetName=made["Id"])["ExecutionStatus"] == "EXECUTE_IN_PROGRESS"
    clock.advance(600)
    (stack,) = cfn.describe_stacks(StackName="s")["Stacks"]
    assert (stack["StackStatus"], stack["ChangeSetId"]) == ("CREATE_COMPLETE", made["Id"])
    assert cfn.describe_change_set(ChangeSetName=made["Id"])["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert {e.get("ClientRequestToken") for e in all_events(cfn, "s")[1:]} == {"tok"}


def test_the_boto3_waiters_work(cfn: Any, clock: VirtualClock, stack: str) -> None:
    propose(cfn, clock)
    cfn.get_waiter("change_set_create_complete").wait(StackName="s", ChangeSetName="c")
    cfn.execute_change_set(StackName="s", ChangeSetName="c")
    clock.advance(600)
    cfn.get_waiter("stack_update_complete").wait(StackName="s")


def test_changes_are_told_and_over_reported(cfn: Any, clock: VirtualClock, stack: str) -> None:
    body = BODY.format(2, "two") + "  Added: {Type: 'AWS::SNS::Topic'}\n"
    changes = {
        c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"]
        for c in propose(cfn, clock, body=body)["Changes"]
    }
    assert {name: change["Action"] for name, change in changes.items()} == {
        "Added": "Add", "Queue": "Modify", "Reader": "Modify", "Topic": "Modify", "User": "Modify",
    }  # fmt: skip
    assert (changes["Queue"]["Replacement"], changes["Topic"]["Replacement"]) == ("False", "True")
    assert changes["Topic"]["Details"][0]["Target"] == {
        "Attribute": "Properties", "Name": "TopicName", "RequiresRecreation": "Always",
    }  # fmt: skip
    assert changes["Queue"]["Scope"] == ["Properties"]
    assert changes["Reader"]["Details"][0]["Evaluation"] == "Dynamic"
    assert changes["Reader"]["Details"][0]["CausingEntity"] == "Queue.Arn"
    before = len(all_events(cfn, "s"))
    cfn.execute_change_set(StackName="s", ChangeSetName="c")
    clock.advance(600)
    touched = {e["LogicalResourceId"] for e in all_events(cfn, "s")[before:]}
    assert touched == {"s", "Added", "Queue", "Topic", "User"}


def test_removals_and_paging(server: CloudFormationServer, cfn: Any, clock: VirtualClock, stack: str) -> None:
    keep = "Resources: {Queue: {Type: 'AWS::SQS::Queue', Properties: {DelaySeconds: 1}}}"
    propose(cfn, clock, body=keep)
    server.faults.add("page_size", size=2)
    pages = list(cfn.get_paginator("describe_change_set").paginate(StackName="s", ChangeSetName="c"))
    changes = [c["ResourceChange"] for page in pages for c in page["Changes"]]
    assert len(pages) == 2
    assert [(c["LogicalResourceId"], c["Action"]) for c in changes] == [
        ("Reader", "Remove"), ("Topic", "Remove"), ("User", "Remove"),
    ]  # fmt: skip


def test_no_changes_fails_in_awss_words(cfn: Any, clock: VirtualClock, stack: str) -> None:
    described = propose(cfn, clock, body=FIRST)
    assert (described["Status"], described["StatusReason"]) == ("FAILED", NO_CHANGES)
    assert described["ExecutionStatus"] == "UNAVAILABLE"
    with pytest.raises(ClientError, match=r"cannot be executed in its current status of \[FAILED\]"):
        cfn.execute_change_set(StackName="s", ChangeSetName="c")


def test_executing_fences(cfn: Any, clock: VirtualClock, stack: str) -> None:
    propose(cfn, clock, "one")
    propose(cfn, clock, "two", BODY.format(3, "one"))
    assert len(cfn.list_change_sets(StackName="s")["Summaries"]) == 2
    cfn.execute_change_set(StackName="s", ChangeSetName="one", ClientRequestToken="tok")
    cfn.execute_change_set(StackName="s", ChangeSetName="one", ClientRequestToken="tok")
    with pytest.raises(ClientError) as gone:
        cfn.execute_change_set(StackName="s", ChangeSetName="two")
    assert gone.value.response["Error"]["Code"] == "ChangeSetNotFound"
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(ClientError, match=r"current execution status of \[EXECUTE_IN_PROGRESS\]"):
        cfn.execute_change_set(StackName="s", ChangeSetName="one", ClientRequestToken="other")
    with pytest.raises(ClientError, match="is in UPDATE_IN_PROGRESS state and can not be updated"):
        propose(cfn, clock, "three")


def test_a_busy_stack_refuses_execution(cfn: Any, clock: VirtualClock, stack: str) -> None:
    propose(cfn, clock)
    cfn.update_stack(StackName="s", TemplateBody=BODY.format(4, "one"))
    with pytest.raises(ClientError, match="is in UPDATE_IN_PROGRESS state and can not be updated"):
        cfn.execute_change_set(StackName="s", ChangeSetName="c")


def test_refusals(cfn: Any, clock: VirtualClock, stack: str) -> None:
    with pytest.raises(ClientError, match="already exists and cannot be created again"):
        propose(cfn, clock, ChangeSetType="CREATE")
    with pytest.raises(ClientError, match=r"Stack \[t\] does not exist"):
        cfn.create_change_set(StackName="t", ChangeSetName="c", TemplateBody=FIRST)
    propose(cfn, clock)
    with pytest.raises(ClientError, match="AlreadyExistsException"):
        propose(cfn, clock)
    cfn.delete_change_set(StackName="s", ChangeSetName="c")
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        cfn.describe_change_set(StackName="s", ChangeSetName="c")
    cfn.create_change_set(StackName="s", ChangeSetName="d", TemplateBody=BODY.format(5, "x"))
    with pytest.raises(ClientError, match=r"current status of \[CREATE_PENDING\]"):
        cfn.execute_change_set(StackName="s", ChangeSetName="d")


def test_early_validation(cfn: Any, clock: VirtualClock, stack: str) -> None:
    body = BODY.format(2, "one").replace(
        "Queue: {", "Queue: {Metadata: {TestGround: {Validation: bad type}}, "
    )
    described = propose(cfn, clock, body=body)
    assert described["Status"] == "FAILED"
    assert "AWS::EarlyValidation::PropertyValidation" in described["StatusReason"]
    (event,) = cfn.describe_events(ChangeSetName=described["ChangeSetId"])["OperationEvents"]
    assert (event["EventType"], event["LogicalResourceId"], event["ValidationStatusReason"]) == (
        "VALIDATION_ERROR", "Queue", "bad type",
    )  # fmt: skip


def test_imports(cfn: Any, clock: VirtualClock, stack: str) -> None:
    body = FIRST + "  Old: {Type: 'AWS::S3::Bucket', DeletionPolicy: Retain}\n"
    described = propose(
        cfn, clock, body=body, ChangeSetType="IMPORT",
        ResourcesToImport=[
            {
                "ResourceType": "AWS::S3::Bucket",
                "LogicalResourceId": "Old",
                "ResourceIdentifier": {"BucketName": "old"},
            }
        ],
    )  # fmt: skip
    assert [
        (c["ResourceChange"]["Action"], c["ResourceChange"]["PhysicalResourceId"])
        for c in described["Changes"]
    ] == [("Import", "old")]
    cfn.execute_change_set(StackName="s", ChangeSetName="c")
    clock.advance(600)
    assert status(cfn, "s") == "IMPORT_COMPLETE"
    detail = cfn.describe_stack_resource(StackName="s", LogicalResourceId="Old")["StackResourceDetail"]
    assert (detail["ResourceStatus"], detail["PhysicalResourceId"]) == ("IMPORT_COMPLETE", "old")


def test_disable_rollback_at_execution(cfn: Any, clock: VirtualClock, stack: str) -> None:
    body = BODY.format(2, "one").replace("Queue: {", "Queue: {Metadata: {TestGround: {Fail: broken}}, ")
    propose(cfn, clock, body=body)
    cfn.execute_change_set(StackName="s", ChangeSetName="c", DisableRollback=True)
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_FAILED"
    propose(cfn, clock, "again", body)
    with pytest.raises(ClientError, match=r"non-terminal \[UPDATE_FAILED\] state"):
        cfn.execute_change_set(StackName="s", ChangeSetName="again", DisableRollback=False)
    cfn.rollback_stack(StackName="s")
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_ROLLBACK_COMPLETE"


def test_an_answer_that_the_model_does_not_have_is_none() -> None:
    summary = {"Summaries": [{"ExecutionStatus": "READY"}]}
    with pytest.raises(SchemaDriftError, match="ExecutionStatus cannot be READY"):
        render_answer(operation_model("cloudformation", "ListChangeSets"), summary, "1")
