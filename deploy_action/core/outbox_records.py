"""What is written down of an outbox, one record for each step, and the outbox that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.core import outbox
from deploy_action.core.outbox import Box, Entry, Trouble

if TYPE_CHECKING:
    from collections.abc import Iterable


class Step(Enum):
    WHOLE = "whole"
    """The box as it stands, in place of all records before."""
    ACCEPT = "accept"
    BEGIN = "begin"
    ABSENT = "absent"
    SENT = "sent"
    FAIL = "fail"
    FOUND = "found"
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
    entry: Entry | None = None
    ids: tuple[str, ...] = ()
    lane: str = ""
    ts: str = ""
    channel_id: str = ""
    trouble: Trouble | None = None
    box: Box | None = None


def after(box: Box, record: Record) -> Box:
    """The box after this step. What does not fit changes nothing: it comes from a disk."""
    match record:
        case Record(step=Step.WHOLE, box=Box() as whole):
            return whole
        case Record(step=Step.ACCEPT, entry=Entry() as entry):
            return outbox.accept(box, entry)
        case Record(step=Step.BEGIN):
            return outbox.begun(box, record.id, now=record.at)
        case Record(step=Step.ABSENT):
            return outbox.absent(box, record.id)
        case Record(step=Step.SENT):
            return outbox.sent(box, record.id, ts=record.ts, channel_id=record.channel_id)
        case Record(step=Step.FAIL, trouble=Trouble() as trouble):
            return outbox.failed(box, record.id, record.lane, trouble, now=record.at)
        case Record(step=Step.FOUND):
            return outbox.parent_found(box, ts=record.ts, channel_id=record.channel_id)
        case Record(step=Step.LOST):
            return outbox.parent_lost(box)
        case Record(step=Step.FOLD, entry=Entry() as entry):
            return outbox.folded(box, record.ids, entry)
        case Record(step=Step.CLOSE):
            return outbox.closed(box)
        case Record(step=Step.HURRY):
            return outbox.hurried(box)
    return box


def replayed(box: Box, records: Iterable[Record]) -> Box:
    for record in records:
        box = after(box, record)
    return box
