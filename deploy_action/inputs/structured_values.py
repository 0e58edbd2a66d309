"""Parameters and tags in JSON and YAML: a map, the list of objects of the AWS CLI, a list of `KEY=VALUE`
texts, or the template configuration file of CodePipeline.

Scalars stay as they were written (`007`, `1.10`, `true`). What a format does not define is an error: an
absent value is never an empty one. No error repeats a value, since values may be secret.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.template_parser import check_yaml_size
from deploy_action.inputs.key_value_grammar import PAIRS_MAX, SECTIONS, USE_PREVIOUS, Grammar, Pairs

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

LIST_MAX = 10_000
"""Characters; CloudFormation takes values of 4,096 bytes."""
ABSENT = object()
"""A JSON `null`, or a YAML key with nothing after it."""


class _Folded(str):
    """A plain YAML text over several lines, which may be a misread of `KEY=VALUE` lines."""

    __slots__ = ()


def structured_pairs(text: str, grammar: Grammar, ignored_sections: Container[str]) -> Pairs | None:
    """None where nothing is given. `ignored_sections`: of a template configuration file, those that another
    input applies. Raises ValueError with a sentence for people.
    """
    data = _data(text)
    return None if data is ABSENT else _pairs(data, grammar, ignored_sections)


def is_folded(value: str | None) -> bool:
    return isinstance(value, _Folded)


def _pairs(data: Any, grammar: Grammar, ignored_sections: Container[str]) -> Pairs | None:
    if isinstance(data, dict | list) and len(data) > PAIRS_MAX:
        raise ValueError(f"it has {len(data):,} entries; {PAIRS_MAX:,} are read at most.")
    if isinstance(data, dict):
        if set(data) <= set(SECTIONS) and any(isinstance(part, dict) for part in data.values()):
            return _section(data, grammar, ignored_sections)
        if grammar.key_name in data and set(data) <= {grammar.key_name, grammar.value_name, USE_PREVIOUS}:
            raise ValueError(f"a single object with {grammar.key_name} must stand in a list: `[…]`.")
        return [(grammar.check_key(key), _value(key, value)) for key, value in data.items()]
    if isinstance(data, list) and data and all(isinstance(item, str) for item in data):
        return [_joined(item, number, grammar) for number, item in enumerate(data, 1)]
    if isinstance(data, list) and all(isinstance(item, dict) for item in data):
        return [_entry(item, number, grammar) for number, item in enumerate(data, 1)]
    raise ValueError(
        f"it must be a map, a list of `KEY=VALUE` texts, or a list of objects with {grammar.key_name} and "
        f"{grammar.value_name}."
    )


def _section(data: dict[str, Any], grammar: Grammar, ignored_sections: Container[str]) -> Pairs | None:
    """A section that no input applies is an error: it would be lost silently."""
    for name, content in data.items():
        if name == grammar.section or not content or name in ignored_sections:
            continue
        how = "give the same file to the input `tags`" if name == "Tags" else "take it out of the file"
        raise ValueError(f"the file has a section `{name}`, which this input does not apply; {how}.")
    if grammar.section not in data:
        return None
    content = data[grammar.section]
    if not isinstance(content, dict):
        raise ValueError(f"`{grammar.section}` must be a map.")  # noqa: TRY004 - a sentence for people
    return [(grammar.check_key(key), _value(key, value)) for key, value in content.items()]


def _joined(item: str, number: int, grammar: Grammar) -> tuple[str, str | None]:
    key, separator, value = item.partition("=")
    if not separator:
        raise ValueError(f"item {number} of the list is not KEY=VALUE.")
    return grammar.check_key(key.strip()), value


def _entry(item: dict[str, Any], number: int, grammar: Grammar) -> tuple[str, str | None]:
    key = item.get(grammar.key_name)
    if not isinstance(key, str):
        raise ValueError(f"item {number} of the list has no {grammar.key_name}.")  # noqa: TRY004
    grammar.check_key(key)
    known = {grammar.key_name, grammar.value_name} | (
        {USE_PREVIOUS} if grammar.has_previous_values else set()
    )
    unknown = sorted(name for name in item if name not in known)
    if unknown:
        raise ValueError(f"`{key}` has `{unknown[0][:60]}`, which is none of {', '.join(sorted(known))}.")
    previous = item.get(USE_PREVIOUS, "false")
    if not isinstance(previous, str) or previous.lower() not in {"true", "false"}:
        raise ValueError(f"{USE_PREVIOUS} of `{key}` is neither true nor false.")
    if previous.lower() == "false":
        if grammar.value_name not in item:
            raise ValueError(f'`{key}` has no {grammar.value_name}; write "" for an empty value.')
        return key, _value(key, item[grammar.value_name])
    if grammar.value_name in item:
        raise ValueError(f"`{key}` has both {grammar.value_name} and {USE_PREVIOUS}; give one of them.")
    return key, None


def _value(key: str, value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        if sum(map(len, value)) > LIST_MAX:
            raise ValueError(f"the list of `{key}` has more than {LIST_MAX:,} characters.")
        if any("," in item for item in value):
            raise ValueError(
                f"an item in the list of `{key}` has a comma, and CloudFormation parts lists at commas; "
                "write the value as one text."
            )
        return ",".join(value)
    if value is ABSENT:
        raise ValueError(f'`{key}` has no value; write "" for an empty one, or leave the key out.')
    if not isinstance(value, str):
        raise ValueError(f"the value of `{key}` is neither a text nor a list of texts.")  # noqa: TRY004
    return value


def _data(text: str) -> Any:
    # For PyYAML not all JSON is YAML: it knows no tabs between the parts and no surrogate pairs.
    try:
        return json.loads(
            text,
            parse_int=str,
            parse_float=str,
            parse_constant=str,
            object_pairs_hook=_unique,
            cls=_Decoder,
        )
    except json.JSONDecodeError:
        return _yaml(text)
    except RecursionError:
        raise ValueError("it is nested too deeply.") from None


class _Decoder(json.JSONDecoder):
    """With `true`, `false` and `null` as what they stand for here."""

    def decode(self, text: str, *args: Any) -> Any:
        return _written(super().decode(text, *args))


def _written(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _written(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_written(item) for item in data]
    if data is None:
        return ABSENT
    return str(data).lower() if isinstance(data, bool) else data


def _unique(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in items:
        if key in found:
            raise ValueError(f"`{key[:60]}` is given twice.")
        found[key] = value
    return found


def _yaml(text: str) -> Any:
    import yaml

    try:
        check_yaml_size(text)
        node = yaml.compose(text + "\n", Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1})" if mark is not None else ""
        raise ValueError(f"it is neither JSON nor YAML{place}.") from None
    except (yaml.YAMLError, RecursionError):
        raise ValueError("it is neither JSON nor YAML.") from None
    return _of_node(node) if node is not None else ABSENT


def _of_node(node: Any) -> Any:
    import yaml

    kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
    if isinstance(node, yaml.ScalarNode):
        if kind == "null":
            return ABSENT
        if kind not in {"str", "int", "float", "bool", "timestamp", "value"}:
            raise ValueError(f"line {node.start_mark.line + 1} has a YAML tag, which has no meaning here.")
        folded = not node.style and node.start_mark.line != node.end_mark.line
        return _Folded(node.value) if folded else str(node.value)
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        return [_of_node(item) for item in node.value]
    if isinstance(node, yaml.MappingNode) and kind == "map":
        return _unique((_key(key), _of_node(value)) for key, value in node.value)
    raise ValueError(f"line {node.start_mark.line + 1} has a YAML tag, which has no meaning here.")


def _key(node: Any) -> str:
    import yaml

    if not isinstance(node, yaml.ScalarNode) or str(node.tag).endswith((":merge", ":null")):
        raise ValueError(f"line {node.start_mark.line + 1} has a key that is not a text.")
    return str(node.value)
