"""A process that is suspended in the middle of a write to the file registry."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryAway
from deploy_action.locking.stores.file import FileRegistry
from tests.clock import VirtualClock
from tests.locking.test_client import LEASE, World, acquire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITER = (
    "import filelock, os, signal, sys; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
    "os.kill(os.getpid(), signal.SIGSTOP); lock.release()"
)


@contextmanager
def stopped_writer(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder / "deployments.json.lock")])
    try:
        os.waitid(os.P_PID, writer.pid, os.WSTOPPED | os.WNOWAIT)
        yield writer
    finally:
        writer.kill()
        writer.wait(10)


def resume(writer: subprocess.Popen[bytes]) -> None:
    os.kill(writer.pid, signal.SIGCONT)
    writer.wait(10)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> World:
    return World(FileRegistry(tmp_path, lock_timeout=0.02), clock)


def test_nobody_goes_on_alone_while_a_writer_is_suspended(world: World, tmp_path: Path) -> None:
    with stopped_writer(tmp_path), pytest.raises(RegistryAway, match="Another process has held"):
        acquire(world.client("a"), timeout=90.0)


def test_a_waiter_goes_on_waiting_while_a_writer_is_suspended(world: World, tmp_path: Path) -> None:
    """The holder has gone; only the lock file keeps the waiter from the lock, for longer than its lease."""
    holder = world.hold("a")
    waiter = world.client("b")
    looks = []
    with ExitStack() as stack:

        def tell(_waiting: object) -> None:
            looks.append(world.clock.monotonic())
            if len(looks) == 1:
                holder.release(outcome="succeeded")
                writers.append(stack.enter_context(stopped_writer(tmp_path)))
            if looks[-1] - looks[0] >= 2 * LEASE and writers:
                resume(writers.pop())

        writers: list[subprocess.Popen[bytes]] = []
        grant = acquire(waiter, tell=tell)
    assert grant.ticket.epoch == 2
    assert looks[-1] - looks[0] >= 2 * LEASE


def test_who_asks_first_gets_the_lock_once_the_writer_goes_on(world: World, tmp_path: Path) -> None:
    with stopped_writer(tmp_path) as writer:

        def tell(_waiting: object) -> None:
            if world.clock.monotonic() >= 30.0:
                resume(writer)

        grant = acquire(world.client("a"), tell=tell)
    assert grant.ticket.epoch == 1
