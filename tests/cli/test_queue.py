"""`deploy-coordinator queue`: Slack messages that could not be delivered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.slack import retry_queue as leftovers
from deploy_action.slack.outbox import Kind, Message, Outbox
from deploy_action.slack.retry_queue import QueuedOutbox
from tests.fakes.slack.server import SlackServer
from tests.fakes.webhook import WebhookServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.desk import Desk

HOSTILE = "\x1b[31m::error::<!channel>"


@pytest.fixture
def slack(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlackServer]:
    with SlackServer(now=desk.clock.now) as server:
        monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-token")
        monkeypatch.setenv("SLACK_API_URL", server.api_url)
        monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
        yield server


@pytest.fixture
def webhook() -> Iterator[WebhookServer]:
    with WebhookServer() as server:
        yield server


def keep(desk: Desk, name: str = "one") -> None:
    waits = Message(
        f"{name}-p", Kind.PARENT, "C0DEPLOYS", f"{name} complete", at=desk.clock.now(), final=True
    )
    dead = Message(
        f"{name}-d", Kind.POST, "C0ALERTS", HOSTILE, at=desk.clock.now(), reason=f"is_archived {HOSTILE}"
    )
    box = Outbox(name, (waits,), (dead,))
    leftovers.save(desk.store, desk.clock, QueuedOutbox(box, "org/app", saved_at=desk.clock.now()))


def test_nothing_is_left(desk: Desk) -> None:
    assert desk.run("slack-queue", "list") == (0, "No messages are left over.\n")
    assert desk.run("slack-queue", "list", "--json") == (0, "[]\n")


def test_what_is_kept_and_why(desk: Desk) -> None:
    keep(desk)
    code, told = desk.run("slack-queue", "list")
    assert code == 1
    assert "one org/app kept at 2027-01-15 08:00:00 UTC" in told
    assert "one-p waits" in told
    assert "one-d dead" in told
    assert "is_archived" in told
    assert "\x1b" not in told
    code, told = desk.run("slack-queue", "list", "--json")
    (record,) = json.loads(told)
    assert record["waiting"][0]["final"] is True
    assert record["failed"][0]["reason"].startswith("is_archived")


def test_it_is_told(desk: Desk, slack: SlackServer) -> None:
    keep(desk)
    own = ("--repository", "org/app")
    assert desk.run("slack-queue", "process", *own) == (
        0,
        "Delivered 1 messages; 0 are pending, 0 failed for good.\n",
    )
    assert [message.text for message in slack.messages] == ["one complete"]
    assert desk.run("slack-queue", "retry", "one-d")[0] == 0
    code, told = desk.run("slack-queue", "process", "--json", *own)
    assert (code, json.loads(told)["sent"]) == (0, 1)
    assert desk.run("slack-queue", "list")[0] == 0


def test_what_another_repository_left_is_not_told_unasked(desk: Desk, slack: SlackServer) -> None:
    keep(desk)
    code, told = desk.run("slack-queue", "process", "--repository", "org/other")
    assert code == 0
    assert "1 more of org/app: to be sent with another token or webhook, or in another channel" in told
    assert slack.messages == []


def keep_for_webhook(desk: Desk, url: str, *, dead: bool = False) -> None:
    entry = Message("w", Kind.WEBHOOK, "", "done", ({"schema": "x"},), at=desk.clock.now(), final=True)
    box = Outbox("one-webhook", *(((), (entry,)) if dead else ((entry,), ())))
    left = QueuedOutbox(box, "org/app", webhook=leftovers.fingerprint(url), saved_at=desk.clock.now())
    leftovers.save(desk.store, desk.clock, left)


def test_a_webhook_is_told_what_it_missed(
    desk: Desk, webhook: WebhookServer, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(desk)
    keep_for_webhook(desk, webhook.address)
    own = ("--repository", "org/app")
    monkeypatch.setenv("WEBHOOK_URL", f"{webhook.address}&other")
    assert "1 more of org/app" in desk.run("slack-queue", "process", *own)[1]
    assert webhook.documents == []
    monkeypatch.setenv("WEBHOOK_URL", webhook.address)
    code, told = desk.run("slack-queue", "process", *own)
    assert (code, told) == (0, "Delivered 1 messages; 0 are pending, 0 failed for good.\n")
    assert webhook.documents == [{"schema": "x"}]
    assert [message.text for message in slack.messages] == ["one complete"]


def test_what_a_webhook_refused_for_good_is_tried_again_by_hand(
    desk: Desk, webhook: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SLACK_BOT_TOKEN", "SLACK_WEBHOOK_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WEBHOOK_URL", webhook.address)
    keep_for_webhook(desk, webhook.address, dead=True)
    assert desk.run("slack-queue", "retry", "one-webhook")[0] == 0
    code, told = desk.run("slack-queue", "process", "--json")
    assert (code, json.loads(told)["sent"]) == (0, 1)
    assert webhook.documents == [{"schema": "x"}]
    assert "secret" not in told


def test_what_still_cannot_be_told(desk: Desk, slack: SlackServer) -> None:
    keep(desk)
    slack.fail("chat.", status=503, times=None)
    code, told = desk.run("slack-queue", "process", "--seconds", "20", "--repository", "org/app")
    assert code == 1
    assert "1 are pending" in told
    assert "Slack answered 503." in told


def test_letting_go(desk: Desk) -> None:
    keep(desk, "one")
    keep(desk, "two")
    assert desk.run("slack-queue", "drop", "one") == (0, "Dropped 2 messages.\n")
    assert desk.run("slack-queue", "drop", "nobody") == (1, "Dropped 0 messages.\n")
    assert desk.run("slack-queue", "drop", "--all") == (0, "Dropped 2 messages.\n")
    assert desk.run("slack-queue", "retry", "--all")[0] == 1


@pytest.mark.parametrize("words", [("drop",), ("retry",), ("drop", "--all", "x"), ("process",)])
def test_wrong_words(desk: Desk, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    monkeypatch.delenv("SLACK_WEBHOOK_URL", raising=False)
    monkeypatch.delenv("WEBHOOK_URL", raising=False)
    assert desk.run("queue", *words)[0] == 64


def test_a_damaged_document(desk: Desk) -> None:
    keep(desk)
    (desk.folder / leftovers.NAME).write_text("{")
    code, told = desk.run("slack-queue", "list")
    assert code == 8
    assert leftovers.NAME in told
