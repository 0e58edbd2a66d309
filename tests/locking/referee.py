"""Stands for CloudFormation before many processes: one stack, in a folder, which takes one operation at a
time."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Referee:
    """An operation that begins while another one runs is written down as an overlap. It ends with its
    process: what is killed leaves nothing in progress."""

    def __init__(self, folder: str) -> None:
        self._operation = Path(folder) / "operation"
        self._record = Path(folder) / "record"
        self._door = Path(folder) / "door"

    @property
    def in_progress(self) -> bool:
        try:
            pid = int(json.loads(self._operation.read_text("utf-8"))["pid"])
        except (OSError, ValueError, KeyError):
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            return not _is_dead(pid)
        return False

    def begin(self, name: str, epoch: int) -> bool:
        """False where its change set was taken away: as in CloudFormation, either that or its beginning comes
        first, however long a process stands still between two lines."""
        with self._one_at_a_time():
            return self._begin(name, epoch)

    def _begin(self, name: str, epoch: int) -> bool:
        if self._revoked(name).exists():
            return False
        line = {"name": name, "epoch": epoch, "pid": os.getpid(), "overlaps": self.in_progress}
        mine = self._operation.with_name(f"{name}.new")
        mine.write_text(json.dumps(line), "utf-8")
        mine.replace(self._operation)
        with self._record.open("ab", buffering=0) as record:
            record.write(json.dumps(line).encode() + b"\n")
        return True

    def revoke(self, name: str) -> None:
        """Takes away what it has not executed."""
        with self._one_at_a_time():
            self._revoked(name).touch()

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._door.open("ab") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            yield

    def _revoked(self, name: str) -> Path:
        return self._operation.with_name(f"{name}.revoked")

    def end(self, name: str) -> None:
        with suppress(OSError, ValueError, KeyError):
            if json.loads(self._operation.read_text("utf-8"))["name"] == name:
                self._operation.unlink()

    def record(self) -> list[dict[str, object]]:
        """What began, in order: `name`, `epoch`, and whether it `overlaps`."""
        if not self._record.exists():
            return []
        return [json.loads(line) for line in self._record.read_text("utf-8").splitlines()]


def _is_dead(pid: int) -> bool:
    """A child that nobody has waited for yet still has its number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return False
