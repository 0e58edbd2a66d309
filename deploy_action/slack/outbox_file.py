"""An outbox on the disk: a line for each step, written through to the disk before what it tells of is done.

What is found after a kill is everything but perhaps the last, half-written line: nothing was done by it yet.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from deploy_action.slack.outbox import Outbox, reopened
from deploy_action.slack.outbox_log import Record, Step, after, replayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REWRITE_BYTES = 1_000_000
READ_BYTES_MAX = 20_000_000


class OutboxJournal:
    """`ports.OutboxStore` in one file of this machine. One process at a time writes it.

    With a disk that does not take it, the box goes on in memory, and `trouble` says why.
    """

    def __init__(self, path: Path, correlation_id: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._encoder = msgspec.json.Encoder()
        self.trouble = ""
        box = replayed(Outbox(correlation_id), _records(path))
        self._box = reopened(box)
        self._bytes = 0
        if box != Outbox(correlation_id):
            with self._lock:
                self._kept(self._rewrite)

    @property
    def box(self) -> Outbox:
        return self._box

    def write(self, record: Record) -> Outbox:
        with self._lock:
            box = after(self._box, record)
            if box is not self._box:
                whole, self._box = bool(self.trouble) or not self._bytes, box
                self._kept(self._rewrite if whole else lambda: self._append(record))
                if self._bytes > REWRITE_BYTES:
                    self._kept(self._rewrite)
            return box

    def forget(self) -> None:
        """Remove the file: what is left was handed on."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _kept(self, write: Callable[[], None]) -> None:
        try:
            write()
            self.trouble = ""
        except (OSError, TypeError, ValueError) as error:
            self.trouble = (
                f"Messages cannot be kept on the disk ({error}): those not sent by now may be lost."
            )

    def _append(self, record: Record) -> None:
        line = self._encoder.encode(record) + b"\n"
        with self._path.open("ab", buffering=0) as file:
            if file.write(line) != len(line):  # what a disk does that is nearly full
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
        self._bytes += len(line)

    def _rewrite(self) -> None:
        """The box as one line: also gets rid of a line that was cut off."""
        line = self._encoder.encode(Record(Step.WHOLE, box=self._box)) + b"\n"
        temporary = self._path.with_name(f"{self._path.name}.new")
        with temporary.open("wb") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)
        self._bytes = len(line)


def _records(path: Path) -> Iterator[Record]:
    try:
        if path.stat().st_size > READ_BYTES_MAX:
            return
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    decoder = msgspec.json.Decoder(Record)
    for line in lines:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            yield decoder.decode(line)
