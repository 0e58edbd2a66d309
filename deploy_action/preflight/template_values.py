"""The values of a template's texts, as far as they are known before the deployment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deploy_action.preflight.facts import Declared

_PLACE = re.compile(r"\$\{(!?)([^}]*)\}")


def known_values(
    *,
    region: str,
    account: str,
    stack: str,
    declared: tuple[Declared, ...],
    given: Mapping[str, str],
    is_new: bool,
) -> dict[str, str]:
    """Pseudo parameters and parameters by name. An existing stack keeps values that are not given, so a
    default says nothing of them; nor does the name of a stored parameter say what is in it."""
    values = {"AWS::Region": region, "AWS::StackName": stack}
    if partition := partition_of(region):
        values |= {"AWS::Partition": partition.name, "AWS::URLSuffix": partition.url_suffix}
    if account:
        values["AWS::AccountId"] = account
    for parameter in declared:
        if parameter.type.startswith("AWS::SSM::"):
            continue
        value = given.get(parameter.name, parameter.default if is_new else None)
        if value is not None:
            values[parameter.name] = value
    return values


def resolved(value: Any, known: Mapping[str, str]) -> str | None:
    """The text that a value comes to; None where that depends on what is not known."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if not isinstance(value, dict) or len(value) != 1:
        return None
    name, argument = next(iter(value.items()))
    if name == "Ref":
        return known.get(str(argument))
    readers = {"Fn::Sub": _substituted, "Fn::Join": _joined}
    return readers[name](argument, known) if name in readers else None


def _substituted(argument: Any, known: Mapping[str, str]) -> str | None:
    if isinstance(argument, list):
        if len(argument) != 2 or not isinstance(argument[1], dict):
            return None
        own = {str(name): resolved(value, known) for name, value in argument[1].items()}
        known = {**known, **{name: value for name, value in own.items() if value is not None}}
        argument = argument[0]
    if not isinstance(argument, str):
        return None
    if any(not place[1] and place[2].strip() not in known for place in _PLACE.finditer(argument)):
        return None
    return _PLACE.sub(lambda place: f"${{{place[2]}}}" if place[1] else known[place[2].strip()], argument)


def _joined(argument: Any, known: Mapping[str, str]) -> str | None:
    if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], list)):
        return None
    parts = [resolved(part, known) for part in argument[1]]
    if not isinstance(argument[0], str) or any(part is None for part in parts):
        return None
    return argument[0].join(part for part in parts if part is not None)


def resources_of(template: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any], bool]]:
    """Logical id, type, properties, and whether it is made in any case; what is malformed is left out."""
    resources = template.get("Resources")
    for logical_id, body in resources.items() if isinstance(resources, dict) else ():
        if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
            continue
        properties = body.get("Properties")
        yield (
            logical_id,
            body["Type"],
            properties if isinstance(properties, dict) else {},
            "Condition" not in body,
        )


def is_transformed(template: Mapping[str, Any]) -> bool:
    """A transform or macro makes something else of it before it is deployed."""
    return bool(template.get("Transform"))


def makes_by_itself(template: Mapping[str, Any]) -> bool:
    """Custom resources and macros can make what a look at the template does not show."""
    types = {kind for _, kind, _, _ in resources_of(template)}
    custom = any(kind.startswith("Custom::") or kind.endswith("::CustomResource") for kind in types)
    return custom or is_transformed(template)
