"""What is known before anything begins: from CloudFormation's events, from the template; and who is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deploy_action.common.times import iso, unix_seconds
from tests.fakes.cloudformation.harness import client
from tests.jobs.test_expecting import history
from tests.jobs.test_supervision import at, cloud
from tests.jobs.test_template import QUEUE, lasting

if TYPE_CHECKING:
    import pytest

    from tests.jobs.stage import Job, Stage

SECONDS = 120
CHAIN = "Resources:\n" + "".join(
    f"  Queue{number}:\n    Type: AWS::SQS::Queue\n    Metadata: {{TestGround: {{Seconds: {SECONDS}}}}}\n"
    + (f'    Properties: {{QueueName: !Sub "after-${{Queue{number - 1}}}"}}\n' if number else "")
    for number in range(4)
)
ADDRESS = "https://templates.example/chain.yaml"


def foretold(job: Job) -> float:
    return float(job.outputs()["estimate-seconds"])


def past_without_us(stage: Stage, seconds: int = 60) -> None:
    """A stack with a past, a creation and four updates, that no deployment of ours has seen."""
    cfn = client(stage.server)
    cfn.create_stack(StackName="shop", TemplateBody=lasting(seconds))
    for number in range(4):
        stage.clock.sleep(900)
        parameters = [{"ParameterKey": "Name", "ParameterValue": f"n{number}"}]
        cfn.update_stack(StackName="shop", TemplateBody=lasting(seconds), Parameters=parameters)
    stage.clock.sleep(900)
    cfn.close()


class TestFromEvents:
    def test_the_first_deployment_of_ours_knows_what_is_usual(self, stage: Stage) -> None:
        past_without_us(stage)
        job = stage.job(template=stage.template(lasting(60)), parameter_overrides="Name=ours")
        assert job.run("pre") == 0, job.log
        assert "Learned from 5 earlier operations" in job.log
        assert "Usually takes about 1m" in job.log
        assert float(job.outputs()["estimate-low-seconds"]) <= foretold(job)
        job.run("main")
        job.run("post")
        took = float(job.outputs()["duration-seconds"])
        assert abs(foretold(job) - took) <= 0.1 * took
        kept = history(stage)
        assert [record["runs"][0]["operation"] for record in kept] == ["create", *["update"] * 5]
        assert kept[-1]["correlation_id"] == job.outputs()["correlation-id"]
        assert kept[-1]["estimate"]["samples"] == 4

    def test_they_are_read_once(self, stage: Stage) -> None:
        past_without_us(stage)
        stage.job("first", template=stage.template(lasting(60)), parameter_overrides="Name=a").deploy()
        before = stage.server.requests["DescribeStackEvents", "eu-west-1"]
        second = stage.job("second", template="template.yaml", parameter_overrides="Name=b")
        second.run("pre")
        assert stage.server.requests["DescribeStackEvents", "eu-west-1"] == before
        assert "Learned from" not in second.log
        assert "Usually takes about" in second.log
        second.run("main")
        second.run("post")
        assert len(history(stage)) == 7

    def test_who_may_not_read_them_deploys_all_the_same(self, stage: Stage) -> None:
        past_without_us(stage)
        stage.server.faults.add("access_denied", operation="DescribeStackEvents")
        job = stage.job(template=stage.template(lasting(60)), parameter_overrides="Name=ours")
        assert job.run("pre") == 0
        assert "Usually takes" not in job.log
        assert "::warning" not in job.log.replace("::warning title=deploy-coordinator::Nobody", "")

    def test_without_a_registry_they_are_all_there_is(self, stage: Stage) -> None:
        past_without_us(stage)
        (stage.root / "blocked").write_text("no folder", "utf-8")
        job = stage.job(
            template=stage.template(lasting(60)),
            parameter_overrides="Name=x",
            registry=f"file://{stage.root / 'blocked' / 'registry'}",
        )
        assert job.deploy() == 0, job.log
        assert "Usually takes about 1m" in job.log
        assert "4 deployments" in job.log
        assert job.log.count("The deployment history could not be read") == 0

    def test_what_hangs_delays_nobody_beyond_its_patience(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        past_without_us(stage)
        monkeypatch.setattr("deploy_action.job.history.PATIENCE_SECONDS", 0.3)
        stage.server.faults.add("delay", operation="DescribeStackEvents", seconds=1.5, count=1)
        job = stage.job(template=stage.template(lasting(60)), parameter_overrides="Name=x")
        assert job.run("pre") == 0
        assert job.outputs()["estimate-seconds"] == ""
        assert job.run("main") == 0


class TestFromTheTemplate:
    def test_what_depends_on_each_other_takes_one_after_the_other(self, stage: Stage) -> None:
        alone = stage.template(CHAIN[: CHAIN.index("  Queue1:")], "alone.yaml")
        apart = stage.job("apart", template=alone, stack_name="apart", environment="other")
        apart.run("pre")
        job = stage.job(template=stage.template(CHAIN))
        assert job.run("pre") == 0
        before = foretold(job)
        assert before > 3 * foretold(apart), "queues alone are not known to wait for each other"
        job.run("main")
        job.run("post")
        assert foretold(job) == before, "the change set says what the template said"

    def test_of_a_template_at_an_address_the_change_set_is_asked(self, stage: Stage) -> None:
        local = stage.job("local", template=stage.template(CHAIN))
        local.deploy()
        stage.server.templates[ADDRESS] = CHAIN
        far = stage.job("far", template=ADDRESS, stack_name="far", environment="far")
        assert far.run("pre") == 0
        assert far.outputs()["estimate-seconds"] == ""
        assert far.run("main") == 0, far.log
        far.run("post")
        assert stage.server.requests["GetTemplate", "eu-west-1"] == 1
        told = json.loads((stage.root / "registry" / "deployment-history.json").read_text("utf-8"))
        first, second = (record["estimate"]["mid"] for record in told["deployments"])
        assert second > 0.5 * first, "what other stacks took counts, and so does the order"

    def test_who_may_not_read_templates_deploys_all_the_same(self, stage: Stage) -> None:
        stage.server.templates[ADDRESS] = QUEUE
        stage.server.faults.add("access_denied", operation="GetTemplate")
        job = stage.job(template=ADDRESS)
        assert job.deploy() == 0
        assert "::warning" not in job.log
        assert job.outputs()["estimate-seconds"]

    def test_a_template_that_cannot_be_parsed_here_is_cloudformations_business(self, stage: Stage) -> None:
        deep = "Resources: {Queue: {Type: AWS::SQS::Queue, Metadata: {Deep: " + "[" * 150 + "]" * 150 + "}}}"
        job = stage.job(template=stage.template(deep))
        assert job.deploy() == 0, job.log
        assert job.outputs()["estimate-seconds"]


class TestForThoseWhoWait:
    def test_the_ticket_says_when_its_holder_is_expected_to_end(self, stage: Stage) -> None:
        seen: list[dict[str, Any]] = []
        job = stage.job(template=stage.template(lasting(400)))
        job.run("pre")
        for seconds in (30, 380):
            at(stage, seconds, lambda: seen.append(stage.registry()["tickets"][0]))
        began = stage.clock.now()
        job.run("main")
        first, later = (unix_seconds(one["expected_end"]) or 0.0 for one in seen)
        assert abs(first - began - foretold(job)) < 15
        assert later > first, "it was renewed, and runs longer than typical durations say"
        assert later > began + 300

    def test_a_waiter_is_told_how_long_at_most(self, stage: Stage) -> None:
        past_without_us(stage, 600)
        holder = stage.job("ada", template=stage.template(lasting(600)), parameter_overrides="Name=a")
        holder.run("pre")
        second = stage.job("grace", template="template.yaml", parameter_overrides="Name=b")
        ticket = stage.registry()["tickets"][0]
        holding = {
            **ticket,
            "held_since": iso(stage.clock.now()),
            "expected_end": iso(stage.clock.now() + 640),
        }
        path = stage.root / "registry" / "deployments.json"
        document = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**document, "tickets": [holding]}), "utf-8")

        def finish() -> None:
            holder.run("main")
            holder.run("post")

        at(stage, 100, finish)
        assert second.run("pre") == 0
        told = [line for line in second.log.splitlines() if "expected to end " in line]
        assert "expected to end in 11m at most" in told[0]
        second.run("main")
        assert "5 deployments)" in second.log, "what ended while it waited counts"

    def test_a_command_is_foretold_as_well_with_a_glob(self, stage: Stage) -> None:
        for number, seconds in enumerate((300, 310, 305)):
            job = stage.job(f"job{number}", command="deploy", stack_name="shop*")
            job.run("pre")
            body = lasting(seconds)
            job.launch_command(put(body, number))
            assert job.run("main") == 0, job.log
            job.run("post")
        last = stage.job("last", command="deploy", stack_name="shop*")
        last.run("pre")
        assert 300 <= foretold(last) <= 360
        assert "Usually takes about 5m" in last.log


def put(body: str, number: int) -> Any:
    def command(cfn: Any) -> int:
        parameters = [{"ParameterKey": "Name", "ParameterValue": f"n{number}"}]
        call = cfn.update_stack if number else cfn.create_stack
        call(StackName="shop-web", TemplateBody=body, Parameters=parameters)
        return 0

    return command


def test_the_memory_is_gone_after_the_job(stage: Stage) -> None:
    job = stage.job(template=stage.template(QUEUE))
    job.deploy()
    assert not (job.state.path / "memory.json").exists()
    assert cloud(stage, "describe_stacks")["Stacks"]
