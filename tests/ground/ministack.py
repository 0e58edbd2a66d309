"""ministack, an emulator of AWS in a process of its own: `make ground` installs it into build/ground-venv."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD = Path(__file__).parents[2] / "build"
PROGRAM = BUILD / "ground-venv" / "bin" / "ministack"
START_SECONDS = 30.0
STARTS_MAX = 3
"""A port that was free may be taken before ministack binds it."""


def missing() -> str:
    """Why there is no ministack here; empty where there is one."""
    if PROGRAM.exists():
        return ""
    log = BUILD / "ground-venv.log"
    errors = [line for line in log.read_text().splitlines() if "ERROR" in line] if log.exists() else []
    return f"ministack is not installed: {errors[-1] if errors else '`make ground` installs it'}"


@contextlib.contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Run one for as long as the context lasts; gives its URL. Its state is gone with it."""
    for number in range(STARTS_MAX):
        port = _free_port()
        log = folder / f"ministack-{number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [PROGRAM],
                env={
                    **os.environ,
                    "GATEWAY_PORT": str(port),
                    "BIND_HOST": "127.0.0.1",
                    "MINISTACK_HOST": "127.0.0.1",
                    "LOG_LEVEL": "WARNING",
                    "STATE_DIR": str(folder / "ministack-state"),
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            if _is_ready(url, process):
                yield url
                return
        finally:
            process.kill()
            process.wait()
    raise RuntimeError(f"ministack does not start: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it answers in time. It must be ours: the answer of whoever took the port does not count."""
    deadline = time.monotonic() + START_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), opener.open(f"{url}/_ministack/health", timeout=5):
            return process.poll() is None
        time.sleep(0.05)
    return False
