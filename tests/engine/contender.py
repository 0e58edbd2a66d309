"""One process that contends for the lock: FOLDER NAME ORIGIN:SPEED HOLD-SECONDS dies|lives."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from deploy_action.adapters.clock import clock_from
from deploy_action.adapters.registry.file import FileRegistry
from deploy_action.core.document import Ticket
from deploy_action.engine.lock_client import LockClient
from deploy_action.errors import LockLost


def main(folder: Path, name: str, clock_text: str, hold_seconds: float, *, dies: bool) -> None:
    clock = clock_from(clock_text)
    client = LockClient(
        FileRegistry(folder / "registry"),
        clock,
        Ticket(name, name, ("prod",), lease_seconds=30.0),
        stacks_in_progress=lambda stacks: [],
        poll_seconds=3.0,
    )
    grant = client.acquire(wait=True, timeout_seconds=3600.0, tell=lambda waiting: None)
    note(folder, "begin", name, grant.ticket.epoch)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    clock.sleep(hold_seconds)
    try:
        client.renew()
    except LockLost as error:
        note(folder, "lost", name, grant.ticket.epoch)
        sys.exit(error.exit_code)
    note(folder, "end", name, grant.ticket.epoch)
    assert client.release(outcome="succeeded")


def note(folder: Path, event: str, name: str, epoch: int) -> None:
    descriptor = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, f"{event} {name} {epoch}\n".encode())
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    place, who, clock_spec, hold, death = sys.argv[1:]
    main(Path(place), who, clock_spec, float(hold), dies=death == "dies")
