"""The registry as one process sees it: what it was shown last, and what keeps it from being answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import RegistryForbidden, RegistryUnavailable, RegistryUnreadable
from deploy_action.locking.ports import NO_FILES
from tests.simulation.history import decode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.locking.ports import Registry, Snapshot
    from tests.simulation.actor import Actor


class GatedRegistry:
    """`ports.Registry` around a store: rate limits and refusals befall it, and the actor remembers what it
    saw."""

    def __init__(self, store: Registry, actor: Actor, *, heads: bool = False) -> None:
        self._store = store
        self._actor = actor
        self.heads = heads

    @property
    def location(self) -> str:
        return self._store.location

    @property
    def advice(self) -> str:
        return self._store.advice

    def read(self) -> Snapshot:
        self._pass()
        snapshot = self._store.read()
        try:
            self._actor.saw(decode(snapshot.document))
        except RegistryUnreadable:
            self._actor.faults.count("unreadable document")
        return snapshot

    def read_head(self, name: str) -> bytes | None:
        self._pass()
        self._actor.faults.count("look at a head")
        found: bytes | None = getattr(self._store, "read_head")(name)  # noqa: B009 - not every store has it
        return found

    def read_file(self, name: str, version: str) -> bytes | None:
        self._pass()
        return self._store.read_file(name, version)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self._pass()
        self._actor.sends(decode(document))
        written = self._store.swap(document, version, message=message, files=files)
        self._actor.saw(decode(document))
        self._actor.confirmed_at = self._actor.scheduler.time
        return written

    def _pass(self) -> None:
        actor, time = self._actor, self._actor.scheduler.time
        left = actor.faults.limited_seconds(time, actor.name)
        if left > 0:
            actor.disturbed_at = time
            actor.faults.count("rate limit with a time")
            raise RegistryUnavailable("The rate limit is used up.", retry_seconds=left)
        if actor.faults.is_forbidden(time, actor.name):
            actor.disturbed_at = time
            actor.faults.count("registry refused")
            raise RegistryForbidden("The token is not accepted (401).")
