"""What the runner does with the files that steps write, by its own rules."""

from __future__ import annotations


def heredoc_outputs(text: str) -> dict[str, str]:
    """`GITHUB_OUTPUT` as the runner reads it."""
    found: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
            found[name] = value
            continue
        name, separator, delimiter = line.partition("<<")
        assert separator, f"the runner refuses {line!r}"
        value_lines = []
        for value_line in lines:
            if value_line == delimiter:
                break
            value_lines.append(value_line)
        else:
            raise AssertionError("the runner finds no end")
        found[name] = "\n".join(value_lines)
    return found
