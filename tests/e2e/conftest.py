"""What the end-to-end tests share."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent / "engine"


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
        for line in done.stdout.splitlines():
            name, _, value = line.partition("=")
            environment[name] = value
    return environment
