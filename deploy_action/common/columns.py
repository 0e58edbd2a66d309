"""Columns of text for a terminal and the log: some characters are two cells wide, some none."""

from __future__ import annotations

import unicodedata

_NONE = frozenset({"Mn", "Me", "Cf"})


def cells(text: str) -> int:
    """How many cells of a terminal it takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(one) in _NONE else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def padded(text: str, width: int) -> str:
    """With spaces behind it up to `width` cells; as it is where it is longer."""
    return text + " " * (width - cells(text))
