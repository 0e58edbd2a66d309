"""Which lines tell why: outputs as real tools print them.

The rules were written by `seen.txt`. Of the 54 outputs of `held_out.txt`, which the tools printed when run,
the rules then told the right line first for 46, and for 50 with the last words where nothing told; after that
they were mended by the rest.

The files hold one output after the other. In front of a line: `>` tells why, `~` may be told, `?` may be the
last words where nothing tells, two spaces are nothing to tell.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy_action.diagnosis.command_output import LINE_MAX, TELLING_MAX, last_words, telling_lines

FOLDER = Path(__file__).parent / "command_outputs"


class Output(NamedTuple):
    name: str
    lines: list[str]
    marks: dict[str, str]
    """From stripped line to its mark."""


def outputs(name: str) -> list[Output]:
    found = []
    for part in (FOLDER / f"{name}.txt").read_text("utf-8").split("=== ")[1:]:
        title, *rows = part.rstrip("\n").split("\n")
        lines = [row[2:] for row in rows]
        found.append(Output(title, lines, {row[2:].strip(): row[:1] for row in rows if row[:1] != " "}))
    return found


def fault(output: Output) -> str:
    """What is wrong with what is told; empty where the first line tells, and none is nonsense."""
    told = telling_lines(output.lines)
    wanted = [line for line, mark in output.marks.items() if mark == ">"]
    if not told:
        ending = last_words(output.lines)
        said = [line for line, mark in output.marks.items() if mark in ">?"]
        return "" if ending == "".join(said[-1:]) else f"nothing told, last {ending!r}"
    if not wanted:
        return f"told {told}"
    if not any(line.endswith(told[0].removesuffix("…")) or told[0] in line for line in wanted):
        return f"first told: {told[0]!r}"
    nonsense = [text for text in told if not any(text.removesuffix("…") in line for line in output.marks)]
    return f"nonsense: {nonsense}" if nonsense else ""


@pytest.mark.parametrize(
    "output", [*outputs("seen"), *outputs("held_out")], ids=lambda output: output.name.replace(" ", "-")
)
def test_the_line_that_tells_why_comes_first_and_nothing_else_is_told(output: Output) -> None:
    assert fault(output) == ""


def test_an_error_that_a_command_annotates_is_its_words() -> None:
    lines = [
        "::group::Deploy",
        "::error file=a.ts,line=3::no stage 100%25",
        "::endgroup::",
        "::add-mask::secret",
    ]
    assert telling_lines(lines) == ("Error: no stage 100%",)
    assert last_words(["done", "::add-mask::secret", "::error::x"]) == "Error: x"


def test_what_is_told_is_bounded() -> None:
    lines = [f"Error: {number} {'x' * 9000}" for number in range(50)]
    told = telling_lines(lines)
    assert len(told) == TELLING_MAX
    assert all(len(line) == LINE_MAX for line in told)
    assert told[0].startswith("Error: 49 ")


@pytest.mark.parametrize(
    "piece",
    ["a.", "Error", "x ", ": ", "\t", "❌ ", "a/", "[ERROR]", "a failed: ", "-", "x: ", "npm ERR! ", "::a "],
)
def test_hostile_lines_cost_no_time(piece: str) -> None:
    began = time.process_time()
    telling_lines([piece * 40_000] * 40)
    assert time.process_time() - began < 3.0
