"""The records of an outbox, one for each step, and the outbox that follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.common.instants import WallTime
from deploy_action.slack import outbox
from deploy_action.slack.outbox import Message, Outbox, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Step(Enum):
    WHOLE = "whole"
    """The box as it stands, in place of all records before."""
    ACCEPT = "accept"
    BEGIN = "begin"
    ABSENT = "absent"
    SENT = "sent"
    FAIL = "fail"
    FOUND = "found"
    LINK = "link"
    LOST = "lost"
    FOLD = "fold"
    CLOSE = "close"
    HURRY = "hurry"


@dataclass(frozen=True, slots=True)
class Record:
    """One step. Which fields count depends on it; `at` is unix seconds."""

    step: Step
    id: str = ""
    at: float = 0.0
    entry: Message | None = None
    ids: tuple[str, ...] = ()
    lane: str = ""
    ts: str = ""
    channel_id: str = ""
    link: str = ""
    trouble: Trouble | None = None
    box: Outbox | None = None


def after(box: Outbox, record: Record) -> Outbox:
    """The box after this step. What does not fit changes nothing: it comes from a disk."""
    change = _CHANGES.get(record.step)
    return box if change is None else change(box, record)


def replayed(box: Outbox, records: Iterable[Record]) -> Outbox:
    for record in records:
        box = after(box, record)
    return box


def _accept(box: Outbox, record: Record) -> Outbox:
    return box if record.entry is None else outbox.accept(box, record.entry)


def _fail(box: Outbox, record: Record) -> Outbox:
    if record.trouble is None:
        return box
    return outbox.failed(box, record.id, record.lane, record.trouble, now=WallTime(record.at))


def _fold(box: Outbox, record: Record) -> Outbox:
    return box if record.entry is None else outbox.folded(box, record.ids, record.entry)


_CHANGES: dict[Step, Callable[[Outbox, Record], Outbox]] = {
    Step.WHOLE: lambda box, record: record.box or box,
    Step.ACCEPT: _accept,
    Step.BEGIN: lambda box, record: outbox.begun(box, record.id, now=WallTime(record.at)),
    Step.ABSENT: lambda box, record: outbox.absent(box, record.id),
    Step.SENT: lambda box, record: outbox.sent(box, record.id, ts=record.ts, channel_id=record.channel_id),
    Step.FAIL: _fail,
    Step.FOUND: lambda box, record: outbox.parent_found(box, ts=record.ts, channel_id=record.channel_id),
    Step.LINK: lambda box, record: replace(box, link=record.link),
    Step.LOST: lambda box, _record: outbox.parent_lost(box),
    Step.FOLD: _fold,
    Step.HURRY: lambda box, _record: outbox.hurried(box),
    Step.CLOSE: lambda box, _record: outbox.closed(box),
}
