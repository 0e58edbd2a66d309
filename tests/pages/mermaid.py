"""Mermaid and axe, from npm, in a cache of their own; and Mermaid's parser."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-coordinator-tests"
SECONDS_MAX = 300


class NoMermaid(Exception):
    """Why it cannot be had."""


def installed() -> Path:
    """The `node_modules` folder, installed where it is not there yet. Raises NoMermaid."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise NoMermaid(f"{tool} is not installed")
    lock = HERE / "package-lock.json"
    folder = CACHE / f"pages-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not (folder / "node_modules").exists():
        trial = folder.with_suffix(f".{os.getpid()}")
        trial.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, trial)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], trial)
        try:
            trial.rename(folder)
        except OSError:  # somebody else was first
            shutil.rmtree(trial, ignore_errors=True)
    return folder / "node_modules"


def parsed(charts: list[str]) -> list[dict[str, Any]]:
    """What Mermaid makes of each: `error`, or its `tasks` (section, text, start and end in ms).

    With GitHub's limits: 50,000 characters.
    """
    folder = installed()
    script = folder.parent / "parse.mjs"
    script.write_text((HERE / "parse.mjs").read_text("utf-8"), "utf-8")
    answer = _run(["node", str(script)], folder.parent, json.dumps(charts))
    return list(json.loads(answer))


def charts_in(page: str) -> list[str]:
    """The Mermaid blocks of a page of Markdown."""
    parts = page.split("```mermaid\n")[1:]
    return [part.partition("\n```")[0] for part in parts]


def _run(command: list[str], folder: Path, text: str = "") -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, input=text, capture_output=True, text=True, timeout=SECONDS_MAX, check=True
        )
    except subprocess.CalledProcessError as error:
        raise NoMermaid(f"{command[0]}: {(error.stderr or error.stdout).strip()[-300:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoMermaid(str(error)) from error
    return done.stdout
