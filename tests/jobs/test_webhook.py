"""Whoever is not on Slack: start and end by a webhook, with the outbox's promises."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.webhook import WebhookServer
from tests.jobs.test_slack import BAD, GOOD, about, job_with, slack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.slack.server import SlackServer
    from tests.jobs.stage import Stage

__all__ = ["slack"]
WEBHOOK_PAGE = Path(__file__).parents[2] / "docs" / "webhook.md"


def described() -> dict[str, object]:
    """The sample of the guide."""
    (text,) = re.findall(r"```json\n(.*?)```", WEBHOOK_PAGE.read_text("utf-8"), re.DOTALL)
    sample: dict[str, object] = json.loads(text)
    return sample


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server


def test_start_and_end_are_told_as_a_versioned_document(stage: Stage, webhook: WebhookServer) -> None:
    job = stage.job(template=stage.template(GOOD), webhook_url=webhook.address)
    assert job.deploy() == 0, job.log
    start, end = webhook.documents
    assert (start["schema"], start["version"]) == ("deploy-coordinator/notification", 1)
    assert [start["event"], end["event"]] == ["started", "complete"]
    assert (start["final"], end["final"], end["outcome"]) == (False, True, "succeeded")
    assert end["correlation-id"] == job.outputs()["correlation-id"]
    assert end["environment"] == "production"
    assert end["stacks"][0]["status"] == "CREATE_COMPLETE"
    assert str(end["duration-seconds"]) == job.outputs()["duration-seconds"]
    assert None not in {**start, **end}.values()
    assert set(start) | set(end) <= set(described()), "docs/webhook.md describes all members"


def test_a_failure_names_its_cause_and_says_that_somebody_is_needed(
    stage: Stage, webhook: WebhookServer
) -> None:
    job = stage.job(template=stage.template(BAD), webhook_url=webhook.address)
    assert job.deploy() == 1
    end = webhook.documents[-1]
    assert (end["event"], end["needs-attention"]) == ("rolled-back", True)
    assert end["causes"][0]["resource"] == "Topic"
    assert end["causes"][0]["message"] == "no <!channel> topic"
    told = ("summary", "event", "final", "needs-attention", "outcome", "environment", "locks", "cause-count")
    assert {name: end[name] for name in told} == {name: described()[name] for name in told}


def test_teams_gets_a_card_in_which_text_from_outside_is_only_text(
    stage: Stage, webhook: WebhookServer
) -> None:
    hostile = BAD.replace("no <!channel> topic", "[click](https://evil.example) <at>all</at> **x**")
    job = stage.job(template=stage.template(hostile), webhook_url=webhook.address, webhook_format="teams")
    assert job.deploy() == 1
    (attachment,) = webhook.documents[-1]["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for run in runs} == {"TextRun"}
    assert any("[click](https://evil.example)" in run["text"] for run in runs)
    assert "entities" not in card["msteams"]
    assert all(action["url"].startswith("https://") for action in card["actions"])
    assert "evil" not in json.dumps(card["actions"])
    assert len(json.dumps(webhook.documents[-1])) < 28_000


def test_slack_and_a_webhook_are_both_told(stage: Stage, slack: SlackServer, webhook: WebhookServer) -> None:
    job = job_with(stage, slack, template=stage.template(GOOD), webhook_url=webhook.address)
    assert job.deploy() == 0, job.log
    (message,) = about(slack, job)
    assert job.outputs()["slack-thread-ts"] == message.ts
    assert [one["event"] for one in webhook.documents] == ["started", "complete"]


def test_a_webhook_that_is_down_for_a_moment_is_tried_again(stage: Stage, webhook: WebhookServer) -> None:
    webhook.fail("POST", status=503, times=2)
    job = stage.job(template=stage.template(GOOD), webhook_url=webhook.address)
    assert job.deploy() == 0, job.log
    assert webhook.documents[-1]["event"] == "complete"


def test_what_could_not_be_told_is_told_by_the_next_deployment(stage: Stage, webhook: WebhookServer) -> None:
    webhook.fail("POST", status=503, times=None)
    first = stage.job("first", template=stage.template(GOOD), webhook_url=webhook.address)
    assert first.deploy() == 0, first.log
    assert "webhook message" in first.log
    assert webhook.documents == []
    kept = (stage.root / "registry" / "slack-retry-queue.json").read_text("utf-8")
    webhook.clear_faults()
    second = stage.job("second", template=stage.template(GOOD), webhook_url=webhook.address)
    assert second.deploy() == 0, second.log
    told = [one["correlation-id"] for one in webhook.documents]
    assert first.outputs()["correlation-id"] in told
    for text in (kept, first.log, second.log, first.summary):
        assert "secret-path" not in text
        assert "secret-signature" not in text


@pytest.mark.parametrize("status", [401, 404, 410, 400])
def test_a_webhook_that_refuses_costs_no_deployment_and_is_told(
    stage: Stage, webhook: WebhookServer, status: int
) -> None:
    webhook.fail("POST", status=status, times=None)
    job = stage.job(template=stage.template(GOOD), webhook_url=webhook.address)
    assert job.deploy() == 0, job.log
    assert f"The webhook answered {status}." in job.log


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("http://hooks.example/secret-path", "it is not https://"),
        ("https://hooks.slack.com/services/T/B/secret-path", "give it as `slack-webhook-url`"),
        ("not an address secret-path", "it is not a web address"),
    ],
)
def test_an_address_of_no_use_is_a_warning_without_it(stage: Stage, given: str, words: str) -> None:
    job = stage.job(template=stage.template(GOOD), webhook_url=given)
    assert job.deploy() == 0, job.log
    assert words in job.log
    assert "secret-path" not in job.log.replace("::add-mask::", "")
