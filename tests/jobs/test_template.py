"""Way 1: change sets, from the inputs to the summary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

QUEUE = """
Parameters:
  Name: {Type: String, Default: one}
  Depth: {Type: String, Default: shallow}
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub "${Name}-${Depth}"}
Outputs:
  Url: {Value: !Ref Queue}
"""
TWO_QUEUES = QUEUE.replace("Outputs:", "  Second:\n    Type: AWS::SQS::Queue\nOutputs:")
BROKEN = """
Resources:
  Good: {Type: AWS::SQS::Queue}
  Bad:
    Type: AWS::SNS::Topic
    DependsOn: Good
    Metadata: {TestGround: {Seconds: 9, Fail: "no such ::error::topic ##[error]here"}}
  Sibling:
    Type: AWS::SNS::Topic
    DependsOn: Good
    Metadata: {TestGround: {Seconds: 60}}
"""
NESTED = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://templates.example/child.yaml"}
  After: {Type: AWS::SNS::Topic, DependsOn: Child}
"""
CHILD = """
Resources:
  Leaf: {Type: AWS::SQS::Queue}
"""


def lasting(seconds: int) -> str:
    kind = "Type: AWS::SQS::Queue\n"
    return QUEUE.replace(kind, f"{kind}    Metadata: {{TestGround: {{Seconds: {seconds}}}}}\n")


def test_a_stack_named_by_its_arn_is_deployed_to_in_its_account_only(stage: Stage) -> None:
    arn = "arn:aws:cloudformation:eu-west-1:{}:stack/shop/63aa8c92"
    given = {"template": stage.template(QUEUE)}
    wrong = stage.job(**given, **{"stack-name": arn.format("210987654321")})
    assert wrong.deploy() == 4, wrong.log
    assert (
        "a stack of account 210987654321, and the credentials are those of account 123456789012" in wrong.log
    )
    assert stage.registry() == {}
    right = stage.job("second", **given, **{"stack-name": arn.format("123456789012")})
    assert right.deploy() == 0, right.log
    assert right.outputs()["stack-status"] == "CREATE_COMPLETE"


def test_a_new_stack_is_created_and_told(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE))
    assert job.deploy() == 0, job.log
    outputs = job.outputs()
    assert (outputs["outcome"], outputs["stack-status"]) == ("succeeded", "CREATE_COMPLETE")
    assert json.loads(outputs["stack-outputs"])["Url"]
    assert "+ Add      Queue" in job.log
    assert "✓ CREATE_COMPLETE       Queue" in job.log
    assert "[1/1]" in job.log
    assert job.page.startswith("## ✅ Deployed: shop → production in ")
    assert outputs["correlation-id"] in job.log
    assert outputs["correlation-id"] in job.summary
    assert stage.registry()["tickets"] == []


def test_the_change_set_carries_the_correlation_id_and_the_epoch_and_no_tag_does(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE))
    job.deploy()
    outputs = job.outputs()
    assert f"deploy-{outputs['correlation-id']}-e1" in outputs["change-set-arn"]
    cloudformation = client(stage.server)
    events = cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    tokens = {event.get("ClientRequestToken") for event in events} - {None}
    stack = cloudformation.describe_stacks(StackName="shop")["Stacks"][0]
    cloudformation.close()
    assert tokens == {f"deploy-{outputs['correlation-id']}-e1"}
    assert stack["Tags"] == []


def test_parameters_that_are_not_given_keep_their_values(stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE), parameter_overrides="Name=a,Depth=deep").deploy()
    stage.job("second", template=stage.template(QUEUE), parameter_overrides="Name=b").deploy()
    cloudformation = client(stage.server)
    parameters = cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["Parameters"]
    cloudformation.close()
    assert {row["ParameterKey"]: row["ParameterValue"] for row in parameters} == {
        "Name": "b",
        "Depth": "deep",
    }


def test_nothing_to_change_is_a_success_and_leaves_no_change_set(stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE)).deploy()
    job = stage.job("second", template=stage.template(QUEUE))
    assert job.deploy() == 0
    assert job.outputs()["outcome"] == "no-changes"
    assert _change_sets(stage) == []


