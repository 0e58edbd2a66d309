"""The sender with the real SDK against a Slack that fails in every way it can."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.api.webhook import SlackWebhook
from deploy_action.slack.outbox import Kind, Message
from deploy_action.slack.outbox_file import OutboxJournal
from deploy_action.slack.sender import MessageSender
from tests.clock import VirtualClock
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from deploy_action.slack.ports import Messenger

CHANNEL = "C0DEPLOYS"
ALERTS = "C0ALERTS"
ID = "20270115-080000-abcdef"


class Desk:
    """An outbox on a disk, a sender, and a clock that passes when everything waits."""

    def __init__(self, server: SlackServer, clock: VirtualClock, path: Path) -> None:
        self.server = server
        self.clock = clock
        self.path = path
        self.messenger: Messenger = SlackBot(
            "xoxb-token", correlation_id=ID, base_url=server.api_url, timeout=2.0
        )
        self.number = 0
        self.restart()

    def restart(self) -> None:
        """Another process, which finds what the last one left."""
        self.journal = OutboxJournal(self.path, ID)
        self.sender = MessageSender(self.journal, self.messenger, self.clock)

    def accept(self, kind: Kind, text: str, *, channel: str = CHANNEL, final: bool = False) -> None:
        self.number += 1
        where = "" if kind is Kind.WEBHOOK else channel
        now = self.clock.now()
        self.sender.accept([Message(f"e{self.number}", kind, where, text, at=now, final=final)])

    def parent(self, text: str, *, final: bool = False) -> None:
        self.accept(Kind.PARENT, text, final=final)

    def reply(self, text: str, *, final: bool = False) -> None:
        self.accept(Kind.REPLY, text, final=final)

    def alert(self, text: str, *, final: bool = False) -> None:
        self.accept(Kind.POST, text, channel=ALERTS, final=final)

    def work(self, seconds: float = 1000.0) -> None:
        """Until nothing is left to do, or so much time has passed."""
        end = self.clock.monotonic() + seconds
        while True:
            if self.sender.step():
                continue
            wait = self.sender.wait_seconds()
            if wait is None or self.clock.monotonic() + wait > end:
                return
            self.clock.sleep(wait)

    def told(self, channel: str = "deploys") -> list[str]:
        """As it stands now: the channel's own messages, each followed by its thread."""
        lines: list[str] = []
        for top in self.server.tops(channel):
            lines += [top.text, *(f"> {one.text}" for one in self.server.replies(top.ts))]
        return lines

    @property
    def left(self) -> list[str]:
        return [entry.text for entry in self.journal.box.pending]

    @property
    def dead(self) -> list[tuple[str, str]]:
        return [(entry.text, entry.reason) for entry in self.journal.box.dead]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[SlackServer]:
    with SlackServer(now=clock.now) as server:
        yield server


@pytest.fixture
def desk(server: SlackServer, clock: VirtualClock, tmp_path: Path) -> Desk:
    return Desk(server, clock, tmp_path / "outbox.jsonl")


class TestAllIsWell:
    def test_one_message_is_updated_and_its_thread_tells_the_rest(self, desk: Desk) -> None:
        desk.parent("started")
        desk.work()
        desk.reply("stalled")
        desk.parent("stalled")
        desk.alert("stalled: look")
        desk.work()
        desk.parent("complete", final=True)
        desk.reply("complete", final=True)
        desk.work()
        assert desk.told() == ["complete", "> stalled", "> complete"]
        assert desk.told("alerts") == ["stalled: look"]
        assert (desk.left, desk.dead) == ([], [])
        assert not desk.sender.troubles
        assert len(desk.server.asked(r"chat\.(postMessage|update)")) == 6

    def test_a_second_passes_between_messages_of_one_channel(self, desk: Desk) -> None:
        desk.parent("started")
        for number in range(3):
            desk.reply(f"reply {number}")
        desk.work()
        assert desk.told()[1:] == ["> reply 0", "> reply 1", "> reply 2"]
        assert desk.clock.elapsed == pytest.approx(3.0)
        assert not desk.sender.troubles, "Slack had nothing to complain of"

    def test_a_broadcast_is_one(self, desk: Desk) -> None:
        desk.parent("failed", final=True)
        desk.accept(Kind.BROADCAST, "failed because", final=True)
        desk.work()
        (top,) = desk.server.tops("deploys")
        (broadcast,) = desk.server.replies(top.ts)
        assert broadcast.content["reply_broadcast"] is True
        assert not any("reply_broadcast" in version for version in top.versions)

    def test_another_process_goes_on_with_the_same_message(self, desk: Desk) -> None:
        desk.parent("started")
        desk.work()
        desk.restart()
        desk.parent("complete", final=True)
        desk.work()
        assert desk.told() == ["complete"]


