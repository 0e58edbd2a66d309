"""The operations of the CloudFormation test ground, called by real boto3 over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import EPOCH, VirtualClock, all_events, client, status

QUEUE = """
Parameters:
  Size: {Type: String, Default: small, AllowedValues: [small, large]}
  Secret: {Type: String, Default: hush, NoEcho: true}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {VisibilityTimeout: 30, DelaySeconds: !Sub "${Size}"}
  Topic:
    Type: AWS::SNS::Topic
    DependsOn: Queue
Outputs:
  QueueUrl: {Value: !Ref Queue, Export: {Name: shared-queue}, Description: where to send}
"""
ROLE = """
Resources:
  Role: {Type: "AWS::IAM::Role", Properties: {AssumeRolePolicyDocument: {}}}
"""


def refusal(call: Any, **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def made(cfn: Any, clock: VirtualClock, name: str = "shop", body: str = QUEUE, **more: Any) -> str:
    stack_id = cfn.create_stack(StackName=name, TemplateBody=body, **more)["StackId"]
    clock.advance(600)
    return str(stack_id)


def test_a_created_stack_tells_what_it_was_given(cfn: Any, clock: VirtualClock) -> None:
    stack_id = made(
        cfn, clock, Tags=[{"Key": "team", "Value": "web"}],
        Parameters=[{"ParameterKey": "Size", "ParameterValue": "large"}],
        EnableTerminationProtection=True, TimeoutInMinutes=30,
    )  # fmt: skip
    (stack,) = cfn.describe_stacks(StackName="shop")["Stacks"]
    assert stack_id == stack["StackId"]
    assert stack_id.startswith("arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/")
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]} == {
        "Size": "large",
        "Secret": "****",
    }
    assert stack["Tags"] == [{"Key": "team", "Value": "web"}]
    assert stack["Outputs"][0]["ExportName"] == "shared-queue"
    assert stack["EnableTerminationProtection"] is True
    assert stack["CreationTime"].timestamp() == EPOCH
    assert cfn.list_exports()["Exports"][0]["Value"] == stack["Outputs"][0]["OutputValue"]


def test_time_passes_only_with_the_clock(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="shop", TemplateBody=QUEUE)
    assert [event["ResourceStatus"] for event in all_events(cfn, "shop")] == ["CREATE_IN_PROGRESS"]
    clock.advance(5)
    assert {event["LogicalResourceId"] for event in all_events(cfn, "shop")} == {"shop", "Queue"}
    assert "Outputs" not in cfn.describe_stacks(StackName="shop")["Stacks"][0]
    clock.advance(600)
    assert status(cfn, "shop") == "CREATE_COMPLETE"


def test_events_come_newest_first_and_page(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    made(cfn, clock)
    whole = cfn.describe_stack_events(StackName="shop")["StackEvents"]
    assert whole[0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert whole[-1]["ResourceStatusReason"] == "User Initiated"
    for size in (1, 3, len(whole) - 1, len(whole)):
        server.faults.clear()
        server.faults.add("page_size", size=size)
        pages = list(cfn.get_paginator("describe_stack_events").paginate(StackName="shop"))
        assert [event["EventId"] for page in pages for event in page["StackEvents"]] == [
            e["EventId"] for e in whole
        ]
        assert len(pages) == -(-len(whole) // size)


def test_a_page_token_stays_true_while_new_events_arrive(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    cfn.create_stack(StackName="shop", TemplateBody=QUEUE)
    clock.advance(10)
    server.faults.add("page_size", size=2)
    first = cfn.describe_stack_events(StackName="shop")
    clock.advance(600)
    rest = cfn.describe_stack_events(StackName="shop", NextToken=first["NextToken"])
    seen = [event["EventId"] for event in first["StackEvents"] + rest["StackEvents"]]
    server.faults.clear()
    assert seen == [event["EventId"] for event in reversed(all_events(cfn, "shop")[: len(seen)])]


def test_missing_stacks_are_refused_in_awss_words(cfn: Any) -> None:
    assert refusal(cfn.describe_stacks, StackName="no") == (
        "ValidationError", "Stack with id no does not exist", 400,
    )  # fmt: skip
    assert refusal(cfn.describe_stack_events, StackName="no")[1] == "Stack [no] does not exist"
    assert refusal(cfn.update_stack, StackName="no", TemplateBody=QUEUE)[1] == "Stack [no] does not exist"
    assert cfn.delete_stack(StackName="no")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_update_without_changes_is_refused(cfn: Any, clock: VirtualClock) -> None:
    made(cfn, clock)
    assert refusal(cfn.update_stack, StackName="shop", TemplateBody=QUEUE) == (
        "ValidationError", "No updates are to be performed.", 400,
    )  # fmt: skip


def test_a_stack_in_progress_cannot_be_updated(cfn: Any) -> None:
    stack_id = cfn.create_stack(StackName="shop", TemplateBody=QUEUE)["StackId"]
    code, message, _ = refusal(cfn.update_stack, StackName="shop", TemplateBody=QUEUE)
    assert (code, message) == (
        "ValidationError", f"Stack:{stack_id} is in CREATE_IN_PROGRESS state and can not be updated.",
    )  # fmt: skip
    assert refusal(cfn.create_stack, StackName="shop", TemplateBody=QUEUE)[:2] == (
        "AlreadyExistsException", "Stack [shop] already exists",
    )  # fmt: skip


def test_a_token_makes_a_call_idempotent(cfn: Any, clock: VirtualClock) -> None:
    first = cfn.create_stack(StackName="shop", TemplateBody=QUEUE, ClientRequestToken="one")
    assert (
        cfn.create_stack(StackName="shop", TemplateBody=QUEUE, ClientRequestToken="one")["StackId"]
        == first["StackId"]
    )
    assert refusal(cfn.create_stack, StackName="shop", TemplateBody=ROLE, ClientRequestToken="one")[0] == (
        "TokenAlreadyExistsException"
    )
    clock.advance(600)
    larger = [{"ParameterKey": "Size", "ParameterValue": "large"}]
    for _ in range(2):
        cfn.update_stack(
            StackName="shop", UsePreviousTemplate=True, Parameters=larger, ClientRequestToken="two"
        )
    clock.advance(600)
    starts = [e for e in all_events(cfn, "shop") if e["ResourceStatus"] == "UPDATE_IN_PROGRESS"]
    assert [e["LogicalResourceId"] for e in starts] == ["shop", "Queue"]
    assert {e["ClientRequestToken"] for e in starts} == {"two"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Resources: {}", "Template format error: At least one Resources member must be defined."),
        ("a: [", "Template format error: YAML not well-formed."),
        (
            "Foo: 1\nResources: {Q: {Type: 'AWS::SQS::Queue'}}",
            "Invalid template property or properties [Foo]",
        ),
        ("just text", "Template format error: unsupported structure."),
        (
            "Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {A: !Ref Nope}}}",
            "Template format error: Unresolved resource dependencies [Nope] in the Resources block",
        ),
        (
            "Resources: {A: {Type: 'AWS::S3::Bucket', DependsOn: B}, B: {Type: 'A::B::C', DependsOn: A}}",
            "Circular dependency between resources: [A, B]",
        ),
        (
            "Parameters: {P: {Type: String}}\nResources: {Q: {Type: 'AWS::SQS::Queue'}}",
            "Parameters: [P] must have values",
        ),
    ],
)
def test_bad_templates(cfn: Any, body: str, message: str) -> None:
    code, told, status_code = refusal(cfn.create_stack, StackName="shop", TemplateBody=body)
    assert (code, status_code) == ("ValidationError", 400)
    assert told.startswith(message)


def test_parameters_are_checked(cfn: Any, clock: VirtualClock) -> None:
    extra = [{"ParameterKey": "X", "ParameterValue": "1"}]
    assert refusal(cfn.create_stack, StackName="s", TemplateBody=QUEUE, Parameters=extra)[1] == (
        "Parameters: [X] do not exist in the template"
    )
    huge = [{"ParameterKey": "Size", "ParameterValue": "huge"}]
    assert "AllowedValues" in refusal(cfn.create_stack, StackName="s", TemplateBody=QUEUE, Parameters=huge)[1]
    made(cfn, clock, Parameters=[{"ParameterKey": "Size", "ParameterValue": "large"}])
    keep = [{"ParameterKey": "Size", "UsePreviousValue": True}]
    changed = QUEUE.replace("VisibilityTimeout: 30", "VisibilityTimeout: 31")
    cfn.update_stack(StackName="shop", TemplateBody=changed, Parameters=keep)
    clock.advance(600)
    shown = cfn.describe_stacks(StackName="shop")["Stacks"][0]["Parameters"]
    assert {"ParameterKey": "Size", "ParameterValue": "large"} in shown


def test_capabilities_are_enforced(cfn: Any, clock: VirtualClock) -> None:
    assert refusal(cfn.create_stack, StackName="iam", TemplateBody=ROLE) == (
        "InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]", 400,
    )  # fmt: skip
    named = ROLE.replace("{AssumeRolePolicyDocument", "{RoleName: x, AssumeRolePolicyDocument")
    assert refusal(cfn.create_stack, StackName="iam", TemplateBody=named, Capabilities=["CAPABILITY_IAM"])[
        1
    ] == ("Requires capabilities : [CAPABILITY_NAMED_IAM]")
    made(cfn, clock, "iam", ROLE, Capabilities=["CAPABILITY_NAMED_IAM"])
    macro = "Transform: MyMacro\nResources: {Q: {Type: 'AWS::SQS::Queue'}}"
    assert "CAPABILITY_AUTO_EXPAND" in refusal(cfn.create_stack, StackName="m", TemplateBody=macro)[1]


def test_templates_are_summarised(cfn: Any, clock: VirtualClock) -> None:
    summary = cfn.get_template_summary(TemplateBody=ROLE)
    assert summary["Capabilities"] == ["CAPABILITY_IAM"]
    assert summary["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert summary["ResourceTypes"] == ["AWS::IAM::Role"]
    declared = {p["ParameterKey"]: p for p in cfn.validate_template(TemplateBody=QUEUE)["Parameters"]}
    assert declared["Size"]["DefaultValue"] == "small"
    assert declared["Secret"]["NoEcho"] is True
    made(cfn, clock)
    assert cfn.get_template(StackName="shop")["TemplateBody"] == QUEUE
    assert cfn.get_template_summary(StackName="shop")["ResourceTypes"] == [
        "AWS::SNS::Topic",
        "AWS::SQS::Queue",
    ]


def test_json_templates_and_template_urls(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    body = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    server.templates["https://bucket.s3.amazonaws.com/shop.json"] = body
    cfn.create_stack(StackName="shop", TemplateURL="https://bucket.s3.amazonaws.com/shop.json")
    clock.advance(600)
    assert status(cfn, "shop") == "CREATE_COMPLETE"
    assert "S3 error" in refusal(cfn.create_stack, StackName="b", TemplateURL="https://bucket/none")[1]


def test_resources_are_listed(cfn: Any, clock: VirtualClock) -> None:
    made(cfn, clock)
    listed = cfn.list_stack_resources(StackName="shop")["StackResourceSummaries"]
    assert {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed} == {
        "Queue": "CREATE_COMPLETE", "Topic": "CREATE_COMPLETE",
    }  # fmt: skip
    detail = cfn.describe_stack_resource(StackName="shop", LogicalResourceId="Queue")["StackResourceDetail"]
    physical = detail["PhysicalResourceId"]
    (found,) = cfn.describe_stack_resources(StackName="shop", LogicalResourceId="Queue")["StackResources"]
    assert found["PhysicalResourceId"] == physical
    by_physical = cfn.describe_stack_resources(PhysicalResourceId=physical)["StackResources"]
    assert {item["StackName"] for item in by_physical} == {"shop"}
    assert refusal(cfn.describe_stack_resource, StackName="shop", LogicalResourceId="No")[1] == (
        "Resource No does not exist for stack shop"
    )


def test_deleted_stacks_are_known_by_id_only(cfn: Any, clock: VirtualClock) -> None:
    stack_id = made(cfn, clock)
    cfn.delete_stack(StackName="shop")
    assert status(cfn, "shop") == "DELETE_IN_PROGRESS"
    clock.advance(600)
    assert refusal(cfn.describe_stacks, StackName="shop")[1] == "Stack with id shop does not exist"
    assert cfn.describe_stacks()["Stacks"] == []
    (stack,) = cfn.describe_stacks(StackName=stack_id)["Stacks"]
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert stack["DeletionTime"]
    events = all_events(cfn, stack_id)
    assert events[-1]["ResourceStatus"] == "DELETE_COMPLETE"
    order = [e["LogicalResourceId"] for e in events if e["ResourceStatus"] == "DELETE_COMPLETE"]
    assert order == ["Topic", "Queue", "shop"]
    again = made(cfn, clock)
    assert again != stack_id
    listed = cfn.list_stacks()["StackSummaries"]
    assert [item["StackStatus"] for item in listed] == ["CREATE_COMPLETE", "DELETE_COMPLETE"]
    assert len(cfn.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]) == 1


def test_stacks_page(server: CloudFormationServer, cfn: Any) -> None:
    for number in range(5):
        cfn.create_stack(StackName=f"s{number}", TemplateBody=QUEUE)
    server.faults.add("page_size", size=2)
    pages = list(cfn.get_paginator("describe_stacks").paginate())
    assert [stack["StackName"] for page in pages for stack in page["Stacks"]] == [
        "s4",
        "s3",
        "s2",
        "s1",
        "s0",
    ]
    assert len(pages) == 3


def test_termination_protection(cfn: Any, clock: VirtualClock) -> None:
    made(cfn, clock, EnableTerminationProtection=True)
    assert "TerminationProtection is enabled" in refusal(cfn.delete_stack, StackName="shop")[1]
    cfn.update_termination_protection(StackName="shop", EnableTerminationProtection=False)
    cfn.delete_stack(StackName="shop")
    assert status(cfn, "shop") == "DELETE_IN_PROGRESS"


def test_describe_events_groups_by_operation(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    operation = cfn.create_stack(StackName="shop", TemplateBody=QUEUE)["OperationId"]
    clock.advance(600)
    events = cfn.describe_events(StackName="shop", OperationId=operation)["OperationEvents"]
    assert {event["OperationId"] for event in events} == {operation}
    assert {event["OperationType"] for event in events} == {"CREATE_STACK"}
    assert events[0]["OperationStatus"] == "SUCCEEDED"
    assert [e["EventId"] for e in cfn.describe_stack_events(StackName="shop")["StackEvents"]] == [
        e["EventId"] for e in events
    ]
    assert cfn.describe_events(StackName="shop", Filters={"FailedEvents": True})["OperationEvents"] == []
    server.world.describe_events = False
    assert refusal(cfn.describe_events, StackName="shop")[0] == "InvalidAction"
    server.world.describe_events = True


def test_regions_are_apart_and_sts_answers(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock
) -> None:
    made(cfn, clock)
    other, sts = client(server, "us-west-2"), client(server, service="sts")
    assert other.describe_stacks()["Stacks"] == []
    assert sts.get_caller_identity()["Account"] == "123456789012"
    other.close()
    sts.close()
    with urlopen(f"{server.endpoint_url}/_testground/requests") as answer:
        counts = json.load(answer)
    assert counts["us-west-2"] == {"DescribeStacks": 1}
    assert counts["eu-west-1"]["CreateStack"] == 1


def test_two_servers_with_one_seed_tell_the_same_story() -> None:
    stories = []
    for _ in range(2):
        clock = VirtualClock()
        with CloudFormationServer(clock, seed=7) as server:
            cloudformation = client(server)
            made(cloudformation, clock)
            stories.append(all_events(cloudformation, "shop"))
            cloudformation.close()
    assert stories[0] == stories[1]
