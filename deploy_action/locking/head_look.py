"""A waiter's look at the heads in place of the document."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.errors import RegistryError
from deploy_action.locking.heads import nothing_new, read_seconds, watched

if TYPE_CHECKING:
    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Document, Ticket
    from deploy_action.locking.ports import Registry


class HeadLook:
    """Knows when the document was last read; `registry` need not have heads."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._read_head = getattr(registry, "read_head", None) if getattr(registry, "heads", False) else None
        self._one_write = bool(getattr(registry, "heads_in_one_write", False))
        self._clock = clock
        self._read_at = float("-inf")

    def document_was_read(self) -> None:
        self._read_at = self._clock.monotonic()

    def is_enough(self, document: Document, ticket: Ticket) -> bool:
        """Whether the document that was read last still tells a waiter all that matters for its turn. False
        where the heads cannot be read."""
        if self._read_head is None:
            return False
        if self._clock.monotonic() - self._read_at >= read_seconds(
            document, ticket, one_write=self._one_write
        ):
            return False
        names = watched(document, ticket)
        with suppress(RegistryError):
            return bool(names) and nothing_new(
                document, ticket, {name: self._read_head(name) for name in names}
            )
        return False
