"""What goes over the wire to Slack, and what comes back, by the real SDK."""

from __future__ import annotations

import logging
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.api.check import SlackAccess, check
from deploy_action.slack.api.refusals import by_code, retry_after, unanswered
from deploy_action.slack.api.webhook import SlackWebhook
from deploy_action.slack.outbox import CannotLook, NotDelivered, Trouble
from deploy_action.slack.ports import Announcement
from tests.fakes.http import FakeServer, Request, Response
from tests.fakes.proxy import Proxy
from tests.fakes.slack.server import Channel, SlackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECTION: dict[str, object] = {"type": "section", "text": {"type": "mrkdwn", "text": "*app/prod*"}}
START = Announcement("app/prod: started", (SECTION,))
TOKEN = "xoxb-token"
CHANNEL = "C0DEPLOYS"


@pytest.fixture
def server() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


def bot(server: SlackServer, token: str = TOKEN, **details: Any) -> SlackBot:
    given: dict[str, Any] = {"correlation_id": "20260102-030405-abcdef", "base_url": server.api_url}
    return SlackBot(token, **given | details)


def trouble(send: Callable[[], object]) -> Trouble:
    with pytest.raises(NotDelivered) as error:
        send()
    assert "xoxb" not in str(error.value)
    assert "secret" not in str(error.value)
    return error.value.trouble


def post(sender: SlackBot, channel: str = CHANNEL) -> Any:
    return sender.post(channel, START, key="parent")


def test_links_do_not_unfold_and_its_identity_travels_along(server: SlackServer) -> None:
    posted = post(bot(server), "#deploys")
    (message,) = server.messages
    assert (posted.ts, posted.channel_id) == (message.ts, CHANNEL)
    assert message.content["unfurl_links"] is False
    assert message.content["metadata"] == {
        "event_type": "deployment",
        "event_payload": {"correlation_id": "20260102-030405-abcdef", "entry": "parent"},
    }


def test_nothing_is_sent_twice_by_the_sdk(server: SlackServer) -> None:
    server.fail("chat.postMessage", kind="drop", when="after")
    assert trouble(lambda: post(bot(server))).doubtful
    assert len(server.asked("chat.postMessage")) == 1


def test_a_silent_slack_costs_no_more_than_the_time_out(server: SlackServer) -> None:
    server.fail(kind="hang", seconds=5)
    found = trouble(lambda: post(bot(server, timeout=0.05)))
    assert (found.reason, found.doubtful, found.unheard) == (
        "Slack could not be reached (TimeoutError).",
        True,
        True,
    )


def test_a_slack_that_is_not_there_has_posted_nothing() -> None:
    nobody = SlackBot(TOKEN, correlation_id="x", base_url="http://127.0.0.1:9/api")
    found = trouble(lambda: post(nobody))
    assert (found.reason, found.doubtful) == ("Slack could not be reached (ConnectionRefusedError).", False)


@pytest.mark.parametrize(
    "body", ["<html>proxy</html>", [], None, {"ok": True, "ts": None}, {"ok": True}, {"ok": False}], ids=str
)
def test_an_answer_of_another_shape_is_survived(server: SlackServer, body: object) -> None:
    server.fail(status=200, body=body)
    assert not trouble(lambda: post(bot(server))).permanent


def test_a_token_that_no_header_can_hold_is_not_told(server: SlackServer) -> None:
    trouble(lambda: post(bot(server, "xoxb-secret\nX: y")))


def test_blocks_beyond_the_limits_are_told_with_their_place(server: SlackServer) -> None:
    long: dict[str, object] = {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}
    found = trouble(lambda: bot(server).post(CHANNEL, Announcement("t", (long,)), key="k"))
    assert "invalid_blocks" in found.reason
    assert "/blocks/0/text" in found.reason
    assert found.text_only


