"""The dependencies between a template's resources: what CloudFormation waits for before it begins with a
resource."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator, Mapping

_PLACEHOLDER = re.compile(r"\$\{([^!${}][^${}]*)\}")
_VISITED_MAX = 400_000
"""Parts of all resources together."""


@dataclass(frozen=True, slots=True)
class Template:
    """`types` and `graph` by logical id: a resource's type, and those that it depends on.

    `transformed`: macros make something else of it, so that its resources are not those of the stack.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    graph: Mapping[str, frozenset[str]] = field(default_factory=dict)
    transformed: bool = False


def template_of(data: object) -> Template | None:
    """From a template as data; None for what is none. Conditions count as met on both sides: what does not
    come into being is not in a change set either."""
    resources = data.get("Resources") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(resources, dict):
        return None
    known = {
        name: str(body["Type"])
        for name, body in resources.items()
        if isinstance(name, str) and isinstance(body, dict) and isinstance(body.get("Type"), str)
    }
    transformed = "Transform" in data or any(str(name).startswith("Fn::ForEach") for name in resources)
    graph: dict[str, frozenset[str]] = {}
    left = _VISITED_MAX
    for name in known:
        found: set[str] = set()
        for key, value in _parts(resources[name]):
            left -= 1
            if left < 0:
                return None
            transformed = transformed or key == "Fn::Transform"
            found.update(one for one in _names(key, value) if one in known)
        graph[name] = frozenset(found - {name})
    return Template(known, graph, transformed)


def nearest(name: str, graph: Mapping[str, Collection[str]], wanted: Container[str]) -> list[str]:
    """Those `wanted` that `name` waits for, directly or by way of others that are not wanted."""
    found: dict[str, None] = {}
    seen = {name}
    todo = list(graph.get(name, ()))
    while todo:
        other = todo.pop()
        if other in seen:
            continue
        seen.add(other)
        if other in wanted:
            found[other] = None
        else:
            todo.extend(graph.get(other, ()))
    return list(found)


def _parts(body: object) -> Iterator[tuple[str, object]]:
    """Every key with its value, at whatever depth; each container once."""
    todo: list[object] = [body]
    seen: set[int] = set()
    while todo:
        part = todo.pop()
        if isinstance(part, dict | list):
            if id(part) in seen:
                continue
            seen.add(id(part))
        if isinstance(part, dict):
            for key, value in part.items():
                yield str(key), value
                todo.append(value)
        elif isinstance(part, list):
            todo += part


def _names(key: str, value: object) -> list[str]:
    """The names that one intrinsic function, or `DependsOn`, refers to."""
    if key == "Ref":
        return [value] if isinstance(value, str) else []
    if key == "DependsOn":
        return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    if key == "Fn::GetAtt":
        first = value[0] if isinstance(value, list) and value else value
        return [first.partition(".")[0]] if isinstance(first, str) else []
    if key == "Fn::Sub":
        return _substituted(value)
    return []


def _substituted(value: object) -> list[str]:
    """`${A}` and `${A.Arn}`; not what the function's own map stands for."""
    own: object = None
    if isinstance(value, list):
        value, own = [*value, None, None][:2]
    if not isinstance(value, str):
        return []
    names = [name.strip() for name in _PLACEHOLDER.findall(value)]
    shadowed = set(own) if isinstance(own, dict) else set()
    return [name.partition(".")[0] for name in names if name not in shadowed]
