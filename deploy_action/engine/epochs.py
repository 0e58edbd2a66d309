"""Epochs never fall, although a document may be deleted, or an older one restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.lock_name import lock_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.core.document import Document


class EpochFloors:
    """What one client knows of the epochs that were given. `known`: the highest on the own stacks, where
    somebody has looked; `on_stacks` looks, and is asked where a document knows nothing of a lock."""

    def __init__(self, locks: tuple[str, ...], known: int | None, on_stacks: Callable[[], int]) -> None:
        self._locks = locks
        self._known = known
        self._on_stacks = on_stacks
        self._seen: dict[str, int] = {}

    def saw(self, document: Document) -> None:
        for name in self._locks:
            key = lock_key(name)
            self._seen[key] = max(self._seen.get(key, 0), document.lock(name).epoch)

    def floors(self, document: Document) -> Mapping[str, int]:
        """What the next epochs must exceed, by the locks' keys."""
        self.saw(document)
        if self._known is None and not all(document.lock(name).epoch for name in self._locks):
            self._known = self._on_stacks()
        return {key: max(self._known or 0, seen) for key, seen in self._seen.items()}