@pytest.mark.parametrize(
    ("code", "permanent", "doubtful", "all_of_channel"),
    [
        ("invalid_auth", True, False, True),
        ("token_revoked", True, False, True),
        ("channel_not_found", True, False, True),
        ("is_archived", True, False, True),
        ("msg_too_long", True, False, False),
        ("fatal_error", False, True, False),
        ("internal_error", False, True, False),
        ("something_new", False, False, False),
    ],
)
def test_what_slacks_words_mean(code: str, permanent: bool, doubtful: bool, all_of_channel: bool) -> None:
    found = by_code(code, "C1").trouble
    assert (found.permanent, found.doubtful, found.all_of_channel) == (permanent, doubtful, all_of_channel)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30.0), ("1.5", 1.5), ("-1", None), ("soon", None), ("inf", None)],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds
    assert retry_after({"Retry-After": [value]}) == seconds


def test_looking_needs_an_id_and_a_scope(server: SlackServer) -> None:
    def find(channel: str = CHANNEL) -> Any:
        return bot(server).find(channel, key="parent", since=0.0)

    assert find() is None
    post(bot(server))
    assert find() == bot(server).find(CHANNEL, key="parent", since=0.0)
    assert bot(server, correlation_id="another").find(CHANNEL, key="parent", since=0.0) is None
    with pytest.raises(CannotLook, match="needs its id"):
        find("#deploys")
    server.tokens[TOKEN] = {"chat:write"}
    with pytest.raises(CannotLook, match="channels:history"):
        find()
    server.fail("conversations.history", status=503)
    assert trouble(find).reason == "Slack answered 503."


class TestTheWebhook:
    def test_it_says_something(self, server: SlackServer) -> None:
        SlackWebhook(server.webhook_url).say(START)
        (message,) = server.messages
        assert message.content["unfurl_links"] is False
        assert message.content["blocks"] == [SECTION]

    @pytest.mark.parametrize(
        ("change", "words", "permanent"),
        [
            (lambda s: setattr(s.channels[0], "is_archived", True), "archived (channel_is_archived)", True),
            (lambda s: s.webhooks.clear(), "the webhook was removed (no_service)", True),
            (lambda s: s.fail(status=403, body={"ok": False, "error": "action_prohibited"}),
             "an administrator restricts the webhook (action_prohibited)", True),
            (lambda s: s.fail(status=500, body="<html>"), "500", False),
            (lambda s: s.fail(status=429), "too many messages in a short time (ratelimited)", False),
            (lambda s: s.fail(kind="drop"), "could not be reached (RemoteDisconnected)", False),
        ],
    )  # fmt: skip
    def test_it_fails(self, server: SlackServer, change: Any, words: str, permanent: bool) -> None:
        webhook = SlackWebhook(server.webhook_url)
        change(server)
        found = trouble(lambda: webhook.say(START))
        assert words in found.reason
        assert found.permanent is permanent

    @pytest.mark.parametrize(
        "url", ["", "secret", "http://", "http://127.0.0.1:9/services/T/B/secret", "ftp://secret"]
    )
    def test_an_address_that_is_none(self, url: str) -> None:
        trouble(lambda: SlackWebhook(url).say(START))

    def test_it_can_do_nothing_else(self) -> None:
        webhook = SlackWebhook("http://127.0.0.1:9/")
        assert trouble(lambda: webhook.post("C1", START, key="k")).permanent
        assert trouble(lambda: webhook.update("C1", "1", START, key="k")).permanent
        with pytest.raises(CannotLook):
            webhook.find("C1", key="k", since=0.0)
        assert trouble(lambda: SlackBot(TOKEN, correlation_id="x").say(START)).permanent


