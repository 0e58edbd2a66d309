"""A workflow file's text, as data. It is not ours: whatever it holds, the worst is that nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BYTES_MAX = 250_000
"""PyYAML reads about as much in a second or two; workflow files are far smaller."""


def read_workflow(path: Path) -> str | None:
    """The file's text; None where there is none or it is too large to be looked at."""
    try:
        if not path.is_file():  # nor a pipe, which could block
            return None
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
        return content.decode("utf-8-sig") if len(content) <= BYTES_MAX else None
    except (OSError, ValueError):
        return None


def parse_workflow(text: str) -> object:
    """Maps, lists and texts; None where it is no YAML or too large.

    The base loader makes texts of all scalars and knows no merge keys, so aliases are shared and not copied.
    The one on libyaml would be faster, but crashes on deep nesting.
    """
    if len(text) > BYTES_MAX:
        return None

    import yaml

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - the base loader builds texts only
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
