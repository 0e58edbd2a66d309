"""The real deployment tools: `make tools` installs them into build/tools-venv and build/tools-node."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

BUILD = Path(__file__).parents[2] / "build"
FOLDERS = (BUILD / "tools-venv" / "bin", BUILD / "tools-node" / "node_modules" / ".bin")


def path() -> str:
    """For PATH: what is installed here first, then what the machine has."""
    return os.pathsep.join([*map(str, FOLDERS), os.environ["PATH"]])


def missing(tool: str) -> str:
    """Why a tool cannot be tried; empty where it is there."""
    if shutil.which(tool, path=path()):
        return ""
    return f"`{tool}` is not installed: `make tools` installs what pip and npm have"
