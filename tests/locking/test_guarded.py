"""A store that fails in a way nobody foresaw is a store without an answer, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryConflict, RegistryUnavailable
from deploy_action.locking.ports import NO_FILES
from deploy_action.locking.stores.guarded import GuardedRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.locking.ports import Snapshot


class Odd:
    location = "an odd store"
    advice = ""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self) -> Snapshot:
        raise self._error

    def read_file(self, name: str, version: str) -> bytes | None:
        raise self._error

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        raise self._error


def test_an_unforeseen_error_is_told_as_no_answer() -> None:
    registry = GuardedRegistry(Odd(KeyError("surprise")))
    with pytest.raises(RegistryUnavailable, match=r"an odd store.*KeyError.*surprise"):
        registry.read()
    with pytest.raises(RegistryUnavailable, match="KeyError"):
        registry.read_file("history.json", "1")
    with pytest.raises(RegistryUnavailable, match="KeyError"):
        registry.swap(b"", "1", message="")


def test_what_the_store_says_itself_passes() -> None:
    registry = GuardedRegistry(Odd(RegistryConflict("moved")))
    with pytest.raises(RegistryConflict):
        registry.swap(b"", "1", message="")
    with pytest.raises(RegistryConflict):
        registry.read_file("history.json", "1")
