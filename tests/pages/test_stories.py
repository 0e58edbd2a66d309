"""What a story says is what the code can say: no sentence in it is made up."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.pages import stories

PRODUCT = Path(__file__).parents[2] / "deploy_action"
LETTERS_MIN = 12
"""A template with fewer of its own says nothing of who wrote a sentence."""
_HOLE = "\x00"
_ENDS = re.compile(r"(?<=[.:;!?]) ")


def template_of(node: ast.AST) -> str:
    """The text of a string in the code, with a hole for each value in it; empty for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(template_of(part) if isinstance(part, ast.Constant) else _HOLE for part in node.values)
    return ""


@cache
def sayable() -> tuple[re.Pattern[str], ...]:
    found = set()
    for file in PRODUCT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for sentence in _ENDS.split(template_of(node)):
                if sum(letter.isalpha() for letter in sentence) >= LETTERS_MIN:
                    found.add(".*".join(map(re.escape, sentence.split(_HOLE))))
    return tuple(re.compile(one) for one in found)


def unsayable(text: str) -> list[str]:
    sentences = [one for one in _ENDS.split(text) if sum(map(str.isalpha, one)) >= LETTERS_MIN]
    return [one for one in sentences if not any(known.search(one) for known in sayable())]


def test_a_sentence_that_nobody_can_say_is_found() -> None:
    made_up = "The lock `production` was still held after 30m00s by 20260921-140000-77ab10."
    assert unsayable(made_up) == [made_up]
    assert unsayable("Run this again later, or raise `wait-timeout-in-minutes`.") == []


@pytest.mark.parametrize("name", stories.STORIES)
def test_every_sentence_of_a_story_is_one_of_ours(name: str) -> None:
    report = stories.STORIES[name]()
    told = list(report.notes)
    if report.failure is not None:
        quoted = report.failure.what.partition("Root cause:")[0]
        told += [quoted, report.failure.why, report.failure.remedy]
    assert [sentence for text in told for sentence in unsayable(text)] == []
