"""Later deployments deliver the messages that one could not: a document beside the registry's.

It holds outboxes, the oldest first. No secret is ever in it: of a webhook and a token it knows a fingerprint.
`slack.retry_queue_delivery` tells them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from deploy_action.errors import RegistryUnreadable
from deploy_action.locking.compare_and_swap import FileChange, change_beside, read_beside
from deploy_action.slack import outbox
from deploy_action.slack.outbox import Kind, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from deploy_action.common.instants import WallTime
    from deploy_action.common.ports import Clock
    from deploy_action.locking.ports import Registry
    from deploy_action.slack.outbox import Message

NAME = "slack-retry-queue.json"
SCHEMA = 1
BYTES_MAX = 250_000
"""An item of DynamoDB holds 400 KB."""
BOX_BYTES_MAX = 60_000
BOXES_MAX = 50
TAKEN_SECONDS = 300.0
"""After so long, whoever took a box is taken for dead."""
PATIENCE_SECONDS = 5.0
YEAR_3000 = 32_503_680_000.0
_READ_BYTES_MAX = 1_000_000
BOXES_READ_MAX, MESSAGES_READ_MAX = 500, 2_000
"""A document far beyond what is ever written is not made to fit: each step of that costs time."""


@dataclass(frozen=True, slots=True)
class QueuedOutbox:
    """One deployment's outbox. `saved_at` and `taken_at`: unix seconds of whoever wrote them."""

    box: Outbox
    repository: str = ""
    webhook: str = ""
    """Fingerprint of the webhook that it was meant for; empty with a bot token."""
    token: str = ""
    """Fingerprint of the bot token that it was meant for; empty with a webhook."""
    saved_at: float = 0.0
    taken_by: str = ""
    taken_at: float = 0.0

    @property
    def name(self) -> str:
        return self.box.correlation_id

    def free(self, now: WallTime) -> bool:
        return not self.taken_by or abs(now - self.taken_at) >= TAKEN_SECONDS


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender: through a webhook or with a bot token, by its fingerprint, and for which repository.

    `channels`: nothing is told elsewhere; () for everywhere.
    """

    repository: str = ""
    webhook: str = ""
    token: str = ""
    channels: tuple[str, ...] = ()

    def may_tell(self, left: QueuedOutbox) -> bool:
        """Another repository's token may be that of another workspace, which does not know the channels or,
        worse, has some of the same name. A token that was changed is still one for its own repository.

        Whoever may write the registry must not choose where the bot speaks, nor what it changes there."""
        if self.webhook != left.webhook or not self._reaches(left.box):
            return False
        return bool(self.webhook) or self.token == left.token or self.repository == left.repository

    def _reaches(self, box: Outbox) -> bool:
        if not self.channels or self.webhook:
            return True
        by_id = all(re.fullmatch(r"[CGD][A-Z0-9]{8,}", channel) for channel in self.channels)
        wanted = {entry.channel for entry in (*box.pending, *box.dead)}
        if box.channel_id and by_id:  # of a channel that is given by its name nobody here knows the id
            wanted.add(box.channel_id)
        return wanted <= set(self.channels)


@dataclass(frozen=True, slots=True)
class Leftovers:
    schema: int = SCHEMA
    boxes: tuple[QueuedOutbox, ...] = field(default_factory=tuple)


def decode(content: bytes | None) -> Leftovers:
    """Raises RegistryUnreadable for what is not such a document: it is left as it is."""
    if content is None:
        return Leftovers()
    reason = ""
    if len(content) > _READ_BYTES_MAX:
        reason = f"it has {len(content):,} bytes"
    else:
        try:
            found = msgspec.json.decode(content, type=Leftovers)
            if found.schema != SCHEMA:
                reason = f"its schema is {found.schema}, and this version knows {SCHEMA}"
            elif len(found.boxes) > BOXES_READ_MAX or _messages(found) > MESSAGES_READ_MAX:
                reason = f"it has {len(found.boxes):,} deployments with {_messages(found):,} messages"
            elif all(0.0 <= at < YEAR_3000 for left in found.boxes for at in _times(left)):
                return found
            else:
                reason = "there are times in it that are none"
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            reason = str(error)
    raise RegistryUnreadable(
        f"The Slack messages that are left over cannot be used: {reason}.",
        why="They are left as they are.",
        remedy=f"Repair or delete {NAME} beside the registry document.",
    )


def _messages(leftovers: Leftovers) -> int:
    return sum(len(left.box.pending) + len(left.box.dead) for left in leftovers.boxes)


def _times(left: QueuedOutbox) -> Iterator[float]:
    yield from (left.saved_at, left.taken_at)
    for entry in (*left.box.pending, *left.box.dead):
        yield from (entry.at, entry.tried_at, *(at for at, _ in entry.lines))


def encode(leftovers: Leftovers) -> bytes:
    """Never above BYTES_MAX. What does not fit loses its looks first, then the oldest that only remember why
    they failed go, then the oldest of all."""
    boxes = [replace(left, box=_within_bounds(left.box)) for left in leftovers.boxes]
    looks = list(range(len(boxes)))
    while (content := _content(boxes)) is None:
        if looks:
            number = looks.pop(0)
            boxes[number] = replace(boxes[number], box=_without_looks(boxes[number].box))
        else:
            del boxes[next((n for n, left in enumerate(boxes) if not left.box.pending), 0)]
    return content


def _content(boxes: list[QueuedOutbox]) -> bytes | None:
    if len(boxes) > BOXES_MAX:
        return None
    content = msgspec.json.encode(Leftovers(SCHEMA, tuple(boxes)))
    if len(content) > BYTES_MAX:
        return None
    return msgspec.json.format(content, indent=1) if len(content) * 2 <= BYTES_MAX else content


def merged(content: bytes | None, left: QueuedOutbox) -> bytes:
    """With this box in it. Idempotent: of one deployment there is one."""
    leftovers = decode(content)
    others = tuple(one for one in leftovers.boxes if one.name != left.name)
    return encode(replace(leftovers, boxes=(*others, left)))


def save(
    registry: Registry,
    clock: Clock,
    left: QueuedOutbox,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> int:
    """Returns how many messages found no room, of it and of older ones. Raises RegistryError."""
    given_up = 0

    def change(content: bytes | None) -> bytes:
        nonlocal given_up
        others = [one for one in decode(content).boxes if one.name != left.name]
        new = merged(content, left)
        given_up = _count((*others, left)) - _count(decode(new).boxes)
        return new

    change_file(registry, clock, change, patience_seconds=patience_seconds)
    return given_up


def _count(boxes: Iterable[QueuedOutbox]) -> int:
    return sum(len(left.box.pending) + len(left.box.dead) for left in boxes)


def change_file(
    registry: Registry,
    clock: Clock,
    change: Callable[[bytes | None], bytes],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Raises RegistryError."""
    change_beside(
        registry,
        clock,
        FileChange(NAME, change),
        message="Slack messages to be delivered later",
        patience_seconds=patience_seconds,
    )


