"""How single inputs are read: texts, lines, numbers, choices. Problems are collected, not raised."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from deploy_action.inputs.key_values import TEXT_MAX, parse_key_values
from deploy_action.inputs.table import TABLE
from deploy_action.inputs.workspace_file import JobFolders

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping

    from deploy_action.inputs.key_value_grammar import Grammar, Pairs

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class Fields:
    """The inputs by name, and what was wrong with them: each sentence once."""

    def __init__(self, raw: Mapping[str, str], environ: Mapping[str, str], step: str) -> None:
        self._raw = raw
        self._reads_files = step != "post"
        self._folders = JobFolders.of_job(environ)
        self._problems: list[str] = []
        self._warnings: list[str] = []

    def _problem(self, sentence: str) -> None:
        self._problems.extend({sentence}.difference(self._problems))

    def _warn(self, sentence: str) -> None:
        self._warnings.extend({sentence}.difference(self._warnings))

    def _text(self, name: str) -> str:
        return self._raw.get(name, "")

    def _lines(self, name: str, *, comments: bool = True) -> list[str]:
        """Without empty lines and, where there may be `comments`, without those that begin with `#`."""
        lines = (line.strip() for line in self._text(name).splitlines())
        return [line for line in lines if line and not (comments and line.startswith("#"))]

    def _checked(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = self._text(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self._problem(f"`{name}`: {error}")
            return default

    def _key_values(
        self,
        name: str,
        grammar: Grammar,
        *,
        declared: Callable[[], frozenset[str] | None] = lambda: None,
        ignored_sections: Container[str] = (),
    ) -> Pairs | None:
        """None where the input is empty, or names a file in a step that reads none."""

        def parse(text: str) -> Pairs | None:
            if re.match(r"(?i)(s3|https?)://", text):
                raise ValueError(
                    "an address is not read; download the file in an earlier step, then `file://PATH`."
                )
            if text[:7].lower() == "file://":
                if not self._reads_files:
                    return None
                text = self._folders.read_text(text[7:], TEXT_MAX)
            return parse_key_values(text, grammar, declared=declared, ignored_sections=ignored_sections)

        return self._checked(name, parse, None)

    def _boolean(self, name: str) -> bool:
        text = (self._text(name) or TABLE[name].default).lower()
        if text in {"", "false", "0", "no"}:
            return False
        if text not in {"true", "1", "yes"}:
            self._problem(f"`{name}`: `{self._text(name)}` is neither true nor false.")
        return True

    def _minutes(self, name: str, *, least: float = 0) -> float | None:
        """Seconds; None where it is not given and has no default."""
        text = self._text(name) or TABLE[name].default
        if not text:
            return None
        try:
            minutes = float(text)
        except ValueError:
            minutes = -1.0
        if not least <= minutes <= 60 * 24 * 35:
            self._problem(f"`{name}`: `{text}` is not a number of minutes ({least} to 50400).")
        return minutes * 60

    def _choice(self, name: str, choices: type[E], default: E | None = None) -> E:
        """`default`: instead of the table's."""
        usual = default or choices(TABLE[name].default)
        text = self._text(name).lower()
        if not text:
            return usual
        try:
            return choices(text)
        except ValueError:
            allowed = ", ".join(choice.value for choice in choices)
            self._problem(f"`{name}`: `{self._text(name)}` is none of {allowed}.")
            return usual