def test_nothing_to_change_still_tells_the_outputs_of_the_stack(stage: Stage) -> None:
    first = stage.job("first", template=stage.template(QUEUE))
    first.deploy()
    job = stage.job("second", template=stage.template(QUEUE))
    assert job.deploy() == 0
    assert job.outputs()["outcome"] == "no-changes"
    assert "Url" in json.loads(job.outputs()["stack-outputs"])
    assert job.outputs()["stack-outputs"] == first.outputs()["stack-outputs"]
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"
    assert "`eu-west-1/shop` is `CREATE_COMPLETE`" in job.summary


def test_nothing_to_change_fails_where_that_is_asked_for(stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE)).deploy()
    job = stage.job("second", template=stage.template(QUEUE), fail_on_empty_changeset="true")
    assert job.deploy() == 1
    assert job.outputs()["outcome"] == "failed"


def test_no_execute_stops_after_the_table(stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE)).deploy()
    job = stage.job("second", template=stage.template(TWO_QUEUES), no_execute_changeset="true")
    assert job.deploy() == 0
    assert job.outputs()["outcome"] == "skipped"
    assert "+ Add      Second" in job.log
    assert len(_change_sets(stage)) == 1
    assert stage.server.requests["ExecuteChangeSet", "eu-west-1"] == 1


def test_a_failure_is_named_rolled_back_and_escaped(stage: Stage) -> None:
    job = stage.job(template=stage.template(BROKEN))
    assert job.deploy() == 1
    outputs = job.outputs()
    assert (outputs["outcome"], outputs["stack-status"]) == ("rolled-back", "ROLLBACK_COMPLETE")
    assert outputs["root-cause"].startswith("Bad (AWS::SNS::Topic): no such")
    errors = [line for line in job.log.splitlines() if line.startswith("::error")]
    assert "title=Bad (AWS%3A%3ASNS%3A%3ATopic)" in errors[0]
    assert not any("Sibling" in line for line in errors)
    assert "##[error]" not in job.log
    lines = job.log.splitlines()
    groups = [line for line in lines if line.startswith(("::group::", "::endgroup::"))]
    assert groups == ["::group::Deploy", "::endgroup::", "::group::Rollback", "::endgroup::"]
    assert lines.index(errors[0]) > max(i for i, line in enumerate(lines) if line == "::endgroup::")
    assert "> no such `::error::topic`" in job.summary
    assert stage.registry()["finished"][-1]["outcome"] == "rolled-back"


def test_disable_rollback_leaves_what_was_created(stage: Stage) -> None:
    job = stage.job(template=stage.template(BROKEN), disable_rollback="true")
    assert job.deploy() == 1
    assert (job.outputs()["outcome"], job.outputs()["stack-status"]) == ("failed", "CREATE_FAILED")


FAILING_UPDATE = QUEUE.replace(
    "    Properties", "    Metadata: {TestGround: {Fail: nope}}\n    Properties"
).replace("QueueName: !Sub", "DelaySeconds: 5, QueueName: !Sub")


def test_a_stack_that_was_left_half_done_is_deployed_with_rollback_disabled_only(stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE)).deploy()
    job = stage.job("second", template=stage.template(FAILING_UPDATE), disable_rollback="true")
    assert job.deploy() == 1
    assert job.outputs()["stack-status"] == "UPDATE_FAILED"
    assert "rollback-stack --region eu-west-1 --stack-name shop" in job.log
    assert "rollback disabled" in job.summary
    job = stage.job("third", template=stage.template(QUEUE))
    assert job.deploy() == 4
    assert (
        "`disable-rollback: true`; or go back to its last good state: aws cloudformation rollback-stack"
        in (job.log)
    )
    assert _change_sets(stage) == []
    job = stage.job("fourth", template=stage.template(QUEUE), disable_rollback="true")
    assert job.deploy() == 0, job.log
    assert job.outputs()["stack-status"] == "UPDATE_COMPLETE"


def test_a_replacement_is_not_executed_while_rollback_is_disabled(stage: Stage) -> None:
    stage.job("first", template=stage.template(QUEUE)).deploy()
    job = stage.job(
        "second", template=stage.template(QUEUE), disable_rollback="true", parameter_overrides="Name=two"
    )
    assert job.deploy() == 4
    assert "replaces Queue, and `disable-rollback` is set" in job.log
    assert job.outputs()["outcome"] == "failed"
    assert _change_sets(stage) == []
    job = stage.job("third", template=stage.template(QUEUE), parameter_overrides="Name=two")
    assert job.deploy() == 0, job.log


