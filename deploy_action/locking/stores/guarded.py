"""Keeps the first law: whatever a store does, its callers see a RegistryError and can go on without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from deploy_action.errors import CoordinatorError, RegistryUnavailable
from deploy_action.github.request_budget import RequestBudget
from deploy_action.locking.ports import NO_FILES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.locking.ports import Registry, RegistryWithHeads, Snapshot

T = TypeVar("T")


class RegistryAround:
    """`ports.Registry` around a store: each request goes through `_ask`, which a subclass may replace."""

    def __init__(self, store: Registry) -> None:
        self._store = store

    @property
    def location(self) -> str:
        return self._store.location

    @property
    def advice(self) -> str:
        return self._store.advice

    def read(self) -> Snapshot:
        return self._ask(self._store.read)

    @property
    def heads_in_one_write(self) -> bool:
        return bool(getattr(self._store, "heads_in_one_write", False))

    def read_head(self, name: str) -> bytes | None:
        """Of a store that has heads."""
        store = cast("RegistryWithHeads", self._store)
        return self._ask(lambda: store.read_head(name))

    def read_file(self, name: str, version: str) -> bytes | None:
        return self._ask(lambda: self._store.read_file(name, version))

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        return self._ask(lambda: self._store.swap(document, version, message=message, files=files))

    def _ask(self, request: Callable[[], T]) -> T:
        return request()


class GuardedRegistry(RegistryAround):
    """An error that nobody foresaw counts as no answer."""

    @property
    def strain(self) -> float:
        """How much longer than usual to pause between two looks; 1 where the store tells of no budget."""
        budget = getattr(self._store, "budget", None)
        return budget.strain if isinstance(budget, RequestBudget) else 1.0

    @property
    def heads(self) -> bool:
        return bool(getattr(self._store, "heads", False))

    def _ask(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except CoordinatorError:
            raise
        except Exception as error:
            raise RegistryUnavailable(
                f"The registry ({self.location}) failed in an unforeseen way: "
                f"{type(error).__name__}: {error}",
                remedy="Please report this as a defect of deploy-coordinator.",
            ) from error
