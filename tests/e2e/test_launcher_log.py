"""The step's log while a command runs: whole lines from one writer, whatever the command writes meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy_action.job.state import StateFolder
from tests.e2e.launcher_bench import FOLLOW, Job

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

WAIT = "until [ -e next ]; do sleep 0.05; done"
SHARED_PIPE = """
go()
reason = "x" * 700 + "::add-mask::secret " + "y" * 700 + "##[add-mask]secret " + "::stop-commands::z "
while not (state / "busy").exists():
    time.sleep(0.01)
for number in range(300):
    print(f"event {number} " + reason + f"end {number}", flush=True)
    print(f"::warning title=x::{number}", flush=True)
(state / "enough").touch()
code = command_exit()
"""
BUSY = """
for i in 1 2 3 4; do
  (while [ ! -e "$STATE/enough" ]; do printf 'the command writes and writes %0900d\\n' 7; done) &
done
touch "$STATE/busy"
wait
printf 'half'
"""


@pytest.fixture(params=["host", pytest.param("container", marks=pytest.mark.container)])
def any_job(request: pytest.FixtureRequest, action: Path, shared: Path, tmp_path: Path) -> Job:
    environment = {"DEPLOY_COORDINATOR_RUNTIME": request.param}
    if request.param == "container":
        environment.update(request.getfixturevalue("engine"))
    return Job(action, tmp_path, shared, environment)


def relays(job: Job) -> Iterator[int]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"log_relay.py" in command and os.fsencode(job.folder) in command:
            yield int(process.name)


class TestLines:
    def test_ours_begin_on_a_fresh_line(self, any_job: Job) -> None:
        any_job.prepared(f"printf 'half'; touch said; {WAIT}; printf ' and half'; printf ' end' >&2")
        done = any_job.run(
            "main",
            "go()\nwhile not os.path.exists('said'): time.sleep(0.01)\ntime.sleep(0.3)\n"
            "print('::error title=x::ours'); open('next', 'w').close(); code = command_exit()\n"
            "print('::notice::last')",
        )
        assert done.code == 0, done.log
        assert sorted(done.log.splitlines()) == [
            " end",
            "::error title=x::ours",
            "::notice::last",
            "half and half",
        ]

    def test_none_is_torn_on_a_pipe_that_a_busy_command_shares(self, any_job: Job) -> None:
        any_job.prepared("")
        (any_job.state / "command.sh").write_text(f"STATE={str(any_job.state)!r}" + BUSY)
        environment = {
            **any_job.environment,
            "DEPLOY_COORDINATOR_TEST": SHARED_PIPE,
            "DEPLOY_COORDINATOR_STATE": str(any_job.state),
        }
        with subprocess.Popen(
            ["bash", any_job.action / "launcher" / "launch", "main"],
            env=environment,
            cwd=any_job.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            log, _ = process.communicate(timeout=120)
            assert process.returncode == 0
        lines = log.decode().splitlines()
        ours = [line for line in lines if not line.startswith("the command writes")]
        assert ours[-1] == "half"
        for number in range(300):
            event, warning = ours[2 * number : 2 * number + 2]
            assert event.startswith(f"event {number} xxx"), event[:80]
            assert event.endswith(f"end {number}"), event[-80:]
            assert warning == f"::warning title=x::{number}"
        assert {line for line in lines if line.startswith("the command writes")} == {
            f"the command writes and writes {7:0900d}"
        }

    def test_the_commands_bytes_are_shown_as_they_are(self, job: Job) -> None:
        job.prepared(r"printf '\001\377a\000b\r10%%\r20%%\r\n\n\303\274\n\nlast'")
        done = job.start("main", FOLLOW)
        assert done.process.wait(60) == 0
        assert done.log.read_bytes() == b"\x01\xffa\x00b\r10%\r20%\r\n\n\xc3\xbc\n\nlast\n"

    def test_streams_stay_apart(self, job: Job) -> None:
        job.prepared("echo out; echo err >&2")
        done = subprocess.run(
            ["bash", job.action / "launcher" / "launch", "main"],
            env={
                **job.environment,
                "DEPLOY_COORDINATOR_TEST": FOLLOW,
                "DEPLOY_COORDINATOR_STATE": str(job.state),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
            cwd=job.workspace,
        )
        assert (done.stdout, done.stderr) == ("out\n", "err\n")

    def test_a_line_is_shown_as_soon_as_it_ends(self, job: Job) -> None:
        job.prepared(f"echo now; {WAIT}")
        running = job.start("main", FOLLOW)
        running.until("now\n")
        (job.workspace / "next").touch()
        assert running.wait().code == 0


class TestTail:
    def test_the_last_lines_are_kept(self, any_job: Job) -> None:
        any_job.prepared("echo first; echo error: no >&2; for i in 1 2 3; do echo $i; done; exit 3")
        done = any_job.run("main", FOLLOW + "; time.sleep(0.5)")
        assert done.code == 3
        assert set(StateFolder(any_job.state).command_tail()) == {"first", "error: no", "1", "2", "3"}

    def test_of_much_output_the_end_is_kept_and_begins_with_a_whole_line(self, job: Job) -> None:
        job.prepared("for ((i = 0; i < 9000; i++)); do echo line $i of the output; done")
        assert job.run("main", FOLLOW + "; time.sleep(0.5)").code == 0
        tail = StateFolder(job.state).command_tail()
        assert tail[-1] == "line 8999 of the output"
        assert 2000 < len(tail) < 3500
        assert tail[0] == f"line {9000 - len(tail)} of the output"


class TestTrouble:
    def test_a_relay_that_is_killed_is_started_again_and_the_command_goes_on(self, job: Job) -> None:
        job.prepared(f"echo up; {WAIT}; echo after; exit 5")
        running = job.start("main", "go()\ncode = command_exit()\nprint('ours')")
        running.until("up")
        for number in range(7):  # more often than it is started again: then others do the same work
            found = list(relays(job))
            for relay in found:
                os.kill(relay, signal.SIGKILL)
            time.sleep(0.3 if number else 0.5)
        (job.workspace / "next").touch()
        done = running.wait()
        assert done.code == 5, done.log
        assert "after\n" in done.log
        assert done.log.endswith("ours\n") or "ours\n" in done.log
        assert job.alive() == []
        assert list(relays(job)) == []

    def test_without_python_on_the_host_everybody_writes_directly(self, job: Job) -> None:
        job.tool("mkfifo", "exit 1")
        job.prepared("echo up; exit 5")
        done = job.run("main", FOLLOW)
        assert (done.code, done.log) == (5, "up\n")

    def test_nothing_of_it_is_left_after_a_cancel_and_after_a_killed_launcher(self, job: Job) -> None:
        job.prepared("echo up; sleep 60")
        running = job.start("main", FOLLOW)
        running.until("up")
        running.send(signal.SIGINT)
        running.wait()
        assert (job.alive(), list(relays(job))) == ([], [])
        job.prepared("echo up; sleep 60")
        running = job.start("main", FOLLOW)
        running.until("up")
        running.send(signal.SIGKILL)
        running.process.wait()
        assert list(relays(job)) != []
        assert job.run("post").code == 0
        assert (job.alive(), list(relays(job))) == ([], [])