class TestRetries:
    def test_after_5_10_20_40_and_80_seconds_and_then_no_more(self, desk: Desk) -> None:
        times: list[float] = []
        respond = desk.server.respond

        def record(request: Any) -> Any:
            times.append(desk.clock.elapsed)
            return respond(request)

        desk.server.respond = record  # type: ignore[method-assign]
        desk.server.fail("chat.postMessage", status=429, when="after", times=None)
        desk.server.channels[0].is_archived = True  # so that nothing takes effect
        desk.parent("started")
        desk.work()
        assert times == [0.0, 5.0, 15.0, 35.0, 75.0, 155.0]
        assert desk.left == []
        ((text, reason),) = desk.dead
        assert text == "started"
        assert "too many messages" in reason

    def test_slack_says_how_long_to_wait(self, desk: Desk) -> None:
        desk.server.fail("chat.postMessage", status=429, headers={"Retry-After": "37"})
        desk.parent("started")
        desk.work(1.0)
        desk.clock.sleep(36.9)
        desk.sender.hurry()
        desk.work(0.0)
        assert desk.told() == [], "not even in a hurry"
        desk.work(0.2)
        assert desk.told() == ["started"]

    def test_a_short_wait_is_not_shorter_than_ours(self, desk: Desk) -> None:
        desk.server.fail("chat.postMessage", status=429, headers={"Retry-After": "1"})
        desk.parent("started")
        desk.work()
        assert desk.clock.elapsed == 5.0

    @pytest.mark.parametrize("status", [500, 502, 503])
    def test_servers_that_fail_are_tried_again(self, desk: Desk, status: int) -> None:
        desk.server.fail("chat.postMessage", status=status, body="<html>", times=2)
        desk.parent("started")
        desk.work()
        assert desk.told() == ["started"]
        assert [sentence for sentence, _ in desk.sender.troubles] == [f"Slack answered {status}."]

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda s: s.tokens.clear(), "the token is not valid (invalid_auth)"),
            (lambda s: s.channels.clear(), "/invite the app (channel_not_found)"),
            (lambda s: setattr(s.channels[0], "is_member", False), "/invite it there (not_in_channel)"),
            (lambda s: setattr(s.channels[0], "is_archived", True), "the channel is archived (is_archived)"),
            (lambda s: s.tokens["xoxb-token"].clear(), "lacks a scope (missing_scope). Needed: chat:write."),
        ],
    )
    def test_what_will_not_change_by_itself_is_dead_at_once_and_asked_once(
        self, desk: Desk, change: Callable[[SlackServer], object], words: str
    ) -> None:
        change(desk.server)
        desk.parent("started")
        desk.work()
        desk.parent("progress")
        desk.work()
        assert desk.clock.elapsed == 0.0
        ((text, reason),) = desk.dead
        assert text == "progress", "only the newest state is of interest"
        assert words in reason
        assert "xoxb" not in reason
        assert len(desk.server.asked()) == 1
        assert [given_up for _, given_up in desk.sender.troubles] == [True]

    def test_the_next_step_of_the_job_tries_again(self, desk: Desk) -> None:
        desk.server.channels[0].is_archived = True
        desk.parent("started")
        desk.work()
        desk.server.channels[0].is_archived = False
        desk.restart()
        desk.parent("complete", final=True)
        desk.work()
        assert desk.told() == ["complete"]
        assert desk.dead == []

    def test_a_layout_that_slack_refuses_costs_the_looks_only(self, desk: Desk) -> None:
        entry = Message("x", Kind.PARENT, CHANNEL, "words", ({"type": "marquee"},), at=desk.clock.now())
        desk.sender.accept([entry])
        desk.work()
        assert desk.told() == ["words"]
        assert "invalid_blocks" in desk.sender.troubles[0][0]

    def test_a_message_that_is_gone_is_posted_anew(self, desk: Desk) -> None:
        desk.parent("started")
        desk.work()
        desk.server.messages.clear()
        desk.parent("complete", final=True)
        desk.reply("the end", final=True)
        desk.work()
        assert desk.told() == ["complete", "> the end"]

    def test_a_message_that_may_not_be_changed_is_not_posted_with_every_state(self, desk: Desk) -> None:
        body = {"ok": False, "error": "edit_window_closed"}
        desk.server.fail("chat.update", status=200, body=body, times=None)
        for number in range(50):
            desk.parent(f"progress {number}")
            desk.work(10.0)
            desk.clock.sleep(10.0)
        desk.reply("stalled")
        desk.work()
        desk.parent("complete", final=True)
        desk.work()
        told = desk.told()
        assert len(told) == 5, told
        assert told[-2:] == ["> stalled", "complete"]
        assert "does not let messages be changed" in desk.sender.troubles[0][0]


