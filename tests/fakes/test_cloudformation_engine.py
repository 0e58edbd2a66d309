"""The life of stacks on the test ground: failure, rollback, replacement, cancelling."""

from __future__ import annotations

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.cloudformation.harness import VirtualClock, all_events, line, status, statuses

FAILING = """
Resources:
  Vpc: {Type: "AWS::EC2::VPC", Metadata: {TestGround: {Seconds: 3}}}
  Bad:
    Type: AWS::S3::Bucket
    DependsOn: Vpc
    Metadata: {TestGround: {Seconds: 4, Fail: "no such thing", HandlerErrorCode: InvalidRequest}}
  Slow: {Type: "AWS::RDS::DBInstance", DependsOn: Vpc}
  Never: {Type: "AWS::SNS::Topic", DependsOn: Bad}
  Kept: {Type: "AWS::S3::Bucket", DeletionPolicy: Retain, Metadata: {TestGround: {Seconds: 1}}}
"""


def reason(events: list[dict[str, Any]], logical: str, status_: str) -> str:
    (found,) = [e for e in events if e["LogicalResourceId"] == logical and e["ResourceStatus"] == status_]
    return str(found.get("ResourceStatusReason", ""))


def two(properties: str, more: str = "") -> str:
    queue = f"Type: 'AWS::SQS::Queue', Properties: {{{properties}}}{more}"
    return f"Resources: {{Q: {{{queue}}}, T: {{Type: 'AWS::SNS::Topic'}}}}"


