"""A registry in memory that fails as it is told to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from deploy_action.errors import RegistryConflict, RegistryForbidden, RegistryUnavailable
from deploy_action.locking.codec import decode
from deploy_action.locking.ports import NO_FILES, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.locking.document import Document

LOST_REQUEST = "error before the effect"
LOST_ANSWER = "error after the effect"
LATE_EFFECT = "error, and the effect comes with a later request"
FALSE_CONFLICT = "the effect, then a conflict: the client sent it twice by itself"
REFUSED = "forbidden"
REJECTED = "a conflict without cause"


class MemoryRegistry:
    """`ports.Registry`. Each swap takes the next of `swap_faults`, each read the next of `read_faults`.

    Anything callable among them runs first and leaves the request healthy: somebody else was quicker. A
    number among `read_faults` makes the read see the document of so many writes ago.
    """

    location = "memory"
    advice = ""

    def __init__(self, document: bytes | None = None) -> None:
        self.written: list[bytes | None] = [document]
        self.swap_faults: list[str | Callable[[], object]] = []
        self.read_faults: list[str | int | Callable[[], object]] = []
        self.reads = 0
        self.swaps = 0
        self.files: dict[int, Mapping[str, bytes]] = {}
        """Further documents by the version that they were written with."""
        self._late: list[tuple[bytes, str, Mapping[str, bytes]]] = []
        self.late_by = 0
        """How many requests pass before a late effect comes."""

    @property
    def document(self) -> Document:
        return decode(self.written[-1])

    def read(self) -> Snapshot:
        self.reads += 1
        self._land()
        fault = self.read_faults.pop(0) if self.read_faults else 0
        if isinstance(fault, str):
            _fail(fault)
        elif not isinstance(fault, int):
            fault()
        number = max(0, len(self.written) - 1 - (fault if isinstance(fault, int) else 0))
        return Snapshot(self.written[number], str(number))

    def read_file(self, name: str, version: str) -> bytes | None:
        self._land()
        written = (self.files.get(number, NO_FILES).get(name) for number in range(int(version), -1, -1))
        return next((content for content in written if content is not None), None)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self.swaps += 1
        self._land()
        fault = self.swap_faults.pop(0) if self.swap_faults else ""
        if not isinstance(fault, str):
            fault()
            fault = ""
        if fault == LATE_EFFECT:
            self._late.append((document, version, files))
        if fault in {LOST_REQUEST, REFUSED, REJECTED, LATE_EFFECT}:
            _fail(fault)
        self._write(document, version, files)
        if fault:
            _fail(fault)
        return str(len(self.written) - 1)

    def overwrite(self, document: bytes | None) -> None:
        """Somebody else's write."""
        self.written.append(document)

    def _write(self, document: bytes, version: str, files: Mapping[str, bytes]) -> None:
        if version != str(len(self.written) - 1):
            raise RegistryConflict("The document changed since it was read.")
        self.files[len(self.written)] = files
        self.written.append(document)

    def _land(self) -> None:
        if self.late_by > 0:
            self.late_by -= bool(self._late)
            return
        for document, version, files in self._late:
            with contextlib.suppress(RegistryConflict):
                self._write(document, version, files)
        self._late.clear()


def _fail(fault: str) -> None:
    if fault == REFUSED:
        raise RegistryForbidden("The store refuses.")
    if fault in {FALSE_CONFLICT, REJECTED}:
        raise RegistryConflict("The document changed since it was read.")
    raise RegistryUnavailable("No answer.")
