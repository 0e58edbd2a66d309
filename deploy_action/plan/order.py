"""In which order change sets of several stacks can be executed, by what the stacks export and import.

CloudFormation refuses to import what is not exported yet, and to take away an export that is still imported.
So whoever begins to export goes before those that begin to import it, and whoever ceases to import goes
before the one that ceases to export.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_VARIABLE = re.compile(r"\$\{([^!{}][^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The names that a stack exports and imports, before and after its change set."""

    name: str
    exports: frozenset[str] = frozenset()
    imports: frozenset[str] = frozenset()
    exports_before: frozenset[str] = frozenset()
    imports_before: frozenset[str] = frozenset()


def exports_of(template: object, values: Mapping[str, str]) -> frozenset[str]:
    """`values`: parameters and pseudo parameters by name. A name made of anything else stands as its
    expression, which is the same text where it is the same."""
    outputs = template.get("Outputs") if isinstance(template, dict) else None
    found = set()
    for body in outputs.values() if isinstance(outputs, dict) else ():
        export = body.get("Export") if isinstance(body, dict) else None
        if isinstance(export, dict) and "Name" in export:
            found.add(_resolved(export["Name"], values))
    return frozenset(found)


def imports_of(template: object, values: Mapping[str, str]) -> frozenset[str]:
    found: set[str] = set()
    todo: list[object] = [template]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if "Fn::ImportValue" in part:
                found.add(_resolved(part["Fn::ImportValue"], values))
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return frozenset(found)


def in_order(stacks: Sequence[Exchange]) -> tuple[str, ...]:
    """The names, in an order that works; where there is none (two stacks wait for each other), those that are
    left stay in the order in which they came."""
    waits = {stack.name: _waits_for(stack, stacks) for stack in stacks}
    order: list[str] = []
    while len(order) < len(stacks):
        left = [stack.name for stack in stacks if stack.name not in order]
        free = [name for name in left if not waits[name] - set(order)]
        order.append((free or left)[0])
    return tuple(order)


def _waits_for(stack: Exchange, stacks: Iterable[Exchange]) -> set[str]:
    begins = stack.imports - stack.imports_before
    ceases = stack.exports_before - stack.exports
    found = set()
    for other in stacks:
        if other.name == stack.name:
            continue
        needs = begins & (other.exports - other.exports_before)
        frees = ceases & (other.imports_before - other.imports)
        if needs or frees:
            found.add(other.name)
    return found


def _resolved(value: object, values: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return values.get(str(argument), f"${{{argument}}}")
        if function == "Fn::Sub" and isinstance(argument, str):
            return _VARIABLE.sub(lambda match: values.get(match[1].strip(), match[0]), argument)
        if function == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            parts = argument[1] if isinstance(argument[1], list) else [argument[1]]
            return str(argument[0]).join(_resolved(part, values) for part in parts)
    return json.dumps(value, sort_keys=True, default=str)
