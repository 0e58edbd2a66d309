"""Real processes on one registry; some are killed while they hold the lock."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy_action.adapters.registry.file import FileRegistry
from deploy_action.core.lock_codec import decode
from deploy_action.errors import LockLost

ROOT = Path(__file__).parents[2]
SPEED = 20
"""A lease of 30 s passes in one and a half: longer than a busy machine keeps a living process waiting."""
PROCESSES = 12
DYING = {2, 6, 9}
SLOW_AT_MOST = 2
"""So many may be taken over since the machine gave them no time for a whole lease; they must notice."""


def test_twelve_processes_of_which_three_are_killed_hold_the_lock_one_after_another(tmp_path: Path) -> None:
    clock = f"{time.time()}:{SPEED}"
    processes = {
        f"p{number:02d}": subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.engine.contender", str(tmp_path), f"p{number:02d}", clock),
                *("2", "dies" if number in DYING else "lives"),
            ],
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        for number in range(PROCESSES)
    }
    gone = {f"p{number:02d}" for number in DYING}
    try:
        for name, process in processes.items():
            _, complaint = process.communicate(timeout=60)
            if name in gone:
                assert process.returncode == -signal.SIGKILL, complaint.decode()
            elif process.returncode == LockLost.exit_code:
                gone.add(name)
            else:
                assert process.returncode == 0, complaint.decode()
    finally:
        for process in processes.values():
            process.kill()
    assert len(gone) <= len(DYING) + SLOW_AT_MOST

    holder, epochs, served = "", [], []
    for line in (tmp_path / "log").read_text().splitlines():
        event, name, epoch = line.split()
        if event == "begin":
            assert holder in {"", *gone}, f"{name} began while {holder} held the lock"
            holder = name
            epochs.append(int(epoch))
            served.append(name)
        elif event == "end":
            assert (holder, epochs[-1]) == (name, int(epoch))
            holder = ""
    assert sorted(served) == sorted(processes)
    assert all(later > earlier for earlier, later in itertools.pairwise(epochs))

    document = decode(FileRegistry(tmp_path / "registry").read().document)
    left = {ticket.nonce for ticket in document.tickets}
    assert left <= gone
    assert gone - left <= {line.correlation_id for line in document.finished if line.outcome == "abandoned"}
    assert document.locks["prod"].epoch == epochs[-1] == PROCESSES
