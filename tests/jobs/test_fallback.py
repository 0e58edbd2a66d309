"""A registry that cannot be used: CloudFormation's own status coordinates, told once, and left again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes.cloudformation.harness import client
from tests.fakes.slack.blockkit import seen
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: "no topic"}}}}'
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 700}}}}"
FALLBACK = "CloudFormation's own status alone keeps deployments apart"
BACK = "The registry answers again: this deployment holds the lock production"


def damage(stage: Stage) -> Callable[[], None]:
    """Damage the document; returns what repairs it."""
    document = stage.root / "registry" / "deployments.json"
    document.parent.mkdir(exist_ok=True)
    before = document.read_bytes() if document.exists() else None
    document.write_bytes(b"{half")

    def repair() -> None:
        if before is None:
            document.unlink()
        else:
            document.write_bytes(before)

    return repair


def at(stage: Stage, seconds: float, action: Callable[[], object]) -> None:
    stage.clock.at(stage.clock.elapsed + seconds, action)


def test_one_that_began_without_a_registry_takes_part_again_when_it_is_back(stage: Stage) -> None:
    repair = damage(stage)
    job = stage.job(template=stage.template(SLOW))
    assert job.run("pre") == 0, job.log
    at(stage, 200.0, repair)
    seen: list[bool] = []
    at(stage, 400.0, lambda: seen.append(bool(stage.registry()["tickets"][0]["epochs"])))
    assert job.run("main") == 0, job.log
    assert job.run("post") == 0
    assert seen == [True]
    assert job.log.count(FALLBACK) == 1
    assert job.log.count(BACK) == 1
    assert "Gave the lock production back." in job.log
    assert FALLBACK in job.summary
    assert [line["outcome"] for line in stage.registry()["finished"]] == ["succeeded"]


def test_one_that_goes_away_in_the_middle_is_told_once_everywhere_and_so_is_its_return(stage: Stage) -> None:
    with SlackServer(now=stage.clock.now) as slack:
        job = stage.job(
            template=stage.template(SLOW),
            slack_bot_token=next(iter(slack.tokens)),
            slack_channel="#deploys",
        )
        job.environ["SLACK_API_URL"] = f"{slack.url}/api/"
        assert job.run("pre") == 0, job.log
        at(stage, 100.0, lambda: at(stage, 300.0, damage(stage)))
        assert job.run("main") == 0, job.log
        job.run("post")
        (message,) = slack.tops("deploys")
        assert seen(message.content).count(FALLBACK) == 1
    assert job.log.count(FALLBACK) == 1
    assert job.log.count(BACK) == 1
    assert job.summary.count(FALLBACK) == 1
    assert job.outputs()["outcome"] == "succeeded"
    assert stage.registry()["tickets"] == []


def test_before_anything_is_changed_one_that_comes_back_queues_behind_the_holder(stage: Stage) -> None:
    other = stage.job("other", template=stage.template(GOOD))
    other.run("pre")
    repair = damage(stage)
    job = stage.job(template="template.yaml")
    assert job.run("pre") == 0, job.log
    repair()

    def finish() -> None:
        other.run("main")
        other.run("post")

    at(stage, 90.0, finish)
    assert job.run("main") == 0, job.log
    job.run("post")
    assert "by other holds the lock" in job.log
    assert BACK in job.log
    assert stage.registry()["locks"]["production"]["epoch"] == 2
    assert stage.registry()["tickets"] == []


def test_a_place_that_was_asked_for_without_an_answer_is_given_back(stage: Stage) -> None:
    """The ticket may have landed although nobody heard of it."""
    repair = damage(stage)
    job: Job = stage.job(template=stage.template(GOOD))
    assert job.run("pre") == 0
    repair()
    state = job.state.load()
    assert state is not None
    assert state.ticket is not None
    document = {
        "schema": 1,
        "tickets": [{"nonce": state.ticket.nonce, "correlation_id": "x", "locks": ["p"]}],
    }
    (stage.root / "registry" / "deployments.json").write_text(json.dumps(document), "utf-8")
    job.run("post")
    assert stage.registry()["tickets"] == []


class TestQueueingLate:
    """The registry is back before anything was changed, and somebody else holds the lock: what they do while
    they are waited for is theirs."""

    def meet(self, stage: Stage, *, body: str = GOOD, after: float = 60.0, **inputs: str) -> Job:
        """`other` holds the lock and deploys `body` at `after`; the job returned went through `pre` alone."""
        template = stage.template(body, "other.yaml")
        other = stage.job("other", template=template, delete_rolled_back_stack="true")
        assert other.run("pre") == 0, other.log
        repair = damage(stage)
        job = stage.job(**inputs)
        assert job.run("pre") == 0, job.log
        repair()

        def finish() -> None:
            other.run("main")
            other.run("post")

        at(stage, after, finish)
        return job

    def test_a_stack_that_they_created_anew_is_not_deleted(self, stage: Stage) -> None:
        stage.job("broken", template=stage.template(BAD)).deploy()
        job = self.meet(stage, template=stage.template(GOOD), delete_rolled_back_stack="true")
        assert job.run("main") == 0, job.log
        assert job.outputs()["outcome"] == "no-changes"
        assert stage.server.requests["DeleteStack", "eu-west-1"] == 1

    def test_what_they_did_is_not_the_commands(self, stage: Stage) -> None:
        job = self.meet(stage, body=BAD, command="true")
        job.launch_command(lambda _cloud: 0)
        assert job.run("main") == 0, job.log
        assert job.outputs()["outcome"] == "no-changes"

    def test_the_time_is_queue_time(self, stage: Stage) -> None:
        job = self.meet(stage, after=250.0, template=stage.template(GOOD))
        assert job.run("main") == 0, job.log
        assert int(job.outputs()["queue-seconds"]) >= 250
        assert int(job.outputs()["duration-seconds"]) < 60

    def test_who_was_promised_a_turn_by_then_is_not_superseded_any_more(self, stage: Stage) -> None:
        stage.job("other", template=stage.template(GOOD)).run("pre")
        job = stage.job("older", template="template.yaml", queue_policy="newest")
        repair: list[Callable[[], None]] = []
        at(stage, 20.0, lambda: repair.append(damage(stage)))
        assert job.run("pre") == 0, job.log
        repair[0]()
        newer = stage.job("newer", template="template.yaml", queue_policy="newest")
        at(stage, 20.0, lambda: newer.run("pre"))
        assert job.run("main") == 0, job.log
        assert job.outputs()["outcome"] == "succeeded"


def test_one_that_joins_waits_for_what_an_earlier_holder_left_in_progress(stage: Stage) -> None:
    cloudformation = client(stage.server)
    arn = cloudformation.create_stack(StackName="databases", TemplateBody=SLOW)["StackId"]
    repair = damage(stage)
    job = stage.job(template=stage.template(GOOD))
    assert job.run("pre") == 0, job.log
    repair()
    settling = {"schema": 1, "locks": {"production": {"epoch": 3, "settling": [f"eu-west-1/{arn}"]}}}
    (stage.root / "registry" / "deployments.json").write_text(json.dumps(settling), "utf-8")
    assert job.run("main") == 0, job.log
    status = cloudformation.describe_stacks(StackName="databases")["Stacks"][0]["StackStatus"]
    cloudformation.close()
    assert status == "CREATE_COMPLETE"
    assert stage.registry()["locks"]["production"]["settling"] == []


def test_a_waiter_does_not_leave_a_queue_that_becomes_unreadable_for_a_moment(stage: Stage) -> None:
    holder = stage.job("ada", template=stage.template(GOOD))
    holder.run("pre")
    job = stage.job("grace", template="template.yaml")

    def finish() -> None:
        holder.run("main")
        holder.run("post")

    at(stage, 60.0, lambda: at(stage, 140.0, damage(stage)))
    at(stage, 210.0, finish)
    before = stage.clock.elapsed
    assert job.run("pre") == 0, job.log
    assert stage.clock.elapsed - before >= 210
    assert FALLBACK not in job.log
    assert "the registry has not answered for" in job.log


def test_a_registry_that_is_away_all_the_time_is_told_once(stage: Stage) -> None:
    damage(stage)
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 0, job.log
    assert job.log.count("::warning") == 1
    assert job.summary.count("not JSON") == 1


def test_a_cancellation_that_arrives_in_the_fence_is_heard(stage: Stage) -> None:
    other = stage.job("other", template=stage.template(GOOD))
    other.run("pre")
    repair = damage(stage)
    job = stage.job(template="template.yaml")
    job.run("pre")
    repair()

    def finish() -> None:
        job.cancel.now = True
        other.run("post")

    at(stage, 60.0, finish)
    assert job.run("main") == 130, job.log
    assert stage.server.requests["ExecuteChangeSet", "eu-west-1"] == 0


class TestWhatStandsInTheRegistry:
    def deploy(self, stage: Stage, document: Mapping[str, object]) -> Job:
        folder = stage.root / "registry"
        (folder / "deployments.json").write_text(json.dumps({"schema": 1, **document}), "utf-8")
        job = stage.job(template=stage.template(GOOD))
        assert job.deploy() == 0, job.log
        return job

    def test_a_stack_that_cannot_be_is_told_and_forgotten(self, stage: Stage) -> None:
        job = self.deploy(stage, {"locks": {"production": {"settling": ["no where/arn:x", "eu-west-1"]}}})
        assert job.log.count("names stacks that cannot be read: no where/arn:x, eu-west-1") == 1
        assert stage.registry()["locks"]["production"]["settling"] == []

    def test_a_stack_of_another_account_is_told_and_kept_for_who_can_see_it(self, stage: Stage) -> None:
        arn = "eu-west-1/arn:aws:cloudformation:eu-west-1:999999999999:stack/other/1"
        job = self.deploy(stage, {"locks": {"production": {"settling": [arn]}}})
        assert "in another account: it is not waited for" in job.summary
        assert stage.registry()["locks"]["production"]["settling"] == [arn]

    def test_a_stack_that_is_refused_hides_no_other(self, stage: Stage) -> None:
        arn = "us-east-1/arn:aws:cloudformation:us-east-1:123456789012:stack/other/1"
        stage.server.faults.add("access_denied", operation="DescribeStacks", region="us-east-1")
        cloudformation = client(stage.server)
        cloudformation.create_stack(StackName="shop", TemplateBody=SLOW)
        cloudformation.close()
        job = self.deploy(stage, {"locks": {"production": {"settling": [arn]}}})
        assert "still working on eu-west-1/shop" in job.log
        assert stage.registry()["locks"]["production"]["settling"] == []

    def test_half_a_character_in_the_name_of_who_is_ahead(self, stage: Stage) -> None:
        half = {"nonce": "n", "correlation_id": "x\ud800", "locks": ["production"]}
        document = {"locks": {"production": {"epoch": 1}}, "tickets": [half | {"epochs": {"production": 1}}]}
        job = self.deploy(stage, document)
        assert "Took over from holder x?" in job.log
