"""Tables that come with the product, and with botocore."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path


def read_table(name: str) -> str:
    """The text of a table in this folder."""
    return (files(__package__) / name).read_text("utf-8")


def read_botocore_table(name: str) -> str:
    """The text of a table in botocore's `data` folder, without the third of a second that importing botocore
    takes. Raises OSError."""
    spec = find_spec("botocore")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("botocore is not installed")
    return (Path(spec.origin).parent / "data" / name).read_text("utf-8")
