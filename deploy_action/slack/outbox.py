"""The messages that a channel did not get yet: which message goes next, and what follows from its fate.

Everything here is a function of one deployment's outbox. `now` and all `at` are unix seconds of one machine's
clock: they only decide when something is tried again, so a clock that jumps costs a try, never a message.

Guarantees, given that every record is kept before what it tells of is done:
- what was accepted is pending until Slack took it, or dead with the reason;
- posts to one channel and replies in one thread keep their order;
- the parent message is a register: only its newest state is sent, and it goes first;
- after the final state nothing is accepted that is not final;
- what may have been posted is looked for before it is posted again (`Message.doubtful`);
- a parent message that cannot be looked for, or not be changed, is not posted again with every state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.common.instants import WallTime

RETRY_SECONDS = (5.0, 10.0, 20.0, 40.0, 80.0)
"""After each failure; a message that fails after the last of them is dead."""
RETRY_AFTER_SECONDS_MAX = 600.0
"""A Slack that asks to be left alone for longer is asked again all the same."""
AFRESH_SECONDS = 600.0
"""So long after a parent message of which nobody can tell whether it is there, another is begun."""
LOST_MAX = 2
"""So often the parent message is posted anew for a passing state, where it cannot be changed any more."""
STALE_SECONDS = 60.0
"""From this age on, several that wait are told as one."""
CROWD = 4
"""At most this many waiting messages are sent as one at once: a channel is to ring once, and takes one
message a second."""
PENDING_MAX = 200
DEAD_MAX = 100


class Kind(Enum):
    """The fate of an entry. Replies need the parent message, all else stands alone."""

    PARENT = "parent"
    REPLY = "reply"
    BROADCAST = "broadcast"
    """A reply that is shown in the channel too."""
    POST = "post"
    WEBHOOK = "webhook"

    @property
    def in_thread(self) -> bool:
        return self in {Kind.REPLY, Kind.BROADCAST}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, rendered already. `at`: when it was accepted.

    `begun`: a request was sent whose end was not written down. `doubtful`: an earlier request may have taken
    effect. `lines`: what a summary of several was made from.
    """

    id: str
    kind: Kind
    channel: str
    text: str
    blocks: tuple[dict[str, object], ...] = ()
    at: float = 0.0
    final: bool = False
    tries: int = 0
    begun: bool = False
    doubtful: bool = False
    reason: str = ""
    """Of the last failure, in words for people."""
    lines: tuple[tuple[float, str], ...] = ()
    tried_at: float = 0.0
    """When it was first begun; 0 where it never was."""
    unheard: int = 0
    """Requests that may have taken effect without an answer."""

    @property
    def lane(self) -> str:
        """The group that fails together: a channel."""
        return self.channel or self.kind.value

    @property
    def stream(self) -> tuple[str, bool]:
        """The group that keeps its order: a channel's posts, and its thread's replies."""
        return self.lane, self.kind.in_thread


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a try failed. `permanent`: another would fail too. `doubtful`: it may have taken effect. `unheard`:
    it went out, and no answer came. `ours`: the token is at fault, so that somebody else's may do.
    `all_of_channel`: every message to the channel would fail so. `text_only`: Slack refuses the layout alone.
    """

    reason: str
    permanent: bool = False
    doubtful: bool = False
    unheard: bool = False
    retry_seconds: float | None = None
    ours: bool = False
    all_of_channel: bool = False
    text_only: bool = False

    @property
    def limited(self) -> bool:
        """Slack has taken too many messages, and says when it takes more."""
        return self.retry_seconds is not None and not self.doubtful


class NotDelivered(Exception):
    """A request that Slack did not answer with yes. `lost`: the message to change is out of reach."""

    def __init__(self, trouble: Trouble, *, lost: bool = False) -> None:
        super().__init__(trouble.reason)
        self.trouble = trouble
        self.lost = lost


class CannotLook(Exception):
    """Whether a message was posted cannot be looked up; the text says why."""


@dataclass(frozen=True, slots=True)
class ChannelBackoff:
    """A channel that failed: how often in a row, and when it is tried again; not before the time that Slack
    asked for."""

    failures: int = 0
    due: float = 0.0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Outbox:
    """One deployment's outbox. `ts` and `channel_id` name its parent message; empty until there is one."""

    correlation_id: str = ""
    pending: tuple[Message, ...] = ()
    dead: tuple[Message, ...] = ()
    lanes: dict[str, ChannelBackoff] = field(default_factory=dict)
    ts: str = ""
    channel_id: str = ""
    link: str = ""
    """The parent message's address; empty where it is not known."""
    finished: bool = False
    """The final state was accepted."""
    refused: int = 0
    """Entries for which there was no room."""
    lost: int = 0
    """How often the parent message was found to be out of reach."""

    def entry(self, identity: str) -> Message | None:
        return next((entry for entry in self.pending if entry.id == identity), None)

    @property
    def empty(self) -> bool:
        return not (self.pending or self.dead)


