"""Tells what earlier deployments left over.

Whoever sends an outbox marks it as taken first, so that two do not send it at the same time; a mark that is
old belongs to somebody who died, and what he began is looked up before it is sent again.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.slack import outbox
from deploy_action.slack.outbox import CannotLook, Kind, NotDelivered
from deploy_action.slack.outbox_log import after
from deploy_action.slack.retry_queue import change_file, decode, encode, read
from deploy_action.slack.sender import PARENT, MessageSender

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.instants import WallTime
    from deploy_action.common.ports import Clock
    from deploy_action.locking.ports import Registry
    from deploy_action.slack.outbox import Outbox
    from deploy_action.slack.outbox_log import Record
    from deploy_action.slack.ports import Messenger
    from deploy_action.slack.retry_queue import QueuedOutbox, Sender

GRACE_SECONDS = 2.0
"""Of real time, for the answer to what is on its way when the time for sending is over."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How many entries were sent, and what is left of those boxes."""

    sent: int = 0
    pending: int = 0
    dead: int = 0
    troubles: tuple[str, ...] = ()

    def with_more(self, other: Drained) -> Drained:
        return Drained(
            self.sent + other.sent,
            self.pending + other.pending,
            self.dead + other.dead,
            (*self.troubles, *other.troubles),
        )


def drain(
    registry: Registry,
    clock: Clock,
    messenger_of: Callable[[str], Messenger],
    *,
    sender: Sender,
    seconds: float,
    posted_at: dict[str, float] | None = None,
) -> Drained:
    """Send what is left over, for about so long. `messenger_of` gets a correlation id. `posted_at`: see
    the sender. Raises RegistryError."""
    if not any(_fits(one, sender, clock.now()) for one in read(registry).boxes):
        return Drained()
    turn = DeliveryClaim(secrets.token_hex(8), sender, clock)
    change_file(registry, clock, turn.take)
    posted_at = {} if posted_at is None else posted_at
    work = threading.Thread(
        target=turn.work, args=(messenger_of, posted_at, seconds), name="slack-leftovers", daemon=True
    )
    try:
        work.start()
        work.join(seconds + GRACE_SECONDS)
    finally:
        turn.end()
        change_file(registry, clock, turn.settle)
    return turn.result()


class DeliveryClaim:
    """One drainer's turn at the document: what it took, and what became of that."""

    def __init__(self, mark: str, sender: Sender, clock: Clock) -> None:
        self._mark = mark
        self._sender = sender
        self._clock = clock
        self.taken: dict[str, QueuedOutbox] = {}
        self._stores: dict[str, BoxInMemory] = {}
        self._troubles: list[str] = []

    def take(self, content: bytes | None) -> bytes:
        leftovers, now = decode(content), self._clock.now()
        self.taken.clear()
        boxes: list[QueuedOutbox] = []
        for one in leftovers.boxes:
            if _fits(one, self._sender, now):
                self.taken[one.name] = _doubted(one)
                boxes.append(replace(one, taken_by=self._mark, taken_at=now))
            else:
                boxes.append(one)
        return encode(replace(leftovers, boxes=tuple(boxes)))

    def work(
        self, messenger_of: Callable[[str], Messenger], posted_at: dict[str, float], seconds: float
    ) -> None:
        """In a thread of its own: an answer that comes byte by byte takes as long as it likes."""
        end = self._clock.monotonic() + seconds
        for name, left in self.taken.items():
            messenger = messenger_of(name)
            try:
                box = _proven(outbox.reopened(left.box), messenger)
            except NotDelivered as error:
                self._troubles.append(error.trouble.reason)
                continue
            store = self._stores[name] = BoxInMemory(box)
            message_sender = MessageSender(store, messenger, self._clock, posted_at)
            try:
                _work(message_sender, store, self._clock, end)
            except _Ended:
                return
            except Exception as error:  # noqa: BLE001 - one outbox costs itself, not the rest
                self._troubles.append(f"The messages of {name} cannot be sent: {type(error).__name__}.")
            self._troubles.extend(sentence for sentence, _ in message_sender.troubles)
            if (
                message_sender.token_refused
                or message_sender.silent
                or message_sender.limited
                or self._clock.monotonic() >= end
            ):
                return

    def end(self) -> None:
        """A message on its way counts as begun; nothing more is."""
        for store in tuple(self._stores.values()):
            store.end()

    def _left_of(self, left: QueuedOutbox) -> Outbox:
        store = self._stores.get(left.name)
        return left.box if store is None else outbox.closed(store.box)

    def settle(self, content: bytes | None) -> bytes:
        leftovers = decode(content)
        boxes = (self._settled(one) for one in leftovers.boxes)
        return encode(replace(leftovers, boxes=tuple(one for one in boxes if not one.box.empty)))

    def _settled(self, left: QueuedOutbox) -> QueuedOutbox:
        if left.taken_by != self._mark:
            return left
        return replace(left, box=self._left_of(left), taken_by="", taken_at=0.0)

    def result(self) -> Drained:
        before = sum(len(left.box.pending) for left in self.taken.values())
        after_ = [(left.box, self._left_of(left)) for left in self.taken.values()]
        pending = sum(len(box.pending) for _, box in after_)
        dead = sum(len(box.dead) - len(old.dead) for old, box in after_)
        return Drained(max(0, before - pending - dead), pending, dead, tuple(dict.fromkeys(self._troubles)))


