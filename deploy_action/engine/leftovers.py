"""What one deployment could not tell is told by a later one: a document beside the registry's.

It holds outboxes, the oldest first. Whoever sends one marks it as taken first, so that two do not send it at
the same time; a mark that is old belongs to somebody who died, and what he began is looked up before it is
sent again. No secret is ever in it: of a webhook it knows a fingerprint.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from deploy_action.core import outbox
from deploy_action.core.outbox import Box, Kind
from deploy_action.core.outbox_records import after
from deploy_action.engine.courier import Courier
from deploy_action.engine.swap import FileChange, Swapper
from deploy_action.errors import RegistryUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.outbox import Entry
    from deploy_action.core.outbox_records import Record
    from deploy_action.ports import Clock, Messenger, Registry

NAME = "slack-retry-queue.json"
SCHEMA = 1
BYTES_MAX = 250_000
"""An item of DynamoDB holds 400 KB."""
BOX_BYTES_MAX = 60_000
BOXES_MAX = 50
TAKEN_SECONDS = 300.0
"""After so long, whoever took a box is taken for dead."""
PATIENCE_SECONDS = 5.0
_READ_BYTES_MAX = 4_000_000


@dataclass(frozen=True, slots=True)
class Left:
    """One deployment's outbox. `saved_at` and `taken_at`: unix seconds of whoever wrote them."""

    box: Box
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

    def free(self, now: float) -> bool:
        return not self.taken_by or abs(now - self.taken_at) >= TAKEN_SECONDS


@dataclass(frozen=True, slots=True)
class Sender:
    """Who tells: through a webhook or with a bot token, by its fingerprint, and for which repository."""

    repository: str = ""
    webhook: str = ""
    token: str = ""

    def may_tell(self, left: Left) -> bool:
        """Another repository's token may be that of another workspace, which does not know the channels or,
        worse, has some of the same name. A token that was changed is still one for its own repository."""
        if self.webhook != left.webhook:
            return False
        return bool(self.webhook) or self.token == left.token or self.repository == left.repository


@dataclass(frozen=True, slots=True)
class Leftovers:
    schema: int = SCHEMA
    boxes: tuple[Left, ...] = field(default_factory=tuple)


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
            if found.schema == SCHEMA:
                return found
            reason = f"its schema is {found.schema}, and this version knows {SCHEMA}"
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            reason = str(error)
    raise RegistryUnreadable(
        f"The Slack messages that are left over cannot be used: {reason}.",
        why="They are left as they are.",
        remedy=f"Repair or delete {NAME} beside the registry document.",
    )


def encode(leftovers: Leftovers) -> bytes:
    """Never above BYTES_MAX: the oldest go first."""
    boxes = [replace(left, box=_within_bounds(left.box)) for left in leftovers.boxes[-BOXES_MAX:]]
    while True:
        content = msgspec.json.encode(Leftovers(SCHEMA, tuple(boxes)))
        if len(content) <= BYTES_MAX or not boxes:
            return msgspec.json.format(content, indent=1) if len(content) * 2 <= BYTES_MAX else content
        del boxes[0]


def merged(content: bytes | None, left: Left) -> bytes:
    """With this box in it. Idempotent: of one deployment there is one."""
    leftovers = decode(content)
    others = tuple(one for one in leftovers.boxes if one.name != left.name)
    return encode(replace(leftovers, boxes=(*others, left)))


