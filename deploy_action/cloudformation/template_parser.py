"""A template's text, as data. It is not ours: bounded in size, depth and what its aliases unfold to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

BYTES_MAX = 1_000_000
"""Sizes of templates that CloudFormation reads from S3."""
DEPTH_MAX = 100
NODES_MAX = 500_000
"""Scalars, lists and maps, with aliases unfolded."""

_TOO_DEEP = f"it is nested deeper than {DEPTH_MAX} levels."
_TOO_MUCH = f"it unfolds to more than {NODES_MAX:,} values."


def parse_template(text: str) -> dict[str, Any]:
    """The template with all short tags (`!Ref`, `!Sub`, `!GetAtt`) in their long form, keys as texts.

    Shared parts (YAML aliases) are the same object at each place. Raises ValueError with one sentence for
    people, which never repeats a value.
    """
    if len(text.encode("utf-8", "surrogatepass")) > BYTES_MAX:
        raise ValueError(
            f"it has more than {BYTES_MAX:,} bytes, which is the most that CloudFormation takes."
        )
    data = _json(text)
    if data is None:
        data = _yaml(text)
    if not isinstance(data, dict):
        raise ValueError("it is no map with `Resources` and the like at its top.")  # noqa: TRY004
    return data


def declared_parameters(text: str) -> frozenset[str] | None:
    """The names of a template's parameters; None where its text does not tell all of them."""
    try:
        template = parse_template(text)
    except ValueError:
        return None
    if "Fn::Transform" in template or "AWS::Include" in text:
        return None
    parameters = template.get("Parameters", {})
    return frozenset(parameters) if isinstance(parameters, dict) else None


def _json(text: str) -> Any:
    """None where it is not JSON: what begins with a brace can be YAML as well."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    except ValueError:
        return None
    _check_depth(data)
    return data


def _check_depth(data: Any) -> None:
    level = [data]
    for _ in range(DEPTH_MAX):
        level = [item for part in level for item in _items(part)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _items(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        yield from part.values()
    elif isinstance(part, list):
        yield from part


def _yaml(text: str) -> Any:
    import yaml

    try:
        # Event by event first: building from what is too deep would end the process, not the parse.
        check_yaml_size(text)
        return _built(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(
            f"it is neither JSON nor YAML{place} ({error.problem or 'not well-formed'})."
        ) from error
    except yaml.YAMLError as error:
        raise ValueError("it is neither JSON nor YAML: a character is not allowed.") from error


def _built(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=_loader())  # noqa: S506 - made of the safe loader
    except (ValueError, RecursionError, OverflowError, TypeError) as error:
        raise ValueError("it holds a value that cannot be read.") from error


def check_yaml_size(text: str) -> None:
    """Raises ValueError where it is too deep or unfolds to too much, YAMLError where it is no YAML."""
    import yaml

    _check_events(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def _check_events(events: Iterator[Any]) -> None:
    """How many values there are, where each alias counts as much as what stands behind its anchor."""
    import yaml

    open_parts: list[tuple[str, int]] = []
    behind: dict[str, int] = {}
    total = 0
    for event in events:
        name = getattr(event, "anchor", None) or ""
        if isinstance(event, yaml.CollectionStartEvent):
            open_parts.append((name, total))
            total += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            name, before = open_parts.pop()
            behind[name] = total - before
        elif isinstance(event, yaml.AliasEvent):
            if name in {part for part, _ in open_parts}:
                raise ValueError(f"the alias `*{name[:100]}` stands inside of what it names.")
            total += behind.get(name, 1)
        elif isinstance(event, yaml.ScalarEvent):
            behind[name] = 1
            total += 1
        if len(open_parts) > DEPTH_MAX:
            raise ValueError(_TOO_DEEP)
        if total > NODES_MAX:
            raise ValueError(_TOO_MUCH)


_made: list[Any] = []


def _loader() -> Any:
    """The safe loader with CloudFormation's tags. PyYAML is imported only where there is a template."""
    import yaml

    if _made:
        return _made[0]

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        """Dates and a lone `=` stay texts, as CloudFormation reads them."""

    plain = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
    Loader.yaml_implicit_resolvers = {
        letter: [(tag, pattern) for tag, pattern in resolvers if tag not in plain]
        for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_constructor("tag:yaml.org,2002:map", _map)
    Loader.add_multi_constructor("!", _short_tag)
    _made.append(Loader)
    return Loader


def _map(loader: Any, node: Any) -> Iterator[dict[str, Any]]:
    data: dict[str, Any] = {}
    yield data
    data.update(_mapping(loader, node))


def _mapping(loader: Any, node: Any) -> dict[str, Any]:
    """Keys as they were written: `on`, `1` and account numbers are names here."""
    import yaml

    loader.flatten_mapping(node)
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key.start_mark)
        found[str(key.value)] = loader.construct_object(value, deep=True)
    return found


def _short_tag(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    import yaml

    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _mapping(loader, node)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}
