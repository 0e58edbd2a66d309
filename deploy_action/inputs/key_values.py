"""Parameters and tags in the forms that people have at hand: lines, one comma-separated line, JSON, YAML, and
the shorthand of the AWS CLI and SAM.

A text with two readings is read as `aws-actions/aws-cloudformation-github-deploy` reads it, or refused. The
parameters that the template declares decide: `NAME=` of a declared one inside another value is a misread.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.inputs.key_value_grammar import PAIRS_MAX, USE_PREVIOUS, Grammar, Pairs
from deploy_action.inputs.structured_values import is_folded, structured_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Container

TEXT_MAX = 1_000_000
"""Characters. CloudFormation takes 200 parameters of 4,096 bytes."""

_YAML_START = re.compile(r"""---(\s|$)|%YAML|-\s|("[^"]*"|'[^']*'|[\w.:/+@-]+)\s*:(\s|$)""")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|' + r"'([^']*)'", re.DOTALL)
_QUOTED_VALUE = re.compile(rf"\s*(?:{_QUOTED.pattern})", re.DOTALL)
_EMBEDDED = re.compile(r"[\s,]([\w.:/+@-]+)=")


def parse_key_values(
    text: str,
    grammar: Grammar,
    *,
    declared: Callable[[], frozenset[str] | None] = lambda: None,
    ignored_sections: Container[str] = (),
) -> Pairs | None:
    """Pairs in their order; None where there is nothing but comments.

    Each value is the text that was written, None for the one that the stack has. `declared`: the names of the
    template's parameters, None where they are not known. Raises ValueError with a sentence that never repeats
    a value, since values may be secret.
    """
    text = text.strip().removeprefix("\ufeff").strip()
    if len(text) > TEXT_MAX:
        raise ValueError(f"it has more than {TEXT_MAX:,} characters.")
    lines = _significant(text)
    if not lines:
        return None
    first = lines[0][1]
    if first[0] in "[{" or _YAML_START.match(first):
        found = structured_pairs(text, grammar, ignored_sections)
        if found is None:
            return None
        pairs = found
        suspects = [(key, value) for key, value in pairs if value is not None and is_folded(value)]
    elif re.match(rf"{grammar.key_name}=[^,\s]*,({grammar.value_name}|{USE_PREVIOUS})=", first):
        pairs, suspects = _shorthand(text, grammar), []
    else:
        reader = _read(lines, grammar)
        pairs, suspects = list(reader.pairs), reader.suspects
        _check_unique(pairs)
        _check_declared(pairs, declared)
    _check_embedded(suspects, grammar, declared)
    _check_unique(pairs)
    return pairs


def _significant(text: str) -> list[tuple[int, str]]:
    """Lines with their numbers, without empty ones and comments."""
    lines = ((number, line.strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


class _Reader:
    """Pairs of texts. `suspects` are those that were written without quotes."""

    def __init__(self, grammar: Grammar) -> None:
        self._grammar = grammar
        self.pairs: list[tuple[str, str]] = []
        self.suspects: list[tuple[str, str]] = []

    def read(self, text: str, place: str, advice: str) -> None:
        """One KEY=VALUE. Nothing of it is repeated in an error but a key that is one."""
        key, separator, rest = text.partition("=")
        key = key.strip()
        if not separator or not re.fullmatch(self._grammar.key_pattern, key):
            raise ValueError(f"{place} is not KEY=VALUE; {advice}.")
        value, quoted = _unquoted(rest.strip(), key)
        if "\n" in value:
            raise ValueError(f"the value of `{key}` has several lines, which needs JSON or YAML.")
        self.pairs.append((key, value))
        if not quoted:
            self.suspects.append((key, value))


def _read(lines: list[tuple[int, str]], grammar: Grammar) -> _Reader:
    if len(lines) == 1 or all(line.endswith(",") for _, line in lines[:-1]):
        return _comma_separated("\n".join(line for _, line in lines), grammar)
    reader = _Reader(grammar)
    for number, line in lines:
        reader.read(line, f"line {number}", "a value of several lines needs JSON or YAML")
        if line.endswith(","):
            raise ValueError(
                f"line {number} ends with a comma and others do not; take the comma away, or quote the value."
            )
    return reader


def _comma_separated(text: str, grammar: Grammar) -> _Reader:
    reader = _Reader(grammar)
    parts = _split_at_commas(text)
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    elif len(parts) > 1 and not re.search("[\"']", text) and not any("=" in part for part in parts[1:]):
        # A list alone means the same as in a file of several lines.
        reader.read(text, "it", "write one KEY=VALUE a line")
        return reader
    for number, part in enumerate(parts, 1):
        reader.read(part, f"part {number}", "a value with commas needs quotes, or one KEY=VALUE a line")
    bare = "".join(value for _, value in reader.suspects)
    if len(parts) > 1 and ('"' in bare or bare.count("'") > 1):
        raise ValueError("a value has quotes inside; write one KEY=VALUE a line, or use JSON.")
    return reader


def _split_at_commas(text: str) -> list[str]:
    """At commas outside of values that are quoted as a whole."""
    parts: list[str] = []
    start = position = 0
    in_value = False
    while position < len(text):
        letter = text[position]
        position += 1
        if letter == "=" and not in_value:
            in_value = True
            quoted = _QUOTED_VALUE.match(text, position)
            position = quoted.end() if quoted else position
        elif letter == ",":
            parts.append(text[start : position - 1])
            start, in_value = position, False
    return [*parts, text[start:]]


def _unquoted(value: str, key: str) -> tuple[str, bool]:
    """The value, and whether it was quoted. In double quotes only `\\"` and `\\\\` are escapes."""
    if not value.startswith(('"', "'")):
        return value, False
    match = _QUOTED.fullmatch(value)
    if match is None:
        raise ValueError(
            f"the value of `{key}` begins with a quote and does not end with the same one; quote all of it, "
            'with `\\"` for a quote inside.'
        )
    return (match[2] if match[1] is None else re.sub(r'\\(["\\])', r"\1", match[1])), True


def _shorthand(text: str, grammar: Grammar) -> Pairs:
    """`ParameterKey=K,ParameterValue=V ParameterKey=…`, as the AWS CLI and SAM take them."""
    item = re.compile(
        rf"{grammar.key_name}=([^,\s\"']+),(?:{USE_PREVIOUS}=(true)"
        rf"|{grammar.value_name}=(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s\"'\\,]*))(?:\s+|$)"
    )
    pairs: Pairs = []
    position = 0
    while position < len(text):
        match = item.match(text, position)
        if match is None or (match[2] and not grammar.has_previous_values):
            raise ValueError(
                f"item {len(pairs) + 1} is not {grammar.key_name}=K,{grammar.value_name}=V; put quotes "
                "around a value with spaces, commas or backslashes."
            )
        key = grammar.check_key(match[1])
        pairs.append((key, None if match[2] else _unquoted(match[3], key)[0]))
        position = match.end()
    return pairs


def _check_unique(pairs: Pairs) -> None:
    if len(pairs) > PAIRS_MAX:
        raise ValueError(f"it has {len(pairs):,} entries; {PAIRS_MAX:,} are read at most.")
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f'`{key}` is given twice; write a list as {key}="a,b".')
        seen.add(key)


def _check_declared(pairs: Pairs, declared: Callable[[], frozenset[str] | None]) -> None:
    if len(pairs) < 2:
        return
    names = declared()
    for key, _ in pairs if names is not None else ():
        if key not in (names or ()):
            raise ValueError(
                f"the template has no parameter `{key}`. If `{key}=` belongs to the value before it, put "
                "quotes around that value."
            )


def _check_embedded(
    suspects: list[tuple[str, str]], grammar: Grammar, declared: Callable[[], frozenset[str] | None]
) -> None:
    """`Env=stage Tag=1.1`, and `A=1,B=2` in one of several lines, are two pairs for people."""
    for key, value in suspects:
        inside = [name for name in _EMBEDDED.findall(value) if re.fullmatch(grammar.key_pattern, name)]
        names = declared() if inside else None
        for name in inside:
            if names is None or name in names:
                raise ValueError(
                    f"the value of `{key}` contains `{name}=`. Write one KEY=VALUE a line; if it belongs to "
                    "the value, put quotes around the value."
                )