def accept(box: Outbox, entry: Message) -> Outbox:
    """The box with this entry in it; unchanged for what would come after the end."""
    if box.finished and not entry.final:
        return box
    finished = box.finished or entry.final
    if entry.kind is Kind.PARENT:
        if box.lost > LOST_MAX and not entry.final:
            return box
        pending = tuple(one for one in box.pending if one.kind is not Kind.PARENT)
        dead = tuple(one for one in box.dead if one.kind is not Kind.PARENT)
        newest = _after_those_before(box, entry)
        return replace(box, pending=(*pending, newest), dead=dead, finished=finished)
    if entry.kind is Kind.WEBHOOK and entry.final:
        # The beginning is no news any more; unless it may stand there already.
        fresh = [one for one in box.pending if one.kind is Kind.WEBHOOK and not (one.begun or one.doubtful)]
        box = replace(box, pending=tuple(one for one in box.pending if one not in fresh))
    if len(box.pending) >= PENDING_MAX and not entry.final:
        return replace(box, refused=box.refused + 1)
    return replace(box, pending=(*box.pending, entry), finished=finished)


def _after_those_before(box: Outbox, entry: Message) -> Message:
    """A state of the parent message with the doubts about those in whose place it comes: nothing tells one
    from another, so any of them may be the message that is there. The last word may be said once more."""
    given_up = (one for one in box.dead if one.doubtful and entry.at - one.tried_at < AFRESH_SECONDS)
    same = [one for one in (*box.pending, *given_up) if one.kind is Kind.PARENT]
    doubtful = any(one.begun or one.doubtful for one in same) and not box.ts
    return replace(
        entry,
        doubtful=doubtful,
        tried_at=min((one.tried_at for one in same if one.tried_at), default=entry.tried_at),
        unheard=max((one.unheard for one in same), default=0) if doubtful and not entry.final else 0,
    )


def due(box: Outbox, *, now: WallTime) -> list[Message]:
    """The messages that may be sent now, the most urgent first."""
    return [entry for entry in _heads(box) if _wait_seconds(box, entry, now) <= 0]


def wait_seconds(box: Outbox, *, now: WallTime) -> float | None:
    """Until something may be sent; None where nothing can be."""
    return min((_wait_seconds(box, entry, now) for entry in _heads(box)), default=None)


def hurried(box: Outbox) -> Outbox:
    """Try everything again at once, but what Slack itself asked to wait for: there is little time left."""
    lanes = {name: replace(lane, due=lane.not_before) for name, lane in box.lanes.items()}
    return replace(box, lanes=lanes)


def begun(box: Outbox, identity: str, *, now: WallTime) -> Outbox:
    """A request goes out. One whose end is not known already makes it doubtful."""

    def begin(entry: Message) -> Message:
        doubtful = entry.doubtful or entry.begun
        return replace(entry, begun=True, doubtful=doubtful, tried_at=entry.tried_at or now)

    return _changed(box, identity, begin)


