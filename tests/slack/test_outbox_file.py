"""The outbox on the disk: what was accepted is there after any kill, in order, and told once."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy_action.slack import outbox_file as outbox_journal
from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.outbox import Kind, Message, Trouble
from deploy_action.slack.outbox_file import OutboxJournal
from deploy_action.slack.outbox_log import Record, Step
from deploy_action.slack.sender import MessageSender
from tests.clock import VirtualClock
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
BLOCKS: tuple[dict[str, object], ...] = ({"type": "section", "text": {"type": "mrkdwn", "text": "näme"}},)


def entry(name: str, kind: Kind = Kind.POST) -> Message:
    return Message(name, kind, "C1", f"text {name}", BLOCKS, at=1.5, lines=((1.0, "a"),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.jsonl"


def test_everything_comes_back(path: Path) -> None:
    journal = OutboxJournal(path, "id")
    journal.write(Record(Step.ACCEPT, entry=entry("p", Kind.PARENT)))
    journal.write(Record(Step.SENT, "p", ts="1.0", channel_id="C1"))
    journal.write(Record(Step.ACCEPT, entry=entry("a")))
    journal.write(Record(Step.ACCEPT, entry=entry("b")))
    journal.write(Record(Step.FAIL, "a", 5.0, lane="C1", trouble=Trouble("no", permanent=True)))
    again = OutboxJournal(path, "another id")
    assert again.box == journal.box
    assert again.box.correlation_id == "id"
    assert [one.id for one in again.box.dead] == ["a"]


@pytest.mark.parametrize(
    "torn", [b"{", b'{"step":"accept","entry":{"id":"x"', b"\xff\n", b"garbage\n", b"7\n"]
)
def test_a_line_that_was_cut_off_costs_itself_alone(path: Path, torn: bytes) -> None:
    journal = OutboxJournal(path, "id")
    journal.write(Record(Step.ACCEPT, entry=entry("a")))
    with path.open("ab") as file:
        file.write(torn)
    again = OutboxJournal(path, "id")
    again.write(Record(Step.ACCEPT, entry=entry("b")))
    assert [one.id for one in OutboxJournal(path, "id").box.pending] == ["a", "b"]


def test_the_file_does_not_grow_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_journal, "REWRITE_BYTES", 5_000)
    journal = OutboxJournal(path, "id")
    for number in range(100):
        journal.write(Record(Step.ACCEPT, entry=entry(str(number), Kind.PARENT)))
    assert path.stat().st_size < 6_000
    assert [one.id for one in OutboxJournal(path, "id").box.pending] == ["99"]


def test_a_full_disk_is_told_and_the_rest_goes_on_in_memory(path: Path) -> None:
    path.mkdir()
    journal = OutboxJournal(path, "id")
    journal.write(Record(Step.ACCEPT, entry=entry("a")))
    assert "cannot be kept on the disk" in journal.trouble
    assert journal.box.entry("a")
    path.rmdir()
    journal.write(Record(Step.ACCEPT, entry=entry("b")))
    assert journal.trouble == ""
    assert [one.id for one in OutboxJournal(path, "id").box.pending] == ["a", "b"]


def test_a_disk_that_takes_half_a_line_is_full(path: Path) -> None:
    journal = OutboxJournal(path, "id")
    journal.write(Record(Step.ACCEPT, entry=entry("a")))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
    try:
        journal.write(Record(Step.ACCEPT, entry=entry("b")))
        assert "cannot be kept on the disk" in journal.trouble
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [one.id for one in OutboxJournal(path, "id").box.pending] == ["a"]
    journal.write(Record(Step.ACCEPT, entry=entry("c")))
    assert journal.trouble == ""
    assert [one.id for one in OutboxJournal(path, "id").box.pending] == ["a", "b", "c"]


def test_a_file_that_cannot_even_be_looked_for(tmp_path: Path) -> None:
    journal = OutboxJournal(tmp_path / ("x" * 300), "id")
    journal.write(Record(Step.ACCEPT, entry=entry("a")))
    assert "cannot be kept on the disk" in journal.trouble
    assert journal.box.entry("a")


def test_a_change_of_nothing_is_not_written(path: Path) -> None:
    journal = OutboxJournal(path, "id")
    journal.write(Record(Step.ACCEPT, entry=Message("end", Kind.PARENT, "C1", "end", final=True)))
    size = path.stat().st_size
    journal.write(Record(Step.ACCEPT, entry=entry("late")))
    assert path.stat().st_size == size


CHILD = """
import sys
from pathlib import Path
from deploy_action.common.clock import SystemClock
from deploy_action.slack.outbox_file import OutboxJournal
from deploy_action.slack.api.bot import SlackBot
from deploy_action.slack.outbox import Kind, Message
from deploy_action.slack.sender import MessageSender
from deploy_action.slack import sender as module
from deploy_action.slack.background_sender import BackgroundWorker
import time
module.PACE_SECONDS = 0.0
module.outbox.CROWD = 10_000  # each is to be told by itself
path, url, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
journal = OutboxJournal(path, "killed")
bot = SlackBot("xoxb-token", correlation_id="killed", base_url=url, timeout=2)
sender = MessageSender(journal, bot, SystemClock())
worker = BackgroundWorker(sender)
def accept(name, kind, text):
    refused = journal.box.refused
    box = sender.accept([Message(name, kind, "C0DEPLOYS", text, at=time.time())])
    if box.refused == refused:
        print(text, flush=True)  # what was accepted
    worker.wake()
for number in range(first, first + 400):
    accept(f"p{number}", Kind.PARENT, f"state {number:04}")
    accept(f"r{number}", Kind.REPLY, f"reply {number:04}")
    time.sleep(0.002)
worker.flush(30)
"""


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    ticks = count(int(time.time()), 2)  # no two posts within a second
    with SlackServer(now=lambda: float(next(ticks))) as server:
        yield server


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_point_nothing_accepted_is_lost_repeated_or_out_of_order(
    path: Path, slack: SlackServer, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted: list[str] = []
    for number in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), slack.api_url, str(number * 1000)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )
        assert child.stdout is not None
        first = child.stdout.readline()
        accepted.append(first.strip())
        time.sleep(0.013 * number + 0.029 * seed)
        os.kill(child.pid, signal.SIGKILL)
        rest, _ = child.communicate()
        # A line that was cut off was not promised to anybody.
        accepted += [line for line in rest.split("\n")[:-1] if line]
    # On a fast machine many are left, which would be told as one.
    monkeypatch.setattr("deploy_action.slack.outbox.CROWD", 10_000)
    monkeypatch.setattr("deploy_action.slack.sender.PACE_SECONDS", 0.0)
    journal = OutboxJournal(path, "killed")
    clock = VirtualClock(time.time())
    bot = SlackBot("xoxb-token", correlation_id="killed", base_url=slack.api_url)
    sender = MessageSender(journal, bot, clock)
    while (wait := sender.wait_seconds()) is not None:
        clock.sleep(wait)
        sender.step()
    (top,) = slack.tops("deploys")
    replies = [message.text for message in slack.replies(top.ts)]
    promised = [text for text in accepted if text.startswith("reply")]
    told = "\n".join(replies)
    assert all(text in told for text in promised), set(promised) - set(replies)
    single = [text for text in replies if text.startswith("reply")]
    assert single == sorted(single)
    assert len(single) == len(set(single))
    states = [str(version["text"]) for version in top.versions]
    assert states == sorted(states)
    last = max(text for text in accepted if text.startswith("state"))
    assert states[-1] >= last
