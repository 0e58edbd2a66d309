"""A run of the tests leaves no container engine behind that it started, and touches none that was there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ENGINE_STARTED

ROOT = Path(__file__).parents[1]
PROGRAM = """
import os, pathlib, sys
import pytest
class Started:
    def pytest_sessionstart(self):
        if "{started}" == "yes":
            pathlib.Path(os.environ["{marker}"]).touch()
pytest.main(["-q", "--collect-only", "tests/test_engine_ends.py"], plugins=[Started()])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
@pytest.mark.parametrize("started", ["yes", "no"])
def test_an_engine_ends_with_the_run_that_started_it(started: str, tmp_path: Path) -> None:
    engine = subprocess.Popen([sys.executable, "-c", "input()", str(tmp_path)], stdin=subprocess.PIPE)
    (tmp_path / "engine.pid").write_text(f"{engine.pid}\n")
    environment = {name: value for name, value in os.environ.items() if name != ENGINE_STARTED}
    subprocess.run(
        [sys.executable, "-c", PROGRAM.format(started=started, marker=ENGINE_STARTED)],
        cwd=ROOT,
        env={**environment, "DEPLOY_COORDINATOR_ENGINE": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    if started == "no":
        assert engine.poll() is None
        engine.kill()
    engine.wait(10)
