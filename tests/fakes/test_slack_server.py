"""The fake Slack itself: it accepts and refuses what Slack does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from tests.fakes.slack.blockkit import problems
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[SlackServer]:
    with SlackServer(now=clock) as server:
        yield server


@pytest.fixture
def client(server: SlackServer) -> WebClient:
    return WebClient("xoxb-token", base_url=server.api_url, retry_handlers=[])


def refused(error: pytest.ExceptionInfo[SlackApiError]) -> str:
    return str(error.value.response["error"])


def text(length: int, kind: str = "mrkdwn") -> dict[str, str]:
    return {"type": kind, "text": "x" * length}


def test_it_answers_as_the_sdk_expects(client: WebClient) -> None:
    assert client.auth_test()["user_id"] == "U0"
    assert client.conversations_info(channel="C0DEPLOYS")["channel"]["name"] == "deploys"
    posted = client.chat_postMessage(channel="deploys", text="hi", metadata=METADATA)
    assert posted["channel"] == "C0DEPLOYS"
    client.chat_update(channel="C0DEPLOYS", ts=str(posted["ts"]), text="there")
    history = client.conversations_history(channel="C0DEPLOYS", include_all_metadata=True, limit=1)
    (message,) = history["messages"]
    assert (message["text"], message["metadata"]) == ("there", METADATA)
    plain = client.conversations_history(channel="C0DEPLOYS")
    assert "metadata" not in plain["messages"][0]


METADATA = {"event_type": "deployment", "event_payload": {"correlation_id": "1"}}


def test_newest_messages_come_first(client: WebClient, clock: Clock) -> None:
    for word in ("one", "two", "three"):
        client.chat_postMessage(channel="deploys", text=word)
        clock.seconds += 1
    history = client.conversations_history(channel="C0DEPLOYS", limit=2)
    assert [message["text"] for message in history["messages"]] == ["three", "two"]
    assert history["has_more"] is True


def test_a_second_must_pass_between_messages_of_a_channel(client: WebClient, clock: Clock) -> None:
    client.chat_postMessage(channel="deploys", text="1")
    client.chat_postMessage(channel="alerts", text="1")
    with pytest.raises(SlackApiError) as error:
        client.chat_postMessage(channel="deploys", text="2")
    assert error.value.response.status_code == 429
    assert error.value.response.headers["Retry-After"] == "1"
    clock.seconds += 1
    client.chat_postMessage(channel="deploys", text="2")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"channel": "nowhere", "text": "t"}, "channel_not_found"),
        ({"channel": "deploys"}, "no_text"),
        ({"channel": "deploys", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "deploys", "text": "t", "thread_ts": "1.2"}, "thread_not_found"),
        ({"channel": "deploys", "text": "t", "blocks": [{"type": "header"}]}, "invalid_blocks"),
        ({"channel": "deploys", "text": "t", "metadata": {"event_type": "x"}}, "invalid_metadata_format"),
    ],
)
def test_messages_that_are_refused(
    server: SlackServer, client: WebClient, content: dict[str, Any], code: str
) -> None:
    with pytest.raises(SlackApiError) as error:
        client.api_call("chat.postMessage", json=content)
    assert refused(error) == code
    assert server.messages == []


@pytest.mark.parametrize(
    ("channel", "ts", "code"),
    [("deploys", "1000.000000", "channel_not_found"), ("C0DEPLOYS", "1.2", "message_not_found")],
)
def test_an_update_needs_the_id_of_the_channel_and_a_message(
    client: WebClient, channel: str, ts: str, code: str
) -> None:
    client.chat_postMessage(channel="deploys", text="t")
    with pytest.raises(SlackApiError) as error:
        client.chat_update(channel=channel, ts=ts, text="u")
    assert refused(error) == code


@pytest.mark.parametrize(("token", "code"), [("", "not_authed"), ("xoxb-other", "invalid_auth")])
def test_tokens(server: SlackServer, token: str, code: str) -> None:
    with pytest.raises(SlackApiError) as error:
        WebClient(token, base_url=server.api_url, retry_handlers=[]).auth_test()
    assert refused(error) == code


def test_scopes(server: SlackServer, client: WebClient) -> None:
    server.tokens["xoxb-token"] = {"chat:write"}
    with pytest.raises(SlackApiError) as error:
        client.conversations_info(channel="C0DEPLOYS")
    assert error.value.response["needed"] == "channels:read"
    client.chat_postMessage(channel="deploys", text="t")


@pytest.mark.parametrize(
    ("change", "code"), [({"is_member": False}, "not_in_channel"), ({"is_archived": True}, "is_archived")]
)
def test_channels_that_cannot_be_written(
    server: SlackServer, client: WebClient, change: dict[str, bool], code: str
) -> None:
    vars(server.channels[0]).update(change)
    with pytest.raises(SlackApiError) as error:
        client.chat_postMessage(channel="deploys", text="t")
    assert refused(error) == code


ACCEPTED: list[list[dict[str, Any]]] = [
    [{"type": "divider"}] * 50,
    [{"type": "header", "text": text(150, "plain_text")}],
    [{"type": "section", "text": text(3000)}],
    [{"type": "section", "fields": [text(2000)] * 10}],
    [{"type": "context", "elements": [text(2000)] * 10}],
    [{"type": "actions", "elements": [{"type": "button", "text": text(75, "plain_text")}]}],
    [{"type": "image", "image_url": "https://x", "alt_text": "x"}],
]
REFUSED: list[list[dict[str, Any]]] = [
    [{"type": "divider"}] * 51,
    [{"type": "header", "text": text(151, "plain_text")}],
    [{"type": "header", "text": text(1)}],
    [{"type": "section", "text": text(3001)}],
    [{"type": "section", "text": text(0)}],
    [{"type": "section", "text": {"text": "no type"}}],
    [{"type": "section"}],
    [{"type": "section", "fields": [text(1)] * 11}],
    [{"type": "section", "fields": [text(2001)]}],
    [{"type": "section", "text": text(1), "accessory": {"type": "datepicker"}}],
    [{"type": "context", "elements": []}],
    [{"type": "context", "elements": [text(1)] * 11}],
    [{"type": "actions", "elements": [{"type": "button", "text": text(76, "plain_text")}]}],
    [{"type": "actions", "elements": []}],
    [{"type": "image", "image_url": "https://x"}],
    [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
    [{"type": "divider", "block_id": "x" * 256}],
    [{"type": "marquee"}],
]


@pytest.mark.parametrize("blocks", ACCEPTED)
def test_blocks_at_the_limit(blocks: list[dict[str, Any]]) -> None:
    assert list(problems(blocks)) == []


@pytest.mark.parametrize("blocks", REFUSED)
def test_blocks_beyond_the_limit(blocks: list[dict[str, Any]]) -> None:
    assert list(problems(blocks))


def test_the_webhook(server: SlackServer, clock: Clock) -> None:
    webhook = WebhookClient(server.webhook_url, retry_handlers=[])
    assert webhook.send(text="hi").body == "ok"
    assert webhook.send(text="again").status_code == 429
    clock.seconds += 1
    assert webhook.send(text="hi", blocks=[{"type": "header"}]).body == "invalid_blocks"
    assert webhook.send_dict({}).body == "no_text"
    server.channels[0].is_archived = True
    assert webhook.send(text="hi").status_code == 410
    gone = WebhookClient(f"{server.url}/services/x", retry_handlers=[]).send(text="hi")
    assert (gone.status_code, gone.body) == (404, "no_service")
    assert [message.text for message in server.in_channel("deploys")] == ["hi"]


def test_texts_that_would_notify_people_are_found(server: SlackServer, client: WebClient) -> None:
    client.chat_postMessage(channel="deploys", text="&lt;!channel&gt; is harmless")
    assert server.pings() == []
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "reason: <!channel>"}}]
    client.chat_postMessage(channel="alerts", text="fallback", blocks=blocks)
    assert server.pings() == ["reason: <!channel>"]


def test_the_test_ground_over_http(server: SlackServer, client: WebClient) -> None:
    import requests

    ground = f"{server.url}/_testground"
    requests.post(f"{ground}/channels", json={"identity": "C1", "name": "new"}, timeout=5).close()
    client.chat_postMessage(channel="#new", text="hi")
    said = requests.get(f"{ground}/messages", timeout=5).json()
    assert [(m["channel"], m["versions"][0]["text"]) for m in said] == [("new", "hi")]
