"""The registry as a version sees it that knows neither readers nor generations.

The real code of such a version was run on today's documents: it takes each reader's seat for a lock of its
own, whose name is compared without regard to white space at its end, carries fields along that it does not
know, and reads what it wrote.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.locking.heads import MARK
from deploy_action.locking.ports import NO_FILES
from deploy_action.locking.reader_seats import SEAT
from deploy_action.locking.stores.guarded import RegistryAround

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.locking.ports import Registry, Snapshot

CARRIED = "carried along: "
FOREIGN_SEAT = "\u2003"
"""White space that the codec of today does not know for a seat."""
ANY = "any"
NO_MARK = "o"
"""Before the operations of a version that writes no heads."""


class OlderClient(RegistryAround):
    """`ports.Registry` around a store, for the codec of today."""

    def __init__(self, store: Registry) -> None:
        super().__init__(store)
        self._headless: set[str] = set()
        """Operations of versions that write no heads, as the codec of today is shown them."""

    def read(self) -> Snapshot:
        snapshot = self._store.read()
        if snapshot.document is None:
            return snapshot
        data = json.loads(snapshot.document)
        _move(data, "generation", CARRIED + "generation")
        data["generation"] = ANY
        for ticket in data["tickets"]:
            _move(ticket, "shared", CARRIED + "shared")
        self._headless |= {MARK + one[1:] for one in data["operations"] if one.startswith(NO_MARK)}
        data["operations"] = [MARK + one[1:] for one in data["operations"]]
        _rename(data, lambda name: _respelled(name, SEAT, FOREIGN_SEAT))
        return replace(snapshot, document=json.dumps(data).encode())

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        data = json.loads(document)
        data.pop("generation", None)
        self._headless.add(data["operations"][-1])
        data["operations"] = [
            NO_MARK + one[1:] if one in self._headless else one for one in data["operations"]
        ]
        _move(data, CARRIED + "generation", "generation")
        for ticket in data["tickets"]:
            _move(ticket, CARRIED + "shared", "shared")
        _rename(data, lambda name: _respelled(name, FOREIGN_SEAT, SEAT))
        return self._store.swap(json.dumps(data).encode(), version, message=message, files=files)


def _move(item: dict[str, Any], old: str, new: str) -> None:
    if old in item:
        item[new] = item.pop(old)


def _respelled(name: str, old: str, new: str) -> str:
    home = name.rstrip(old)
    return home + new * (len(name) - len(home))


def _rename(data: dict[str, Any], spelled: Callable[[str], str]) -> None:
    """Each name of a lock."""
    data["locks"] = {spelled(name): lock for name, lock in data["locks"].items()}
    for item in (*data["tickets"], *data["finished"]):
        item["locks"] = [spelled(name) for name in item["locks"]]
        if "epochs" in item:
            item["epochs"] = {spelled(name): epoch for name, epoch in item["epochs"].items()}
