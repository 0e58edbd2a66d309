"""The proof that what is shipped can be imported, by which a damaged environment is told from a whole one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_an_environment_with_all_requirements_is_whole() -> None:
    done = subprocess.run(
        [sys.executable, "-Iu", "-X", "utf8", ROOT / "entrypoint.py", "prove"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