def save(
    registry: Registry,
    clock: Clock,
    left: Left,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Raises RegistryError."""
    change_file(registry, clock, lambda content: merged(content, left), patience_seconds=patience_seconds)


def change_file(
    registry: Registry,
    clock: Clock,
    change: Callable[[bytes | None], bytes],
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Raises RegistryError."""
    Swapper(registry, clock).apply(
        lambda document: (document, None),
        message="Slack messages to be told later",
        patience_seconds=patience_seconds,
        file=FileChange(NAME, change),
        always=True,
    )


def read(registry: Registry) -> Leftovers:
    """Raises RegistryError."""
    return decode(registry.read_file(NAME, registry.read().version))


def fingerprint(secret: str) -> str:
    """Tells webhooks and tokens apart; nothing can be read from it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12] if secret else ""


def sender(*, repository: str, token: str, webhook_url: str) -> Sender:
    """With the token where there is one."""
    return Sender(repository, "" if token else fingerprint(webhook_url), fingerprint(token))


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
    change: Callable[[Box, list[str]], Box],
    patience_seconds: float,
    *,
    dead_only: bool,
) -> int:
    def chosen(left: Left) -> list[str]:
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


@dataclass(frozen=True, slots=True)
class Drained:
    """How many entries were sent, and what is left of those boxes."""

    sent: int = 0
    pending: int = 0
    dead: int = 0
    troubles: tuple[str, ...] = ()


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
    Courier. Raises RegistryError."""
    if not any(_fits(one, sender, clock.now()) for one in read(registry).boxes):
        return Drained()
    end = clock.monotonic() + seconds
    turn = _Turn(secrets.token_hex(8), sender, clock)
    change_file(registry, clock, turn.take)
    troubles: list[str] = []
    posted_at = {} if posted_at is None else posted_at
    for name, left in turn.taken.items():
        store = BoxInMemory(outbox.reopened(left.box))
        courier = Courier(store, messenger_of(name), clock, posted_at)
        _work(courier, clock, end)
        troubles.extend(sentence for sentence, _ in courier.troubles)
        if courier.token_refused:  # which says nothing about the messages
            break
        turn.done[name] = outbox.closed(store.box)
        if clock.monotonic() >= end:
            break
    change_file(registry, clock, turn.settle)
    return turn.result(troubles)


class _Turn:
    """One drainer's turn at the document: what it took, and what became of that."""

    def __init__(self, mark: str, sender: Sender, clock: Clock) -> None:
        self._mark = mark
        self._sender = sender
        self._clock = clock
        self.taken: dict[str, Left] = {}
        self.done: dict[str, Box] = {}

    def take(self, content: bytes | None) -> bytes:
        leftovers, now = decode(content), self._clock.now()
        self.taken.clear()
        boxes: list[Left] = []
        for one in leftovers.boxes:
            if _fits(one, self._sender, now):
                self.taken[one.name] = _doubted(one)
                boxes.append(replace(one, taken_by=self._mark, taken_at=now))
            else:
                boxes.append(one)
        return encode(replace(leftovers, boxes=tuple(boxes)))

    def settle(self, content: bytes | None) -> bytes:
        leftovers = decode(content)
        boxes = (self._settled(one) for one in leftovers.boxes)
        return encode(replace(leftovers, boxes=tuple(one for one in boxes if not one.box.empty)))

    def _settled(self, left: Left) -> Left:
        if left.taken_by != self._mark:
            return left
        return replace(left, box=self.done.get(left.name, left.box), taken_by="", taken_at=0.0)

    def result(self, troubles: list[str]) -> Drained:
        before = sum(len(left.box.pending) for left in self.taken.values())
        pending = sum(len(self.done.get(name, left.box).pending) for name, left in self.taken.items())
        dead = sum(len(box.dead) - len(self.taken[name].box.dead) for name, box in self.done.items())
        return Drained(max(0, before - pending - dead), pending, dead, tuple(dict.fromkeys(troubles)))


def _work(courier: Courier, clock: Clock, end: float) -> None:
    """As much as can be sent by then, on the monotonic clock."""
    while clock.monotonic() < end and not courier.token_refused:
        if courier.step():
            continue
        wait = courier.wait_seconds()
        if wait is None or clock.monotonic() + wait > end:
            break
        clock.sleep(wait)


class BoxInMemory:
    """`ports.OutboxStore` for a box that is kept elsewhere."""

    trouble = ""

    def __init__(self, box: Box) -> None:
        self.box = box

    def write(self, record: Record) -> Box:
        self.box = after(self.box, record)
        return self.box

    def forget(self) -> None:
        pass


def _fits(left: Left, sender: Sender, now: float) -> bool:
    return left.free(now) and sender.may_tell(left) and bool(left.box.pending)


def _doubted(left: Left) -> Left:
    """Whoever took it before may have sent any of it."""
    if not left.taken_by:
        return left
    pending = tuple(
        replace(entry, begun=True, tried_at=entry.tried_at or entry.at) for entry in left.box.pending
    )
    return replace(left, box=replace(left.box, pending=pending))


def _within_bounds(box: Box) -> Box:
    """A box that is too large loses its looks first, then its dead, then the oldest that are not final."""
    if _size(box) <= BOX_BYTES_MAX:
        return box
    box = replace(
        box, pending=tuple(_bare(entry) for entry in box.pending), dead=tuple(_bare(e) for e in box.dead)
    )
    while _size(box) > BOX_BYTES_MAX and box.dead:
        box = replace(box, dead=box.dead[1:])
    while _size(box) > BOX_BYTES_MAX and len(box.pending) > 1:
        passing = [entry for entry in box.pending if not entry.final and entry.kind is not Kind.PARENT]
        oldest = (passing or list(box.pending))[0]
        box = replace(box, pending=tuple(entry for entry in box.pending if entry is not oldest))
    return box


def _bare(entry: Entry) -> Entry:
    return replace(entry, blocks=(), text=entry.text[:2000], lines=entry.lines[-10:])


def _size(box: Box) -> int:
    return len(msgspec.json.encode(box))
