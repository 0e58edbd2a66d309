"""Each rule of safety has a defect that breaks it, and the tests named for it notice.

A new rule is a function in a file `rules_*.py` here. `python -m tests.mutants.run tests.mutants.rules_lock`
shows one file's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON", "COV_"))
}
TIMEOUT_SECONDS = 600


def trial(module: str, *places: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.mutants.run", module],
        cwd=ROOT,
        env={
            **ENVIRONMENT,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONPATH": os.pathsep.join(map(str, places)),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("rules", sorted(path.stem for path in HERE.glob("rules_*.py")))
def test_every_mutant_is_killed(rules: str) -> None:
    done = trial(f"{__package__}.{rules}")
    assert done.returncode == 0, done.stdout


PRODUCT = """
LIMIT = 3

def double(number):
    return 2 * number

class Box:
    @property
    def size(self):
        return double(LIMIT)
"""
TESTS = """
import pytest
import product

def test_double():
    assert product.double(2) == 4

def test_size():
    assert product.Box().size == 6

def test_nothing():
    pass

def test_broken():
    assert False

def test_skipped():
    pytest.skip("not here")

@pytest.mark.parametrize("number", [0, 1])
def test_several(number):
    assert product.double(number) == 2 * number

@pytest.mark.parametrize("number", [0, 1])
def test_first_is_broken(number):
    assert number and product.double(number) == 2 * number
"""
RULES = """
import test_product
from product import core
from tests.mutants.mutant import Case, killed_by

ADD = lambda original, *arguments: original(*arguments) + 1
SAME = lambda original, number: number

"""


NOTICED = {
    "function": ("test_product.test_double, test_product.test_size", "function(core.double, ADD)"),
    "property": ("test_product.test_size", "function(core.Box.size, ADD)"),
    "constant": ("test_product.test_size", "constant(core, 'LIMIT', 4)"),
    "one case": ("Case(test_product.test_several, '1')", "function(core.double, ADD)"),
    "only the named case": ("Case(test_product.test_first_is_broken, '1')", "function(core.double, ADD)"),
}
UNNOTICED = {
    "test_nothing does not notice it": (
        "test_product.test_double, test_product.test_nothing",
        "function(core.double, ADD)",
    ),
    "test_several[0] does not notice it": ("test_product.test_several", "function(core.double, SAME)"),
    "test_skipped does not notice it": ("test_product.test_skipped", "constant(core, 'LIMIT', 4)"),
    "test_broken does not pass without a mutant": ("test_product.test_broken", "function(core.double, ADD)"),
    "has no attribute 'gone'": ("test_product.test_double", "function(core.gone, ADD)"),
    "has no attribute 'GONE'": ("test_product.test_double", "constant(core, 'GONE', 4)"),
    "there is no test": ("Case(test_product.test_several, '2')", "function(core.double, ADD)"),
    "no test is named": ("", "function(core.double, ADD)"),
}


def rule(tests: str, change: str) -> str:
    return f"@killed_by({tests})\ndef mutant(patch): patch.{change}"


def sample(folder: Path, rules: str) -> subprocess.CompletedProcess[str]:
    (folder / "product").mkdir()
    (folder / "product" / "core.py").write_text(PRODUCT)
    (folder / "product" / "__init__.py").write_text("from product.core import Box, double\n")
    (folder / "test_product.py").write_text(TESTS)
    (folder / "sample_rules.py").write_text(RULES + rules)
    return trial("sample_rules", folder)


@pytest.mark.parametrize("noticed", NOTICED)
def test_a_mutant_that_is_noticed_is_killed_and_taken_out_again(noticed: str, tmp_path: Path) -> None:
    done = sample(tmp_path, rule(*NOTICED[noticed]))
    assert (done.returncode, "1 of 1 mutants killed" in done.stdout) == (0, True), done.stdout


@pytest.mark.parametrize("complaint", UNNOTICED)
def test_whatever_is_not_noticed_is_reported(complaint: str, tmp_path: Path) -> None:
    done = sample(tmp_path, rule(*UNNOTICED[complaint]))
    assert (done.returncode, complaint in done.stdout) == (1, True), done.stdout


def test_a_file_without_a_mutant_proves_nothing(tmp_path: Path) -> None:
    done = sample(tmp_path, "")
    assert (done.returncode, "there are no mutants" in done.stdout) == (1, True), done.stdout


def test_a_mutant_that_breaks_by_itself_proves_nothing() -> None:
    done = trial(f"{__package__}.broken_rule")
    assert (done.returncode, "it is broken itself" in done.stdout) == (1, True), done.stdout
