"""The thread that sends: nobody waits for it longer than they said, in real time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from deploy_action.common.clock import SystemClock
from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.background_sender import BackgroundWorker
from deploy_action.slack.outbox import Kind, Message
from deploy_action.slack.outbox_file import OutboxJournal
from deploy_action.slack.sender import MessageSender
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SILENCE_SECONDS = 8.0


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def sender(slack: SlackServer, tmp_path: Path) -> MessageSender:
    bot = SlackBot("xoxb-token", correlation_id="x", base_url=slack.api_url, timeout=SILENCE_SECONDS)
    return MessageSender(OutboxJournal(tmp_path / "outbox", "x"), bot, SystemClock())


def parent(number: int) -> Message:
    return Message(f"e{number}", Kind.PARENT, "C0DEPLOYS", f"state {number}", at=time.time())


def test_nobody_waits_for_a_silent_slack(slack: SlackServer, sender: MessageSender) -> None:
    slack.fail(kind="hang", seconds=SILENCE_SECONDS, times=None)
    worker = BackgroundWorker(sender)
    began = time.monotonic()
    for number in range(5):
        sender.accept([parent(number)])
        worker.wake()
    assert time.monotonic() - began < SILENCE_SECONDS / 2


def test_the_end_waits_no_longer_than_it_was_told_to(slack: SlackServer, sender: MessageSender) -> None:
    slack.fail(kind="hang", seconds=SILENCE_SECONDS, times=None)
    worker = BackgroundWorker(sender)
    sender.accept([parent(1)])
    began = time.monotonic()
    worker.flush(0.5)
    assert 0.4 < time.monotonic() - began < SILENCE_SECONDS / 2


def test_the_end_waits_for_what_can_be_told(slack: SlackServer, sender: MessageSender) -> None:
    worker = BackgroundWorker(sender)
    worker.flush(5.0)
    sender.accept([parent(1)])
    began = time.monotonic()
    worker.flush(30.0)
    assert time.monotonic() - began < 15.0
    assert [message.text for message in slack.messages] == ["state 1"]


def test_the_end_does_not_wait_for_what_cannot_be_told_by_then(
    slack: SlackServer, sender: MessageSender
) -> None:
    slack.fail(status=503, times=None)
    worker = BackgroundWorker(sender)
    sender.accept([parent(1)])
    began = time.monotonic()
    worker.flush(30.0)
    took = time.monotonic() - began
    assert took < 20.0, "the pauses are 5 and 10 seconds, and the next one does not fit"