def test_the_proxy_of_the_environment_is_used_unless_no_proxy_says_otherwise(
    server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(server.url) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("REQUEST_METHOD", raising=False)
        post(bot(server, base_url="http://slack.localhost/api/"))
        assert len(proxy.requests) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        post(bot(server), "C0ALERTS")
        assert len(proxy.requests) == 1
        assert len(server.messages) == 2


def test_a_certificate_that_is_not_trusted_is_told_with_its_remedy() -> None:
    words = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    error = unanswered(ssl.SSLCertVerificationError(1, words)).trouble
    assert "not trusted here: self-signed certificate" in error.reason
    assert "SSL_CERT_FILE" in error.reason
    assert not error.doubtful


def test_the_sdk_says_nothing_itself(server: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        trouble(lambda: SlackWebhook("http://127.0.0.1:9/services/T/B/secret").say(START))
        server.fail(status=500)
        trouble(lambda: post(bot(server)))
    assert "secret" not in caplog.text
    assert TOKEN not in caplog.text


class TestTheCheck:
    def found(
        self, server: SlackServer, *channels: str, token: str = TOKEN, timeout_seconds: float = 5.0
    ) -> list[tuple[str, str]]:
        access = SlackAccess(token, channels, server.api_url, timeout_seconds)
        assert token not in repr(access)
        findings = check(access)
        assert all(token not in f"{one}" for one in findings)
        return [(one.level, one.what) for one in findings]

    def test_all_is_well(self, server: SlackServer) -> None:
        assert self.found(server, CHANNEL, "C0ALERTS") == []
        assert server.messages == []

    def test_tokens(self, server: SlackServer) -> None:
        assert self.found(server, CHANNEL, token="xoxb-other") == [
            ("warning", "Slack does not accept the token.")
        ]

    def test_a_slack_that_is_away(self, server: SlackServer) -> None:
        server.fail(kind="hang", seconds=1)
        ((level, what),) = self.found(server, CHANNEL, timeout_seconds=0.1)
        assert (level, what.split(".")[0]) == ("warning", "Slack could not be asked")

    def test_scopes(self, server: SlackServer) -> None:
        server.tokens[TOKEN] = {"channels:read"}
        assert [what for _, what in self.found(server)] == [
            "The token lacks the scope chat:write.",
            "The token lacks the scope channels:history (groups:history for private channels).",
        ]
        server.tokens[TOKEN] = {"chat:write", "channels:history"}
        assert self.found(server, CHANNEL) == [
            ("note", f"Could not look up whether the app can write to {CHANNEL}.")
        ]

    def test_channels(self, server: SlackServer) -> None:
        server.channels += [
            Channel("C0OLD", "old", is_archived=True),
            Channel("C0STRANGE", "strange", is_member=False),
        ]
        assert self.found(server, "C0NOWHERE", "C0OLD", "C0STRANGE", "#deploys") == [
            ("warning", "The channel C0NOWHERE cannot be used."),
            ("warning", "The channel C0OLD is archived."),
            ("warning", "The app is not in the channel C0STRANGE."),
            ("note", "The channel #deploys is given by its name."),
        ]
        server.tokens[TOKEN].add("chat:write.public")
        assert self.found(server, "C0STRANGE") == [("note", "The app is not in the channel C0STRANGE.")]

    @pytest.mark.parametrize("body", ["<html>", [], {"ok": True, "channel": 7}, {"ok": True}], ids=str)
    def test_odd_answers(self, server: SlackServer, body: object) -> None:
        server.fail("conversations.info", status=200, body=body)
        assert len(self.found(server, CHANNEL)) == 1


class _Elsewhere(FakeServer):
    """Answers every request with a redirect to another server, or remembers what came."""

    def __init__(self, target: str = "", status: int = 302) -> None:
        super().__init__(0)
        self.target, self.status = target, status
        self.seen: list[str] = []

    def respond(self, request: Request) -> Response:
        self.seen.append(request.headers.get("authorization", ""))
        return (
            Response(self.status, "", {"location": self.target})
            if self.target
            else Response(200, {"ok": True})
        )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", ["token", "webhook"])
def test_a_token_does_not_follow_a_redirect(status: int, way: str) -> None:
    with _Elsewhere() as thief, _Elsewhere(f"{thief.url}/api/x", status) as server:
        if way == "token":
            send: Callable[[], object] = lambda: post(  # noqa: E731
                SlackBot(TOKEN, correlation_id="x", base_url=f"{server.url}/api/")
            )
        else:
            send = lambda: SlackWebhook(f"{server.url}/services/T0/B0/secret").say(START)  # noqa: E731
        trouble(send)
        assert len(server.seen) == 1
        assert thief.seen == []


@pytest.mark.parametrize("url", ["http://slack.example/api/", "http://10.0.0.1/api/"])
def test_nothing_is_sent_unencrypted_but_to_this_machine(url: str) -> None:
    said = trouble(lambda: post(SlackBot(TOKEN, correlation_id="x", base_url=url)))
    assert said.permanent
    assert "https://" in said.reason
    assert "https://" in trouble(lambda: SlackWebhook(f"{url}secret").say(START)).reason
