"""`launcher/run` as a plain process, with no more environment than it is given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fakes.runner import heredoc_outputs

ROOT = Path(__file__).resolve().parents[2]


class PlainRun:
    """A workspace with the action in `deploy-coordinator/`, and a registry in `registry/`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "registry").mkdir()
        action = folder / "deploy-coordinator"
        for part in ("deploy_action", "launcher"):
            shutil.copytree(ROOT / part, action / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "entrypoint.py", action)
        # The tests' own environment has what the product needs; making one anew is tried elsewhere.
        with (action / "launcher" / "host.sh").open("a") as host:
            host.write(f"\nfind_python() {{ python={sys.executable}; }}\n")

    def begin(self, script: str, variables: dict[str, str]) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "DEPLOY_COORDINATOR_OUTPUT": str(self.folder / "output"),
            "DEPLOY_COORDINATOR_SUMMARY": "summary.md",
            "NO_COLOR": "1",
            **variables,
        }
        return subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def outputs(self) -> dict[str, str]:
        lines = (self.folder / "output").read_text("utf-8").splitlines(keepends=True)
        return heredoc_outputs("".join(line for line in lines if not line.startswith("state=")))

    def summary(self) -> str:
        return (self.folder / "summary.md").read_text("utf-8")
