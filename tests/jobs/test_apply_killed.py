"""A coordinator that is killed while it applies: nothing is executed twice, and the verdict is right."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient

from deploy_action.cloudformation.client import CloudFormation
from tests.fakes.cloudformation.harness import client, status
from tests.jobs.test_plan import apply
from tests.jobs.test_supervision import EXECUTE, Killed, at, cloud, die, killed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

FIRST = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SECONDS = "Metadata: {TestGround: {Seconds: 100}}"
SECOND = (
    f"Resources: {{Topic: {{Type: AWS::SNS::Topic}}, More: {{Type: AWS::SNS::Topic, {SECONDS}}}}}\n"
    "Outputs: {Url: {Value: there}}"
)
FAILING = SECOND.replace("Seconds: 100", 'Seconds: 100, Fail: "nope"')


@pytest.fixture
def cfn(stage: Stage) -> Iterator[Any]:
    made = client(stage.server)
    yield made
    made.close()


def reviewed(stage: Stage, body: str = SECOND, *stacks: str, **inputs: str) -> Job:
    """A job that has the lock, and is about to apply a change set for each stack."""
    arns = []
    for name in stacks or ("shop",):
        cloud(stage, "create_stack", StackName=name, TemplateBody=FIRST)
        stage.clock.sleep(120)
        made = cloud(stage, "create_change_set", StackName=name, ChangeSetName="c", TemplateBody=body)
        arns.append(made["Id"])
    stage.clock.sleep(30)
    names = "\n".join(stacks or ("shop",))
    job = apply(stage, stack_name=names, execute_change_set_id="\n".join(arns), log="full", **inputs)
    assert job.run("pre") == 0, job.log
    return job


def executed(stage: Stage) -> int:
    return stage.server.requests[EXECUTE]


@pytest.mark.parametrize("seconds", [8, 60])
def test_a_restart_follows_the_execution(stage: Stage, seconds: float) -> None:
    job = reviewed(stage)
    at(stage, seconds, die)
    killed(job)
    assert executed(stage) == 1
    assert job.run("main") == 0, job.log
    assert executed(stage) == 1
    outputs = job.outputs()
    assert (outputs["outcome"], outputs["stack-status"]) == ("succeeded", "UPDATE_COMPLETE")
    assert '"Url": "there"' in outputs["stack-outputs"]
    assert job.state.load().report.changes is not None  # type: ignore[union-attr]  # it was saved
    assert len(job.state.load().report.changes) == 1  # type: ignore[union-attr,arg-type]  # likewise
    assert job.run("post") == 0
    assert stage.registry()["tickets"] == []


def test_a_failure_while_nobody_watched_is_the_verdict(stage: Stage) -> None:
    job = reviewed(stage, FAILING)
    at(stage, 20, die)
    killed(job)
    stage.clock.sleep(600)
    assert job.run("main") == 1, job.log
    assert executed(stage) == 1
    assert job.outputs()["outcome"] == "rolled-back"
    assert job.outputs()["root-cause"].endswith("nope")


@pytest.mark.parametrize("answered", [True, False], ids=["it arrived", "it never left"])
def test_killed_while_it_asks_for_the_execution(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    job = reviewed(stage)
    whole = CloudFormation.execute_change_set

    def execute(*arguments: Any, **named: Any) -> None:
        if answered:
            whole(*arguments, **named)
        die()

    with monkeypatch.context() as patch:
        patch.setattr(CloudFormation, "execute_change_set", execute)
        killed(job)
    assert job.run("main") == 0, job.log
    assert executed(stage) == 1
    assert job.outputs()["outcome"] == "succeeded"
    assert ("had not been executed; it is now" in job.log) is not answered


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 11))
def test_killed_at_any_request_executes_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, number: int, answered: bool
) -> None:
    job = reviewed(stage)
    whole = BaseClient._make_api_call
    asked = 0

    def call(*arguments: Any) -> Any:
        nonlocal asked
        if threading.current_thread() is not threading.main_thread():
            return whole(*arguments)
        asked += 1
        if asked == number and not answered:
            die()
        answer = whole(*arguments)
        if asked == number:
            die()
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", call)
        try:
            code = job.run("main")
        except Killed:
            code = job.run("main")
    assert code == 0, job.log
    assert executed(stage) == 1
    assert job.outputs()["outcome"] == "succeeded"


def test_somebody_deployed_while_it_was_dead_and_it_says_so(
    stage: Stage, cfn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = reviewed(stage)
    with monkeypatch.context() as patch:
        patch.setattr(CloudFormation, "execute_change_set", die)
        killed(job)
    cfn.update_stack(StackName="shop", TemplateBody=FIRST.replace("Topic:", "Other:"))
    stage.clock.sleep(600)
    assert job.run("main") == 12, job.log
    assert "it is OBSOLETE" in job.log
    assert executed(stage) == 0
    assert job.outputs()["outcome"] == "failed"


def test_somebody_is_faster_while_it_goes_on_and_it_says_so(
    stage: Stage, cfn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = reviewed(stage)
    whole = CloudFormation.execute_change_set

    def faster(*arguments: Any, **named: Any) -> None:
        cfn.update_stack(StackName="shop", TemplateBody=FIRST.replace("Topic:", "Other:"))
        whole(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(CloudFormation, "execute_change_set", die)
        killed(job)
    with monkeypatch.context() as patch:
        patch.setattr(CloudFormation, "execute_change_set", faster)
        assert job.run("main") == 12, job.log
    assert "had not been executed; it is now" in job.log
    assert "The reviewed change set of stack eu-west-1/shop was not executed." in job.log
    state = job.state.load()
    assert state is not None
    assert (state.execution, state.applied) == (None, [])
    assert job.outputs()["outcome"] == "failed"


@pytest.mark.parametrize("seconds", [20, 130, 190])
def test_several_stacks_are_each_executed_once_and_told_once(stage: Stage, cfn: Any, seconds: float) -> None:
    job = reviewed(stage, SECOND, "alpha", "zeta")
    at(stage, seconds, die)
    killed(job)
    assert job.run("main") == 0, job.log
    assert executed(stage) == 2
    assert job.outputs()["stack-status"] == "alpha=UPDATE_COMPLETE zeta=UPDATE_COMPLETE"
    outputs = {"alpha": {"Url": "there"}, "zeta": {"Url": "there"}}
    assert json.loads(job.outputs()["stack-outputs"]) == outputs
    state = job.state.load()
    assert state is not None
    assert len(state.report.changes or ()) == 2
    assert [status(cfn, name) for name in ("alpha", "zeta")] == ["UPDATE_COMPLETE"] * 2


def test_what_was_planned_anew_is_followed_to_its_own_end(stage: Stage, cfn: Any) -> None:
    template = stage.template(SECOND.replace("More:", "Mine:"), "merged.yaml")
    job = reviewed(stage, SECOND, template=template, when_outdated="plan")
    cfn.update_stack(StackName="shop", TemplateBody=FIRST.replace("Topic:", "Other:"))
    stage.clock.sleep(600)
    at(stage, 40, die)
    killed(job)
    assert "It is planned anew" in job.log
    assert executed(stage) == 1
    assert job.run("main") == 0, job.log
    assert executed(stage) == 1
    assert job.outputs()["outcome"] == "succeeded"


def test_a_job_that_runs_again_while_the_first_ones_execution_goes_on_waits_for_it(stage: Stage) -> None:
    first = reviewed(stage)
    at(stage, 20, die)
    killed(first)
    arn = first.state.load().execution.arn  # type: ignore[union-attr]  # it was about to
    registry = stage.root / "registry" / "deployments.json"
    registry.unlink()
    again = apply(stage, "again", execute_change_set_id=arn)
    assert again.deploy() == 0, again.log
    assert executed(stage) == 1
    assert "has been executed already" in again.log
    assert again.outputs()["stack-status"] == "UPDATE_COMPLETE"
