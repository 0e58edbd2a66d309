"""Epochs never fall, although a document may be deleted, or an older one restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.locking.lock_name import lock_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.locking.document import Document, Ticket


class EpochFloors:
    """The epochs that one deployment knows. `known`: the highest on the own stacks, where somebody has
    looked; `on_stacks` looks, and is asked where a document knows nothing of a lock. `seen`: the highest that
    any client of this deployment saw, by the locks' keys; it is kept up to date."""

    def __init__(
        self, ticket: Ticket, known: int | None, on_stacks: Callable[[], int], seen: dict[str, int]
    ) -> None:
        self._locks, self._nonce = ticket.locks, ticket.nonce
        self._known = known
        self._on_stacks = on_stacks
        self._seen = seen
        self._of_others = dict(seen)

    def saw(self, document: Document) -> None:
        own = document.ticket(self._nonce)
        own_epochs = {lock_key(name): epoch for name, epoch in own.epochs} if own is not None else {}
        for name in self._locks:
            key, epoch = lock_key(name), document.lock(name).epoch
            self._seen[key] = max(self._seen.get(key, 0), epoch)
            if own_epochs.get(key) != epoch:
                self._of_others[key] = max(self._of_others.get(key, 0), epoch)

    def outdated(self, document: Document) -> bool:
        """Whether the own ticket holds under an epoch that had been somebody else's: its request took effect
        only after the document was replaced."""
        own = document.ticket(self._nonce)
        return own is not None and any(
            epoch <= self._of_others.get(lock_key(name), 0) for name, epoch in own.epochs
        )

    def floors(self, document: Document) -> Mapping[str, int]:
        """The floors of the next epochs, by the locks' keys."""
        self.saw(document)
        if self._known is None and not all(document.lock(name).epoch for name in self._locks):
            self._known = self._on_stacks()
        return {key: max(self._known or 0, seen) for key, seen in self._seen.items()}
