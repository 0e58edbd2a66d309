"""Compare-and-swap driven to a certain end: done, refused, or known to be out of reach."""

from __future__ import annotations

import random
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

from deploy_action.common.escape import commit_message
from deploy_action.errors import RegistryConflict, RegistryUnavailable
from deploy_action.locking.codec import encode
from deploy_action.locking.document_continuity import Continuity
from deploy_action.locking.heads import MARK, changed_heads
from deploy_action.locking.transitions import full
from deploy_action.locking.write_backoff import (
    CROWD_CONFLICT_SECONDS,
    CROWD_SECONDS_MAX,
    Backoff,
    Spread,
    limit_window_seconds,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.common.instants import MonotonicTime
    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Document
    from deploy_action.locking.ports import Registry, Snapshot

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
"""How long a registry may be out of reach before the caller must go on without it."""
PAUSE_SECONDS_MIN, PAUSE_SECONDS_MAX = 0.05, 5.0
STALE_PATIENCES = 3.0
"""GitHub's reads lag by tens of seconds; a server whose conditions never match would be asked for ever."""


BYTES_MAX = 380_000
"""Of a document that takes one more ticket: an item of DynamoDB holds 400 KB, and who stands in it has yet
to write."""
FILE_READS = 5
"""How often a document may move while a file beside it is read."""


class Change(Protocol):
    """The changes of further documents beside the registry's, in the same swap."""

    def changed(self, read: Callable[[str], bytes | None]) -> Mapping[str, bytes]:
        """The new content of those that change, by name. `read` gives the content of one as it stands, None
        where there is none yet. It must not depend on how often it is called. Raises RegistryUnreadable."""
        ...


@dataclass(frozen=True, slots=True)
class FileChange:
    """`Change` of one document: `change` maps its content, None where there is none yet, to the new one."""

    name: str
    change: Callable[[bytes | None], bytes]

    def changed(self, read: Callable[[str], bytes | None]) -> Mapping[str, bytes]:
        return {self.name: self.change(read(self.name))}


@dataclass(frozen=True, slots=True)
class FilesChange:
    """`Change` of several documents."""

    change: Callable[[Callable[[str], bytes | None]], Mapping[str, bytes]]

    def changed(self, read: Callable[[str], bytes | None]) -> Mapping[str, bytes]:
        return self.change(read)


def read_beside(registry: Registry, look: Callable[[Callable[[str], bytes | None]], T]) -> T:
    """The result of `look` on further documents, which it reads by name, all of one moment. Where they move
    meanwhile it is called again. Raises RegistryError."""

    def once() -> T:
        version = registry.read().version
        return look(lambda name: registry.read_file(name, version))

    for _ in range(FILE_READS - 1):
        with suppress(RegistryConflict):
            return once()
    return once()


def change_beside(
    registry: Registry,
    clock: Clock,
    change: FileChange | FilesChange,
    *,
    message: str,
    patience_seconds: float,
) -> None:
    """Change further documents alone; the registry's own stays as it is. Raises RegistryError."""
    Swapper(registry, clock).apply(
        lambda document: (document, None),
        message=message,
        patience_seconds=patience_seconds,
        file=change,
        always=True,
    )


def _anywhere_in(seconds: float) -> float:
    return random.uniform(0.0, seconds)  # noqa: S311 - spreads requests


def after_limit(refusals: int = 1, seconds_max: float = float("inf")) -> float:
    """How long to wait on after the moment that a limit named: everybody who was refused is told the same."""
    return _anywhere_in(min(limit_window_seconds(refusals), max(seconds_max, 0.0)))


@dataclass(slots=True)
class _Pace:
    """When one writer tries, and whether it tries again after a conflict."""

    backoff: Backoff
    began_at: MonotonicTime
    patience_seconds: float
    spread_seconds: float = 0.0
    spread: Spread = field(default_factory=Spread)
    lost_since: dict[str, MonotonicTime] = field(default_factory=dict)
    """By the version at which a swap lost."""

    def window_seconds(
        self, document: Document, read_at: MonotonicTime, now: MonotonicTime, *, crowd: int
    ) -> float:
        """Over how long to spread the write of a document whose look began at `read_at`; 0 to write now."""
        if self.backoff.losses:
            crowded = self.backoff.crowded(now, revision=document.revision)
            return self.backoff.window_seconds() if crowded else 0.0
        window = self.spread.window_seconds(crowd, document.revision, read_seconds=now - read_at)
        self.spread_seconds += window
        return window

    def pause_after(
        self,
        error: RegistryConflict,
        version: str,
        document: Document,
        read_at: MonotonicTime,
        now: MonotonicTime,
        *,
        crowd: int,
    ) -> float:
        """Seconds to wait after a conflict. Raises RegistryUnavailable where there is no point in it."""
        since = self.lost_since.setdefault(version, now)
        most = since + STALE_PATIENCES * self.patience_seconds - now
        if most <= 0.0 and now > since:
            raise RegistryUnavailable(f"{error.what} And yet it reads as before.") from error
        self.backoff.lost(now, revision=document.revision, write_seconds=now - read_at)
        pause = max(PAUSE_SECONDS_MIN, min(_anywhere_in(self.backoff.window_seconds()), most))
        if crowd and now + pause - self.began_at > self.spread_seconds + CROWD_CONFLICT_SECONDS:
            raise RegistryUnavailable(f"{error.what} Others write it all the time.") from error
        return pause


def _encoded(written: Document, before: Document) -> bytes:
    """Raises Busy where a ticket more would leave no room for those that stand there to write."""
    content = encode(written)
    if len(content) > BYTES_MAX and len(written.tickets) > len(before.tickets):
        raise full(len(before.tickets))
    return content


class Swapper:
    """Applies a transition to the registry document.

    Every write carries an operation id. After an answer that leaves open whether the write took effect, the
    document is read back: our id is there = done; the version is another = decide again, for the write can
    land no more; the version is unmoved = send the same write again (at most one can land).

    A document that is older than one seen before, or gone, is doubted and read again (`Continuity`): a
    decision not to write has no swap that would refuse it.
    """

    def __init__(self, registry: Registry, clock: Clock, *, seen_revision: int = 0) -> None:
        """`seen_revision`: of the newest document that this deployment has seen before."""
        self.registry = registry
        self._clock = clock
        self.continuity = Continuity(clock, registry.location, seen_revision=seen_revision)

    def read(self, *, patience_seconds: float) -> Document:
        """The newest document. Raises like `apply`."""
        return self.apply(lambda document: (None, document), message="", patience_seconds=patience_seconds)

    def apply(
        self,
        decide: Callable[[Document], tuple[Document | None, T]],
        *,
        message: str,
        patience_seconds: float = PATIENCE_SECONDS,
        file: Change | None = None,
        always: bool = False,
        mends: Callable[[Document], bool] = lambda _document: False,
        confirm: Callable[[Document], object] = lambda _document: None,
        give_way: Callable[[float], object] | None = None,
        crowd: Callable[[Document], int] = lambda _document: 0,
    ) -> T:
        """Read, `decide`, swap, until it is certain what happened; returns what `decide` returned with it.

        `decide` gets the newest document and returns the one to write, or None for nothing to write. It may
        be called many times and must not have effects. Conflicts do not count against patience while the
        document moves: somebody made progress. Where it does not move, the reads may lag behind, which is
        waited for STALE_PATIENCES times as long. Raises RegistryUnavailable after `patience_seconds` without
        an answer, or as soon as the store asks to be left alone for longer than that, and what `decide` or
        the store raise (RegistryForbidden, RegistryUnreadable).

        `file` is written together with the document; with `always`, also with one that `decide` leaves as it
        is. `confirm` is called with the document in which an
        own write was found only later; it may raise where what was written then no longer holds.

        `mends`: whether `decide` writes to this document although it is in doubt; the swap then proves that
        it is the newest.

        `give_way`: waits in place of the clock, for up to CROWD_SECONDS_MAX, where many write and the caller
        may let them go first. It may raise, for a cancellation.

        `crowd`: how many may write the same at this moment, by the document: as `write_backoff.Spread`. Where
        there are any, conflicts are borne for CROWD_CONFLICT_SECONDS.
        """
        sleep = give_way or self._clock.sleep
        pace = _Pace(
            Backoff(CROWD_SECONDS_MAX if give_way else PAUSE_SECONDS_MAX, patient=bool(give_way)),
            began_at=self._clock.monotonic(),
            patience_seconds=patience_seconds,
        )
        sent: tuple[str, str, T] | None = None  # the version to swap, operation id and result
        unanswered_since: float | None = None
        attempt = 0
        while True:
            began = self._clock.monotonic()
            try:
                snapshot = self.registry.read()
                document = self._judged(snapshot, mends)
                if sent is not None and sent[1] in document.operations:
                    confirm(document)
                    return sent[2]
                unmoved = sent is not None and sent[0] == snapshot.version
                operation = sent[1] if sent is not None and unmoved else MARK + secrets.token_hex(8)
                new, result = decide(document)
                if new is None or (new == document and not always):
                    return result
                window = pace.window_seconds(document, began, self._clock.monotonic(), crowd=crowd(document))
                if window > 0.0 and not unmoved:
                    sleep(_anywhere_in(window))
                    continue
                sent = (snapshot.version, operation, result)
                written = self.continuity.next_of(new, operation)
                self.registry.swap(
                    _encoded(written, document),
                    snapshot.version,
                    message=commit_message(message),
                    files=self._changed(file, snapshot.version) | self._heads(document, written),
                )
                self.continuity.wrote(written, snapshot)
                return result
            except RegistryConflict as error:
                now, unanswered_since = self._clock.monotonic(), None
                sleep(pace.pause_after(error, snapshot.version, document, began, now, crowd=crowd(document)))
                continue
            except RegistryUnavailable as error:
                now = self._clock.monotonic()
                if unanswered_since is None:
                    # A read that hangs is silence too; what became of a write is worth another look.
                    unanswered_since = began if sent is None else now
                least, most = error.retry_seconds or 0.0, unanswered_since + patience_seconds - now
                if least >= most:
                    raise
            attempt = min(attempt + 1, 10)
            spread = (
                after_limit(1, (most - least) / 4)
                if least
                else _anywhere_in(min(0.2 * 2**attempt, PAUSE_SECONDS_MAX))
            )
            sleep(max(least, min(least + max(PAUSE_SECONDS_MIN, spread), most)))

    def _judged(self, snapshot: Snapshot, mends: Callable[[Document], bool]) -> Document:
        document, doubt = self.continuity.judge(snapshot)
        if doubt is not None and not mends(document):
            raise doubt
        return document

    def _changed(self, file: Change | None, version: str) -> dict[str, bytes]:
        if file is None:
            return {}
        return dict(file.changed(lambda name: self.registry.read_file(name, version)))

    def _heads(self, before: Document, written: Document) -> dict[str, bytes]:
        return changed_heads(before, written) if getattr(self.registry, "heads", False) else {}
