"""A terminal that people sit at: a pseudo-terminal, and what stands on its screen in the end."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import sys
import termios
import threading
from typing import TextIO, cast

import pytest

_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b.|.", re.DOTALL)


class Terminal:
    """As a context it is stdout and stderr of this process. `rows` only bounds what a program draws: the
    screen keeps what scrolled off."""

    def __init__(self, *, rows: int = 30, columns: int = 100) -> None:
        self._patch = pytest.MonkeyPatch()
        self._size = struct.pack("HHHH", rows, columns, 0, 0)
        self._columns = columns
        self._written = bytearray()

    def __enter__(self) -> Terminal:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, self._size)
        self._file = os.fdopen(slave, "w", encoding="utf-8", buffering=1)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        for name, value in (("TERM", "xterm-256color"), ("COLUMNS", str(self._columns))):
            self._patch.setenv(name, value)
        self._patch.delenv("NO_COLOR", raising=False)
        self._patch.setattr(sys, "stdout", cast("TextIO", self._file))
        self._patch.setattr(sys, "stderr", cast("TextIO", self._file))
        return self

    def __exit__(self, *_: object) -> None:
        self._patch.undo()
        self._file.close()
        self._reader.join(10)
        os.close(self._master)

    def _read(self) -> None:
        while True:
            try:
                found = os.read(self._master, 65536)
            except OSError:  # how Linux says that nobody writes any more
                return
            if not found:
                return
            self._written += found

    @property
    def screen(self) -> list[str]:
        """The rows as they stand, oldest first. Of control sequences it knows those that move and erase."""
        rows, row, column = [""], 0, 0
        for token in _TOKEN.finditer(self._written.decode()):
            count, kind, text = token[1], token[2], token[0]
            steps = int(count) if count and count.isdigit() else 1
            if kind == "A":
                row = max(0, row - steps)
            elif kind == "K":
                rows[row] = "" if count == "2" else rows[row][:column]
            elif kind in {"h", "l", "m"}:
                continue
            elif text == "\r":
                column = 0
            elif text == "\n":
                row += 1
            elif text.startswith("\x1b"):
                raise AssertionError(f"A sequence that this terminal does not know: {text!r}")
            else:
                if column == self._columns:
                    row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
                rows[row] = rows[row].ljust(column)[:column] + text + rows[row][column + 1 :]
                column += 1
            rows += [""] * (row + 1 - len(rows))
        return [text.rstrip() for text in rows]