def test_a_resource_is_created_in_steps(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=two("DelaySeconds: 1"), ClientRequestToken="tok")
    clock.advance(600)
    events = [event for event in all_events(cfn, "s") if event["LogicalResourceId"] == "Q"]
    assert [line(event)[1:] for event in events] == [
        ("CREATE_IN_PROGRESS", ""),
        ("CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("CREATE_IN_PROGRESS", "Eventual consistency check initiated"),
        ("CREATE_COMPLETE", ""),
    ]
    assert [bool(event["PhysicalResourceId"]) for event in events] == [False, True, True, True]
    assert events[2]["DetailedStatus"] == "CONFIGURATION_COMPLETE"
    assert events[2]["EventId"].startswith("Q-")
    assert re.fullmatch(r"Q-CREATE_COMPLETE-\d{4}-\d\d-\d\dT[\d:]+\.\d{3}Z", events[3]["EventId"])
    assert {event["ClientRequestToken"] for event in events} == {"tok"}
    assert len({event["OperationId"] for event in events}) == 1


def test_a_failed_creation_rolls_back(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=FAILING, ClientRequestToken="tok")
    clock.advance(3000)
    events = all_events(cfn, "s")
    assert statuses(events, "s") == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    assert reason(events, "s", "ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [Bad, Slow]. Rollback requested by user."
    )
    told = reason(events, "Bad", "CREATE_FAILED")
    assert re.fullmatch(
        r'Resource handler returned message: "no such thing" '
        r"\(RequestToken: [0-9a-f-]{36}, HandlerErrorCode: InvalidRequest\)",
        told,
    )
    assert reason(events, "Slow", "CREATE_FAILED") == "Resource creation cancelled"
    failed = [event["Timestamp"] for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
    assert (failed[1] - failed[0]).total_seconds() < 0.6
    assert statuses(events, "Never") == []
    assert statuses(events, "Kept")[-1] == "DELETE_SKIPPED"
    assert statuses(events, "Vpc")[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    deleted = [e["LogicalResourceId"] for e in events if e["ResourceStatus"] == "DELETE_COMPLETE"]
    assert deleted[-1] == "Vpc"
    operations = list(dict.fromkeys(event["OperationId"] for event in events))
    assert len(operations) == 2
    assert {event["ClientRequestToken"] for event in events} == {"tok"}
    with pytest.raises(ClientError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        cfn.update_stack(StackName="s", TemplateBody=FAILING + " ")


def test_independent_causes_fail_side_by_side(cfn: Any, clock: VirtualClock) -> None:
    ground = "Metadata: {{TestGround: {{Seconds: {0}, Fail: cause {1}}}}}"
    body = "Resources:\n" + "\n".join(
        f"  R{n}: {{Type: 'AWS::SNS::Topic', {ground.format(5, n)}}}" for n in range(3)
    )
    cfn.create_stack(StackName="s", TemplateBody=body)
    clock.advance(600)
    causes = {line(e)[2] for e in all_events(cfn, "s") if e["ResourceStatus"] == "CREATE_FAILED"}
    assert causes <= {"cause 0", "cause 1", "cause 2", "Resource creation cancelled"}
    assert len(causes - {"Resource creation cancelled"}) >= 2


@pytest.mark.parametrize("how", [{"DisableRollback": True}, {"OnFailure": "DO_NOTHING"}])
def test_without_rollback_the_stack_stays_failed(cfn: Any, clock: VirtualClock, how: dict[str, Any]) -> None:
    cfn.create_stack(StackName="s", TemplateBody=FAILING, **how)
    clock.advance(3000)
    assert status(cfn, "s") == "CREATE_FAILED"
    events = all_events(cfn, "s")
    assert statuses(events, "Slow")[-1] == "CREATE_COMPLETE"
    cfn.rollback_stack(StackName="s", ClientRequestToken="again")
    clock.advance(3000)
    assert status(cfn, "s") == "ROLLBACK_COMPLETE"


def test_on_failure_delete(cfn: Any, clock: VirtualClock) -> None:
    stack_id = cfn.create_stack(StackName="s", TemplateBody=FAILING, OnFailure="DELETE")["StackId"]
    clock.advance(3000)
    assert statuses(all_events(cfn, stack_id), "s") == [
        "CREATE_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]


def test_an_update_touches_only_what_changed(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=two("DelaySeconds: 1"))
    clock.advance(600)
    before = len(all_events(cfn, "s"))
    cfn.update_stack(StackName="s", TemplateBody=two("DelaySeconds: 2"))
    clock.advance(600)
    assert [line(event) for event in all_events(cfn, "s")[before:]] == [
        ("s", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Q", "UPDATE_IN_PROGRESS", ""),
        ("Q", "UPDATE_COMPLETE", ""),
        ("s", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ""),
        ("s", "UPDATE_COMPLETE", ""),
    ]


def test_a_changed_stack_tag_updates_everything_taggable(cfn: Any, clock: VirtualClock) -> None:
    body = two("DelaySeconds: 1") + "\n"
    cfn.create_stack(StackName="s", TemplateBody=body, Tags=[{"Key": "run", "Value": "1"}])
    clock.advance(600)
    before = len(all_events(cfn, "s"))
    cfn.update_stack(StackName="s", TemplateBody=body, Tags=[{"Key": "run", "Value": "2"}])
    clock.advance(600)
    events = all_events(cfn, "s")[before:]
    assert statuses(events, "Q") == statuses(events, "T") == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_replacement_and_removal_are_cleaned_up(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=two("QueueName: a"))
    clock.advance(600)
    before = len(all_events(cfn, "s"))
    old = cfn.describe_stack_resource(StackName="s", LogicalResourceId="Q")["StackResourceDetail"][
        "PhysicalResourceId"
    ]
    cfn.update_stack(
        StackName="s", TemplateBody="Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: b}}}"
    )
    clock.advance(600)
    events = all_events(cfn, "s")[before:]
    assert [line(event)[1:] for event in events if event["LogicalResourceId"] == "Q"] == [
        (
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        ),
        ("UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("UPDATE_COMPLETE", ""),
        ("DELETE_IN_PROGRESS", ""),
        ("DELETE_COMPLETE", ""),
    ]
    gone = [event["PhysicalResourceId"] for event in events if event["ResourceStatus"] == "DELETE_COMPLETE"]
    assert old in gone
    assert statuses(events, "T") == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    (left,) = cfn.list_stack_resources(StackName="s")["StackResourceSummaries"]
    assert (left["LogicalResourceId"], left["PhysicalResourceId"]) == ("Q", "b")


def test_what_refers_to_a_replaced_resource_is_updated_too(cfn: Any, clock: VirtualClock) -> None:
    body = """
Resources:
  Q: {{Type: "AWS::SQS::Queue", Properties: {{QueueName: {0}}}}}
  F: {{Type: "AWS::Lambda::Function", Properties: {{Environment: !Ref Q}}}}
"""
    cfn.create_stack(StackName="s", TemplateBody=body.format("a"))
    clock.advance(600)
    before = len(all_events(cfn, "s"))
    cfn.update_stack(StackName="s", TemplateBody=body.format("b"))
    clock.advance(600)
    assert statuses(all_events(cfn, "s")[before:], "F") == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


def test_a_failed_update_rolls_back(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=two("DelaySeconds: 1"))
    clock.advance(600)
    before = len(all_events(cfn, "s"))
    body = """
Resources:
  Q: {Type: "AWS::SQS::Queue", Properties: {DelaySeconds: 2}}
  T: {Type: "AWS::SNS::Topic"}
  New: {Type: "AWS::SNS::Topic", DependsOn: Q, Metadata: {TestGround: {Seconds: 5, Fail: broken}}}
  Early: {Type: "AWS::KMS::Key", DependsOn: Q, Metadata: {TestGround: {Seconds: 6}}}
"""
    cfn.update_stack(StackName="s", TemplateBody=body, ClientRequestToken="tok")
    clock.advance(900)
    events = all_events(cfn, "s")[before:]
    assert statuses(events, "s") == [
        "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]  # fmt: skip
    assert reason(events, "s", "UPDATE_ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [New, Early]. "
    )
    assert statuses(events, "Q") == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"] * 2
    assert statuses(events, "New")[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert len({event["OperationId"] for event in events}) == 2
    assert {event["ClientRequestToken"] for event in events} == {"tok"}
    assert cfn.get_template(StackName="s")["TemplateBody"] == two("DelaySeconds: 1")
    listed = {
        item["LogicalResourceId"]
        for item in cfn.list_stack_resources(StackName="s")["StackResourceSummaries"]
    }
    assert listed == {"Q", "T"}
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cfn.update_stack(StackName="s", TemplateBody=two("DelaySeconds: 1"))


def test_a_rollback_can_fail_and_be_continued(cfn: Any, clock: VirtualClock) -> None:
    ground = ", Metadata: {TestGround: {Fail: stuck, FailOn: rollback}}"
    cfn.create_stack(StackName="s", TemplateBody=two("DelaySeconds: 1", ground))
    clock.advance(600)
    body = (
        two("DelaySeconds: 2", ground)[:-1]
        + ", N: {Type: 'AWS::SNS::Topic', DependsOn: Q, Metadata: {TestGround: {Fail: nope}}}}"
    )
    cfn.update_stack(StackName="s", TemplateBody=body)
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_ROLLBACK_FAILED"
    cfn.continue_update_rollback(StackName="s")
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="cannot be skipped"):
        cfn.continue_update_rollback(StackName="s", ResourcesToSkip=["T"])
    cfn.continue_update_rollback(StackName="s", ResourcesToSkip=["Q"])
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_ROLLBACK_COMPLETE"


def test_a_failed_update_can_be_kept(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=two("DelaySeconds: 1"))
    clock.advance(600)
    bad = two("DelaySeconds: 2", ", Metadata: {TestGround: {Fail: nope, Times: 1}}")
    cfn.update_stack(StackName="s", TemplateBody=bad, DisableRollback=True)
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_FAILED"
    cfn.update_stack(StackName="s", TemplateBody=bad, DisableRollback=True)
    clock.advance(600)
    assert status(cfn, "s") == "UPDATE_COMPLETE"


def test_clean_up_tries_three_times_and_still_succeeds(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(
        StackName="s",
        TemplateBody=two("DelaySeconds: 1", ", Metadata: {TestGround: {Fail: denied, FailOn: delete}}"),
    )
    clock.advance(600)
    before = len(all_events(cfn, "s"))
    cfn.update_stack(StackName="s", TemplateBody="Resources: {T: {Type: 'AWS::SNS::Topic'}}")
    clock.advance(100)
    assert status(cfn, "s") == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    clock.advance(600)
    events = all_events(cfn, "s")[before:]
    assert statuses(events, "Q") == ["DELETE_IN_PROGRESS", "DELETE_FAILED"] * 3
    assert (
        reason(events, "s", "UPDATE_COMPLETE")
        == "Update successful. One or more resources could not be deleted."
    )


def test_a_failed_deletion_and_retained_resources(cfn: Any, clock: VirtualClock) -> None:
    stack_id = cfn.create_stack(
        StackName="s",
        TemplateBody=two("DelaySeconds: 1", ", Metadata: {TestGround: {Fail: denied, FailOn: delete}}"),
    )["StackId"]
    clock.advance(600)
    with pytest.raises(ClientError, match="retain resources option is valid only"):
        cfn.delete_stack(StackName="s", RetainResources=["Q"])
    cfn.delete_stack(StackName="s")
    clock.advance(600)
    assert status(cfn, "s") == "DELETE_FAILED"
    assert (
        reason(all_events(cfn, "s"), "s", "DELETE_FAILED")
        == "The following resource(s) failed to delete: [Q]. "
    )
    cfn.delete_stack(StackName="s", RetainResources=["Q"])
    clock.advance(600)
    assert status(cfn, stack_id) == "DELETE_COMPLETE"
    assert statuses(all_events(cfn, stack_id), "Q")[-1] == "DELETE_SKIPPED"


def test_a_hanging_update_can_be_cancelled(cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=two("DelaySeconds: 1"))
    clock.advance(600)
    with pytest.raises(ClientError, match="CancelUpdateStack cannot be called from current stack status"):
        cfn.cancel_update_stack(StackName="s")
    before = len(all_events(cfn, "s"))
    cfn.update_stack(
        StackName="s",
        TemplateBody=two("DelaySeconds: 2", ", Metadata: {TestGround: {Hang: true}}"),
        ClientRequestToken="tok",
    )
    clock.advance(50_000)
    assert status(cfn, "s") == "UPDATE_IN_PROGRESS"
    cfn.cancel_update_stack(StackName="s")
    clock.advance(600)
    events = all_events(cfn, "s")[before:]
    assert reason(events, "Q", "UPDATE_FAILED") == "Resource update cancelled"
    assert status(cfn, "s") == "UPDATE_ROLLBACK_COMPLETE"
    assert {event["ClientRequestToken"] for event in events} == {"tok"}


def test_a_parameter_can_steer_the_test_ground(cfn: Any, clock: VirtualClock) -> None:
    body = """
Parameters: {Fail: {Type: String, Default: "false"}}
Resources: {T: {Type: "AWS::SNS::Topic", Metadata: {TestGround: {Seconds: 20, Fail: !Ref Fail}}}}
"""
    cfn.create_stack(StackName="s", TemplateBody=body)
    clock.advance(60)
    assert status(cfn, "s") == "CREATE_COMPLETE"
    given = [{"ParameterKey": "Fail", "ParameterValue": "true"}]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cfn.update_stack(StackName="s", TemplateBody=body, Parameters=given)
    cfn.create_stack(StackName="t", TemplateBody=body, Parameters=given)
    clock.advance(60)
    assert "HandlerErrorCode: InternalFailure" in reason(all_events(cfn, "t"), "T", "CREATE_FAILED")


def test_a_warning_comes_before_the_end(cfn: Any, clock: VirtualClock) -> None:
    ground = "Metadata: {TestGround: {Warning: Resource template validation failed}}"
    cfn.create_stack(StackName="s", TemplateBody=f"Resources: {{T: {{Type: 'AWS::SNS::Topic', {ground}}}}}")
    clock.advance(60)
    told = [line(event)[2] for event in all_events(cfn, "s") if event["LogicalResourceId"] == "T"]
    assert told == ["", "Resource creation Initiated", "Resource template validation failed", ""]


def test_a_creation_can_time_out(cfn: Any, clock: VirtualClock) -> None:
    body = "Resources: {Q: {Type: 'AWS::SQS::Queue', Metadata: {TestGround: {Hang: true}}}}"
    cfn.create_stack(StackName="s", TemplateBody=body, TimeoutInMinutes=10)
    clock.advance(590)
    assert status(cfn, "s") == "CREATE_IN_PROGRESS"
    clock.advance(100)
    assert status(cfn, "s") == "ROLLBACK_COMPLETE"


def test_a_wait_condition_times_out(cfn: Any, clock: VirtualClock) -> None:
    body = """
Resources:
  Handle: {Type: "AWS::CloudFormation::WaitConditionHandle"}
  Wait:
    Type: AWS::CloudFormation::WaitCondition
    Properties: {Handle: !Ref Handle, Timeout: "20", Count: 1}
"""
    cfn.create_stack(StackName="s", TemplateBody=body)
    clock.advance(120)
    assert reason(all_events(cfn, "s"), "Wait", "CREATE_FAILED") == (
        "WaitCondition timed out. Received 0 conditions when expecting 1"
    )


def test_a_failure_can_exist_at_stack_level_only(cfn: Any, clock: VirtualClock) -> None:
    body = """
Metadata: {TestGround: {StackFail: Attribute 'Endpoint' does not exist}}
Resources: {Q: {Type: "AWS::SQS::Queue"}}
"""
    cfn.create_stack(StackName="s", TemplateBody=body)
    clock.advance(600)
    events = all_events(cfn, "s")
    assert reason(events, "s", "ROLLBACK_IN_PROGRESS") == (
        "Attribute 'Endpoint' does not exist. Rollback requested by user."
    )
    assert "CREATE_FAILED" not in {event["ResourceStatus"] for event in events}


def test_a_creation_in_progress_can_be_deleted(cfn: Any, clock: VirtualClock) -> None:
    stack_id = cfn.create_stack(StackName="s", TemplateBody=FAILING)["StackId"]
    clock.advance(6)
    cfn.delete_stack(StackName="s", ClientRequestToken="del")
    clock.advance(3000)
    assert statuses(all_events(cfn, stack_id), "s") == [
        "CREATE_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        "DELETE_COMPLETE",
    ]
