"""The linear history of writes that took effect; only the server knows it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from deploy_action.locking import codec as lock_codec

if TYPE_CHECKING:
    from deploy_action.locking.document import Document
    from tests.simulation.scheduler import Scheduler


@lru_cache(maxsize=4096)
def decode(content: bytes | None) -> Document:
    """`lock_codec.decode`, once for each content: documents are immutable, and all read the same."""
    return lock_codec.decode(content)


class Auditor(Protocol):
    def wrote(self, before: bytes | None, after: bytes, by: str) -> None: ...

    def replaced(self, content: bytes | None) -> None: ...


class Beside:
    """What lies beside the document, by key, and since when."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._states: dict[str, list[tuple[float, str, bytes]]] = {}

    def write(self, key: str, version: str, content: bytes) -> None:
        self._states.setdefault(key, []).append((self._scheduler.time, version, content))

    def seen(self, key: str, staleness: float = 0.0) -> tuple[str, bytes | None]:
        """Version and content as they were so many seconds ago; empty and None where there was nothing."""
        time, states = self._scheduler.time - staleness, reversed(self._states.get(key, []))
        return next(((version, content) for since, version, content in states if since <= time), ("", None))


class History:
    """What the registry held and since when; versions are names that a server gives to contents."""

    def __init__(self, scheduler: Scheduler, auditor: Auditor) -> None:
        self._scheduler = scheduler
        self._auditor = auditor
        self._states: list[tuple[float, str, bytes | None]] = [(float("-inf"), "", None)]

    @property
    def version(self) -> str:
        """Empty where nothing was written yet."""
        return self._states[-1][1]

    @property
    def now(self) -> float:
        return self._scheduler.time

    @property
    def content(self) -> bytes | None:
        return self._states[-1][2]

    def seen(self, staleness: float) -> tuple[str, bytes | None]:
        """Version and content as they were so many seconds ago."""
        time = self._scheduler.time - staleness
        return next((version, content) for since, version, content in reversed(self._states) if since <= time)

    def write(self, version: str, content: bytes, by: str) -> None:
        before = self.content
        self._states.append((self._scheduler.time, version, content))
        self._auditor.wrote(before, content, by)

    def replace(self, age_seconds: float | None) -> None:
        """Somebody deletes the document (None), or restores it as it was so many seconds ago."""
        self._replace(*(("", None) if age_seconds is None else self.seen(age_seconds)))

    def put(self, version: str, content: bytes) -> None:
        """Somebody puts another document in its place."""
        self._replace(version, content)

    def _replace(self, version: str, content: bytes | None) -> None:
        self._states.append((self._scheduler.time, version, content))
        self._auditor.replaced(content)
