"""What is left over: kept beside the registry, told later, once, and never more than fits."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from deploy_action.errors import RegistryUnreadable
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.slack import retry_queue as leftovers
from deploy_action.slack import retry_queue_delivery as draining
from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.outbox import Kind, Message, Outbox
from deploy_action.slack.ports import Announcement
from deploy_action.slack.retry_queue import QueuedOutbox
from tests.clock import VirtualClock
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy_action.slack.ports import Messenger

CHANNEL = "C0DEPLOYS"
DIVIDER: dict[str, object] = {"type": "divider"}
DIVIDERS = (DIVIDER,) * 50


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def slack(clock: VirtualClock) -> Iterator[SlackServer]:
    with SlackServer(now=clock.now) as server:
        yield server


@pytest.fixture
def registry(tmp_path: Path) -> FileRegistry:
    return FileRegistry(tmp_path)


def box(name: str, *texts: str, at: float = 0.0) -> Outbox:
    entries = [Message(f"{name}-p", Kind.PARENT, CHANNEL, f"{name} complete", at=at, final=True)]
    entries += [Message(f"{name}-{text}", Kind.REPLY, CHANNEL, text, at=at, final=True) for text in texts]
    return Outbox(name, tuple(entries), finished=True)


def drained(
    registry: FileRegistry,
    slack: SlackServer,
    clock: VirtualClock,
    *,
    token: str = "xoxb-token",
    channels: tuple[str, ...] = (),
    seconds: float = 60,
    repository: str = "",
) -> draining.Drained:
    def messenger_of(name: str) -> Messenger:
        return SlackBot(token, correlation_id=name, base_url=slack.api_url, timeout=2.0)

    sender = leftovers.sender(repository=repository, token=token, webhook_url="", channels=channels)
    return draining.drain(registry, clock, messenger_of, sender=sender, seconds=seconds)


def test_a_later_deployment_tells_it_in_order_and_once(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one", "a", "b")))
    leftovers.save(registry, clock, QueuedOutbox(box("two")))
    result = drained(registry, slack, clock)
    assert (result.sent, result.pending, result.dead) == (4, 0, 0)
    assert [message.text for message in slack.messages] == ["one complete", "a", "b", "two complete"]
    assert leftovers.read(registry).boxes == ()
    assert drained(registry, slack, clock).sent == 0
    assert len(slack.messages) == 4


def test_what_cannot_be_told_yet_stays(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one", "a")))
    fault = slack.fail("chat.", status=503, times=None)
    assert drained(registry, slack, clock, seconds=20).pending == 2
    (left,) = leftovers.read(registry).boxes
    assert left.free(clock.now())
    fault.times = 0
    assert drained(registry, slack, clock).sent == 2


def test_whoever_comes_second_finds_it_taken(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one")))

    def messenger_of(name: str) -> Messenger:
        assert drained(registry, slack, clock).sent == 0, "somebody else in the middle of ours"
        return SlackBot("xoxb-token", correlation_id=name, base_url=slack.api_url)

    assert draining.drain(registry, clock, messenger_of, sender=leftovers.Sender(), seconds=60).sent == 1
    assert len(slack.messages) == 1


class Died(BaseException):
    """What a kill is to those it does not reach."""


class Dying(FileRegistry):
    """With somebody who dies before he can write down what he sent."""

    swaps = 0

    def swap(self, *args: Any, **more: Any) -> str:
        self.swaps += 1
        if self.swaps == 2:
            raise Died
        return super().swap(*args, **more)


def test_what_somebody_died_with_is_looked_up_before_it_is_sent_again(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock, tmp_path: Path
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one", "a", at=clock.now())))
    with pytest.raises(Died):
        drained(Dying(tmp_path), slack, clock)
    assert len(slack.messages) == 2
    assert drained(registry, slack, clock).sent == 0, "taken still"
    clock.sleep(leftovers.TAKEN_SECONDS)
    assert drained(registry, slack, clock).sent == 2
    assert [message.text for message in slack.messages] == ["one complete", "a"]


def test_a_token_that_is_refused_in_the_middle_repeats_nothing(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one", "a")))
    respond = slack.respond

    def revoked(request: Any) -> Any:
        answer = respond(request)
        slack.tokens.clear()
        return answer

    slack.respond = revoked  # type: ignore[method-assign]
    result = drained(registry, slack, clock)
    assert (result.sent, result.pending, result.dead) == (1, 1, 0)
    slack.respond = respond  # type: ignore[method-assign]
    slack.tokens["xoxb-token"] = {"chat:write"}
    assert drained(registry, slack, clock).sent == 1
    assert [message.text for message in slack.messages] == ["one complete", "a"]


def test_an_answer_that_comes_byte_by_byte_holds_nobody_up(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one", "a")))
    monkeypatch.setattr(draining, "GRACE_SECONDS", 0.2)
    release = threading.Event()
    respond = slack.respond

    def slow(request: Any) -> Any:
        answer = respond(request)
        release.wait(20)
        return answer

    slack.respond = slow  # type: ignore[method-assign]

    def messenger_of(name: str) -> Messenger:
        return SlackBot("xoxb-token", correlation_id=name, base_url=slack.api_url, timeout=30.0)

    began = time.monotonic()
    told = draining.drain(registry, clock, messenger_of, sender=leftovers.Sender(), seconds=0.3)
    assert time.monotonic() - began < 5.0
    assert (told.sent, told.pending) == (0, 2)
    release.set()
    slack.respond = respond  # type: ignore[method-assign]
    assert drained(registry, slack, clock).sent == 2
    assert [message.text for message in slack.messages] == ["one complete", "a"], "it was looked for"


def test_where_slack_is_silent_the_rest_waits_for_a_better_day(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    for name in ("one", "two", "three"):
        leftovers.save(registry, clock, QueuedOutbox(box(name)))
    slack.fail("/api/", kind="drop", times=None)
    assert drained(registry, slack, clock, seconds=4).pending == 3
    assert len(slack.asked()) == 1


def test_a_token_that_is_refused_says_nothing_about_the_messages(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one")))
    result = drained(registry, slack, clock, token="xoxb-other")
    assert (result.sent, result.pending, result.dead) == (0, 1, 0)
    assert "invalid_auth" in result.troubles[0]
    assert drained(registry, slack, clock).sent == 1


def test_another_repository_s_messages_are_not_told_into_another_workspace(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    theirs = QueuedOutbox(box("one"), "org/theirs", token=leftovers.fingerprint("xoxb-theirs"))
    leftovers.save(registry, clock, theirs)
    assert drained(registry, slack, clock, repository="org/ours") == draining.Drained()
    assert drained(registry, slack, clock) == draining.Drained(), "nor by whom does not say whose"
    assert slack.asked() == []
    assert drained(registry, slack, clock, repository="org/theirs").sent == 1, "their token was changed"


def test_repositories_with_one_token_tell_each_other_s_messages(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    mark = leftovers.fingerprint("xoxb-token")
    leftovers.save(registry, clock, QueuedOutbox(box("one"), "org/theirs", token=mark))
    assert drained(registry, slack, clock, repository="org/ours").sent == 1
    assert "xoxb" not in str(leftovers.read(registry))


def test_a_channel_that_is_gone_is_a_dead_letter(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one")))
    slack.channels[0].is_archived = True
    assert drained(registry, slack, clock).dead == 1
    ((entry,),) = [left.box.dead for left in leftovers.read(registry).boxes]
    assert "is_archived" in entry.reason
    slack.channels[0].is_archived = False
    assert drained(registry, slack, clock).sent == 0
    assert leftovers.revive(registry, clock, ("one",)) == 1
    assert drained(registry, slack, clock).sent == 1


def test_messages_can_be_let_go(registry: FileRegistry, clock: VirtualClock) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one", "a")))
    assert leftovers.drop(registry, clock, ("one-a",)) == 1
    assert leftovers.drop(registry, clock, ("nobody",)) == 0
    assert leftovers.drop(registry, clock) == 1
    assert leftovers.read(registry).boxes == ()


def test_a_message_for_one_webhook_is_not_told_through_another(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock
) -> None:
    entry = Message("w", Kind.WEBHOOK, "", "complete", final=True)
    mark = leftovers.fingerprint("https://hooks.slack.com/services/T/B/secret")
    leftovers.save(registry, clock, QueuedOutbox(Outbox("one", (entry,)), webhook=mark))
    assert drained(registry, slack, clock).sent == 0
    assert "secret" not in str(leftovers.read(registry))


@pytest.mark.parametrize(
    "content",
    [
        b'{"schema":1,"boxes":[{"box":{},"saved_at":1e308}]}',
        b'{"schema":1,"boxes":[{"box":{"pending":[{"id":"a","kind":"post","channel":"C","text":"","at":-1}]}}]}',
        b"",
        b"{",
        b"[]",
        b'{"schema": 2}',
        b'{"schema":1,"boxes":[{"box":7}]}',
        b"[" * 10_000,
        b"\xff\xfe",
    ],
)
def test_a_document_that_is_none_is_left_as_it_is(
    registry: FileRegistry, clock: VirtualClock, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / leftovers.NAME
    path.write_bytes(content)
    with pytest.raises(RegistryUnreadable):
        leftovers.save(registry, clock, QueuedOutbox(box("one")))
    assert path.read_bytes() == content


def test_it_never_outgrows_its_place(registry: FileRegistry, clock: VirtualClock, tmp_path: Path) -> None:
    big = tuple(Message(str(n), Kind.REPLY, CHANNEL, "x" * 3000, DIVIDERS) for n in range(100))
    end = Message("end", Kind.PARENT, CHANNEL, "complete", DIVIDERS, final=True)
    for number in range(12):
        leftovers.save(registry, clock, QueuedOutbox(Outbox(f"{number}", (*big, end), dead=big)))
    content = (tmp_path / leftovers.NAME).read_bytes()
    assert len(content) <= leftovers.BYTES_MAX
    boxes = leftovers.decode(content).boxes
    assert boxes[-1].name == "11"
    assert all(left.box.entry("end") for left in boxes), "the truth goes last"
    assert len(boxes) >= 4


def test_the_looks_go_before_the_words(registry: FileRegistry, clock: VirtualClock) -> None:
    """Twenty deployments while Slack was down, each with its story."""
    for number in range(20):
        story = tuple(
            Message(f"{number}-{n}", Kind.REPLY, CHANNEL, "stalled", DIVIDERS, final=True) for n in range(12)
        )
        given_up = leftovers.save(registry, clock, QueuedOutbox(Outbox(f"{number}", story)))
        assert given_up == 0
    boxes = leftovers.read(registry).boxes
    assert [left.name for left in boxes] == [str(number) for number in range(20)]
    assert boxes[-1].box.pending[0].blocks, "of the newest they are kept"


def test_who_only_remembers_why_he_failed_makes_room_first(
    registry: FileRegistry, clock: VirtualClock
) -> None:
    entry = Message("x", Kind.POST, CHANNEL, "complete", final=True)
    leftovers.save(registry, clock, QueuedOutbox(Outbox("waits", (entry,))))
    lost = [
        leftovers.save(registry, clock, QueuedOutbox(Outbox(f"dead {n}", dead=(entry,))))
        for n in range(leftovers.BOXES_MAX)
    ]
    boxes = leftovers.read(registry).boxes
    assert (boxes[0].name, boxes[1].name, len(boxes)) == ("waits", "dead 1", leftovers.BOXES_MAX)
    assert lost == [0] * (leftovers.BOXES_MAX - 1) + [1]


def test_the_lock_is_not_touched(registry: FileRegistry, clock: VirtualClock) -> None:
    leftovers.save(registry, clock, QueuedOutbox(box("one")))
    before = registry.read()
    leftovers.save(registry, clock, replace(QueuedOutbox(box("two")), saved_at=1.0))
    assert registry.read().version != before.version
    assert len(leftovers.read(registry).boxes) == 2


@pytest.mark.parametrize("mark", ["", "of another deployment", "theirs"])
def test_only_a_message_with_our_own_mark_is_changed(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock, mark: str
) -> None:
    """A registry's writer could rewrite any message of the bot."""
    old = SlackBot("xoxb-token", correlation_id=mark, base_url=slack.api_url)
    theirs = old.post(CHANNEL, Announcement("do not touch"), key="parent")
    if not mark:
        del slack.messages[0].content["metadata"]
    clock.sleep(60)
    ours = SlackBot("xoxb-token", correlation_id="own", base_url=slack.api_url)
    own = ours.post(CHANNEL, Announcement("own started"), key="parent")
    for name, posted in (("forged", theirs), ("own", own)):
        kept = replace(box(name, "reply"), ts=posted.ts, channel_id=posted.channel_id)
        leftovers.save(registry, clock, QueuedOutbox(kept))
    drained(registry, slack, clock, channels=(CHANNEL,))
    texts = [message.text for message in slack.messages]
    assert texts[:2] == ["do not touch", "own complete"]
    assert {"forged complete", "reply"} <= set(texts[2:])
    assert not slack.replies(theirs.ts)
    assert leftovers.read(registry).boxes == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"channel_id": "C0SECRETS", "ts": "1.0"},
        {"pending": (Message("x", Kind.POST, "C0SECRETS", "pay here", final=True),)},
        {"dead": (Message("x", Kind.POST, "C0SECRETS", "pay here", final=True),)},
    ],
    ids=["its message", "what waits", "what failed"],
)
def test_a_deployment_tells_nothing_outside_of_its_own_channels(
    registry: FileRegistry, slack: SlackServer, clock: VirtualClock, changed: dict[str, Any]
) -> None:
    """Whoever may write the registry must not choose where the bot speaks."""
    leftovers.save(registry, clock, QueuedOutbox(replace(box("forged"), **changed)))
    leftovers.save(registry, clock, QueuedOutbox(box("own")))
    assert drained(registry, slack, clock, channels=(CHANNEL,)).sent == 1
    assert [message.text for message in slack.messages] == ["own complete"]
    assert [left.name for left in leftovers.read(registry).boxes] == ["forged"]


@pytest.mark.parametrize(("boxes", "messages"), [(1, 4_500), (3_000, 1)])
def test_far_more_than_is_ever_kept_is_refused_before_it_is_made_to_fit(boxes: int, messages: int) -> None:
    """Made to fit one message at a time: 4,500 of them took 5.6 s of CPU, and 20 times that in 4 MB."""
    dead = tuple(Message("e", Kind.POST, "c", "t") for _ in range(messages))
    kept = leftovers.Leftovers(
        boxes=tuple(QueuedOutbox(Outbox(f"b{number}", (), dead)) for number in range(boxes))
    )
    with pytest.raises(RegistryUnreadable, match="messages"):
        leftovers.merged(msgspec.json.encode(kept), QueuedOutbox(Outbox("own", dead[:1])))
