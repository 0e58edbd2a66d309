"""The command, and whatever it starts, runs as the user of the launcher: what holds tokens may stand in no
environment, command line or file that it can read."""

from __future__ import annotations

import json
import secrets
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import FOLLOW, Job

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

SEARCH = r"""
import os, pathlib, subprocess, sys
secret = sys.argv[1].encode() + sys.argv[2].encode()
for process in pathlib.Path("/proc").glob("[0-9]*"):
    for name in ("environ", "cmdline"):
        try:
            if secret in (process / name).read_bytes():
                print("LEAK", name, (process / "cmdline").read_bytes())
        except OSError:
            pass
    try:
        links = list((process / "fd").iterdir())
    except OSError:
        continue
    for link in links:
        try:
            if link.is_file() and link.stat().st_size < 1_000_000 and secret in link.read_bytes():
                print("LEAK file", os.readlink(link), (process / "cmdline").read_bytes())
        except OSError:
            pass
for path in pathlib.Path(os.environ["RUNNER_TEMP"]).rglob("*"):
    if path.is_file() and not path.is_symlink() and path.name != "search.py" and secret in path.read_bytes():
        print("LEAK on disk", path)
if len(sys.argv) > 3:
    names = subprocess.run(["docker", "ps", "-q"], capture_output=True, check=True).stdout.split()
    found = subprocess.run(["docker", "inspect", *names], capture_output=True, check=True).stdout
    print("containers", len(names), "LEAK inspect" if secret in found else "")
print("searched")
"""


@pytest.fixture(params=["host", pytest.param("container", marks=pytest.mark.container)])
def any_job(request: pytest.FixtureRequest, action: Path, shared: Path, tmp_path: Path) -> Job:
    environment = {"DEPLOY_COORDINATOR_RUNTIME": request.param}
    if request.param == "container":
        environment.update(request.getfixturevalue("engine"))
    return Job(action, tmp_path, shared, environment)


def test_no_process_shows_the_inputs_to_the_command(any_job: Job) -> None:
    token = secrets.token_hex(16)
    script = any_job.folder / "search.py"
    script.write_text(SEARCH)
    container = "docker" if any_job.environment["DEPLOY_COORDINATOR_RUNTIME"] == "container" else ""
    # In halves, so that the search does not find itself.
    any_job.prepared(f"'{sys.executable}' -I '{script}' {token[:16]} {token[16:]} {container}")
    any_job.environment["DEPLOY_COORDINATOR_INPUTS"] = json.dumps({"github-token": token, "x": "y" * 100_000})
    got = "import sys; print('inputs', len(sys.stdin.read()), os.environ['DEPLOY_COORDINATOR_INPUTS_FROM'])\n"
    done = any_job.run("main", got + FOLLOW)
    assert done.code == 0, done.log
    assert "inputs 100" in done.log
    assert "searched" in done.log
    assert "LEAK" not in done.log


def test_a_restarted_coordinator_gets_them_again(any_job: Job) -> None:
    any_job.prepared("sleep 2")
    crash = (
        "import sys; print('inputs', sys.stdin.read())\n"
        "if os.environ['DEPLOY_COORDINATOR_RESTARTS'] == '0':\n"
        "    go(); time.sleep(0.5); os._exit(70)\n"
        "code = command_exit()"
    )
    done = any_job.run("main", crash, DEPLOY_COORDINATOR_INPUTS='{"a": "b\\nc"}')
    assert (done.code, done.log.count('inputs {"a": "b\\nc"}')) == (0, 2), done.log


@pytest.mark.parametrize("step", ["pre", "post", "lock", "unlock", "release"])
def test_every_step_gets_them_by_a_pipe(any_job: Job, step: str) -> None:
    any_job.run("pre")
    show = "import sys; print(sys.stdin.read(), os.environ.get('DEPLOY_COORDINATOR_INPUTS'))"
    done = any_job.run(step, show, DEPLOY_COORDINATOR_INPUTS='{"a": "b"}')
    assert (done.code, '{"a": "b"} None' in done.log) == (0, True), done.log