def test_a_rolled_back_stack_is_explained_and_deleted_only_on_request(stage: Stage) -> None:
    stage.job("first", template=stage.template(BROKEN)).deploy()
    job = stage.job("second", template=stage.template(QUEUE))
    assert job.deploy() == 4
    assert "ROLLBACK_COMPLETE" in job.log
    assert "delete-stack" in job.log
    assert stage.registry()["tickets"] == []
    job = stage.job("third", template=stage.template(QUEUE), delete_rolled_back_stack="true")
    assert job.deploy() == 0, job.log
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"


def test_nested_stacks_are_streamed_through_create_update_and_rollback(stage_of_both_kinds: Stage) -> None:
    stage = stage_of_both_kinds
    url = "https://templates.example/child.yaml"
    stage.server.templates[url] = CHILD
    job = stage.job("first", template=stage.template(NESTED))
    assert job.deploy() == 0, job.log
    assert "CREATE_COMPLETE       Child/Leaf" in job.log
    broken_after = NESTED.replace(
        "DependsOn: Child}",
        "DependsOn: Child, Properties: {DisplayName: x}, "
        "Metadata: {TestGround: {FailOn: update, Fail: nope}}}",
    )
    stage.server.templates[url] = CHILD.replace("Queue}", "Queue, Properties: {DelaySeconds: 5}}")
    job = stage.job("second", template=stage.template(broken_after))
    assert job.deploy() == 1, job.log
    assert job.outputs()["outcome"] == "rolled-back"
    assert job.log.count("UPDATE_COMPLETE       Child/Leaf") == 2
    assert job.outputs()["root-cause"] == "After (AWS::SNS::Topic): nope"
    cloudformation = client(stage.server)
    events = cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    child = next(event["PhysicalResourceId"] for event in events if event["LogicalResourceId"] == "Child")
    told = cloudformation.describe_stack_events(StackName=child)["StackEvents"]
    cloudformation.close()
    shown = [line for line in job.log.splitlines() if " Child/" in line or "Child  " in line]
    assert len([event for event in told if event["LogicalResourceId"] == "Leaf"]) >= 4
    assert len(shown) == len(set(shown)), "an event was shown twice"


def test_a_template_that_cloudformation_refuses_changes_nothing_and_gives_the_lock_back(stage: Stage) -> None:
    role = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}"
    job = stage.job(template=stage.template(role))
    assert job.deploy() == 4
    assert "CAPABILITY_IAM" in job.log
    assert job.summary.startswith("## 🚫 Not started: shop → production\n")
    assert job.outputs()["outcome"] == "failed"
    assert stage.registry()["tickets"] == []


def test_a_change_set_that_may_not_be_read_leaves_no_stack_in_review(stage: Stage) -> None:
    stage.server.faults.add("access_denied", operation="DescribeChangeSet")
    stage.server.faults.add("access_denied", operation="DeleteStack")
    job = stage.job(template=stage.template(QUEUE))
    job.run("pre")
    assert job.run("main") == 4, job.log
    assert "DescribeChangeSet" in job.log
    with pytest.raises(ClientError, match="does not exist"):
        client(stage.server, "eu-west-1").describe_stacks(StackName="shop")


@pytest.mark.parametrize("kind", ["throttle", "error", "reset_before"])
def test_trouble_with_the_stream_does_not_change_the_verdict(stage: Stage, kind: str) -> None:
    stage.server.faults.add(kind, operation="DescribeStackEvents", skip=2, count=9)
    job = stage.job(template=stage.template(QUEUE))
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert job.log.count("CREATE_COMPLETE       Queue") == 1


