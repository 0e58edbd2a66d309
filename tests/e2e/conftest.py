"""What the end-to-end tests share."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ENGINE, ENGINE_STARTED
from tests.e2e.launcher_bench import Job, make_action

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def engine() -> dict[str, str]:
    """The environment that reaches a Docker-compatible engine which has the Dockerfile's base image."""
    environment: dict[str, str] = {}
    for script in ("start", "base-image"):
        done = subprocess.run(
            [ENGINE / script],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"no container engine: {done.stderr.strip().splitlines()[-1]}")
        if " started " in done.stderr:
            Path(os.environ[ENGINE_STARTED]).touch()
        for line in done.stdout.splitlines():
            name, _, value = line.partition("=")
            environment[name] = value
    return environment


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all workers: making a virtual environment takes seconds, and the launcher locks it."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "launch cache"


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_action(tmp_path_factory.mktemp("the action"))


@pytest.fixture(scope="session")
def prepared(action: Path, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tool cache that an earlier job left whole. Many tests need it, so it has more time than they."""
    job = Job(action, tmp_path_factory.mktemp("earlier job"), shared)
    try:
        done = job.start("pre").wait(240)
    finally:
        job.end()
    assert done.code == 0, done.log
    return shared


@pytest.fixture
def copied(prepared: Path, tmp_path: Path) -> Path:
    """The same for one test alone, which may damage it: copying takes a tenth of the time of making one."""
    return shutil.copytree(prepared, tmp_path / "cache", symlinks=True)


@pytest.fixture
def job(action: Path, shared: Path, tmp_path: Path) -> Iterator[Job]:
    job = Job(action, tmp_path, shared)
    yield job
    job.end()
