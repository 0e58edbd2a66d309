"""Whether the registry's document still is the one that was seen before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.common.times import iso
from deploy_action.errors import RegistryBehind, RegistryGone
from deploy_action.locking.codec import decode
from deploy_action.locking.messages import replaced_note
from deploy_action.locking.restored_document import freezes_in, remembered

if TYPE_CHECKING:
    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Document
    from deploy_action.locking.ports import Snapshot

LAG_SECONDS_MAX = 90.0
"""GitHub's reads lag by tens of seconds."""


class Continuity:
    """What one client has seen of the document at `location`.

    A document that is older than one seen before, or none at all, may be a read that lags behind. Once that
    has lasted for `doubt_seconds` somebody replaced the document, or deleted it, and that is believed: of one
    that was deleted, what was seen last goes on (`locking.restored_document`).
    """

    def __init__(self, clock: Clock, location: str, *, seen_revision: int = 0) -> None:
        """`seen_revision`: of the newest document that this deployment has seen before."""
        self._clock = clock
        self._location = location
        self._believed_revision = self._highest_revision = seen_revision
        self._last: Document | None = None  # the newest before it was replaced
        self._older_since: float | None = None
        self._replaced = self._gone = False
        self.begins_anew = False
        """The document judged last was not read, but what is remembered of one that is gone."""
        self.doubt_seconds = LAG_SECONDS_MAX
        self.notes: list[str] = []
        """What is to be told of a document that was replaced, and written since."""

    def judge(self, snapshot: Snapshot) -> tuple[Document, RegistryBehind | None]:
        """The document to go on with, and the doubt about it. Raises RegistryUnreadable."""
        document = decode(snapshot.document)
        gone = snapshot.document is None and self._highest_revision > 0
        self.begins_anew = gone
        if gone and self._last is not None:
            document = remembered(self._last)
        believed = self._gone if gone else document.revision >= self._believed_revision
        if not believed:
            self._replaced, self._gone, now = True, False, self._clock.monotonic()
            self._older_since = now if self._older_since is None else self._older_since
            if now - self._older_since < self.doubt_seconds:
                return document, self._doubt(gone=gone)
        self._gone, self._older_since, self._believed_revision = gone, None, document.revision
        if not gone and document.revision >= self._highest_revision:
            self._replaced, self._last, self._highest_revision = False, document, document.revision
        return document, None

    def _doubt(self, *, gone: bool) -> RegistryBehind:
        if gone:
            return RegistryGone(f"The registry is gone: {self._location} was there before.")
        return RegistryBehind("The registry shows an older state than it did before.")

    def next_of(self, document: Document, operation: str) -> Document:
        """The document as it is written. Revisions never fall, whatever becomes of the document."""
        newest = replace(document, revision=max(document.revision, self._highest_revision))
        return newest.with_operation(operation)

    def wrote(self, document: Document, base: Snapshot) -> None:
        """The document was written in the place of `base`."""
        if self._replaced:
            self.notes.append(self._note(document, gone=base.document is None))
        self._replaced = self._gone = False
        self._older_since, self._last = None, document
        self._believed_revision = self._highest_revision = document.revision

    def _note(self, written: Document, *, gone: bool) -> str:
        at = iso(self._clock.now())
        seen = {} if self._last is None else freezes_in(self._last, at=at)
        there = freezes_in(written, at=at)
        return replaced_note(
            self._location,
            gone=gone,
            frozen_again={name: freeze for name, freeze in seen.items() if gone and name in there},
            lost={name: freeze for name, freeze in seen.items() if name not in there},
        )
