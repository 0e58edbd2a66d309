"""What a change set tells, from a server that answers as botocore's model describes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.change_set_reader import VALUE_MAX, listed_change_set, read_change_set
from deploy_action.cloudformation.change_set_tree import read_tree
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import VirtualClock, client

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.cloudformation.change_set import Change, ChangeSet
    from deploy_action.cloudformation.stacks import StackRef

BODY = """
Parameters:
  Password: {Type: String, NoEcho: true}
  Size: {Type: Number, Default: 1}
Resources:
  Table:
    Type: AWS::DynamoDB::Table
    UpdateReplacePolicy: Retain
    Properties: {TableName: orders, BillingMode: PROVISIONED}
  Database:
    Type: AWS::RDS::DBInstance
    Properties:
      MasterUserPassword: !Ref Password
      MasterUsername: '{{resolve:secretsmanager:prod/db/very-secret-name:SecretString:user}}'
      AllocatedStorage: !Ref Size
  Task:
    Type: AWS::Lambda::Function
    Properties: {Environment: {Variables: {DB_PASSWORD: plain-text-secret, MODE: slow}}}
"""
CHANGED = (
    BODY.replace("orders", "orders-2")
    .replace("MODE: slow", "MODE: fast")
    .replace("very-secret-name", "other-secret-name")
    + "  Added: {Type: 'AWS::SQS::Queue', Properties: {QueueName: jobs}}\n"
)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def cfn(clock: VirtualClock) -> Iterator[Any]:
    with CloudFormationServer(clock) as server:
        made = client(server)
        yield made
        made.close()


def planned(
    cfn: Any, clock: VirtualClock, before: str, after: str, *, values: bool = True, **more: Any
) -> ChangeSet:
    given = [{"ParameterKey": "Password", "ParameterValue": "hunter2-hunter2"}]
    given = given if "Password:" in before else []
    cfn.create_stack(StackName="shop", TemplateBody=before, Parameters=given)
    clock.advance(900)
    kept = [{"ParameterKey": "Password", "UsePreviousValue": True}] if given else []
    size = [{"ParameterKey": "Size", "ParameterValue": "2"}] if given else []
    arn = cfn.create_change_set(
        StackName="shop", ChangeSetName="c", TemplateBody=after, Parameters=kept + size, **more
    )["Id"]
    clock.advance(10)
    return read_change_set(cfn.describe_change_set, "shop", arn, values=values)


def by_name(change_set: ChangeSet) -> dict[str, Change]:
    return {change.logical_id: change for change in change_set.changes}


def test_properties_have_what_they_were_and_will_be(cfn: Any, clock: VirtualClock) -> None:
    found = by_name(planned(cfn, clock, BODY, CHANGED))
    (name,) = found["Table"].properties
    assert (name.path, name.before, name.after, name.recreation) == (
        "/Properties/TableName", "orders", "orders-2", "Always",
    )  # fmt: skip
    assert (found["Table"].replacement, found["Table"].policy_action) == ("True", "ReplaceAndRetain")
    storage = {one.path: one for one in found["Database"].properties}["/Properties/AllocatedStorage"]
    assert (storage.before, storage.after) == ("1", "2")
    (added,) = found["Added"].properties
    assert (added.path, added.before, added.after) == ("/Properties/QueueName", None, "jobs")


def test_without_values_the_changes_are_the_same(cfn: Any, clock: VirtualClock) -> None:
    found = by_name(planned(cfn, clock, BODY, CHANGED, values=False))
    assert (found["Table"].replacement, found["Table"].properties[0].before) == ("True", None)


def test_no_secret_passes_the_border(cfn: Any, clock: VirtualClock) -> None:
    changed = CHANGED.replace("MasterUserPassword: !Ref Password", "MasterUserPassword: !Sub 'x${Password}'")
    found = planned(cfn, clock, BODY, changed)
    shown = repr(found)
    for secret in ("hunter2", "secret-name", "plain-text-secret"):
        assert secret not in shown, secret
    assert dict(found.parameters)["Password"] == "****"
    properties = {one.path: one for one in by_name(found)["Database"].properties}
    assert properties["/Properties/MasterUsername"].after == "{{resolve:secretsmanager:***}}"
    assert properties["/Properties/MasterUserPassword"].after == "***"
    (environment,) = by_name(found)["Task"].properties
    assert json.loads(environment.after or "") == {"Variables": {"DB_PASSWORD": "***", "MODE": "fast"}}


def test_a_value_has_a_bound(cfn: Any, clock: VirtualClock) -> None:
    found = by_name(planned(cfn, clock, BODY, CHANGED.replace("orders-2", "o" * 9000)))
    assert len(found["Table"].properties[0].after or "") == VALUE_MAX


def answer(**more: Any) -> dict[str, Any]:
    base = {"ChangeSetId": "arn", "ChangeSetName": "c", "StackId": "s", "Status": "CREATE_COMPLETE"}
    return {**base, **more}


def row(**change: Any) -> dict[str, Any]:
    return {"Type": "Resource", "ResourceChange": {"LogicalResourceId": "A", "ResourceType": "T", **change}}


def test_a_property_that_changes_for_two_reasons_is_told_once_by_the_certain_one() -> None:
    target = {"Attribute": "Properties", "Name": "Code"}
    details = [
        {"Target": {**target, "RequiresRecreation": "Always"}, "Evaluation": "Dynamic"},
        {"Target": {**target, "RequiresRecreation": "Never"}, "Evaluation": "Static", "CausingEntity": "P"},
    ]
    found = read_change_set(
        lambda **_: answer(Changes=[row(Action="Modify", Details=details)]), "s", "arn", values=True
    )
    (one,) = found.changes[0].properties
    assert (one.path, one.recreation, one.cause) == ("/Properties/Code", "Never", "P")


@pytest.mark.parametrize("context", ["", "{", "[]", '{"Properties": 7}', '"x"'])
def test_a_context_that_is_none_is_left_out(context: str) -> None:
    found = read_change_set(
        lambda **_: answer(Changes=[row(Action="Add", AfterContext=context)]), "s", "arn", values=True
    )
    assert found.changes[0].properties == ()


PARENT = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Metadata: {{TestGround: {{TemplateBody: '{0}'}}}}
    Properties: {{TemplateURL: "https://bucket/child.yaml"}}
  Same:
    Type: AWS::CloudFormation::Stack
    Metadata: {{TestGround: {{TemplateBody: '{1}'}}}}
    Properties: {{TemplateURL: "https://bucket/same.yaml"}}
"""
ONE = '{{"Resources": {{"Leaf": {{"Type": "AWS::SQS::Queue", "Properties": {{"QueueName": "{0}"}}}}}}}}'