def test_credentials_that_expire_midway_make_the_verdict_unknown_and_never_green(stage: Stage) -> None:
    slow = QUEUE.replace(
        "Type: AWS::SQS::Queue\n", "Type: AWS::SQS::Queue\n    Metadata: {TestGround: {Seconds: 100}}\n"
    )
    stage.server.faults.add("expired_token", operation="Describe*", after=stage.clock.now() + 40)
    job = stage.job(template=stage.template(slow))
    assert job.deploy() == 7, job.log
    assert job.outputs()["outcome"] == "unknown"
    assert "expired" in job.log
    page = job.summary
    assert page.startswith("## ❓ Outcome unknown")
    assert page.splitlines()[2] == (
        "**What happened.** The AWS credentials have expired (ExpiredToken): how the deployment ended could "
        "not be read."
    )
    assert page.count("The AWS credentials have expired") == 1
    assert "`eu-west-1/shop` was `CREATE_IN_PROGRESS` when last seen ([Console](https://" in page


def test_a_time_out_leaves_it_running_and_the_next_deployment_waits_for_it(stage: Stage) -> None:
    slow = QUEUE.replace(
        "Type: AWS::SQS::Queue\n", "Type: AWS::SQS::Queue\n    Metadata: {TestGround: {Seconds: 300}}\n"
    )
    job = stage.job("first", template=stage.template(slow), timeout_in_minutes="1")
    assert job.deploy() == 6
    assert job.outputs()["outcome"] == "unknown"
    assert stage.registry()["locks"]["production"]["settling"]
    second = stage.job("second", stack_name="other", template=stage.template(QUEUE, "other.yaml"))
    assert second.deploy() == 0, second.log
    assert "still working on" in second.log
    assert int(second.outputs()["queue-seconds"]) > 200
    assert stage.registry()["locks"]["production"]["settling"] == []


def test_a_lost_lock_stops_before_anything_is_changed(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE))
    assert job.run("pre") == 0
    path = stage.root / "registry" / "deployments.json"
    document = json.loads(path.read_text("utf-8"))
    document["tickets"] = []
    path.write_text(json.dumps(document), "utf-8")
    assert job.run("main") == 5
    assert stage.server.requests["ExecuteChangeSet", "eu-west-1"] == 0
    assert job.outputs()["outcome"] == "failed"


def test_a_cancel_before_the_change_changes_nothing(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE))
    job.run("pre")
    job.cancel.now = True
    assert job.run("main") == 130
    job.run("post")
    assert job.outputs()["outcome"] == "cancelled"
    assert stage.server.requests["ExecuteChangeSet", "eu-west-1"] == 0
    assert stage.registry()["tickets"] == []


def test_a_cancel_while_it_runs_frees_the_lock_and_remembers_the_stack(stage: Stage) -> None:
    slow = QUEUE.replace(
        "Type: AWS::SQS::Queue\n", "Type: AWS::SQS::Queue\n    Metadata: {TestGround: {Seconds: 300}}\n"
    )
    job = stage.job(template=stage.template(slow))

    def cancel() -> None:
        job.cancel.now = True

    job.run("pre")
    stage.clock.at(stage.clock.elapsed + 30, cancel)
    assert job.run("main") == 130
    job.run("post")
    assert job.outputs()["outcome"] == "cancelled"
    registry = stage.registry()
    assert registry["tickets"] == []
    assert "stack/shop/" in registry["locks"]["production"]["settling"][0]


def test_a_main_that_was_killed_is_unknown_and_post_still_gives_the_lock_back(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE))
    job.run("pre")
    state = job.state.load()
    assert state is not None
    state.main_started = True
    job.state.save(state)
    assert job.run("post") == 0
    assert job.outputs()["outcome"] == "unknown"
    assert "\n`eu-west-1/shop` · " in job.summary, "where to look"
    assert stage.registry()["tickets"] == []


def _change_sets(stage: Stage) -> list[object]:
    """Those that could still be executed."""
    cloudformation = client(stage.server)
    found = cloudformation.list_change_sets(StackName="shop")["Summaries"]
    cloudformation.close()
    return [row for row in found if row["ExecutionStatus"] == "AVAILABLE"]


def test_the_summary_shows_outputs_and_no_credential_among_them(stage: Stage) -> None:
    key = "AKIA" + "IOSFODNN7EXAMPLE"
    body = QUEUE + f"  Key: {{Value: {key}}}\n  Host: {{Value: a|b.example}}\n"
    job = stage.job(template=stage.template(body))
    assert job.deploy() == 0, job.log
    assert "<summary>Outputs (3)</summary>" in job.page
    assert "`Host`" in job.page
    assert key not in job.page