def absent(box: Outbox, identity: str) -> Outbox:
    """It was looked for and is not there."""
    return _changed(box, identity, lambda entry: replace(entry, doubtful=False, unheard=0))


def sent(box: Outbox, identity: str, *, ts: str = "", channel_id: str = "") -> Outbox:
    """Slack took it. `ts` and `channel_id` are those of a parent message, empty for all others."""
    entry = box.entry(identity)
    pending = tuple(one for one in box.pending if one.id != identity)
    lanes = box.lanes
    if entry is not None:
        lanes = {name: lane for name, lane in lanes.items() if name != entry.lane}
    box = replace(box, pending=pending, lanes=lanes)
    # A newer state may have come meanwhile: it has a message to update now.
    return parent_found(box, ts=ts, channel_id=channel_id) if ts else box


def parent_found(box: Outbox, *, ts: str, channel_id: str) -> Outbox:
    """The parent message was posted after all; its newest state is still to be sent."""
    pending = tuple(
        replace(one, begun=False, doubtful=False, unheard=0) if one.kind is Kind.PARENT else one
        for one in box.pending
    )
    link = box.link if ts == box.ts else ""
    return replace(box, pending=pending, ts=ts, channel_id=channel_id, link=link)


def parent_lost(box: Outbox) -> Outbox:
    """The parent message is gone or cannot be changed any more: the next state is a new message. Where that
    happens again and again, only the last word is; the thread goes on at the message that is there."""
    box = replace(box, lost=box.lost + 1)
    ended = any(one.kind is Kind.PARENT and one.final for one in box.pending)
    if ended or box.lost <= LOST_MAX:
        return parent_found(box, ts="", channel_id="")
    return replace(box, pending=tuple(one for one in box.pending if one.kind is not Kind.PARENT))


def failed(box: Outbox, identity: str, lane_name: str, trouble: Trouble, *, now: WallTime) -> Outbox:
    """A try failed: again later, or dead. An entry that was replaced meanwhile only delays its channel."""
    entry = box.entry(identity)
    if entry is not None:
        tried = replace(
            entry,
            tries=entry.tries + 1,
            begun=False,
            doubtful=entry.doubtful or trouble.doubtful,
            unheard=entry.unheard + trouble.unheard,
            reason=trouble.reason,
        )
        if trouble.text_only and entry.blocks:
            # The words matter more than their looks.
            bare = replace(tried, blocks=(), tries=entry.tries)
            return _changed(box, identity, lambda _entry: bare)
        if trouble.permanent or tried.tries > len(RETRY_SECONDS):
            box = _buried(box, tried)
        else:
            box = _changed(box, identity, lambda _entry: tried)
    if trouble.permanent:
        return box
    lane = box.lanes.get(lane_name, ChannelBackoff())
    own = RETRY_SECONDS[min(lane.failures, len(RETRY_SECONDS) - 1)]
    asked = min(trouble.retry_seconds or 0.0, RETRY_AFTER_SECONDS_MAX)
    later = ChannelBackoff(lane.failures + 1, now + max(own, asked), now + asked)
    return replace(box, lanes={**box.lanes, lane_name: later})


def stale(box: Outbox, *, now: WallTime) -> tuple[Message, ...]:
    """Entries of one stream that are told as one, in order; () where there are none.

    After the end even a single one is told so, as something of the past. What is final speaks for itself, and
    what may have been posted keeps its identity.
    """
    streams: dict[tuple[str, bool], list[Message]] = {}
    for entry in box.pending:
        if entry.kind in {Kind.REPLY, Kind.POST} and not (entry.final or entry.begun or entry.doubtful):
            streams.setdefault(entry.stream, []).append(entry)
    for entries in streams.values():
        late = len(entries) > 1 or (box.finished and not entries[0].lines)
        if len(entries) >= CROWD or (late and now - entries[0].at >= STALE_SECONDS):
            return tuple(entries)
    return ()


