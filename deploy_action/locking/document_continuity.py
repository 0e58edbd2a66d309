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
    """The states of the document at `location` that one client has seen.

    A document that is older than one seen before, or none at all, may be a read that lags behind. Once that
    has lasted for `doubt_seconds` somebody replaced the document, or deleted it, and that is believed: of one
    that was deleted, what was seen last goes on (`locking.restored_document`). A document of another
    generation is in doubt for as long, whatever its revision: holders that live have yet to write themselves
    back.
    """

    def __init__(self, clock: Clock, location: str, *, seen_revision: int = 0) -> None:
        """`seen_revision`: of the newest document that this deployment has seen before."""
        self._clock = clock
        self._location = location
        self._believed_revision = self._highest_revision = seen_revision
        self.generation = ""
        """Of the document that is believed; empty where that is not known."""
        self._begun = ""
        """The generation that the own write begins, should it have taken effect."""
        self.last: Document | None = None
        """The newest that was seen before it was replaced."""
        self._doubted_since: float | None = None
        self._replaced = self._gone = self._older = False
        self.begins_anew = False
        """The document judged last was not read, but what is remembered of one that is gone."""
        self.doubt_seconds = LAG_SECONDS_MAX
        self.notes: list[str] = []
        """The report of a document that was replaced, and written since."""

    def judge(self, snapshot: Snapshot) -> tuple[Document, RegistryBehind | None]:
        """The document to go on with, and the doubt about it. Raises RegistryUnreadable."""
        document = decode(snapshot.document)
        gone = snapshot.document is None and self._highest_revision > 0
        self.begins_anew = gone
        if gone and self.last is not None:
            document = remembered(self.last)
        foreign = not gone and self.is_another(document)
        older = not (gone or foreign) and document.revision < self._believed_revision
        if foreign or older or (gone and not self._gone):
            self._replaced, self._older, self._gone = True, older, False
            now = self._clock.monotonic()
            self._doubted_since = now if self._doubted_since is None else self._doubted_since
            if now - self._doubted_since < self.doubt_seconds:
                return document, self._doubt(gone=gone, foreign=foreign)
        self._gone, self._doubted_since, self._believed_revision = gone, None, document.revision
        if not gone:
            self.generation = document.generation
        if not gone and document.revision >= self._highest_revision:
            self._replaced = self._older = False
            self.last, self._highest_revision = document, document.revision
        return document, None

    def is_another(self, document: Document) -> bool:
        """Whether somebody began it in the place of the one that was seen."""
        return bool(self.generation) and document.generation not in {self.generation, self._begun}

    def _doubt(self, *, gone: bool, foreign: bool) -> RegistryBehind:
        if gone:
            return RegistryGone(f"The registry is gone: {self._location} was there before.")
        if foreign:
            return RegistryBehind("The registry was deleted or replaced, and somebody else began it anew.")
        return RegistryBehind("The registry shows an older state than it did before.")

    def next_of(self, document: Document, operation: str) -> Document:
        """The document as it is written. Revisions never fall, whatever becomes of the document; whoever
        begins it, or goes on from an older state of it, begins a generation, so that the rest can tell."""
        begins = self.begins_anew or self._older or not document.generation
        self._begun = operation if begins else self._begun
        newest = replace(
            document,
            revision=max(document.revision, self._highest_revision),
            generation=operation if begins else document.generation,
        )
        return newest.with_operation(operation)

    def wrote(self, document: Document, base: Snapshot) -> None:
        """The document was written in the place of `base`."""
        if self._replaced:
            self.notes.append(self._note(document, gone=base.document is None))
        self._replaced = self._gone = self._older = False
        self._doubted_since, self.last, self.generation = None, document, document.generation
        self._believed_revision = self._highest_revision = document.revision

    def _note(self, written: Document, *, gone: bool) -> str:
        at = iso(self._clock.now())
        seen = {} if self.last is None else freezes_in(self.last, at=at)
        there = freezes_in(written, at=at)
        return replaced_note(
            self._location,
            gone=gone,
            frozen_again={name: freeze for name, freeze in seen.items() if gone and name in there},
            lost={name: freeze for name, freeze in seen.items() if name not in there},
        )
