"""The runner: job log, outputs, summary. Trouble with these is never a reason to fail."""

from __future__ import annotations

import os
import re
import secrets
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from io import FileIO

_COMMAND = re.compile(r"::(?P<name>error|warning|notice|group|endgroup|add-mask)(?: [^:]*)?::(?P<text>.*)")


class JobLog:
    """Lines for people. Callers escape what they did not write. Without `commands`, which only GitHub's
    runner understands, they become plain lines."""

    def __init__(self, stream: TextIO | None = None, *, masks: bool = True, commands: bool = True) -> None:
        self._stream = stream or sys.stdout
        self._masks = masks
        self._commands = commands

    def write(self, line: str = "") -> None:
        parts = line.split("\n")
        if not self._commands:
            parts = [said for part in parts if (said := without_commands(part)) or not part]
        try:
            # Line by line: a short write is not torn where another program writes to the same pipe.
            for part in parts:
                self._stream.write(part + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            # The reader of the log is gone (BrokenPipeError); the deployment is not.
            return

    def mask(self, secret: str) -> None:
        """Keep a value out of the log; the runner masks line by line. Nobody else would hide the command."""
        if not self._masks:
            return
        for line in secret.splitlines():
            if line.strip():
                self.write(f"::add-mask::{line.strip().replace('%', '%25')}")


def without_commands(line: str) -> str:
    """The text of a workflow command, for other systems: `WARNING: text`; empty where it says nothing."""
    found = _COMMAND.fullmatch(line)
    if found is None:
        return line
    name, text = found["name"], found["text"]
    if name in {"endgroup", "add-mask"}:
        return ""
    for code, letter in (("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, letter)
    return text if name == "group" else f"{name.upper()}: {text}"


class RunnerFiles:
    """`GITHUB_OUTPUT`, `GITHUB_STEP_SUMMARY` and `GITHUB_ENV`; outside GitHub Actions none of them is there,
    which is fine."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._output = environ.get("GITHUB_OUTPUT", "")
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")
        self._environment = environ.get("GITHUB_ENV", "")
        self.written: dict[str, str] = {}
        """The outputs that were set by this object."""

    def set_outputs(self, values: Mapping[str, str]) -> str | None:
        """Append outputs; returns a sentence where that failed.

        The delimiter is random, or a hostile value could write outputs of its own.
        """
        trouble = _append(self._output, _heredocs(values), "outputs")
        if trouble is None:
            self.written |= values
        return trouble

    def set_environment(self, values: Mapping[str, str]) -> str | None:
        """Variables for the later steps of the job; returns a sentence where that failed."""
        return _append(self._environment, _heredocs(values), "environment")

    def add_summary(self, page: str) -> str | None:
        """Append to the job summary; returns a sentence where that failed."""
        return _append(self._summary, page, "summary")


def _heredocs(values: Mapping[str, str]) -> str:
    text = ""
    for name, value in values.items():
        delimiter = f"end_{secrets.token_hex(16)}"
        text += f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
    return text


def _append(path: str, text: str, what: str) -> str | None:
    """All of it or nothing, from a fresh line: half of an entry, or one that is glued to what somebody else
    left without a line end, makes the runner refuse the whole file and fail the step."""
    if not path:
        return None
    data = text.encode("utf-8", "replace")
    for attempt in range(3):
        try:
            _append_all(path, data)
        except OSError as error:
            trouble = f"The {what} could not be written to {path}: {error}."
            time.sleep(0.1 * (attempt + 1))
        else:
            return None
    return trouble


def _append_all(path: str, data: bytes) -> None:
    with Path(path).open("a+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        try:
            if data and size and _last_byte(file, size) != b"\n":
                _write(file, b"\n")
            _write(file, data)
        except OSError:
            with suppress(OSError):
                file.truncate(size)
            raise


def _last_byte(file: FileIO, size: int) -> bytes:
    file.seek(size - 1)
    return file.read(1)


def _write(file: FileIO, data: bytes) -> None:
    while data:
        data = data[file.write(data) or 0 :]
