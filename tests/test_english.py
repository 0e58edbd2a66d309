"""Sentences for users name the actor and use the field's verb: log, notes, errors, inputs, help texts."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
CLAUSE_AS_SUBJECT = re.compile(r"^(Whether|Nobody|So many|Who|What (?!to do))\b.* ")
"""`What to do next` is a heading. A question ends in its mark."""
PRIVATE_WORD = re.compile(r"\b[Tt]old\b(?!-)|\(turn \d|\bturn \{|\bgo(es)? on under\b|\bwrong words\b")
SENTENCE_WORDS_MIN = 3


def complaint(sentence: str) -> str:
    """Why a sentence for users is against the rule; empty where it is not."""
    text = sentence.strip()
    if len(text.split()) < SENTENCE_WORDS_MIN or text.endswith("?"):
        return ""
    if CLAUSE_AS_SUBJECT.search(text):
        return "begins with a clause as its subject: name the actor"
    if PRIVATE_WORD.search(text):
        return "uses a private word: log, report, send, deliver; epoch"
    return ""


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Texts of a module that begin like a sentence, with their lines; docstrings are none. What an f-string
    puts in is `{}`."""
    tree = ast.parse(source)
    passed = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed |= {id(part) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(str(part) for part in parts)


@pytest.mark.parametrize(
    ("sentence", "good"),
    [
        ("Whether the stacks are at rest could not be seen", False),
        ("What the `pre` step decided cannot be read.", False),
        ("Nobody watched for {} minutes", False),
        ("Acquired lock {} (turn {})", False),
        ("Told in Slack what earlier deployments could not", False),
        ("Could not check whether the stacks are idle", True),
        ("What to do next", True),
        ("Who is it?", True),
    ],
)
def test_the_rule_tells_good_from_bad(sentence: str, good: bool) -> None:
    assert (complaint(sentence) == "") is good


@pytest.mark.parametrize(
    "folder", sorted(path.name for path in (ROOT / "deploy_action").iterdir() if path.is_dir())
)
def test_sentences_name_the_actor(folder: str) -> None:
    assert [
        f"{path.relative_to(ROOT)}:{line}: {text!r} {complaint(text)}"
        for path in sorted((ROOT / "deploy_action" / folder).rglob("*.py"))
        for line, text in sentences(path.read_text())
        if complaint(text)
    ] == []


def test_docstrings_name_the_thing() -> None:
    opening = re.compile(r"\s*(What|Who|Nobody|So many)\b")
    found = []
    for path in sorted((ROOT / "deploy_action").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Expr):
                continue
            value = node.value
            if (
                isinstance(value, ast.Constant)
                and isinstance(value.value, str)
                and opening.match(value.value)
            ):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {value.value.strip()[:60]}")
    assert found == []


@pytest.mark.parametrize("path", ["action.yml", "deploy/action.yml", "lock/action.yml", "release/action.yml"])
def test_descriptions_of_inputs_and_outputs_stand_alone(path: str) -> None:
    action = yaml.safe_load((ROOT / path).read_text())
    described = {
        name: " ".join(entry["description"].split())
        for kind in ("inputs", "outputs")
        for name, entry in (action.get(kind) or {}).items()
    }
    assert {name: why for name, text in described.items() if (why := complaint(text))} == {}
