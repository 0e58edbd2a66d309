"""Tables that come with the product."""

from __future__ import annotations

from importlib.resources import files


def read_table(name: str) -> str:
    """The text of a table in this folder."""
    return (files(__package__) / name).read_text("utf-8")