class Source:
    def __init__(self, cfn: Any) -> None:
        self._cfn = cfn

    def change_set(self, stack: StackRef, arn: str, *, values: bool = False) -> ChangeSet:
        return read_change_set(self._cfn.describe_change_set, stack.name, arn, values=values)


def test_nested_change_sets_hang_below_their_root(cfn: Any, clock: VirtualClock) -> None:
    one, two = ONE.format("one"), ONE.format("two")
    root = planned(cfn, clock, PARENT.format(one, one), PARENT.format(two, one), IncludeNestedStacks=True)
    tree = read_tree(Source(cfn), "eu-west-1", root, values=True)  # type: ignore[arg-type]  # the one method
    assert [planned.path for planned in tree] == ["shop", "shop/Child"]
    (leaf,) = tree[1].change_set.changes
    assert (leaf.logical_id, leaf.replacement, leaf.properties[0].after) == ("Leaf", "True", "two")
    assert [change.logical_id for change in root.changes] == ["Child"]
    (listed,) = cfn.list_change_sets(StackName=tree[1].change_set.stack_id)["Summaries"]
    assert (listed["ParentChangeSetId"], listed["RootChangeSetId"]) == (root.arn, root.arn)
    assert listed_change_set(listed).nested


def test_without_nested_ones_the_root_says_nothing_of_them(cfn: Any, clock: VirtualClock) -> None:
    one, two = ONE.format("one"), ONE.format("two")
    root = planned(cfn, clock, PARENT.format(one, one), PARENT.format(two, one))
    assert [planned.path for planned in read_tree(Source(cfn), "eu-west-1", root)] == ["shop"]  # type: ignore[arg-type]


DRIFTED = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Metadata: {TestGround: {Drift: {DelaySeconds: "900"}}}
    Properties: {DelaySeconds: "1"}
"""


def test_a_drift_aware_change_set_tells_what_somebody_changed(cfn: Any, clock: VirtualClock) -> None:
    found = planned(cfn, clock, DRIFTED, DRIFTED, DeploymentMode="REVERT_DRIFT")
    (queue,) = found.changes
    (delay,) = queue.properties
    assert (found.drift, queue.drift, delay.actual, delay.after) == ("DRIFTED", "MODIFIED", "900", "1")
