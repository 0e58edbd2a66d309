"""How a command ended is known whatever becomes of the state folder; everything real but the cloud."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_cancel import cache, cloud, make_job, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.cloudformation import CloudFormationServer

__all__ = ["cache", "cloud"]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc to see what was left behind"),
]

EMPTIED = 'sleep 1; rm -rf "$RUNNER_TEMP"/deploy-coordinator.*; exit 3'
FILLED = 'sleep 1; cat /dev/zero >"$RUNNER_TEMP/fill" || true; exit 3'


@pytest.fixture(params=["host", pytest.param("container", marks=pytest.mark.container)])
def runtime(request: pytest.FixtureRequest) -> dict[str, str]:
    engine = request.getfixturevalue("engine") if request.param == "container" else {}
    return {"DEPLOY_COORDINATOR_RUNTIME": request.param, **engine}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mounted, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("code", [0, 3])
def test_an_emptied_state_folder(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path, code: int, runtime: dict[str, str]
) -> None:
    job = make_job(cloud, tmp_path, cache, command=EMPTIED.replace("exit 3", f"exit {code}"))
    assert job.run("pre", **runtime).code == 0
    done = job.run("main", **runtime)
    assert done.code == code, done.log
    assert job.alive() == []


def test_a_full_disk(cloud: CloudFormationServer, tmp_path: Path, cache: Path, small_disk: Path) -> None:
    job = make_job(cloud, tmp_path, cache, command=FILLED)
    job.environment["RUNNER_TEMP"] = str(small_disk)
    assert job.run("pre").code == 0
    done = job.run("main")
    assert done.code == 3, done.log
    assert "exit code 3" in done.log
    assert job.alive() == []


def test_a_disk_that_is_full_before_the_command_begins(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path, small_disk: Path
) -> None:
    job = make_job(cloud, tmp_path, cache, command="echo the command runs")
    job.environment["RUNNER_TEMP"] = str(small_disk)
    assert job.run("pre").code == 0
    with (small_disk / "fill").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    done = job.run("main")
    assert done.code == 70, done.log
    assert "the command runs" not in done.log
    assert "Free disk space" in done.log


def test_a_command_that_is_gone_without_a_code_is_an_end(
    cloud: CloudFormationServer, tmp_path: Path, cache: Path
) -> None:
    job = make_job(cloud, tmp_path, cache, command="kill -KILL $PPID; sleep 1; exit 0")
    assert job.run("pre").code == 0
    done = job.run("main")
    assert done.code == 7, done.log
    assert "left no exit code" in done.log
    assert output(job, "outcome") == "unknown"
    assert job.alive() == []
