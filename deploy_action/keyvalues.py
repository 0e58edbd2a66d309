"""Key-value inputs in the forms that people have at hand: lines, one comma-separated line, JSON, YAML."""

from __future__ import annotations

import json
import re

_PAIR = re.compile(r"""([^=,\s]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^,]*)\s*(?:,|$)""")


def parse_key_values(text: str, key_name: str, value_name: str) -> list[tuple[str, str]]:
    """Pairs in their order. Values are texts: `true`, `007` and `1.10` stay as they were written.

    Forms: `KEY=VALUE` lines; `K=V,K2="a,b"`; a JSON or YAML map; a JSON or YAML list of objects with
    `key_name` and `value_name`. Raises ValueError with a sentence that never repeats a value, since values
    may be secret.
    """
    text = text.strip()
    if not text:
        return []
    if text[0] in "[{" or re.match(r"- |[\w.:/+@-]+\s*:(\s|$)", text):
        pairs = _structured(text, key_name, value_name)
    elif "\n" in text:
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
        pairs = [_line(line, number) for number, line in lines if line and not line.startswith("#")]
    else:
        pairs = _comma_separated(text)
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f'`{key}` is given twice; write a list as {key}="a,b".')
    return pairs


def _line(line: str, number: int) -> tuple[str, str]:
    key, separator, value = line.partition("=")
    if not separator or not key.strip():
        raise ValueError(f"line {number} is not KEY=VALUE; a value of several lines needs JSON or YAML.")
    return key.strip(), _unquoted(value.strip())


def _comma_separated(text: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            raise ValueError(
                f"part {len(pairs) + 1} is not KEY=VALUE; a value with commas needs quotes, "
                "or one KEY=VALUE a line."
            )
        pairs.append((match[1], _unquoted(match[2].strip())))
        position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1
    return pairs


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1]
    return value


def _structured(text: str, key_name: str, value_name: str) -> list[tuple[str, str]]:
    data = _data(text)
    if isinstance(data, dict):
        return [(str(key), _scalar(str(key), value)) for key, value in data.items()]
    if isinstance(data, list) and all(isinstance(item, dict) and key_name in item for item in data):
        return [
            (str(item[key_name]), _scalar(str(item[key_name]), item.get(value_name, ""))) for item in data
        ]
    raise ValueError(f"it must be a map, or a list of objects with {key_name} and {value_name}.")


def _data(text: str) -> object:
    """JSON or YAML, with every scalar as the text that was written."""
    import yaml

    try:
        # For PyYAML not all JSON is YAML: it knows no tabs between the parts and no surrogate pairs.
        return _as_written(json.loads(text, parse_int=str, parse_float=str, parse_constant=str))
    except (ValueError, RecursionError):
        pass
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - the base loader builds texts only
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError("it is neither JSON nor YAML.") from error


def _as_written(data: object) -> object:
    if isinstance(data, dict):
        return {key: _as_written(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_written(item) for item in data]
    return data if isinstance(data, str) else json.dumps(data)


def _scalar(key: str, value: object) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if not isinstance(value, str):
        raise ValueError(f"the value of `{key}` is neither a text nor a list of texts.")  # noqa: TRY004
    return value
