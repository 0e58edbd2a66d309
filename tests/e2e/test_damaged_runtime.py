"""A virtual environment on the host that lost something, or cannot be made: it heals, or says what to set."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import FOLLOW, Job

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and process groups")


@pytest.fixture
def job(action: Path, tmp_path: Path, copied: Path) -> Iterator[Job]:
    """With a tool cache of its own, which may be damaged."""
    job = Job(action, tmp_path, copied)
    yield job
    job.end()


@pytest.fixture
def first(action: Path, tmp_path: Path) -> Iterator[Job]:
    """Where nothing is installed yet."""
    job = Job(action, tmp_path, tmp_path / "cache")
    yield job
    job.end()


def environment(job: Job) -> Path:
    """The environment that `pre` recorded."""
    return Path((job.state / "runtime").read_text().split(" ", 1)[1].strip()).parent.parent


def lose(job: Job, name: str) -> None:
    for path in environment(job).glob(f"lib/python*/site-packages/{name}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


NEEDS = "import six\nprint('ran', step)\n"


class TestALostFile:
    def test_costs_post_nothing(self, job: Job) -> None:
        assert job.run("pre", NEEDS).code == 0
        lose(job, "six")
        done = job.run("post", NEEDS)
        assert (done.code, "ran post" in done.log) == (0, True), done.log

    def test_costs_main_nothing(self, job: Job) -> None:
        job.prepared("echo up; exit 3")
        lose(job, "six")
        done = job.run("main", f"import six\n{FOLLOW}")
        assert (done.code, done.log.count("up\n")) == (3, 1), done.log

    def test_is_found_by_the_next_job(self, job: Job) -> None:
        assert job.run("pre", NEEDS).code == 0
        lose(job, "six")
        done = job.run("pre", NEEDS)
        assert (done.code, "ran pre" in done.log) == (0, True), done.log

    def test_that_cannot_be_made_good_never_fails_a_good_job(self, job: Job) -> None:
        assert job.run("pre", NEEDS).code == 0
        lose(job, "six")
        done = job.run("post", NEEDS, PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_NO_CACHE_DIR="1")
        assert (done.code, "ran post" in done.log) == (0, False), done.log
        assert "::warning" in done.log

    def test_a_post_that_fails_in_any_way_is_a_warning(self, job: Job) -> None:
        assert job.run("pre").code == 0
        done = job.run("post", "code = 1")
        assert done.code == 0
        assert "::warning" in done.log


class TestPipsOwnSettings:
    @pytest.mark.parametrize("setting", ["target = {}", "prefix = {}", "user = true"])
    def test_do_not_install_past_the_environment(self, first: Job, setting: str) -> None:
        config = first.folder / "pip.conf"
        config.write_text(f"[global]\n{setting.format(first.folder / 'past')}\n")
        done = first.run("pre", NEEDS, PIP_CONFIG_FILE=str(config))
        assert (done.code, "ran pre" in done.log) == (0, True), done.log
        assert not (first.folder / "past").exists()

    def test_lead_to_the_index(self, first: Job) -> None:
        config = first.folder / "pip.conf"
        config.write_text("[global]\nindex-url = http://127.0.0.1:9/simple\nretries = 1\n")
        done = first.run("pre", NEEDS, PIP_CONFIG_FILE=str(config), PIP_NO_CACHE_DIR="1", PIP_INDEX_URL="")
        assert done.code == 70, done.log
        error = next(line for line in done.log.splitlines() if line.startswith("::error"))
        assert "HTTPS_PROXY, or PIP_INDEX_URL" in error


class TestTheLock:
    def pointer(self, job: Job) -> Path:
        assert job.run("pre").code == 0
        found = next(path for path in environment(job).parent.glob("*-py*") if path.is_file())
        found.unlink()
        return found

    def test_of_another_users_living_process_is_waited_for(self, job: Job) -> None:
        pointer = self.pointer(job)
        lock = pointer.with_name(f"{pointer.name}.lock")
        lock.mkdir()
        (lock / "owner").write_text(f"{os.uname().nodename} 1\n")  # it is there, whoever's it is
        running = job.start("pre", NEEDS)
        running.until("waiting for it")
        assert running.process.poll() is None
        shutil.rmtree(lock)
        assert running.wait().code == 0

    def test_that_is_a_file_is_gone_round(self, job: Job) -> None:
        pointer = self.pointer(job)
        pointer.with_name(f"{pointer.name}.lock").touch()
        done = job.run("pre", NEEDS)
        assert (done.code, "environment of its own" in done.log) == (0, True), done.log


def test_a_long_set_up_is_not_silent(first: Job) -> None:
    done = first.run("pre", NEEDS, heartbeat_seconds="0.1")
    assert done.log.count("Still installing") >= 2, done.log
    assert not first.alive()