class TestWhatMayHaveBeenPosted:
    @pytest.mark.parametrize("kind", ["drop", "status"])
    def test_a_message_is_looked_for_before_it_is_posted_again(self, desk: Desk, kind: str) -> None:
        desk.server.fail("chat.postMessage", kind=kind, when="after")
        desk.parent("started")
        desk.work()
        assert desk.told() == ["started"]
        assert len(desk.server.asked("chat.postMessage")) == 1
        assert len(desk.server.asked("conversations.history")) == 1

    def test_a_reply_too(self, desk: Desk) -> None:
        desk.parent("started")
        desk.work()
        desk.reply("one")
        desk.reply("two")
        desk.server.fail("chat.postMessage", kind="drop", when="after")
        desk.work()
        assert desk.told() == ["started", "> one", "> two"]
        assert len(desk.server.asked("conversations.replies")) == 1

    def test_one_that_was_not_posted_is_posted(self, desk: Desk) -> None:
        desk.server.fail("chat.postMessage", kind="drop", when="before")
        desk.parent("started")
        desk.work()
        assert desk.told() == ["started"]

    def test_the_newest_state_is_shown_by_what_was_found(self, desk: Desk) -> None:
        desk.server.fail("chat.postMessage", kind="drop", when="after")
        desk.parent("started")
        desk.work(1.0)
        desk.parent("stalled")
        desk.work()
        assert desk.told() == ["stalled"]

    def test_nothing_is_posted_while_nobody_can_look(self, desk: Desk) -> None:
        desk.server.fail("chat.postMessage", kind="hang", seconds=4, when="after")
        desk.server.fail("conversations.history", kind="hang", seconds=4, times=3)
        desk.parent("started")
        desk.work()
        assert desk.told() == ["started"]
        assert len(desk.server.asked("chat.postMessage")) == 1

    def test_one_that_is_further_back_is_found(self, desk: Desk) -> None:
        desk.server.fail("chat.postMessage", kind="drop", when="after")
        desk.parent("started")
        desk.sender.step()
        top = desk.server.messages[0]
        desk.server.messages += [
            type(top)(top.channel, f"{1_800_000_001 + n}.0", {"text": "chat"}) for n in range(250)
        ]
        desk.work()
        assert [text for text in desk.told() if text != "chat"] == ["started"]

    def test_a_message_of_another_deployment_is_not_ours(self, desk: Desk) -> None:
        other = SlackBot("xoxb-token", correlation_id="other", base_url=desk.server.api_url)
        desk.messenger, own = other, desk.messenger
        desk.restart()
        desk.parent("theirs")
        desk.work()
        desk.path.unlink()
        desk.messenger = own
        desk.restart()
        desk.server.fail("chat.postMessage", kind="drop", when="before")
        desk.clock.sleep(2)
        desk.parent("ours")
        desk.work()
        assert desk.told() == ["theirs", "ours"]

    @pytest.mark.parametrize("channel", [CHANNEL, "#deploys"])
    def test_where_nobody_may_look_it_is_repeated_once_and_that_is_told(
        self, desk: Desk, channel: str
    ) -> None:
        if channel == CHANNEL:
            desk.server.tokens["xoxb-token"] = {"chat:write"}
        desk.server.fail("chat.postMessage", kind="drop", when="after", times=None)
        desk.accept(Kind.PARENT, "started", channel=channel)
        desk.work()
        assert len(desk.server.asked("chat.postMessage")) == 2
        ((_, reason),) = desk.dead
        assert "may have been posted already" in reason
        told = " ".join(sentence for sentence, _ in desk.sender.troubles)
        assert "may appear twice" in told
        assert ("channels:history" if channel == CHANNEL else "its id") in told

    def test_where_nobody_may_look_not_every_state_is_new(self, desk: Desk) -> None:
        desk.server.tokens["xoxb-token"] = {"chat:write"}
        outage = desk.server.fail("chat.postMessage", kind="drop", when="after", times=None)
        for number in range(100):
            desk.parent(f"progress {number}")
            desk.work(10.0)
            desk.clock.sleep(10.0)
        assert 2 <= len(desk.told()) <= 4, "about a quarter of an hour"
        outage.times = 0
        desk.parent("complete", final=True)
        desk.sender.hurry()
        desk.work(2.0)
        assert desk.told()[-1] == "complete", "the last word is said all the same"

    def test_a_kill_in_the_middle_of_a_request_repeats_nothing(self, desk: Desk) -> None:
        desk.parent("started")

        def killed(request: Any) -> Any:
            answer = respond(request)
            raise_after.append(answer)
            return answer

        respond, raise_after = desk.server.respond, list[Any]()
        desk.server.respond = killed  # type: ignore[method-assign]
        box = OutboxJournal(desk.path, ID)  # as the disk knows it before the request
        desk.sender.step()
        assert raise_after
        lines = desk.path.read_bytes().splitlines(keepends=True)
        assert (b'"sent"' in lines[-2], b'"link"' in lines[-1]) == (True, True)
        desk.path.write_bytes(b"".join(lines[:-2]))
        assert box.box.pending
        desk.restart()
        desk.work()
        assert desk.told() == ["started"]
        assert len(desk.server.asked("chat.postMessage")) == 1


