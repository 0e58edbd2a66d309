"""The house: contracts that can fail, modules of a size to be read, a map that is true."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "deploy_action"
LINES_MAX = 400
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]


def lint(folder: Path) -> tuple[int, str]:
    done = subprocess.run(
        [*LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("locking/transitions.py", "import time", "Decisions are pure"),
        ("estimation/estimator.py", "import threading", "Decisions are pure"),
        ("history/document.py", "from deploy_action.job import state", "Layers"),
        (
            "locking/document.py",
            "if TYPE_CHECKING:\n    from deploy_action.locking.client import LockClient",
            "No cycle",
        ),
        ("job/state.py", "import boto3", "SDKs stand in adapters only"),
    ],
)
def test_each_contract_can_fail(tmp_path: Path, module: str, line: str, contract: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / "deploy_action", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    file = tmp_path / "deploy_action" / module
    file.write_text(f"{file.read_text('utf-8')}\nfrom typing import TYPE_CHECKING\n{line}\n", "utf-8")
    code, words = lint(tmp_path)
    assert code == 1, words
    assert re.search(rf"{contract}[^.]*?BROKEN", words), words


def test_no_module_is_longer_than_one_reads_at_once() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in [*PACKAGE.rglob("*.py"), *(ROOT / "launcher").rglob("*.py")]
        if (lines := len(file.read_text("utf-8").splitlines())) > LINES_MAX
    }
    assert long == {}


def test_the_map_names_what_is_there() -> None:
    """`file: function` in docs/architecture.md leads somewhere."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)(?:: ([\w.]+))?`", page)
    assert len(named) > 30
    for path, name in named:
        found = [folder / path for folder in (PACKAGE, ROOT, ROOT / "launcher") if (folder / path).is_file()]
        assert found, f"{path} is not there"
        for part in name.split(".") if name else ():
            assert re.search(rf"^\s*(?:def|class) {part}\b", found[0].read_text("utf-8"), re.MULTILINE), (
                f"{path} defines no {part}"
            )
    for folder in re.findall(r"^\| `([a-z_]+)/` \|", page, re.MULTILINE):
        assert (PACKAGE / folder).is_dir() or (ROOT / folder).is_dir(), folder
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()} - {"data"}
    assert rooms <= set(re.findall(r"^\| `([a-z_]+)/` \|", page, re.MULTILINE))
