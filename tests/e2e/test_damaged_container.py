"""A container runtime that lost its image or its notes between two steps: it heals, or says so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import FOLLOW, Job

if TYPE_CHECKING:
    from pathlib import Path

PLAYED = f"""
case $1 in
version) echo 26.0 ;;
info) echo '[]' ;;
image) [ -e "$RUNNER_TEMP/here" ] ;;
buildx) exit 1 ;;
build) echo built >>"$RUNNER_TEMP/calls"; touch "$RUNNER_TEMP/here" ;;
run)
  if [ ! -e "$RUNNER_TEMP/here" ]; then echo 'No such image' >&2; exit 125; fi
  echo run >>"$RUNNER_TEMP/calls"
  exec "{sys.executable}" -I "$GITHUB_ACTION_PATH/entrypoint.py" "${{@: -1}}"
  ;;
esac
"""
"""An engine: its image is there while a file is. What runs in it runs here."""


@pytest.fixture
def played(job: Job) -> Job:
    job.tool("docker", PLAYED)
    job.environment["DEPLOY_COORDINATOR_RUNTIME"] = "container"
    assert job.run("pre").code == 0
    return job


def calls(job: Job) -> list[str]:
    return (job.folder / "temp" / "calls").read_text().split()


@pytest.mark.parametrize("runtime", ["container", "auto"])
def test_an_image_that_was_removed_is_made_again(played: Job, runtime: str) -> None:
    (played.state / "command.sh").write_text("echo up; exit 3")
    (played.folder / "temp" / "here").unlink()
    done = played.run("main", FOLLOW, DEPLOY_COORDINATOR_RUNTIME=runtime)
    assert (done.code, done.log.count("up\n")) == (3, 1), done.log
    assert "is no longer on this runner, so it is pulled or built again" in done.log
    assert calls(played) == ["built", "run", "built", "run"]


def test_the_end_of_the_job_makes_it_again_too(played: Job) -> None:
    (played.folder / "temp" / "here").unlink()
    done = played.run("post")
    assert done.code == 0
    assert calls(played) == ["built", "run", "built", "run"]


def test_one_that_cannot_be_made_again_never_fails_a_good_job(played: Job) -> None:
    (played.folder / "temp" / "here").unlink()
    played.tool("docker", PLAYED.replace("build) ", "build) exit 1 ;; never) "))
    done = played.run("post")
    assert (done.code, "::warning" in done.log) == (0, True), done.log


def test_notes_that_cannot_be_written_cost_nothing(played: Job) -> None:
    """Where another user's job, or a folder, stands in their place."""
    (mark,) = played.cache.glob("deploy-coordinator*/image-*")
    mark.unlink()
    mark.mkdir()
    try:
        assert played.run("pre").code == 0
        assert played.run("post").code == 0
    finally:
        mark.rmdir()


@pytest.mark.container
def test_on_a_real_engine(action: Path, shared: Path, tmp_path: Path, engine: dict[str, str]) -> None:
    for note in shared.glob("deploy-coordinator/not-built-*"):  # of an engine that a test played
        note.unlink(missing_ok=True)
    job = Job(action, tmp_path, shared, {**engine, "DEPLOY_COORDINATOR_RUNTIME": "container"})
    job.prepared("echo up; exit 3")
    image = (job.state / "runtime").read_text().split()[1]
    docker = shutil.which("docker") or ""
    # Its layers stay, so that building it again is a matter of a second.
    subprocess.run([docker, "tag", image, "kept-for-a-test"], env=job.environment, check=True)
    try:
        subprocess.run([docker, "rmi", image], env=job.environment, check=True)
        done = job.run("main", FOLLOW)
    finally:
        subprocess.run([docker, "rmi", "kept-for-a-test"], env=job.environment, check=False)
    assert (done.code, done.log.count("up\n")) == (3, 1), done.log
