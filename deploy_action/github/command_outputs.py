"""The outputs that a command wrote to GITHUB_OUTPUT, by the rules of GitHub's runner.

Source of the format: actions/runner, FileCommandManager.cs (EnvFileKeyValuePairs). There a mistake fails the
step; here it costs what cannot be understood. Limit: a job's outputs are 1 MB at most, in UTF-16 (GitHub's
documentation of workflow syntax), so that half a million ASCII characters are the most.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.common.escape import machine_json

if TYPE_CHECKING:
    from collections.abc import Iterator

CHARS_MAX = 400_000
"""Of the JSON; the rest of a job's 1 MB is for the other outputs."""
NAMED_MAX = 5
NAME_CHARS_MAX = 100


@dataclass(frozen=True, slots=True)
class CommandOutputs:
    """`values` by name, the last one of a name counts; `problems`: a sentence each, without any value."""

    values: dict[str, str]
    problems: tuple[str, ...] = ()

    def as_json(self) -> tuple[str, tuple[str, ...]]:
        """One line of ASCII with at most CHARS_MAX characters, in the order of the names' first appearance,
        and the names that found no room in it."""
        kept: dict[str, str] = {}
        left_out: list[str] = []
        length = len("{}")
        for name, value in self.values.items():
            needed = len(_encoded({name: value})) - len("{}") + len(", ")
            if length + needed > CHARS_MAX:
                left_out.append(name)
                continue
            kept[name] = value
            length += needed
        return _encoded(kept), tuple(left_out)


def parse_outputs(text: str) -> CommandOutputs:
    """Of a file in GITHUB_OUTPUT's format: `NAME=VALUE`, or `NAME<<DELIMITER`, lines, `DELIMITER`."""
    values: dict[str, str] = {}
    problems: list[str] = []
    lines = enumerate(text.removesuffix("\n").split("\n"), 1)
    for number, written in lines:
        line = written.removesuffix("\r")
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, _, delimiter = line.partition("<<")
            value = _until(delimiter, lines) if name and delimiter else None
        elif equals >= 0:
            name, _, value = line.partition("=")
        else:
            name, value = "", None
        if name and value is not None:
            values[name] = value
        else:
            problems.append(_problem(number, name))
    return CommandOutputs(values, tuple(problems))


def left_out_sentence(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"`{name[:NAME_CHARS_MAX]}`" for name in names[:NAMED_MAX])
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return (
        f"The output `command-outputs` lacks {shown}{more}: with them it would be longer than {CHARS_MAX:,} "
        "characters, and GitHub takes 1 MB from a job. Hand large values on as an artifact."
    )


def _until(delimiter: str, lines: Iterator[tuple[int, str]]) -> str | None:
    """None where the delimiter does not follow."""
    found: list[str] = []
    for _, line in lines:
        if line.removesuffix("\r") == delimiter:
            return "\n".join(found)
        found.append(line)
    return None


def _problem(number: int, name: str) -> str:
    about = f" (`{name[:NAME_CHARS_MAX]}`)" if name else ""
    return (
        f"Line {number}{about} of what the command wrote to GITHUB_OUTPUT is neither NAME=VALUE nor a value "
        "between NAME<<DELIMITER and DELIMITER, so it is left out of `command-outputs`."
    )


def _encoded(values: dict[str, str]) -> str:
    return machine_json(json.dumps(values))
