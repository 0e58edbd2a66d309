"""The Slack notifiers: what people see, and that whatever goes wrong comes out as one sentence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.adapters.slack import SlackBotNotifier, SlackWebhookNotifier
from deploy_action.ports import Announcement, Notifier
from tests.fakes.proxy import Proxy
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

SECTION: dict[str, object] = {"type": "section", "text": {"type": "mrkdwn", "text": "*app/prod*"}}
START = Announcement("app/prod: started", (SECTION,))
END = Announcement("app/prod: deployed", (SECTION,))
FAILURE = Announcement("app/prod: failed", (SECTION,), alert=True)
TOKEN = "xoxb-token"


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def bot(server: SlackServer, channel: str = "#deploys", **details: Any) -> SlackBotNotifier:
    given: dict[str, Any] = {"alert_channel": "alerts", "correlation_id": "20260102-030405-abcdef"}
    return SlackBotNotifier(TOKEN, channel, base_url=server.api_url, **given | details)


def test_one_message_is_posted_and_then_updated(server: SlackServer) -> None:
    notifier: Notifier = bot(server)
    assert notifier.started(START) is None
    assert notifier.finished(END) is None
    (message,) = server.messages
    assert [version["text"] for version in message.versions] == ["app/prod: started", "app/prod: deployed"]
    assert message.channel == "deploys"
    assert message.content["blocks"] == [SECTION]


def test_links_do_not_unfold_and_the_correlation_id_travels_along(server: SlackServer) -> None:
    notifier = bot(server)
    notifier.started(START)
    notifier.finished(END)
    (message,) = server.messages
    for version in message.versions:
        assert version["unfurl_links"] is False
        assert version["metadata"] == {
            "event_type": "deployment",
            "event_payload": {"correlation_id": "20260102-030405-abcdef"},
        }


def test_another_process_goes_on_with_the_same_message(server: SlackServer) -> None:
    first = bot(server)
    first.started(START)
    second = bot(server, thread_ts=first.thread_ts, channel_id=first.channel_id)
    assert second.finished(END) is None
    assert [m.text for m in server.messages] == ["app/prod: deployed"]


def test_without_the_id_of_the_channel_the_end_is_posted_anew(server: SlackServer) -> None:
    first = bot(server)
    first.started(START)
    server.now = lambda: time.time() + 2
    assert bot(server, thread_ts=first.thread_ts).finished(END) is None
    assert [m.text for m in server.messages] == ["app/prod: started", "app/prod: deployed"]


def test_a_message_that_is_gone_is_posted_anew(server: SlackServer) -> None:
    notifier = bot(server, thread_ts="1.1", channel_id="C0DEPLOYS")
    assert notifier.finished(END) is None
    (message,) = server.messages
    assert notifier.thread_ts == message.ts


def test_an_end_without_a_start_is_posted(server: SlackServer) -> None:
    notifier = bot(server)
    assert (notifier.thread_ts, notifier.channel_id) == (None, None)
    assert notifier.finished(END) is None
    assert [m.text for m in server.messages] == ["app/prod: deployed"]
    assert notifier.channel_id == "C0DEPLOYS"


def test_a_failure_also_goes_to_the_alert_channel(server: SlackServer) -> None:
    notifier = bot(server)
    notifier.started(START)
    assert notifier.finished(FAILURE) is None
    assert [m.text for m in server.in_channel("deploys")] == ["app/prod: failed"]
    assert [m.text for m in server.in_channel("alerts")] == ["app/prod: failed"]


@pytest.mark.parametrize(("alert_channel", "message"), [("alerts", END), ("", FAILURE)])
def test_without_need_or_channel_there_is_no_alert(
    server: SlackServer, alert_channel: str, message: Announcement
) -> None:
    notifier = bot(server, alert_channel=alert_channel)
    notifier.started(START)
    assert notifier.finished(message) is None
    assert server.in_channel("alerts") == []


def test_an_alert_is_sent_even_if_the_message_cannot_be_updated(server: SlackServer) -> None:
    notifier = bot(server)
    notifier.started(START)
    server.fail("chat.update", status=500)
    assert notifier.finished(FAILURE) == "Slack answered 500."
    assert len(server.in_channel("alerts")) == 1


def test_a_failed_alert_is_told_beside_the_success_of_the_update(server: SlackServer) -> None:
    notifier = bot(server, alert_channel="nowhere")
    notifier.started(START)
    said = notifier.finished(FAILURE)
    assert said is not None
    assert "channel_not_found" in said
    assert "nowhere" in said
    assert server.messages[0].text == "app/prod: failed"


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_nothing_is_sent_twice(server: SlackServer, kind: str) -> None:
    server.fail("chat.postMessage", kind=kind, status=503, when="after")
    assert bot(server).started(START)
    assert len(server.asked("chat.postMessage")) == 1


def test_an_update_that_may_have_been_made_is_not_posted_anew(server: SlackServer) -> None:
    notifier = bot(server)
    notifier.started(START)
    server.fail("chat.update", kind="drop", when="after")
    assert notifier.finished(END) == "Slack could not be reached (RemoteDisconnected)."
    assert [m.text for m in server.messages] == ["app/prod: deployed"]


def test_a_silent_slack_costs_no_more_than_the_time_out(server: SlackServer) -> None:
    server.fail(kind="hang", seconds=5)
    notifier = bot(server, timeout=0.05)
    before = time.monotonic()
    assert notifier.started(START) == "Slack could not be reached (TimeoutError)."
    assert time.monotonic() - before < 1


def test_a_rate_limit_is_not_waited_for(server: SlackServer) -> None:
    now = 1000.0
    server.now = lambda: now
    assert bot(server).started(START) is None
    before = time.monotonic()
    said = bot(server).started(START)
    assert (
        said
        == "Slack did not take the message for #deploys: too many messages in a short time (ratelimited)."
    )
    assert time.monotonic() - before < 0.5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.tokens.clear(), "the token is not valid (invalid_auth)"),
        (lambda s: s.channels.clear(), "/invite the app (channel_not_found)"),
        (lambda s: setattr(s.channels[0], "is_member", False), "/invite it there (not_in_channel)"),
        (lambda s: setattr(s.channels[0], "is_archived", True), "the channel is archived (is_archived)"),
        (lambda s: s.tokens[TOKEN].clear(), "the app lacks a scope (missing_scope). Needed: chat:write."),
    ],
)
def test_a_refusal_says_what_to_do(server: SlackServer, change: Any, words: str) -> None:
    change(server)
    said = bot(server).started(START)
    assert said is not None
    assert words in said
    assert TOKEN not in said


def test_blocks_beyond_the_limits_are_told_with_their_place(server: SlackServer) -> None:
    long: dict[str, object] = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    said = bot(server).started(Announcement("t", (long,)))
    assert said is not None
    assert "invalid_blocks" in said
    assert "/blocks/0/text" in said


@pytest.mark.parametrize(
    "body", ["<html>proxy</html>", {"ok": False}, [], None, {"ok": True, "ts": None}], ids=str
)
def test_an_answer_of_another_shape_is_survived(server: SlackServer, body: object) -> None:
    server.fail(status=200, body=body)
    assert bot(server).started(START)


def test_a_token_that_no_header_can_hold_is_not_told(server: SlackServer) -> None:
    notifier = SlackBotNotifier("xoxb-secret\n", "deploys", base_url=server.api_url)
    said = notifier.started(START)
    assert said is not None
    assert "xoxb" not in said


def test_a_slack_that_is_not_there() -> None:
    said = SlackBotNotifier(TOKEN, "deploys", base_url="http://127.0.0.1:9/api").started(START)
    assert said == "Slack could not be reached (URLError)."


def test_a_webhook_sends_the_start_and_the_end(server: SlackServer) -> None:
    now = 1000.0
    server.now = lambda: now
    notifier: Notifier = SlackWebhookNotifier(server.webhook_url)
    assert notifier.started(START) is None
    now = 1002.0
    assert notifier.finished(Announcement("app/prod: failed", alert=True)) is None
    assert [m.text for m in server.messages] == ["app/prod: started", "app/prod: failed"]
    assert server.messages[0].content["unfurl_links"] is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: setattr(s.channels[0], "is_archived", True), "archived (channel_is_archived)"),
        (lambda s: s.webhooks.clear(), "the webhook was removed (no_service)"),
        (lambda s: s.fail(status=500, body="<html>"), "500"),
        (lambda s: s.fail(status=429), "too many messages in a short time (ratelimited)"),
        (lambda s: s.fail(kind="drop"), "could not be reached (RemoteDisconnected)"),
    ],
)  # fmt: skip
def test_a_webhook_that_fails(server: SlackServer, change: Any, words: str) -> None:
    notifier = SlackWebhookNotifier(server.webhook_url)
    change(server)
    said = notifier.started(START)
    assert said is not None
    assert words in said
    assert "secret" not in said
    assert server.messages == []


@pytest.mark.parametrize(
    "url", ["", "secret", "http://", "http://127.0.0.1:9/services/T/B/secret", "ftp://secret"]
)
def test_a_webhook_address_that_is_none(url: str) -> None:
    said = SlackWebhookNotifier(url).finished(END)
    assert said is not None
    assert "secret" not in said


def test_the_proxy_of_the_environment_is_used_unless_no_proxy_says_otherwise(
    server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(server.url) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("REQUEST_METHOD", raising=False)
        SlackBotNotifier(TOKEN, "deploys", base_url="http://slack.invalid/api/").started(START)
        assert len(proxy.requests) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert bot(server, channel="alerts").started(START) is None
        assert SlackWebhookNotifier(server.webhook_url).started(START) is not None  # a second has not passed
        assert len(proxy.requests) == 1
        assert len(server.messages) == 2
