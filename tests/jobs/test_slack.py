"""Slack, as a whole job tells it: every moment, and a Slack that is down at any time of it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.common.times import iso
from deploy_action.locking import admin as operators
from deploy_action.locking.compare_and_swap import Swapper
from deploy_action.locking.stores.file import FileRegistry
from tests.fakes.slack.blockkit import called, message_problems, seen
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.http import Fault
    from tests.fakes.slack.server import Message
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 400}}}}"
BAD = """
Resources:
  First: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 200}}}
  Topic: {Type: AWS::SNS::Topic, DependsOn: First, Metadata: {TestGround: {Fail: "no <!channel> topic"}}}
"""


@pytest.fixture
def slack(stage: Stage) -> Iterator[SlackServer]:
    with SlackServer(now=stage.clock.now) as server:
        yield server


def job_with(stage: Stage, slack: SlackServer, name: str = "job", **inputs: str) -> Job:
    given = {
        "slack_bot_token": "xoxb-token",
        "slack_channel": "C0DEPLOYS",
        "slack_alert_channel": "C0ALERTS",
        "slack_api_url": slack.api_url,
        **inputs,
    }
    return stage.job(name, **given)


def about(slack: SlackServer, job: Job) -> list[Message]:
    """The messages of one deployment that stand in the channel, the oldest first."""
    return [one for one in of_job(slack, job) if one.channel == "deploys" and "thread_ts" not in one.content]


def of_job(slack: SlackServer, job: Job) -> list[Message]:
    identity = job.outputs()["correlation-id"]
    return [
        message
        for message in slack.messages
        if message.content["metadata"]["event_payload"]["correlation_id"] == identity
    ]


def freeze(stage: Stage, seconds: float) -> None:
    now = stage.clock.now()
    Swapper(FileRegistry(stage.root / "registry"), stage.clock).apply(
        lambda document: (
            operators.freeze(
                document, ("production",), by="anna", reason="audit", at=iso(now), until=iso(now + seconds)
            ),
            None,
        ),
        message="freeze",
    )


class TestWhatIsTold:
    def test_a_good_deployment_is_one_message_that_moves(self, stage: Stage, slack: SlackServer) -> None:
        job = job_with(stage, slack, template=stage.template(GOOD))
        assert job.deploy() == 0, job.log
        (message,) = about(slack, job)
        assert "production is deployed" in message.text
        assert len(message.versions) > 5
        assert job.outputs()["slack-thread-ts"] == message.ts
        assert slack.in_channel("alerts") == []
        assert "deployed" in slack.replies(message.ts)[-1].text
        for one in slack.messages:
            for version in one.versions:
                assert message_problems({k: version.get(k) for k in ("text", "blocks", "metadata")}) == []

    def test_a_refusal_before_anything_was_locked_calls_nobody(
        self, stage: Stage, slack: SlackServer
    ) -> None:
        job = job_with(
            stage,
            slack,
            template=stage.template(GOOD),
            preflight="strict",
            parameter_overrides="Unknown=x",
            slack_mentions="S0ONCALL",
        )
        assert job.deploy() == 9, job.log
        (message,) = about(slack, job)
        assert "Not started: production" in message.text
        assert message.text.startswith("🚫")
        assert slack.in_channel("alerts") == []
        assert slack.replies(message.ts) == []
        assert "S0ONCALL" not in str(slack.messages)
        assert job.summary.splitlines()[0] == "## 🚫 Not started: shop → production"

    def test_a_refusal_after_the_lock_calls_somebody_only_where_the_stack_needs_repair(
        self, stage: Stage, slack: SlackServer
    ) -> None:
        role = "Resources: {Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}}"
        refused = job_with(stage, slack, template=stage.template(role), slack_mentions="S0ONCALL")
        assert refused.deploy() == 4, refused.log
        (message,) = about(slack, refused)
        assert message.text.startswith("🚫")
        assert "Not started: production" in message.text
        assert slack.in_channel("alerts") == []
        assert "S0ONCALL" not in str(slack.messages)
        stage.job("broken", template=stage.template(BAD)).deploy()
        stuck = job_with(stage, slack, "stuck", template=stage.template(GOOD), slack_mentions="S0ONCALL")
        assert stuck.deploy() == 4, stuck.log
        message = about(slack, stuck)[0]
        assert "Not started: production" in message.text
        (alert,) = slack.in_channel("alerts")
        assert called(alert.content) == ["!subteam^S0ONCALL"]

    def test_the_message_is_updated_at_most_every_ten_seconds(self, stage: Stage, slack: SlackServer) -> None:
        many = "\n".join(
            f"  T{n}: {{Type: AWS::SNS::Topic, Metadata: {{TestGround: {{Seconds: {n * 2}}}}}}}"
            for n in range(1, 60)
        )
        job = job_with(stage, slack, template=stage.template(f"Resources:\n{many}"))
        began = stage.clock.elapsed
        assert job.deploy() == 0, job.log
        updates = len(slack.asked("chat.update"))
        assert 5 <= updates <= (stage.clock.elapsed - began) / 10 + 5

    def test_a_failure_calls_people_once_and_harmlessly_quotes(
        self, stage: Stage, slack: SlackServer
    ) -> None:
        job = job_with(stage, slack, template=stage.template(BAD), slack_mentions="S0123456789 here")
        assert job.deploy() == 1, job.log
        (message,) = about(slack, job)
        assert "no <!channel> topic" in seen(message.content)
        (broadcast,) = [one for one in slack.replies(message.ts) if one.content.get("reply_broadcast")]
        (alert,) = slack.in_channel("alerts")
        assert called(alert.content) == ["!subteam^S0123456789", "!here"]
        assert called(broadcast.content) == called(message.content) == []

    def test_without_an_alert_channel_the_broadcast_calls(self, stage: Stage, slack: SlackServer) -> None:
        job = job_with(
            stage, slack, template=stage.template(BAD), slack_mentions="U0123", slack_alert_channel=""
        )
        assert job.deploy() == 1
        (message,) = about(slack, job)
        assert called(slack.replies(message.ts)[-1].content) == ["@U0123"]

    def test_chosen_outputs_are_shown(self, stage: Stage, slack: SlackServer) -> None:
        body = GOOD + "\nOutputs: {Url: {Value: 'https://shop'}, Other: {Value: hidden}}"
        job = job_with(stage, slack, template=stage.template(body), slack_outputs="Url")
        assert job.deploy() == 0, job.log
        shown = seen(about(slack, job)[0].content)
        assert "https://shop" in shown
        assert "hidden" not in shown
        assert "Outputs (1)" in job.summary
        assert "https://shop" in job.summary
        assert "hidden" not in job.summary

    def test_the_queue_and_a_wait_that_is_too_long(self, stage: Stage, slack: SlackServer) -> None:
        freeze(stage, 1200)
        job = job_with(stage, slack, template=stage.template(GOOD))
        assert job.deploy() == 0, job.log
        (message,) = about(slack, job)
        told = [seen(version) for version in message.versions]
        assert "audit" in told[0]
        (stuck,) = slack.in_channel("alerts")
        assert "Stuck in the queue" in seen(stuck.content)
        assert "production is deployed" in message.text

    def test_a_queue_that_was_given_up(self, stage: Stage, slack: SlackServer) -> None:
        freeze(stage, 1200)
        job = job_with(stage, slack, template=stage.template(GOOD), wait_timeout_in_minutes="5")
        assert job.deploy() == 2
        (message,) = about(slack, job)
        assert "frozen" in seen(message.content)
        assert len(message.versions) > 2

    def test_a_stall_and_its_end(self, stage: Stage, slack: SlackServer) -> None:
        job = job_with(stage, slack, template=stage.template(GOOD), stall_after_in_minutes="5")
        assert job.deploy() == 0, job.log
        (message,) = about(slack, job)
        (alert,) = slack.in_channel("alerts")
        assert "Topic" in seen(alert.content)
        assert any("silent" in seen(one.content) for one in slack.replies(message.ts))
        assert any("has ended" in seen(one.content) for one in slack.replies(message.ts))

    def test_many_that_stall_at_once_ring_once(self, stage: Stage, slack: SlackServer) -> None:
        many = "\n".join(
            f"  T{n}: {{Type: AWS::SNS::Topic, Metadata: {{TestGround: {{Seconds: 900}}}}}}"
            for n in range(1, 60)
        )
        body = stage.template(f"Resources:\n{many}")
        job = job_with(stage, slack, template=body, stall_after_in_minutes="5")
        assert job.deploy() == 0, job.log
        alerts = slack.in_channel("alerts")
        assert 1 <= len(alerts) <= 3, [seen(one.content) for one in alerts]
        assert "Delivered together" in alerts[-1].text
        assert len(slack.messages) <= 12

    def test_a_fallback_and_its_end(self, stage: Stage, slack: SlackServer) -> None:
        job = job_with(stage, slack, template=stage.template(GOOD))
        job.run("pre")
        path, kept = stage.root / "registry" / "deployments.json", stage.root / "kept"
        stage.clock.at(stage.clock.elapsed + 20, lambda: (path.rename(kept), path.write_text("damaged")))
        stage.clock.at(stage.clock.elapsed + 250, lambda: kept.replace(path))
        assert job.run("main") == 0, job.log
        job.run("post")
        (alert,) = slack.in_channel("alerts")
        assert "registry" in seen(alert.content)
        (message,) = about(slack, job)
        assert any("answers again" in seen(one.content) for one in slack.replies(message.ts))

    def test_a_document_that_is_replaced_by_an_older_one(self, stage: Stage, slack: SlackServer) -> None:
        """Each piece of news is told once, and in its own words."""
        slow = GOOD.replace("Seconds: 400", "Seconds: 1200")
        assert slow != GOOD
        job = job_with(stage, slack, template=stage.template(slow))
        job.run("pre")
        path = stage.root / "registry" / "deployments.json"
        older = path.read_bytes()
        stage.clock.at(stage.clock.elapsed + 20, lambda: path.write_text("damaged"))
        stage.clock.at(stage.clock.elapsed + 250, lambda: path.write_bytes(older))
        assert job.run("main") == 0, job.log
        job.run("post")
        (message,) = about(slack, job)
        replies = [seen(one.content) for one in slack.replies(message.ts)]
        during = [words for words in replies if "registry" in words.lower()][:-1]
        assert [words.partition(".")[0] for words in during] == [
            "⚠️ Without the registry",
            "⚠️ About the registry",
            "✅ Registry available again",
        ]
        assert [words.count("The registry cannot be used") for words in during] == [1, 0, 0]
        assert "an older state of the registry" in during[1]
        assert "answers again: this deployment holds the lock" in during[2]
        alerts = [seen(one.content) for one in slack.in_channel("alerts")]
        assert [("Without" in words, "older state" in words) for words in alerts if "registry" in words] == [
            (True, False),
            (False, True),
        ]
        assert "answers again" in seen(message.content)
        assert "cannot be used" in seen(message.content)

    def test_a_takeover(self, stage: Stage, slack: SlackServer) -> None:
        stage.job("dead", template=stage.template(GOOD)).run("pre")
        job = job_with(stage, slack, template="template.yaml")
        assert job.deploy() == 0, job.log
        assert any("Took over" in seen(one.content) for one in slack.in_channel("alerts"))

    def test_a_watch_that_was_killed_tells_of_the_gap(self, stage: Stage, slack: SlackServer) -> None:
        job = job_with(stage, slack, template=stage.template(GOOD))
        job.run("pre")

        class Killed(BaseException):
            pass

        def kill() -> None:
            raise Killed

        stage.clock.at(stage.clock.elapsed + 300, kill)
        with pytest.raises(Killed):
            job.run("main")
        stage.clock.sleep(20)
        assert job.run("main") == 0, job.log
        job.run("post")
        (message,) = about(slack, job)
        assert any("nobody" in seen(one.content).lower() for one in slack.replies(message.ts))
        assert "production is deployed" in message.text

    def test_a_webhook_tells_the_start_and_the_end(self, stage: Stage, slack: SlackServer) -> None:
        job = stage.job(template=stage.template(GOOD), slack_webhook_url=slack.webhook_url)
        assert job.deploy() == 0, job.log
        assert len(slack.messages) == 2
        assert "production is deployed" in slack.messages[-1].text
        assert "slack-thread-ts" not in {k for k, v in job.outputs().items() if v}


@dataclass(frozen=True)
class Outage:
    """`from_seconds` to `to_seconds` after the start of the job; `period`: on and off in turn."""

    from_seconds: float
    to_seconds: float
    period: float = 0.0
    details: tuple[tuple[str, Any], ...] = (("status", 503),)


FOREVER = 100_000.0
OUTAGES = {
    "none": Outage(0, 0),
    "down from the start": Outage(0, 300),
    "down in the middle": Outage(100, 350),
    "down at the end": Outage(150, FOREVER),
    "down all the time": Outage(0, FOREVER),
    "flapping": Outage(0, FOREVER, period=37.0),
    "limited": Outage(0, 300, details=(("status", 429), ("headers", {"Retry-After": "45"}))),
    "lost answers": Outage(0, 300, details=(("kind", "drop"), ("when", "after"))),
    "lost requests": Outage(50, 300, details=(("kind", "drop"),)),
    "lost answers at the end": Outage(180, FOREVER, details=(("kind", "drop"), ("when", "after"))),
}


def play(stage: Stage, slack: SlackServer, outage: Outage) -> Fault:
    """Let the outage come and go in virtual time."""
    fault = slack.fail("/api/", times=0, **dict(outage.details))

    def turn(on: bool) -> Callable[[], None]:
        def set_it() -> None:
            fault.times = None if on else 0

        return set_it

    begun = stage.clock.elapsed
    if outage.period:
        for number in range(200):
            stage.clock.at(begun + number * outage.period, turn(number % 2 == 0))
    elif outage.to_seconds:
        stage.clock.at(begun + outage.from_seconds, turn(on=True))
        stage.clock.at(begun + outage.to_seconds, turn(on=False))
    if not outage.from_seconds and outage.to_seconds:
        fault.times = None
    return fault


@pytest.mark.parametrize("body", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("name", list(OUTAGES))
def test_whenever_slack_is_down_the_deployment_is_the_same_and_the_truth_is_told_in_the_end(
    stage: Stage, slack: SlackServer, name: str, body: str
) -> None:
    silent = stage.job("silent", template=stage.template(body), stack_name="other", environment="other")
    began = stage.clock.elapsed
    verdict = silent.deploy()
    usual = stage.clock.elapsed - began

    fault = play(stage, slack, OUTAGES[name])
    job = job_with(stage, slack, template="template.yaml")
    began = stage.clock.elapsed
    assert job.run("pre") == 0, job.log
    assert job.run("main") == verdict, job.log
    job.run("post")
    took = stage.clock.elapsed - began
    # What the steps wait for at their ends, at most: 2, 1 and 6 seconds, and 5 for handing on.
    assert took - usual <= 15.0, f"{took - usual:.1f} s longer"
    print(f"{name}: {took - usual:+.1f} s of {usual:.0f} s")

    fault.match = "never"
    stage.clock.sleep(700)
    next_job = job_with(stage, slack, "next", template=stage.template(GOOD))
    next_job.run("pre")
    next_job.run("main")
    next_job.run("post")

    messages = about(slack, job)
    assert len(messages) == 1, [message.text for message in messages]
    (message,) = messages
    last = "production is deployed" if verdict == 0 else "production"
    assert last in message.text
    end = seen(message.content)
    assert ("✅" in message.text) == (verdict == 0)
    if verdict:
        assert "no <!channel> topic" in end
        assert len([one for one in of_job(slack, job) if one.channel == "alerts"]) <= 1
    thread = [seen(one.content) for one in slack.replies(message.ts)]
    assert len(thread) == len(set(thread)), "nothing appears twice"
    left = stage.root / "registry" / "slack-retry-queue.json"
    pending = [] if not left.exists() else json.loads(left.read_text())["boxes"]
    assert all(not one["box"]["pending"] for one in pending)
    assert slack.pings() == []


def test_a_slack_that_takes_half_a_minute_for_an_answer_holds_nobody_up(
    stage: Stage, slack: SlackServer
) -> None:
    """The real thread in real time."""
    fault = slack.fail("/api/", kind="hang", seconds=30, when="after", times=None)
    job = job_with(stage, slack, template=stage.template(GOOD))
    job.background = True
    seconds: dict[str, float] = {}
    for step, at_most in (("pre", 3.0), ("main", 3.0), ("post", 9.0)):
        began = time.monotonic()
        assert job.run(step) == 0, job.log
        seconds[step] = time.monotonic() - began
        assert seconds[step] < at_most + 2.0, seconds
    assert job.outputs()["outcome"] == "succeeded"
    fault.times = 0
    stage.clock.sleep(700)
    next_job = job_with(stage, slack, "next", template=stage.template(GOOD))
    next_job.deploy()
    (message,) = about(slack, job)
    assert "production is deployed" in message.text


def test_a_token_that_is_wrong_is_told_once_in_all_three_steps(stage: Stage, slack: SlackServer) -> None:
    slack.tokens = {}
    job = job_with(stage, slack, template=stage.template(GOOD), slack_alert_channel="")
    assert job.deploy() == 0, job.log
    assert job.log.count("the token is not valid (invalid_auth)") == 1
    assert job.summary.count("the token is not valid (invalid") == 1


def test_a_registry_that_is_away_too_leaves_the_words_in_the_log(stage: Stage, slack: SlackServer) -> None:
    slack.fail("/api/", status=503, times=None)
    job = job_with(stage, slack, template=stage.template(BAD))
    job.run("pre")
    job.run("main")
    (stage.root / "registry" / "deployments.json").write_text("damaged")
    job.run("post")
    assert "could not be delivered, nor kept for later" in job.log
    assert "not delivered to C0DEPLOYS" in job.log
    assert "xoxb-token" not in "\n".join(line for line in job.log.splitlines() if "add-mask" not in line)


def test_an_outbox_that_cannot_be_written_is_told_and_slack_is_told_all_the_same(
    stage: Stage, slack: SlackServer
) -> None:
    job = job_with(stage, slack, template=stage.template(GOOD))
    (job.state.path / "outbox.jsonl").mkdir()
    assert job.deploy() == 0, job.log
    assert "cannot be kept on the disk" in job.log
    (message,) = about(slack, job)
    assert "production is deployed" in message.text


def test_a_defect_in_the_looks_costs_the_looks(
    stage: Stage, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("no such colour")

    monkeypatch.setattr("deploy_action.job.notifications.parent", broken)
    job = job_with(stage, slack, template=stage.template(GOOD))
    assert job.deploy() == 0, job.log
    (message,) = about(slack, job)
    assert message.text == "production: complete"
    assert job.log.count("no such colour") == 3, "once a step"


def test_the_summary_and_the_alert_lead_to_the_thread(stage: Stage, slack: SlackServer) -> None:
    job = job_with(stage, slack, template=stage.template(BAD))
    assert job.deploy() == 1
    (message,) = about(slack, job)
    link = f"https://team.slack.com/archives/C0DEPLOYS/p{message.ts.replace('.', '')}"
    assert f"[Thread in Slack]({link})" in job.summary
    (alert,) = [one for one in of_job(slack, job) if one.channel == "alerts"]
    assert link in json.dumps(alert.content["blocks"])
