"""What is imported to ask GitHub: no more than a token needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.github.server import GitHubServer

pytest.importorskip("cryptography")
ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from deploy_action.github.api import GitHubApi
answer = GitHubApi("token", api_url=sys.argv[1]).get("/repos/org/app")
print(answer.status, [name for name in ("github", "cryptography") if name in sys.modules])
import cryptography
"""


def test_asking_github_imports_no_cryptography_and_leaves_it_to_others() -> None:
    with GitHubServer() as github:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, github.url],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (0, "200 ['github']\n"), done.stderr
