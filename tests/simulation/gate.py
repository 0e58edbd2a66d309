"""The registry as one process sees it: what it was shown last, and what keeps it from being answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deploy_action.errors import RegistryForbidden, RegistryUnavailable, RegistryUnreadable
from deploy_action.locking.ports import NO_FILES
from deploy_action.locking.stores.guarded import RegistryAround
from tests.simulation.history import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.locking.ports import Registry, Snapshot
    from tests.simulation.actor import Actor

T = TypeVar("T")


class GatedRegistry(RegistryAround):
    """`ports.Registry` around a store: rate limits and refusals befall it, and the actor remembers what it
    saw."""

    def __init__(self, store: Registry, actor: Actor, *, heads: bool = False) -> None:
        super().__init__(store)
        self._actor = actor
        self.heads = heads

    def read(self) -> Snapshot:
        snapshot = super().read()
        try:
            self._actor.saw(decode(snapshot.document))
        except RegistryUnreadable:
            self._actor.faults.count("unreadable document")
        return snapshot

    def read_head(self, name: str) -> bytes | None:
        found = super().read_head(name)
        self._actor.faults.count("look at a head")
        return found

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self._pass()
        self._actor.sends(decode(document))
        written = self._store.swap(document, version, message=message, files=files)
        self._actor.saw(decode(document))
        self._actor.confirmed_at = self._actor.scheduler.time
        return written

    def _ask(self, request: Callable[[], T]) -> T:
        self._pass()
        return request()

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
