"""Sends what an outbox holds, one request at a time. What it learns is kept before it goes on."""

from __future__ import annotations

import secrets
from collections import deque
from typing import TYPE_CHECKING

from deploy_action.slack import outbox
from deploy_action.slack.messages.digest import folded
from deploy_action.slack.outbox import CannotLook, Kind, Message, NotDelivered, Trouble
from deploy_action.slack.outbox_log import Record, Step
from deploy_action.slack.ports import Announcement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.common.instants import WallTime
    from deploy_action.common.ports import Clock
    from deploy_action.slack.outbox import Outbox
    from deploy_action.slack.ports import Messenger, OutboxStore, Posted

PACE_SECONDS = 1.0
"""Between two new messages in one channel: Slack takes no more."""
CLOCK_DIFFERENCE_SECONDS = 600.0
"""Between this machine's clock and Slack's, at most, when a message is looked for."""
UNHEARD_MAX = 1
"""At most this many requests without an answer may be repeated where no look can tell whether they took
effect."""
PARENT = "parent"
"""Names the parent message, whose states are all one message."""


class AppLimit:
    """Slack's limit of one app, which all channels of a deployment share."""

    def __init__(self) -> None:
        self.refusals = 0
        """How often Slack refused to change a message, because too many are changed."""


class MessageSender:
    """`step` makes one try. Call it from one thread; `troubles` may be emptied from another.

    `posted_at`: when something was last posted, by channel; senders that follow each other share it.
    `told`: sentences that an earlier step has told.
    """

    def __init__(
        self,
        store: OutboxStore,
        messenger: Messenger,
        clock: Clock,
        posted_at: dict[str, float] | None = None,
        *,
        told: Iterable[str] = (),
        limit: AppLimit | None = None,
    ) -> None:
        self._store = store
        self._messenger = messenger
        self._clock = clock
        self.posted_at = {} if posted_at is None else posted_at
        self._closed: dict[str, Trouble] = {}
        self._told = {(sentence, given_up) for sentence in told for given_up in (True, False)}
        self.troubles: deque[tuple[str, bool]] = deque()
        """Sentences for people, each told once, and whether a message was given up."""
        self.well = True
        """The last request was answered with yes."""
        self.silent = False
        """The last request went out, and no answer came."""
        self.limit = limit or AppLimit()

    def accept(self, entries: Iterable[Message]) -> Outbox:
        """Take entries over: they are on the disk when this returns."""
        box = self._store.box
        for entry in entries:
            box = self._store.write(Record(Step.ACCEPT, entry=entry))
        return box

    def step(self) -> bool:
        """One try, if one is due; tells whether there was anything to do."""
        now = self._clock.now()
        entry = self._next(self._fold(now), now)
        if entry is None:
            return False
        closed = self._closed.get(entry.lane)
        if closed is not None:
            self._failed(entry, NotDelivered(closed))
            return True
        kept = self._store.write(Record(Step.BEGIN, entry.id, now)).entry(entry.id)
        if kept is None:
            return True  # a newer state took its place
        try:
            self._deliver(kept)
        except NotDelivered as error:
            self._failed(kept, error)
        except Exception as error:  # noqa: BLE001 - the first law: a defect costs a message, not the rest
            words = f"A message could not be sent by a defect of deploy-coordinator: {type(error).__name__}."
            self._failed(kept, NotDelivered(Trouble(words, permanent=True, doubtful=True)))
        else:
            self.well, self.silent = True, False
        return True

    def wait_seconds(self) -> float | None:
        """Until there is something to do; None where nothing is waiting, or all of it for the parent."""
        now = self._clock.now()
        box = self._store.box
        wait = outbox.wait_seconds(box, now=now)
        if wait is None or wait > 0:
            return wait
        entries = outbox.due(box, now=now)
        return min((self._pace(entry, box, now) for entry in entries), default=None)

    @property
    def limited(self) -> int:
        """How often Slack refused to change a message, because too many are changed."""
        return self.limit.refusals

    @property
    def token_refused(self) -> bool:
        """Slack does not take our token at all, whatever the message."""
        return any(trouble.ours for trouble in self._closed.values())

    @property
    def asked_to_wait_seconds(self) -> float:
        """How long Slack asks to be left alone by what is to be sent; 0 where it does not."""
        box, now = self._store.box, self._clock.now()
        lanes = (box.lanes.get(entry.lane, outbox.ChannelBackoff()) for entry in box.pending)
        return max((lane.not_before - now for lane in lanes), default=0.0)

    def hurry(self) -> None:
        """There is little time left: try at once whatever Slack itself does not ask to wait for."""
        self._store.write(Record(Step.HURRY))

    def _fold(self, now: WallTime) -> Outbox:
        box = self._store.box
        old = outbox.stale(box, now=now)
        if not old or box.lanes.get(old[0].lane, outbox.ChannelBackoff()).due > now:
            return box
        lines = outbox.lines_of(old)
        told = folded(lines, late=now - old[0].at >= outbox.STALE_SECONDS)
        entry = Message(
            secrets.token_hex(8), old[0].kind, old[0].channel, told.text, told.blocks, old[0].at, lines=lines
        )
        return self._store.write(Record(Step.FOLD, ids=tuple(one.id for one in old), entry=entry))

    def _next(self, box: Outbox, now: WallTime) -> Message | None:
        ready = (entry for entry in outbox.due(box, now=now) if self._pace(entry, box, now) <= 0)
        return next(ready, None)

    def _pace(self, entry: Message, box: Outbox, now: WallTime) -> float:
        if entry.lane in self._closed or (entry.kind is Kind.PARENT and box.ts):
            return 0.0
        wait = self.posted_at.get(entry.lane, float("-inf")) + PACE_SECONDS - now
        return wait if 0.0 < wait <= PACE_SECONDS else 0.0

    def _deliver(self, entry: Message) -> None:
        """Raises NotDelivered."""
        message = Announcement(entry.text, entry.blocks)
        if entry.kind is Kind.PARENT and self._store.box.ts:
            self._update(entry, message)
            return
        if entry.doubtful and self._found(entry):
            return
        self.posted_at[entry.lane] = self._clock.now()
        if entry.kind is Kind.WEBHOOK:
            self._messenger.say(message)
            self._store.write(Record(Step.SENT, entry.id))
            return
        posted = self._messenger.post(
            entry.channel,
            message,
            key=_key(entry),
            thread_ts=self._store.box.ts if entry.kind.in_thread else "",
            broadcast=entry.kind is Kind.BROADCAST,
        )
        if entry.kind is Kind.PARENT:
            self._store.write(Record(Step.SENT, entry.id, ts=posted.ts, channel_id=posted.channel_id))
            self._learn_link(posted)
        else:
            self._store.write(Record(Step.SENT, entry.id))

    def _learn_link(self, posted: Posted) -> None:
        """For the summary, and for alerts that lead to the thread. Asked once: it is not worth more."""
        link = self._messenger.link(posted.channel_id, posted.ts)
        if link:
            self._store.write(Record(Step.LINK, link=link))

    def _update(self, entry: Message, message: Announcement) -> None:
        box = self._store.box
        try:
            self._messenger.update(box.channel_id, box.ts, message, key=PARENT)
        except NotDelivered as error:
            if not error.lost:
                raise
            self._store.write(Record(Step.LOST))
            self._tell(error.trouble.reason, given_up=False)
            return
        self._store.write(Record(Step.SENT, entry.id))

    def _found(self, entry: Message) -> bool:
        """Whether an earlier request took effect after all. Raises NotDelivered where that cannot be known
        and must not be guessed."""
        box = self._store.box
        since = (entry.tried_at or entry.at) - CLOCK_DIFFERENCE_SECONDS
        thread_ts = box.ts if entry.kind.in_thread else ""
        channel = box.channel_id if entry.kind.in_thread else entry.channel
        try:
            posted = self._messenger.find(channel, key=_key(entry), since=since, thread_ts=thread_ts)
        except CannotLook as error:
            if entry.unheard > UNHEARD_MAX:
                words = f"It may have been posted already. {error}"
                raise NotDelivered(Trouble(words, permanent=True, doubtful=True)) from error
            words = f"A message may appear twice: whether it was posted cannot be looked up. {error}"
            self._tell(words, given_up=False)
            return False
        if posted is None:
            self._store.write(Record(Step.ABSENT, entry.id))
            return False
        if entry.kind is Kind.PARENT:
            self._store.write(Record(Step.FOUND, ts=posted.ts, channel_id=posted.channel_id))
            self._learn_link(posted)
        else:
            self._store.write(Record(Step.SENT, entry.id))
        return True

    def _failed(self, entry: Message, error: NotDelivered) -> None:
        trouble = error.trouble
        self.well, self.silent = False, trouble.unheard
        if trouble.limited and entry.kind is Kind.PARENT and self._store.box.ts:
            self.limit.refusals += 1
        if trouble.all_of_channel:
            self._closed[entry.lane] = trouble
        record = Record(Step.FAIL, entry.id, self._clock.now(), lane=entry.lane, trouble=trouble)
        given_up = any(one.id == entry.id for one in self._store.write(record).dead)
        self._tell(trouble.reason, given_up=given_up)

    def _tell(self, sentence: str, *, given_up: bool) -> None:
        if (sentence, given_up) not in self._told:
            self._told |= {(sentence, given_up), (sentence, False)}
            self.troubles.append((sentence, given_up))


def _key(entry: Message) -> str:
    return PARENT if entry.kind is Kind.PARENT else entry.id
