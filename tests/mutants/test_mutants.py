"""Each defect of the table is built into a copy of the tree, and the tests named for it must fail there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "COV_"))
}
ALL_PASSED, SOME_FAILED = 0, 1
TIMEOUT_SECONDS = 400


def copy_of_the_tree(place: Path) -> Path:
    tree = place / "tree"
    for folder in ("deploy_action", "tests", "tools"):
        shutil.copytree(ROOT / folder, tree / folder)
    shutil.copy2(ROOT / "pyproject.toml", tree)
    return tree


def run(tree: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider"),
            *(f"--basetemp={tree.parent / 'temporary'}", *tests),
        ],
        cwd=tree,
        env={**ENVIRONMENT, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: a mutant is taken out again. Byte code is never written, so none of a mutant can stay."""
    return copy_of_the_tree(tmp_path_factory.mktemp("mutants"))


def test_without_a_mutant_every_test_named_passes(tree: Path) -> None:
    named = tuple(dict.fromkeys(test for mutant in MUTANTS for test in mutant.tests))
    result = run(tree, named)
    assert result.returncode == ALL_PASSED, result.stdout


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_the_tests_named_notice_that(mutant: Mutant, tree: Path) -> None:
    file = tree / mutant.file
    source = file.read_text(encoding="utf-8")
    assert source.count(mutant.text) == 1, (
        f"the text stands {source.count(mutant.text)} times in {mutant.file}"
    )
    times = file.stat()
    file.write_text(source.replace(mutant.text, mutant.replacement), encoding="utf-8")
    try:
        result = run(tree, mutant.tests)
    finally:
        file.write_text(source, encoding="utf-8")
        os.utime(file, (times.st_atime, times.st_mtime))
    assert result.returncode == SOME_FAILED, result.stdout
    assert " passed" not in result.stdout.splitlines()[-1], result.stdout