def lines_of(entries: Iterable[Message]) -> tuple[tuple[float, str], ...]:
    """When and what, of entries that are told as one."""
    return tuple(line for entry in entries for line in entry.lines or ((entry.at, entry.text),))


def folded(box: Outbox, identities: Iterable[str], entry: Message) -> Outbox:
    """With `entry` at the place of the first of those, and without the rest of them."""
    names = set(identities)
    pending: list[Message] = []
    for one in box.pending:
        if one.id not in names:
            pending.append(one)
        elif entry not in pending:
            pending.append(entry)
    return replace(box, pending=tuple(pending))


def reopened(box: Outbox) -> Outbox:
    """As another process finds it: what was begun may have taken effect, and everything may be tried, but
    what Slack asked to wait for."""

    def reopen(entry: Message) -> Message:
        return replace(entry, begun=False, doubtful=True, unheard=entry.unheard + 1) if entry.begun else entry

    pending = tuple(reopen(entry) for entry in box.pending)
    return hurried(replace(box, pending=pending))


def closed(box: Outbox) -> Outbox:
    """At the end of the job: replies to a message that cannot come any more are dead."""
    if box.ts or any(entry.kind is Kind.PARENT for entry in box.pending):
        return box
    for entry in box.pending:
        if entry.kind.in_thread:
            reason = entry.reason or "The message that it belongs to could not be posted."
            box = _buried(box, replace(entry, reason=reason))
    return box


def revived(box: Outbox, identities: Iterable[str] | None = None) -> Outbox:
    """Dead letters stand in the queue again, before what came later; all of them where none is named."""
    names = None if identities is None else set(identities)
    chosen = [entry for entry in box.dead if names is None or entry.id in names]
    rest = tuple(entry for entry in box.dead if entry not in chosen)
    fresh = tuple(replace(entry, tries=0, reason="") for entry in chosen)
    together = sorted((*fresh, *box.pending), key=lambda entry: entry.at)
    return replace(box, pending=tuple(together), dead=rest, lanes={})


def dropped(box: Outbox, identities: Iterable[str] | None = None) -> Outbox:
    """Without these entries, pending or dead; without all of them where none is named."""
    if identities is None:
        return replace(box, pending=(), dead=())
    names = set(identities)
    return replace(
        box,
        pending=tuple(entry for entry in box.pending if entry.id not in names),
        dead=tuple(entry for entry in box.dead if entry.id not in names),
    )


def _heads(box: Outbox) -> list[Message]:
    """The next one of each stream. Where the parent has news, its channel begins with them."""
    heads: dict[tuple[str, bool], Message] = {}
    for entry in box.pending:
        if entry.kind is not Kind.PARENT and not (entry.kind.in_thread and not box.ts):
            heads.setdefault(entry.stream, entry)
    parents = [entry for entry in box.pending if entry.kind is Kind.PARENT]
    busy = {entry.lane for entry in parents}
    others = [entry for entry in heads.values() if entry.lane not in busy or not entry.kind.in_thread]
    return [*parents, *sorted(others, key=lambda entry: entry.at)]


def _wait_seconds(box: Outbox, entry: Message, now: WallTime) -> float:
    lane = box.lanes.get(entry.lane)
    wait = lane.due - now if lane is not None else 0.0
    return 0.0 if wait > RETRY_AFTER_SECONDS_MAX else max(0.0, wait)


def _changed(box: Outbox, identity: str, change: Callable[[Message], Message]) -> Outbox:
    pending = tuple(change(entry) if entry.id == identity else entry for entry in box.pending)
    return replace(box, pending=pending)


def _buried(box: Outbox, entry: Message) -> Outbox:
    pending = tuple(one for one in box.pending if one.id != entry.id)
    return replace(box, pending=pending, dead=(*box.dead, entry)[-DEAD_MAX:])
