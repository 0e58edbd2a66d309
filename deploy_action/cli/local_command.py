"""The user's command beside the steps of a `run`: what the launcher is in a job.

It starts when `main` lets it go, in a process group of its own and without a terminal to ask at, and tells by
the state folder how it ended (`job.state`). Its lines go on as they come, whole; the last ones are kept for
whoever looks for the reason of a failure.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from deploy_action.job.state import (
    COMMAND_ENVIRONMENT,
    COMMAND_EXIT,
    COMMAND_TAIL,
    EXIT_CODE_LOST,
    StateFolder,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TAIL_BYTES_MAX = 1 << 16
LINE_BYTES_MAX = 1 << 20
POLL_SECONDS = 0.05
GRACE_SECONDS = 5.0
"""Between TERM and KILL for what does not end with its `run`."""
DRAIN_SECONDS = 2.0
NOT_FOUND, NOT_EXECUTABLE = 127, 126


class LocalCommand:
    """`watch` starts a thread that waits for the word to go; `exit_code` is None while it did not end."""

    def __init__(self, words: Sequence[str], folder: StateFolder, environ: Mapping[str, str]) -> None:
        self._words = list(words)
        self._folder = folder
        self._environ = environ
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._signalled: int | None = None
        self._tail = b""
        self._thread = threading.Thread(target=self._run, name="command", daemon=True)
        self.exit_code: int | None = None

    def watch(self) -> None:
        self._keep_exit("running")
        self._thread.start()

    def signal(self, number: int) -> None:
        """For the command and all that it started. One that has not begun never will."""
        with self._lock:
            self._signalled = number
            if self._process is not None:
                with suppress(OSError):
                    os.killpg(self._process.pid, number)

    def wait(self) -> None:
        """Until it has ended, where it was begun."""
        if self._process is not None:
            self._thread.join()

    def stop(self) -> None:
        """Nothing of it goes on after this."""
        self._over.set()
        if self._process is not None:
            self.signal(signal.SIGTERM)
            self._thread.join(GRACE_SECONDS)
            self.signal(signal.SIGKILL)
        self._thread.join(GRACE_SECONDS)

    def _run(self) -> None:
        while not self._folder.command_was_let_go:
            if self._over.wait(POLL_SECONDS):
                return
        self.exit_code = self._played()
        self._keep_exit(str(self.exit_code))

    def _played(self) -> int:
        with self._lock:
            if self._signalled is not None:
                return 128 + self._signalled
            try:
                self._process = subprocess.Popen(
                    self._words,
                    env={**self._environ, **self._own_variables()},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            except OSError as error:
                self._keep_tail(f"{self._words[0]}: {error.strerror}\n".encode())
                print(f"{self._words[0]}: {error.strerror}", flush=True)
                return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
        reader = threading.Thread(target=self._pass_on, args=(self._process.stdout,), daemon=True)
        reader.start()
        code = self._process.wait()
        # What it left in the background may keep the pipe open for ever.
        reader.join(DRAIN_SECONDS)
        return 128 - code if code < 0 else code

    def _own_variables(self) -> dict[str, str]:
        try:
            lines = (self._folder.path / COMMAND_ENVIRONMENT).read_text("utf-8").splitlines()
        except OSError:
            return {}
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def _pass_on(self, pipe: IO[bytes]) -> None:
        with pipe:
            while line := pipe.readline(LINE_BYTES_MAX):
                self._keep_tail(line)
                with suppress(OSError, ValueError):
                    # One write a line: the steps write to the same place.
                    sys.stdout.write(line.decode("utf-8", "replace").rstrip("\n") + "\n")
                    sys.stdout.flush()

    def _keep_tail(self, line: bytes) -> None:
        self._tail += line
        if len(self._tail) > TAIL_BYTES_MAX:
            kept = self._tail[-TAIL_BYTES_MAX:]
            self._tail = kept[kept.find(b"\n") + 1 :]
        with suppress(OSError):
            (self._folder.path / COMMAND_TAIL).write_bytes(b"%08d\n%s" % (len(self._tail), self._tail))

    def _keep_exit(self, text: str) -> None:
        """In place: `main` may have the file open already."""
        with suppress(OSError):
            descriptor = os.open(self._folder.path / COMMAND_EXIT, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.pwrite(descriptor, f"{text:<15}\n".encode(), 0)
            finally:
                os.close(descriptor)


def settled_code(command: LocalCommand, code: int) -> int:
    """The exit code of a `run`: the command's own where it failed; else that of the step that judged, or that
    nobody could."""
    own = command.exit_code
    if own is None:
        return code
    return own if own not in {0, EXIT_CODE_LOST} else code