class TestSlackIsBack:
    def test_what_is_old_is_told_as_one_before_the_end(self, desk: Desk) -> None:
        desk.parent("started")
        desk.work()
        outage = desk.server.fail("chat.", status=503, times=None)
        for number in range(40):
            desk.parent(f"progress {number}")
            if number % 10 == 0:
                desk.reply(f"stall {number}")
                desk.alert(f"alert {number}a")
                desk.alert(f"alert {number}b")
            desk.work(15.0)
            desk.clock.sleep(15.0)
        desk.parent("complete", final=True)
        desk.reply("complete", final=True)
        outage.times = 0
        desk.work()
        told = desk.told()
        assert (told[0], told[-1]) == ("complete", "> complete")
        assert len(told) == 3, told
        for number in (0, 10, 20, 30):
            assert f"stall {number}" in told[1]
        (alert,) = desk.told("alerts")
        assert "alert 30a" in alert
        assert "alert 30b" in alert
        everything = alert + " ".join(text for text, _ in desk.dead)
        assert all(f"alert {number}{side}" in everything for number in (0, 10, 20, 30) for side in "ab")
        assert {reason for _, reason in desk.dead} == {"Slack answered 503."}

    def test_a_late_word_never_follows_the_last_one(self, desk: Desk) -> None:
        outage = desk.server.fail("chat.", status=503, times=None)
        desk.parent("started")
        desk.reply("stalled")
        desk.work(4.0)
        desk.parent("complete", final=True)
        desk.reply("complete", final=True)
        desk.parent("progress")
        desk.reply("progress")
        outage.times = 0
        desk.work()
        assert desk.told() == ["complete", "> stalled", "> complete"]

    def test_a_webhook_says_only_the_end(self, desk: Desk) -> None:
        desk.messenger = SlackWebhook(desk.server.webhook_url, timeout=2.0)
        desk.restart()
        outage = desk.server.fail("/services/", status=429, times=None)
        desk.accept(Kind.WEBHOOK, "started")
        desk.work(4.0)
        desk.accept(Kind.WEBHOOK, "complete", final=True)
        outage.times = 0
        desk.work()
        assert desk.told() == ["complete"]


def test_what_is_kept_holds_no_secret(desk: Desk) -> None:
    desk.server.tokens.clear()
    desk.parent("started")
    desk.work()
    kept = desk.path.read_text("utf-8")
    assert "xoxb" not in kept
    assert all(json.loads(line) for line in kept.splitlines())


def test_the_parents_address_is_learned_once_and_kept(desk: Desk) -> None:
    desk.parent("started")
    desk.work()
    link = desk.journal.box.link
    assert link == f"https://team.slack.com/archives/{CHANNEL}/p{desk.journal.box.ts.replace('.', '')}"
    desk.parent("half way")
    desk.work()
    assert len(desk.server.asked("getPermalink")) == 1
    desk.restart()
    assert desk.journal.box.link == link


def test_an_address_that_cannot_be_told_costs_nothing_else(desk: Desk) -> None:
    desk.server.fail("getPermalink", status=500, times=None)
    desk.parent("started")
    desk.work()
    assert desk.journal.box.link == ""
    assert [message.text for message in desk.server.messages] == ["started"]
