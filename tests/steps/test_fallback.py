"""A registry that cannot be used: CloudFormation's own status coordinates, told once, and left again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.steps.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
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
    with SlackServer() as slack:
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
        (message,) = slack.messages
        assert json.dumps(message.content, ensure_ascii=False).count(FALLBACK) == 1
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
