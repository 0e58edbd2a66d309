"""Way 1: what a change set is made with beside its template, and what is set on the stack itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

QUEUE = "Resources:\n  Queue: {Type: AWS::SQS::Queue}\n"
TWO = QUEUE + "  Topic: {Type: AWS::SNS::Topic}\n"
BROKEN = QUEUE + "  Bad: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}\n"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:events"
ALARM = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:Errors, many"
POLICY = {"Statement": [{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}
ROLE = "arn:aws:iam::123456789012:role/cloudformation"


def sent(stage: Stage, operation: str) -> dict[str, Any]:
    """The parameters of the newest request of that kind."""
    return next(one["params"] for one in reversed(stage.server.log) if one["operation"] == operation)


def asked(stage: Stage) -> list[str]:
    return [one["operation"] for one in stage.server.log]


def stack(stage: Stage) -> dict[str, Any]:
    cloudformation = client(stage.server)
    try:
        return dict(cloudformation.describe_stacks(StackName="shop")["Stacks"][0])
    finally:
        cloudformation.close()


def policy(stage: Stage) -> object:
    cloudformation = client(stage.server)
    try:
        body = cloudformation.get_stack_policy(StackName="shop").get("StackPolicyBody")
        return json.loads(body) if body else None
    finally:
        cloudformation.close()


def test_topics_alarms_nested_stacks_and_imports_reach_the_change_set(stage: Stage) -> None:
    job = stage.job(
        template=stage.template(QUEUE),
        notification_arns=f"{TOPIC}, {TOPIC}-2",
        rollback_triggers=f"{ALARM}\ncomposite:{ALARM}",
        monitoring_time_in_minutes="15",
        include_nested_stacks="true",
        import_existing_resources="true",
    )
    assert job.deploy() == 0, job.log
    made = sent(stage, "CreateChangeSet")
    assert made["NotificationARNs"] == [TOPIC, f"{TOPIC}-2"]
    assert made["RollbackConfiguration"] == {
        "RollbackTriggers": [
            {"Arn": ALARM, "Type": "AWS::CloudWatch::Alarm"},
            {"Arn": ALARM, "Type": "AWS::CloudWatch::CompositeAlarm"},
        ],
        "MonitoringTimeInMinutes": 15,
    }
    assert made["IncludeNestedStacks"] is True
    assert made["ImportExistingResources"] is True


def test_what_is_not_given_stays_and_an_empty_list_takes_away(stage: Stage) -> None:
    given = {"notification_arns": TOPIC, "rollback_triggers": ALARM}
    assert stage.job("first", template=stage.template(QUEUE), **given).deploy() == 0
    assert stage.job("second", template=stage.template(TWO)).deploy() == 0
    made = sent(stage, "CreateChangeSet")
    assert not {"NotificationARNs", "RollbackConfiguration", "IncludeNestedStacks"} & set(made)
    assert stack(stage)["NotificationARNs"] == [TOPIC]
    third = stage.job("third", template=stage.template(QUEUE), notification_arns="[]", rollback_triggers="[]")
    assert third.deploy() == 0, third.log
    assert stack(stage)["NotificationARNs"] == []
    assert stack(stage)["RollbackConfiguration"] == {"RollbackTriggers": []}


def test_the_name_of_a_change_set_ends_as_asked_and_still_tells_whose_it_is(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE), change_set_name="release-1-4")
    assert job.deploy() == 0, job.log
    name = job.outputs()["change-set-arn"].split("/")[1]
    assert name == f"deploy-{job.outputs()['correlation-id']}-e1-1-release-1-4"


class TestProtection:
    def test_a_new_stack_is_protected_once_it_is_made(self, stage: Stage) -> None:
        job = stage.job(
            template=stage.template(QUEUE), termination_protection="true", stack_policy=json.dumps(POLICY)
        )
        assert job.deploy() == 0, job.log
        assert stack(stage)["EnableTerminationProtection"] is True
        assert policy(stage) == POLICY
        assert "Termination protection of eu-west-1/shop is on." in job.log

    def test_a_creation_that_fails_leaves_a_stack_that_can_be_deleted(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(BROKEN), termination_protection="true")
        assert job.deploy() == 1
        assert stack(stage)["EnableTerminationProtection"] is False
        again = stage.job(
            "again",
            template=stage.template(QUEUE),
            termination_protection="true",
            delete_rolled_back_stack="true",
        )
        assert again.deploy() == 0, again.log

    def test_an_existing_stack_has_its_policy_before_it_is_changed(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(QUEUE)).deploy()
        (stage.root / "policy.json").write_text(json.dumps(POLICY, indent=2))
        before = len(stage.server.log)
        job = stage.job("second", template=stage.template(TWO), stack_policy="policy.json")
        assert job.deploy() == 0, job.log
        operations = asked(stage)[before:]
        assert operations.index("SetStackPolicy") < operations.index("ExecuteChangeSet")
        assert policy(stage) == POLICY

    def test_it_is_set_also_where_the_template_changes_nothing(self, stage: Stage) -> None:
        stage.job("first", template=stage.template(QUEUE), termination_protection="true").deploy()
        job = stage.job("second", template=stage.template(QUEUE), termination_protection="false")
        assert job.deploy() == 0, job.log
        assert job.outputs()["outcome"] == "no-changes"
        assert stack(stage)["EnableTerminationProtection"] is False

    def test_without_the_inputs_nothing_is_set(self, stage: Stage) -> None:
        assert stage.job(template=stage.template(QUEUE)).deploy() == 0
        assert not {"SetStackPolicy", "UpdateTerminationProtection"} & set(asked(stage))

    @pytest.mark.parametrize("operation", ["SetStackPolicy", "UpdateTerminationProtection"])
    def test_a_refusal_changes_nothing_of_a_stack_that_exists(self, stage: Stage, operation: str) -> None:
        stage.job("first", template=stage.template(QUEUE)).deploy()
        stage.server.faults.add("access_denied", operation=operation)
        job = stage.job(
            "second",
            template=stage.template(TWO),
            termination_protection="true",
            stack_policy=json.dumps(POLICY),
        )
        assert job.deploy() == 4, job.log
        assert f"cloudformation:{operation}" in job.log
        assert "ExecuteChangeSet" not in asked(stage)[asked(stage).index("SetStackPolicy") :]
        cloudformation = client(stage.server)
        left = cloudformation.list_change_sets(StackName="shop")["Summaries"]
        assert [one["ExecutionStatus"] for one in left] == ["EXECUTE_COMPLETE"]
        cloudformation.close()

    def test_a_new_stack_without_the_protection_that_was_asked_for_is_not_green(self, stage: Stage) -> None:
        stage.server.faults.add("access_denied", operation="UpdateTerminationProtection")
        job = stage.job(template=stage.template(QUEUE), termination_protection="true")
        assert job.deploy() == 1, job.log
        assert "The stack is deployed, and not protected as the inputs ask" in job.log
        assert job.outputs()["outcome"] == "failed"


def test_a_rolled_back_stack_is_deleted_with_the_service_role(stage: Stage) -> None:
    stage.job("first", template=stage.template(BROKEN)).deploy()
    job = stage.job("second", template=stage.template(QUEUE), delete_rolled_back_stack="true", role_arn=ROLE)
    assert job.deploy() == 0, job.log
    assert sent(stage, "DeleteStack")["RoleARN"] == ROLE


def test_the_empty_stack_of_an_unused_change_set_is_deleted_with_the_service_role(stage: Stage) -> None:
    bad = QUEUE.replace("Queue}", "Queue, Metadata: {TestGround: {Validation: no such property}}}")
    job = stage.job(template=stage.template(bad), role_arn=ROLE)
    assert job.deploy() == 4, job.log
    assert sent(stage, "DeleteStack")["RoleARN"] == ROLE
