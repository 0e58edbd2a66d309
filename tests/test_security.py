"""Each promise of docs/security.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
TABLE = PAGE.partition("## What is promised")[2].partition("\n### ")[0]
PROMISES = [
    (promise, held_by)
    for promise, held_by in re.findall(r"^\| (.+?) \| (.+) \|$", TABLE, re.MULTILINE)
    if promise not in {"Promise", "---"}
]


def sources(path: str) -> dict[str, str]:
    """The tests that `path` names, in full or by its end: their text by path."""
    return {
        file.relative_to(ROOT).as_posix(): file.read_text("utf-8")
        for file in (ROOT / "tests").rglob("test_*.py")
        if f"/{file.relative_to(ROOT).as_posix()}".endswith(f"/{path}")
    }


@pytest.mark.parametrize(("promise", "held_by"), PROMISES, ids=[promise[:60] for promise, _ in PROMISES])
def test_it_is_held_by_tests_that_are_there(promise: str, held_by: str) -> None:
    named = re.findall(r"`((?:[\w/]+/)?test_\w+\.py)`(?: \(([^)]*)\))?", held_by)
    assert named, promise
    for path, cases in named:
        found = sources(path)
        assert len(found) == 1, (path, sorted(found))
        (text,) = found.values()
        for case in re.findall(r"`(\w+)`", cases):
            assert re.search(rf"def test_\w*{case}|class {case}\b|^ +\"{case}\":", text, re.MULTILINE), case


def test_there_are_promises() -> None:
    assert len(PROMISES) > 15
