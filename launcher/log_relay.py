"""The only writer of the step's log while a command runs: `log_relay.py TAIL_FILE LAUNCHER_PID`.

Three pipes come in: the command's stdout (descriptor 5) and stderr (6), and the coordinator's and the
launcher's own lines (7). What goes out to stdout and stderr are whole lines, bytes unchanged, as soon as they
end. So no line of ours is glued to half a line of the command, and none is torn by what the command writes at
the same moment: the runner reads workflow commands at the start of a line, and what a line holds may be a
stranger's words.

The last lines of the command stay readable in TAIL_FILE: 8 digits (the bytes that follow), LF, the lines.

Runs on the runner's own Python (3.7 or newer) without any package. Ends with exit code 0 after the line
`END`, and with everything read that was there by then.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

STDOUT, STDERR, OURS = 5, 6, 7
END = b"\0end of the log\n"
LINE_MAX = 1 << 20
"""A longer line is parted; the runner's live log cuts at 1,024 characters."""
PARTED = "… ".encode()
TAIL_MAX = 1 << 16
MASKS_MAX = 1 << 14
ADD_MASK = re.compile(rb"[^\r\n]*(?:::add-mask|##\[add-mask)[^\r\n]*", re.IGNORECASE)
SECRET_NAME = re.compile(
    rb"SECRET|TOKEN|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|API_?KEY|ACCESS_KEY|_PAT$|_KEY$|WEBHOOK", re.IGNORECASE
)
SECRET_MIN = 6
TAIL_SECONDS = 0.2
DRAIN_SECONDS = 2.0
ORPHAN_SECONDS = 60.0


def secrets_of(environ: Mapping[bytes, bytes]) -> list[bytes]:
    """Values of variables whose names say that they are secret, the longest first; each line on its own."""
    values = [value for name, value in environ.items() if SECRET_NAME.search(name)]
    lines = {line.strip() for value in values for line in value.splitlines()}
    return sorted((line for line in lines if len(line) >= SECRET_MIN), key=len, reverse=True)


class Source:
    """One incoming pipe. `take` gives what can be shown of it: up to the end of its last whole line."""

    def __init__(self) -> None:
        self._held = b""
        self._parted = False

    def take(self, data: bytes) -> bytes:
        data = self._held + data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        ready, self._held = data[:end], data[end:]
        if ready:
            ready, self._parted = self._mark() + ready, False
        if len(self._held) > LINE_MAX:
            ready += self._mark() + self._held + b"\n"
            self._held, self._parted = b"", True
        return ready

    def rest(self) -> bytes:
        rest, self._held = self._held, b""
        return self._mark() + rest + b"\n" if rest else b""

    def _mark(self) -> bytes:
        """What goes on on a new line must not begin it."""
        return PARTED if self._parted else b""


class Outlet:
    """Where lines go. A reader that is gone is no reason to stop: the command must be able to go on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = b"\n"

    def write(self, data: bytes) -> None:
        # After a carriage return alone the runner begins a line, but others that read the log do not.
        if self._last == b"\r" and not data.startswith((b"\n", b"\r")):
            self._send(b"\n")
        self._send(data)
        self._last = data[-1:]

    def _send(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [], 1.0)
            except OSError:
                return


class Tail:
    """The last lines of the command, in a file that has its full size before it is needed.

    Lines that ask the runner to mask a value are kept before them, however old they are: whoever quotes the
    tail must mask it too. With more of these than fit, nothing is kept. The values of variables whose names
    say that they are secret are hidden here: the coordinator in its container does not know them.
    """

    def __init__(self, path: str) -> None:
        self._lines = b""
        self._masks = b""
        self._secrets = secrets_of(os.environb)
        self._dirty = False
        self._written = 0.0
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if os.fstat(self._file).st_size < TAIL_MAX + 9:
                os.pwrite(self._file, b"00000000\n" + b" " * TAIL_MAX, 0)
        except OSError:
            self._file = None

    def add(self, data: bytes) -> None:
        for line in ADD_MASK.findall(data):
            self._masks += line + b"\n"
        for secret in self._secrets:
            data = data.replace(secret, b"***")
        lines = self._lines + data
        room = max(0, TAIL_MAX - len(self._masks))
        if len(lines) > room:
            lines = lines[len(lines) - room :]
            lines = lines[lines.find(b"\n") + 1 :]
        if len(self._masks) > MASKS_MAX:
            lines, self._masks = b"", self._masks[: MASKS_MAX + 1]
        self._lines, self._dirty = lines, True

    def keep(self, *, now: float | None = None) -> None:
        """Write it down, unless that was done a moment ago."""
        if not self._dirty or self._file is None or (now is not None and now - self._written < TAIL_SECONDS):
            return
        try:
            kept = self._masks + self._lines if len(self._masks) <= MASKS_MAX else b""
            os.pwrite(self._file, b"%08d\n%s" % (len(kept), kept), 0)
        except OSError:
            self._file = None
        self._dirty, self._written = False, time.monotonic() if now is None else now


class Relay:
    def __init__(self, tail: Tail) -> None:
        self._sources = {number: Source() for number in (STDOUT, STDERR, OURS)}
        self._stdout, self._stderr = Outlet(1), Outlet(2)
        self._tail = tail
        self.ended = False

    def step(self, seconds: float) -> bool:
        """Passes on what is there, or comes within `seconds`. Returns whether there was anything."""
        readable = select.select(list(self._sources), [], [], seconds)[0]
        for number in readable:
            self._show(number, self._sources[number].take(os.read(number, 1 << 16)))
        self._tail.keep(now=time.monotonic())
        return bool(readable)

    def finish(self) -> None:
        for number, source in self._sources.items():
            self._show(number, source.rest())
        self._tail.keep()

    def _show(self, number: int, lines: bytes) -> None:
        if number == OURS and END in lines:
            self.ended = True
            lines = lines.replace(END, b"")
        if not lines:
            return
        if number != OURS:
            self._tail.add(lines)
        (self._stderr if number == STDERR else self._stdout).write(lines)


def launcher_is_there(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def main(arguments: list[str]) -> int:
    tail, launcher = arguments[0], int(arguments[1])
    # The launcher says when it is over; a signal to the whole job is no reason to lose the last lines.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    relay = Relay(Tail(tail))
    quiet_since = time.monotonic()
    while not relay.ended:
        if relay.step(TAIL_SECONDS if time.monotonic() - quiet_since < 1.0 else 5.0):
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since > ORPHAN_SECONDS and not launcher_is_there(launcher):
            break
    end = time.monotonic() + DRAIN_SECONDS
    while relay.step(0.0) and time.monotonic() < end:
        pass
    relay.finish()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
