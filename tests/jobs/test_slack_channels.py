"""Several channels of Slack: each has the deployment's message, a thread, retries and dead letters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes.slack.server import Channel
from tests.jobs.test_slack import BAD, GOOD, job_with, of_job, slack

if TYPE_CHECKING:
    from typing import Any

    from tests.fakes.slack.server import Message, SlackServer
    from tests.jobs.stage import Job, Stage

__all__ = ["slack"]
TWO = "C0DEPLOYS\nC0TEAM"


def tops(slack: SlackServer, job: Job, channel: str) -> list[Message]:
    found = of_job(slack, job)
    return [one for one in found if one.channel == channel and "thread_ts" not in one.content]


def with_team(slack: SlackServer) -> SlackServer:
    slack.channels.append(Channel("C0TEAM", "team"))
    return slack


def kept(stage: Stage) -> list[dict[str, Any]]:
    path = stage.root / "registry" / "slack-retry-queue.json"
    return list(json.loads(path.read_text("utf-8"))["boxes"]) if path.exists() else []


def test_each_channel_has_its_message_and_its_thread_and_people_are_called_once(
    stage: Stage, slack: SlackServer
) -> None:
    with_team(slack)
    job = job_with(stage, slack, template=stage.template(BAD), slack_channel=TWO, slack_mentions="S0ONCALL")
    assert job.deploy() == 1, job.log
    (first,), (second,) = tops(slack, job, "deploys"), tops(slack, job, "team")
    assert first.text == second.text
    assert first.ts != second.ts
    assert job.outputs()["slack-thread-ts"] == first.ts
    threads = [[one.text for one in slack.replies(ts)] for ts in (first.ts, second.ts)]
    assert threads[0]
    assert threads[0] == threads[1]
    assert len(slack.in_channel("alerts")) == 1
    assert str([one.content for one in slack.messages]).count("S0ONCALL") == 1


def test_a_channel_that_refuses_does_not_stop_the_others_and_its_messages_are_kept(
    stage: Stage, slack: SlackServer
) -> None:
    job = job_with(stage, slack, template=stage.template(GOOD), slack_channel="C0TEAM\nC0DEPLOYS")
    assert job.deploy() == 0, job.log
    (message,) = tops(slack, job, "deploys")
    assert "production is deployed" in message.text
    assert job.log.count("Slack did not take the message for C0TEAM") <= 3, "once a step"
    assert "C0DEPLOYS:" not in job.log
    (box,) = kept(stage)
    assert {one["channel"] for one in (*box["box"]["pending"], *box["box"]["dead"])} == {"C0TEAM"}
    assert box["box"]["correlation_id"].startswith(job.outputs()["correlation-id"])


def test_what_several_channels_did_not_get_they_get_from_the_next_deployment_each_its_own(
    stage: Stage, slack: SlackServer
) -> None:
    with_team(slack)
    fault = slack.fail("/api/", status=503, times=None)
    job = job_with(stage, slack, template=stage.template(GOOD), slack_channel=TWO)
    assert job.deploy() == 0, job.log
    assert len(kept(stage)) == 2
    fault.times = 0
    stage.clock.sleep(700)
    after = job_with(stage, slack, "next", template=stage.template(GOOD), slack_channel=TWO)
    assert after.deploy() == 0, after.log
    for channel in ("deploys", "team"):
        (message,) = tops(slack, job, channel)
        assert "production is deployed" in message.text
    assert kept(stage) == []


def test_the_limit_of_the_app_is_for_all_channels_together(stage: Stage, slack: SlackServer) -> None:
    with_team(slack)
    many = "\n".join(
        f"  T{n}: {{Type: AWS::SNS::Topic, Metadata: {{TestGround: {{Seconds: {n * 2}}}}}}}"
        for n in range(1, 60)
    )
    template = stage.template(f"Resources:\n{many}")
    job = job_with(stage, slack, template=template, slack_channel=TWO)
    began = stage.clock.elapsed
    assert job.deploy() == 0, job.log
    assert len(slack.asked("chat.update")) <= (stage.clock.elapsed - began) / 10 + 10


def test_a_refusal_in_one_channel_stretches_all(stage: Stage, slack: SlackServer) -> None:
    with_team(slack)
    fault = slack.fail("/api/chat.update", status=429, headers={"Retry-After": "5"}, times=2)
    job = job_with(stage, slack, template=stage.template(GOOD), slack_channel=TWO)
    began = stage.clock.elapsed
    assert job.deploy() == 0, job.log
    assert fault.times == 0
    assert stage.clock.elapsed - began >= 400
    assert len(slack.asked("chat.update")) <= 14, "without the shared limit twice as many"
    for channel in ("deploys", "team"):
        assert "production is deployed" in tops(slack, job, channel)[0].text


def test_the_alert_channel_that_has_the_message_already_is_not_told_twice(
    stage: Stage, slack: SlackServer
) -> None:
    job = job_with(stage, slack, template=stage.template(BAD), slack_channel="C0DEPLOYS C0ALERTS")
    assert job.deploy() == 1, job.log
    broadcast = [one for one in of_job(slack, job) if one.channel == "alerts"]
    assert len([one for one in broadcast if "thread_ts" not in one.content]) == 1