def read(registry: Registry) -> Leftovers:
    """Raises RegistryError."""
    return decode(read_beside(registry, lambda look: look(NAME)))


def fingerprint(secret: str) -> str:
    """Tells webhooks and tokens apart; nothing can be read from it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12] if secret else ""


def sender(*, repository: str, token: str, webhook_url: str, channels: tuple[str, ...] = ()) -> Sender:
    """With the token where there is one."""
    return Sender(repository, "" if token else fingerprint(webhook_url), fingerprint(token), channels)


def revive(
    registry: Registry,
    clock: Clock,
    names: tuple[str, ...] = (),
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> int:
    """Dead letters are tried again: those of these ids, of entries or deployments; without any, all of them.
    Returns how many. Raises RegistryError."""
    return _edit(registry, clock, names, outbox.revived, patience_seconds, dead_only=True)


def drop(
    registry: Registry,
    clock: Clock,
    names: tuple[str, ...] = (),
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> int:
    """The same, without telling them any more."""
    return _edit(registry, clock, names, outbox.dropped, patience_seconds, dead_only=False)


def _edit(
    registry: Registry,
    clock: Clock,
    names: tuple[str, ...],
    change: Callable[[Outbox, list[str]], Outbox],
    patience_seconds: float,
    *,
    dead_only: bool,
) -> int:
    def chosen(left: QueuedOutbox) -> list[str]:
        entries = left.box.dead if dead_only else (*left.box.pending, *left.box.dead)
        every = not names or left.name in names
        return [entry.id for entry in entries if every or entry.id in names]

    count = sum(len(chosen(left)) for left in read(registry).boxes)

    def edited(content: bytes | None) -> bytes:
        leftovers = decode(content)
        boxes = (replace(left, box=change(left.box, chosen(left))) for left in leftovers.boxes)
        return encode(replace(leftovers, boxes=tuple(left for left in boxes if not left.box.empty)))

    if count:
        change_file(registry, clock, edited, patience_seconds=patience_seconds)
    return count


def _within_bounds(box: Outbox) -> Outbox:
    """A box that is too large loses its looks first, then its dead, then the oldest that are not final."""
    if _size(box) <= BOX_BYTES_MAX:
        return box
    box = _without_looks(box)
    while _size(box) > BOX_BYTES_MAX and box.dead:
        box = replace(box, dead=box.dead[1:])
    while _size(box) > BOX_BYTES_MAX and len(box.pending) > 1:
        passing = [entry for entry in box.pending if not entry.final and entry.kind is not Kind.PARENT]
        oldest = (passing or list(box.pending))[0]
        box = replace(box, pending=tuple(entry for entry in box.pending if entry is not oldest))
    return box


def _without_looks(box: Outbox) -> Outbox:
    return replace(
        box, pending=tuple(_bare(one) for one in box.pending), dead=tuple(_bare(one) for one in box.dead)
    )


def _bare(entry: Message) -> Message:
    return replace(entry, blocks=(), text=entry.text[:2000], lines=entry.lines[-10:])


def _size(box: Outbox) -> int:
    return len(msgspec.json.encode(box))