def _work(message_sender: MessageSender, store: BoxInMemory, clock: Clock, end: float) -> None:
    """As much as can be sent by then, on the monotonic clock."""
    while clock.monotonic() < end:
        before = store.box
        if message_sender.step():
            if message_sender.token_refused:  # which says nothing about the messages
                store.box = before
                return
            if message_sender.limited:  # those that deploy now need what Slack still takes
                return
            continue
        wait = message_sender.wait_seconds()
        if wait is None or clock.monotonic() + wait > end:
            break
        clock.sleep(wait)


class _Ended(Exception):
    """The time for sending is over."""


class BoxInMemory:
    """`ports.OutboxStore` for a box that is kept elsewhere, until `end`: whoever writes then is stopped."""

    trouble = ""

    def __init__(self, box: Outbox) -> None:
        self.box = box
        self._lock = threading.Lock()
        self._ended = False

    def write(self, record: Record) -> Outbox:
        with self._lock:
            if self._ended:
                raise _Ended
            self.box = after(self.box, record)
            return self.box

    def end(self) -> None:
        with self._lock:
            self._ended = True

    def forget(self) -> None:
        pass


def _fits(left: QueuedOutbox, sender: Sender, now: WallTime) -> bool:
    return left.free(now) and sender.may_tell(left) and bool(left.box.pending)


def _proven(box: Outbox, messenger: Messenger) -> Outbox:
    """The registry says which message is this deployment's, and anybody may have written that: unless Slack
    shows our own mark on it, it is neither changed nor replied to, and what is left to tell is posted anew.
    Raises NotDelivered where Slack cannot be asked at present."""
    if not box.ts:
        return box
    try:
        found = messenger.find(box.channel_id, key=PARENT, since=0.0, thread_ts=box.ts)
    except CannotLook:
        found = None
    except NotDelivered as error:
        if not (error.lost or error.trouble.permanent):
            raise
        found = None
    if found is not None and found.ts == box.ts:
        return box
    pending = tuple(
        replace(entry, kind=Kind.POST) if entry.kind.in_thread else entry for entry in box.pending
    )
    return replace(outbox.parent_found(replace(box, pending=pending), ts="", channel_id=""), link="")


def _doubted(left: QueuedOutbox) -> QueuedOutbox:
    """Whoever took it before may have sent any of it."""
    if not left.taken_by:
        return left
    pending = tuple(
        replace(entry, begun=True, tried_at=entry.tried_at or entry.at) for entry in left.box.pending
    )
    return replace(left, box=replace(left.box, pending=pending))
