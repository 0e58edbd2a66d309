"""The history from CloudFormation's own events: what deployments would have remembered, and nothing twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deploy_action import cli
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.history.backfill import collect
from tests.fakes.cloudformation.harness import client
from tests.jobs.test_template import BROKEN, CHILD, NESTED, QUEUE

if TYPE_CHECKING:
    import pytest

    from tests.jobs.stage import Stage

SHOP = StackRef("eu-west-1", "shop")


def kept(stage: Stage) -> list[dict[str, Any]]:
    path = stage.root / "registry" / "deployment-history.json"
    return list(json.loads(path.read_text("utf-8"))["deployments"]) if path.exists() else []


def run(stage: Stage, *words: str) -> int:
    return cli.main(["collect", *words, "--registry", f"file://{stage.root / 'registry'}"], stage.clock)


def three_deployments(stage: Stage) -> list[dict[str, Any]]:
    """A creation with a nested stack, an update, a failure: what the product itself remembered of them."""
    stage.server.templates["https://templates.example/child.yaml"] = CHILD
    update = NESTED + "  More: {Type: AWS::SQS::Queue}\n"
    for name, body in (("create", NESTED), ("update", update), ("fail", update + BROKEN.partition(":")[2])):
        stage.job(name, template=stage.template(body)).deploy()
        stage.clock.sleep(3600)
    return [run for record in kept(stage) for run in record["runs"]]


def forget(stage: Stage) -> None:
    (stage.root / "registry" / "deployment-history.json").unlink()


def test_it_remembers_what_the_deployments_themselves_remembered(stage: Stage) -> None:
    own = three_deployments(stage)
    assert [one["outcome"] for one in own] == ["succeeded", "succeeded", "rolled-back"]
    assert any("Child/Leaf" in text for text in own[0]["resources"])
    forget(stage)
    assert run(stage, "shop") == 0
    found = [run for record in kept(stage) for run in record["runs"]]
    assert found == [{**one, "planned": ""} for one in own]


def test_it_remembers_nothing_twice(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    three_deployments(stage)
    before = kept(stage)
    assert run(stage, "shop") == 0
    assert kept(stage) == before
    forget(stage)
    run(stage, "shop")
    once = kept(stage)
    capsys.readouterr()
    assert run(stage, "shop", "--json") == 0
    assert kept(stage) == once
    told = json.loads(capsys.readouterr().out)
    assert told == [{"stack": "eu-west-1/shop", "operations": 3, "new": 0}]


def test_what_it_finds_stands_before_what_is_remembered(stage: Stage) -> None:
    three_deployments(stage)
    path = stage.root / "registry" / "deployment-history.json"
    content = json.loads(path.read_text("utf-8"))
    newest = content["deployments"].pop()
    content["deployments"] = [newest]
    path.write_text(json.dumps(content), "utf-8")
    run(stage, "shop")
    assert len(kept(stage)) == 3
    assert kept(stage)[-1] == newest


def test_a_damaged_history_is_left_as_it_is(stage: Stage) -> None:
    three_deployments(stage)
    path = stage.root / "registry" / "deployment-history.json"
    path.write_text("{", "utf-8")
    assert run(stage, "shop") == 8
    assert path.read_text("utf-8") == "{"


def test_a_glob_and_a_stack_that_is_not_there(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    three_deployments(stage)
    forget(stage)
    assert run(stage, "no-such-stack") == 1
    assert not kept(stage)
    assert run(stage, "sh*") == 0
    assert len(kept(stage)) == 3
    assert "3 whole operations found, 3 of them new" in capsys.readouterr().out


def test_a_stack_that_may_not_be_read_is_told_and_the_others_are_read(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    three_deployments(stage)
    forget(stage)
    stage.server.faults.add("access_denied", operation="DescribeStackEvents", region="us-east-1")
    assert run(stage, "us-east-1/secret", "shop") == 0
    assert len(kept(stage)) == 3
    assert "denies access" in capsys.readouterr().err


def many_updates(stage: Stage, count: int) -> None:
    cfn = client(stage.server)
    cfn.create_stack(StackName="shop", TemplateBody=QUEUE)
    for number in range(count):
        stage.clock.sleep(600)
        parameters = [{"ParameterKey": "Name", "ParameterValue": f"n{number}"}]
        cfn.update_stack(StackName="shop", TemplateBody=QUEUE, Parameters=parameters)
    stage.clock.sleep(600)
    cfn.close()


def test_only_the_newest_operations_are_read(stage: Stage) -> None:
    many_updates(stage, 6)
    found = collect(CloudFormation(AwsClients()), [SHOP], operations_max=4)
    assert [record["runs"][0]["operation"] for record in found.records] == ["update"] * 4
    whole = collect(CloudFormation(AwsClients()), [SHOP])
    assert [record["runs"][0]["operation"] for record in whole.records] == ["create", *["update"] * 6]
    assert found.records == whole.records[-4:]


def test_its_requests_are_bounded_and_it_pauses_between_them(stage: Stage) -> None:
    many_updates(stage, 60)
    pauses: list[int] = []
    found = collect(
        CloudFormation(AwsClients()),
        [SHOP],
        operations_max=1000,
        events_max=150,
        pause=lambda: pauses.append(1),
    )
    assert stage.server.requests["DescribeStackEvents", "eu-west-1"] == 2
    assert len(pauses) == 2, "after each answer, and after the stack"
    assert 5 < len(found.records) < 60
    assert "the oldest were left out" in found.found[0].trouble


def test_an_operation_that_still_runs_teaches_nothing(stage: Stage) -> None:
    cfn = client(stage.server)
    cfn.create_stack(StackName="shop", TemplateBody=QUEUE)
    stage.clock.sleep(5)
    assert not collect(CloudFormation(AwsClients()), [SHOP]).records
    cfn.close()
