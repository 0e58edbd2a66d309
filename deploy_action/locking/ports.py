"""The ports of the lock. Stores and GitHub implement these; tests hand in their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The content of a registry: `document` (None: nothing written yet) and the version to swap against."""

    document: bytes | None
    version: str


NO_FILES: Mapping[str, bytes] = MappingProxyType({})


DOCUMENT_BYTES_MAX = 4_000_000
"""No document of a registry is larger. Of one that is, a store reads one byte more, by which its reader sees
that and refuses; the rest never reaches the runner's memory."""


_SEALED = re.compile(r".*-[0-9a-f]{16}\.json")


def is_sealed(name: str) -> bool:
    """Whether the name of a further document ends in the hash of its content: it is never changed, so a store
    may keep it apart from those that change with the document."""
    return _SEALED.fullmatch(name) is not None


class Registry(Protocol):
    """One document behind compare-and-swap. Bytes only: the codec is `locking.transitions`'s business.

    Guarantee: of all swaps against one version, at most one takes effect. A stale read may delay, it can
    never grant, since the swap that follows it conflicts.

    Further documents ("files") may stand beside it and are swapped together with it. Each has a plain name
    without folders, such as `deployment-history.json`, that is not the document's own. For a sealed one see
    `is_sealed`: all that has its name has one content.
    """

    @property
    def location(self) -> str:
        """Where the document is, in words for people (`branch deploy-registry of org/app`)."""
        ...

    @property
    def advice(self) -> str:
        """The correction of the document's address, learned by asking for it; empty for nothing."""
        ...

    def read(self) -> Snapshot:
        """The newest known document.

        Raises RegistryUnavailable (try again), RegistryForbidden (do not).
        """
        ...

    def read_file(self, name: str, version: str) -> bytes | None:
        """A further document as it stands with that version of the registry; None where it was never written.

        Raises like `read`, and RegistryConflict for a version that is not the newest any more: not every
        store keeps older ones. Read again then.
        """
        ...

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        """Replace the document if its version is still `version`; returns the new version.

        `files`, content by name, are replaced if and only if the document is; others stay as they are.
        `message` is one line for the audit log of stores that keep one.
        Raises RegistryConflict (certainly not written), RegistryUnavailable (may have been written: read
        back), RegistryForbidden (certainly not written, and never will be).
        """
        ...


class RegistryWithHeads(Registry, Protocol):
    """A registry that keeps heads (`locking.heads`): `swap` gets them among its files."""

    @property
    def heads(self) -> bool:
        """Whether it does; one that says no need not have `read_head`."""
        ...

    @property
    def heads_in_one_write(self) -> bool:
        """Whether they are written with the document, or not at all."""
        ...

    def read_head(self, name: str) -> bytes | None:
        """A head as it stands now, or stood a moment ago; None where there is none. Costs little where it has
        not changed. Raises like `read`."""
        ...
