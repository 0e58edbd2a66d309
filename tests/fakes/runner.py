"""What the runner does with the files that steps write, by its own rules."""

from __future__ import annotations


class Refused(AssertionError):
    """The runner fails the step: nothing of the file counts."""


def heredoc_outputs(text: str) -> dict[str, str]:
    """`GITHUB_OUTPUT`, `GITHUB_ENV` and `GITHUB_STATE` as the runner reads them.

    Source: actions/runner, FileCommandManager.cs, EnvFileKeyValuePairs. Raises Refused.
    """
    found: dict[str, str] = {}
    lines = iter(text.removesuffix("\n").split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, _, delimiter = line.partition("<<")
            if not name or not delimiter:
                raise Refused(f"Invalid format {line!r}. Name and delimiter must not be empty")
            value_lines = []
            for value_line in lines:
                if value_line == delimiter:
                    break
                value_lines.append(value_line)
            else:
                raise Refused(f"Invalid value. Matching delimiter not found {delimiter!r}")
            found[name] = "\n".join(value_lines)
        elif equals >= 0:
            name, _, value = line.partition("=")
            if not name:
                raise Refused(f"Invalid format {line!r}. Name must not be empty")
            found[name] = value
        else:
            raise Refused(f"Invalid format {line!r}")
    return found
