"""Keeps the first law: whatever a store does, its callers see a RegistryError and can go on without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import CoordinatorError, RegistryUnavailable
from deploy_action.github.request_budget import RequestBudget
from deploy_action.locking.ports import NO_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.locking.ports import Registry, Snapshot


class GuardedRegistry:
    """Implements ports.Registry around a store: an error that nobody foresaw counts as no answer."""

    def __init__(self, store: Registry) -> None:
        self._store = store

    @property
    def location(self) -> str:
        return self._store.location

    @property
    def advice(self) -> str:
        return self._store.advice

    @property
    def strain(self) -> float:
        """How much longer than usual to pause between two looks; 1 where the store tells of no budget."""
        budget = getattr(self._store, "budget", None)
        return budget.strain if isinstance(budget, RequestBudget) else 1.0

    @property
    def heads(self) -> bool:
        return bool(getattr(self._store, "heads", False))

    def read_head(self, name: str) -> bytes | None:
        try:
            found: bytes | None = getattr(self._store, "read_head")(name)  # noqa: B009 - not every store has it
        except CoordinatorError:
            raise
        except Exception as error:
            raise self._defect(error) from error
        return found

    def read(self) -> Snapshot:
        try:
            return self._store.read()
        except CoordinatorError:
            raise
        except Exception as error:
            raise self._defect(error) from error

    def read_file(self, name: str, version: str) -> bytes | None:
        try:
            return self._store.read_file(name, version)
        except CoordinatorError:
            raise
        except Exception as error:
            raise self._defect(error) from error

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        try:
            return self._store.swap(document, version, message=message, files=files)
        except CoordinatorError:
            raise
        except Exception as error:
            raise self._defect(error) from error

    def _defect(self, error: Exception) -> RegistryUnavailable:
        return RegistryUnavailable(
            f"The registry ({self.location}) failed in an unforeseen way: {type(error).__name__}: {error}",
            remedy="Please report this as a defect of deploy-coordinator.",
        )
