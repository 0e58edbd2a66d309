"""Names of locks and environments: which are valid, and which of them are the same name.

GitHub takes nearly every printable character in the name of an environment, and compares such names without
regard to case (https://docs.github.com/actions/reference/workflows-and-actions/deployments-and-environments).
Names are shown as they were given and compared by their key alone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LENGTH_MAX = 255
"""Characters, as in the name of an environment on GitHub."""

READ = ":read"
"""Behind the name of a lock: it is shared with others that only read."""
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Printable by their category, and drawn as nothing."""


def parse_lock_name(text: str) -> str:
    """The name as given. Raises ValueError with a sentence for people where it is empty, longer than
    `LENGTH_MAX`, or has a character that nobody can see.
    """
    if not lock_key(text):
        raise ValueError("A name needs at least one visible character.")
    if len(text) > LENGTH_MAX:
        raise ValueError(f"The name `{text[:40]}…` has {len(text)} characters; {LENGTH_MAX} are allowed.")
    hidden = next((letter for letter in text if _is_invisible(letter)), None)
    if hidden is not None:
        raise ValueError(
            f"`{_shown(text)}` is not a name: it contains the invisible character U+{ord(hidden):04X}. "
            "Type the name again."
        )
    return text


@lru_cache(maxsize=4096)
def lock_key(name: str) -> str:
    """Two names are the same lock if and only if their keys are equal.

    Unicode NFKC, case-folded, with each run of white space as one space and none at the ends.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    folded = unicodedata.normalize("NFKC", folded.casefold())
    visible = "".join(
        letter
        for letter in folded
        if unicodedata.category(letter) != "Cf" and letter not in _INVISIBLE_LETTERS
    )
    return " ".join(unicodedata.normalize("NFKC", _VARIATION_SELECTORS.sub("", visible)).split())


def unique_locks(names: Iterable[str]) -> tuple[str, ...]:
    """The first spelling of each lock, in order."""
    spellings: dict[str, str] = {}
    for name in names:
        spellings.setdefault(lock_key(name), name)
    return tuple(spellings.values())


def parse_locks(lines: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Of the input `lock`: the names, those of them that are only read under (`NAME:read`), and problems.
    A name that stands there both ways is locked for writing."""
    names: list[str] = []
    written: set[str] = set()
    problems: list[str] = []
    for line in lines:
        name = line.removesuffix(READ)
        try:
            names.append(parse_lock_name(name))
        except ValueError as error:
            problems.append(str(error))
        if name == line:
            written.add(lock_key(name))
    unique = unique_locks(names)
    return unique, tuple(name for name in unique if lock_key(name) not in written), tuple(problems)


def missing_locks(wanted: Iterable[str], held: Iterable[str]) -> tuple[str, ...]:
    """Those of the wanted ones that are not held, whatever their spelling."""
    keys = {lock_key(name) for name in held}
    return tuple(name for name in wanted if lock_key(name) not in keys)


def _is_invisible(letter: str) -> bool:
    return letter in _INVISIBLE_LETTERS or not (letter.isprintable() or unicodedata.category(letter) == "Zs")


def _shown(text: str) -> str:
    return "".join("\ufffd" if _is_invisible(letter) else letter for letter in text)
