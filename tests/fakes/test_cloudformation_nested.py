"""Nested stacks on the CloudFormation test ground."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import VirtualClock, all_events, client, status, statuses


def reason(events: list[dict[str, Any]], logical: str, status_: str) -> str:
    (found,) = [e for e in events if e["LogicalResourceId"] == logical and e["ResourceStatus"] == status_]
    return str(found.get("ResourceStatusReason", ""))


PARENT = """
Parameters: {Delay: {Type: String, Default: "1"}}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://b/child.yaml", Parameters: {Delay: !Ref Delay}}
  Other:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://b/other.yaml"}
  Topic: {Type: "AWS::SNS::Topic", Properties: {DisplayName: !GetAtt Child.Outputs.Name}}
Outputs: {Name: {Value: !GetAtt Child.Outputs.Name}}
"""
CHILD = """
Parameters: {Delay: {Type: String}}
Resources:
  Inner: {Type: "AWS::SQS::Queue", Properties: {DelaySeconds: !Ref Delay}}
Outputs: {Name: {Value: !Ref Inner}}
"""
OTHER = "Resources: {Leaf: {Type: 'AWS::SNS::Topic'}}"


def nest(server: CloudFormationServer, child: str = CHILD, other: str = OTHER) -> None:
    server.templates["https://b/child.yaml"] = child
    server.templates["https://b/other.yaml"] = other


def child_of(cfn: Any, stack: str, logical: str) -> str:
    detail = cfn.describe_stack_resource(StackName=stack, LogicalResourceId=logical)["StackResourceDetail"]
    return str(detail["PhysicalResourceId"])


def test_nested_stacks_are_real_stacks(server: CloudFormationServer, cfn: Any, clock: VirtualClock) -> None:
    nest(server)
    root = cfn.create_stack(StackName="s", TemplateBody=PARENT, ClientRequestToken="tok")["StackId"]
    clock.advance(600)
    assert status(cfn, "s") == "CREATE_COMPLETE"
    child = child_of(cfn, "s", "Child")
    (stack,) = cfn.describe_stacks(StackName=child)["Stacks"]
    assert (stack["ParentId"], stack["RootId"], stack["StackStatus"]) == (root, root, "CREATE_COMPLETE")
    assert re.fullmatch(r"s-Child-[A-Z0-9]{12,13}", stack["StackName"])
    events = all_events(cfn, child)
    assert not any("ClientRequestToken" in event for event in events)
    parents = {event["OperationId"] for event in all_events(cfn, "s")}
    assert parents.isdisjoint({event["OperationId"] for event in events})
    outputs = cfn.describe_stacks(StackName="s")["Stacks"][0]["Outputs"]
    assert outputs[0]["OutputValue"] == child_of(cfn, child, "Inner")


def test_nested_updates_visit_every_child(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    nest(server)
    cfn.create_stack(StackName="s", TemplateBody=PARENT)
    clock.advance(600)
    child, other = child_of(cfn, "s", "Child"), child_of(cfn, "s", "Other")
    before = {stack: len(all_events(cfn, stack)) for stack in ("s", child, other)}
    cfn.update_stack(
        StackName="s", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Delay", "ParameterValue": "2"}]
    )
    clock.advance(600)
    events = all_events(cfn, "s")[before["s"] :]
    assert statuses(events, "Child") == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE"]
    assert statuses(events, "Other") == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE"]
    name = child.split("/")[1]
    assert statuses(all_events(cfn, child)[before[child] :], name) == [
        "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE",
    ]  # fmt: skip
    assert len(all_events(cfn, other)) == before[other]


def test_a_failure_in_a_child_is_wrapped(server: CloudFormationServer, cfn: Any, clock: VirtualClock) -> None:
    bad = CHILD.replace("Inner: {", "Inner: {Metadata: {TestGround: {Seconds: 4, Fail: the cause}}, ")
    nest(server, bad, OTHER.replace("Leaf: {", "Leaf: {Metadata: {TestGround: {Seconds: 90}}, "))
    cfn.create_stack(StackName="s", TemplateBody=PARENT)
    clock.advance(60)
    child, other = child_of(cfn, "s", "Child"), child_of(cfn, "s", "Other")
    clock.advance(900)
    events = all_events(cfn, "s")
    assert reason(events, "Child", "CREATE_FAILED") == (
        f"Embedded stack {child} was not successfully created: "
        "The following resource(s) failed to create: [Inner]. "
    )
    assert reason(events, "Other", "CREATE_FAILED") == "Resource creation cancelled"
    assert status(cfn, "s") == "ROLLBACK_COMPLETE"
    inner = all_events(cfn, child)
    assert statuses(inner, child.split("/")[1]) == [
        "CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE",
    ]  # fmt: skip
    assert reason(inner, "Inner", "CREATE_FAILED") == "the cause"
    assert statuses(all_events(cfn, other), other.split("/")[1])[-1] == "DELETE_COMPLETE"


def test_a_child_without_capabilities_is_its_own_cause(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    nest(server, CHILD.replace("Outputs:", "  R: {Type: 'AWS::IAM::Role'}\nOutputs:"))
    cfn.create_stack(StackName="s", TemplateBody=PARENT)
    clock.advance(600)
    assert (
        reason(all_events(cfn, "s"), "Child", "CREATE_FAILED") == "Requires capabilities : [CAPABILITY_IAM]"
    )


def test_a_failed_child_update_rolls_back_every_child(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    nest(server)
    cfn.create_stack(StackName="s", TemplateBody=PARENT)
    clock.advance(600)
    child, other = child_of(cfn, "s", "Child"), child_of(cfn, "s", "Other")
    before = {stack: len(all_events(cfn, stack)) for stack in ("s", child, other)}
    nest(server, CHILD.replace("Inner: {", "Inner: {Metadata: {TestGround: {Seconds: 8, Fail: cause}}, "),
         OTHER.replace("'AWS::SNS::Topic'", "'AWS::SNS::Topic', Properties: {DisplayName: x}"))  # fmt: skip
    cfn.update_stack(StackName="s", UsePreviousTemplate=True, ClientRequestToken="tok",
                     Parameters=[{"ParameterKey": "Delay", "ParameterValue": "2"}])  # fmt: skip
    clock.advance(900)
    events = all_events(cfn, "s")[before["s"] :]
    assert reason(events, "Child", "UPDATE_FAILED").startswith(
        f"Embedded stack {child} was not successfully updated. "
        "Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: "
        "The following resource(s) failed to update: [Inner]. "
    )
    assert status(cfn, "s") == status(cfn, child) == status(cfn, other) == "UPDATE_ROLLBACK_COMPLETE"
    assert statuses(all_events(cfn, child)[before[child] :], child.split("/")[1]) == [
        "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]  # fmt: skip


def test_deleting_a_parent_deletes_its_children(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    nest(server)
    root = cfn.create_stack(StackName="s", TemplateBody=PARENT)["StackId"]
    clock.advance(600)
    child = child_of(cfn, "s", "Child")
    cfn.delete_stack(StackName="s")
    clock.advance(900)
    assert status(cfn, root) == status(cfn, child) == "DELETE_COMPLETE"


def test_cancelling_reaches_into_children(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    nest(server)
    cfn.create_stack(StackName="s", TemplateBody=PARENT)
    clock.advance(600)
    child = child_of(cfn, "s", "Child")
    nest(server, CHILD.replace("Inner: {", "Inner: {Metadata: {TestGround: {Hang: true}}, "))
    cfn.update_stack(
        StackName="s", UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Delay", "ParameterValue": "3"}]
    )
    clock.advance(5000)
    assert status(cfn, child) == "UPDATE_IN_PROGRESS"
    cfn.cancel_update_stack(StackName="s")
    clock.advance(900)
    assert status(cfn, "s") == status(cfn, child) == "UPDATE_ROLLBACK_COMPLETE"


def test_nested_events_with_their_roots_token() -> None:
    clock = VirtualClock()
    with CloudFormationServer(clock, nested_tokens=True) as server:
        nest(server)
        cloudformation = client(server)
        cloudformation.create_stack(StackName="s", TemplateBody=PARENT, ClientRequestToken="tok")
        clock.advance(600)
        events = all_events(cloudformation, child_of(cloudformation, "s", "Child"))
        assert {event["ClientRequestToken"] for event in events} == {"tok"}
        cloudformation.close()


def test_an_inline_child_template(cfn: Any, clock: VirtualClock) -> None:
    body = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Metadata: {TestGround: {TemplateBody: {Resources: {Leaf: {Type: "AWS::SNS::Topic"}}}}}
"""
    cfn.create_stack(StackName="s", TemplateBody=body)
    clock.advance(60)
    assert statuses(all_events(cfn, child_of(cfn, "s", "Child")), "Leaf")[-1] == "CREATE_COMPLETE"
