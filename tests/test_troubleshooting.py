"""The runbook quotes what people see: each entry's situation is produced, and its words are met."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.diagnosis.test_service_investigator import PLACE, service
from tests.fakes.behind import BehindServer
from tests.fakes.slack.server import SlackServer
from tests.jobs.conftest import stage
from tests.jobs.test_supervision import Killed
from tests.jobs.test_template import lasting

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jobs.stage import Job, Stage

__all__ = ["stage"]

RUNBOOK = Path(__file__).parents[1] / "docs" / "troubleshooting.md"
GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 300}}}}"
BAD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"
DATABASE = """
Resources:
  Database:
    Type: AWS::RDS::DBInstance
    Properties: {DBInstanceClass: db.t4g.micro, Engine: postgres}
    Metadata: {TestGround: {Seconds: 9000}}
"""
WEB = """
Resources:
  Service:
    Type: AWS::ECS::Service
    Properties: {ServiceName: web}
    Metadata: {TestGround: {Seconds: 300, Fail: slow}}
"""


SERVICE = "arn:aws:ecs:eu-west-1:123456789012:service/web"


def _kill() -> None:
    raise Killed


def _queue(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    stage.job("ada", template=stage.template(GOOD)).run("pre")
    return _deployed(stage.job(template="template.yaml", wait_timeout_in_minutes="2"))


def _taken_over(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    stage.job("ada", template=stage.template(GOOD)).run("pre")
    return _deployed(stage.job(template="template.yaml"))


def _left(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    return _deployed(stage.job(template=stage.template(lasting(3000)), timeout_in_minutes="5"))


def _silent(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    job = stage.job(template=stage.template(SLOW))
    job.run("pre")
    stage.clock.at(stage.clock.elapsed + 30, _kill)
    with pytest.raises(Killed):
        job.run("main")
    stage.clock.sleep(40)
    job.run("main")
    job.run("post")
    return job


def _no_registry(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    (stage.root / "registry").mkdir(exist_ok=True)
    (stage.root / "registry" / "deployments.json").write_bytes(b"{half")
    return _deployed(stage.job(template=stage.template(GOOD)))


def _late(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    return _deployed(stage.job(template=stage.template(lasting(3000))))


def _stuck(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    _deployed(stage.job("first", template=stage.template(BAD)))
    return _deployed(stage.job(template=stage.template(GOOD)))


def _tasks(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Job:
    with BehindServer() as behind:
        for name in ("ECS", "CLOUDWATCH_LOGS", "LAMBDA", "RDS", "CLOUDTRAIL"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", behind.url)
        event = {"id": "1", "createdAt": stage.clock.now() + 60, "message": PLACE}
        cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/default"
        row = service() | {"serviceArn": SERVICE, "clusterArn": cluster, "events": [event]}
        behind.cloud.services[SERVICE] = row
        return _deployed(stage.job(template=stage.template(WEB), diagnose_services="true"))


def _database(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    return _deployed(stage.job(template=stage.template(DATABASE)))


def _unknown(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    job = stage.job(template=stage.template(SLOW))
    job.run("pre")
    stage.clock.at(stage.clock.elapsed + 60, lambda: stage.server.faults.add("expired_token", operation="*"))
    job.run("main")
    job.run("post")
    return job


def _slack(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    with SlackServer(now=stage.clock.now) as slack:
        slack.channels[0].is_archived = True
        job = stage.job(
            template=stage.template(GOOD),
            slack_bot_token="xoxb-token",
            slack_channel="C0DEPLOYS",
            slack_api_url=slack.api_url,
        )
        return _deployed(job)


def _command(stage: Stage, _: pytest.MonkeyPatch) -> Job:
    job = stage.job(command="cdk deploy --all")
    job.run("pre")
    job.command_said("Error: no stage is given\n")
    job.launch_command(lambda _cloudformation: 1)
    job.run("main")
    return job


SITUATIONS: dict[str, Callable[[Stage, pytest.MonkeyPatch], Job]] = {
    "Stuck in the queue": _queue,
    "The lock was taken over": _taken_over,
    "Left in progress": _left,
    "The watch was silent": _silent,
    "The registry cannot be used": _no_registry,
    "Slack does not work": _slack,
    "Estimates are off": _late,
    "The stack is stuck": _stuck,
    "ECS tasks do not start": _tasks,
    "RDS is slow": _database,
    "The command failed": _command,
    "The outcome is unknown": _unknown,
}


def _deployed(job: Job) -> Job:
    job.deploy()
    return job


def entries() -> dict[str, list[str]]:
    """The words that each entry says are seen, by its title."""
    found: dict[str, list[str]] = {}
    for section in re.split(r"^## ", RUNBOOK.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        words = re.match(r"\n```text\n(.*?)```", rest, re.DOTALL)
        if words:
            found[title] = words[1].splitlines()
    return found


@pytest.mark.parametrize("title", entries())
def test_each_entry_quotes_what_is_seen(title: str, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    job = SITUATIONS[title](stage, monkeypatch)
    seen = [*job.log.splitlines(), *job.summary.splitlines()]
    for words in entries()[title]:
        pattern = re.compile(".*".join(re.escape(part) for part in words.split("…")))
        assert any(pattern.fullmatch(line) for line in seen), f"{words}\n{job.log}"


def test_every_situation_has_an_entry() -> None:
    assert set(entries()) == set(SITUATIONS)
