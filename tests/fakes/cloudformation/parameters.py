"""Template parameters: defaults, previous values and AWS's refusals."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.errors import validation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def settle(
    declared: Mapping[str, Mapping[str, Any]],
    given: Sequence[Mapping[str, Any]],
    previous: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The value of every declared parameter; `previous` holds the values of the stack being updated."""
    before = previous or {}
    values: dict[str, str] = {}
    for item in given:
        name = str(item.get("ParameterKey", ""))
        if item.get("UsePreviousValue"):
            if name not in before:
                raise validation(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a "
                    "parameter key not in the previous template"
                )
            values[name] = before[name]
        else:
            values[name] = str(item.get("ParameterValue", ""))
    unknown = [name for name in values if name not in declared]
    if unknown:
        raise validation(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [name for name, body in declared.items() if name not in values and "Default" not in body]
    if missing:
        raise validation(f"Parameters: [{', '.join(missing)}] must have values")
    settled = {name: values.get(name, _text(body.get("Default", ""))) for name, body in declared.items()}
    for name, body in declared.items():
        _check(name, body, settled[name])
    return settled


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check(name: str, body: Mapping[str, Any], value: str) -> None:
    allowed = [_text(item) for item in body.get("AllowedValues") or []]
    if allowed and value not in allowed:
        raise validation(f"Parameter '{name}' must be one of AllowedValues")
    pattern = body.get("AllowedPattern")
    if pattern and not re.fullmatch(str(pattern), value):
        raise validation(
            body.get("ConstraintDescription") or f"Parameter '{name}' must match pattern {pattern}"
        )
    if body.get("Type") == "Number" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise validation(f"Parameter '{name}' must be a number.")


def for_template(declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> dict[str, Any]:
    """The values as `Ref` sees them: list types are lists."""
    seen: dict[str, Any] = {}
    for name, value in values.items():
        kind = str(declared.get(name, {}).get("Type", "String"))
        is_list = kind == "CommaDelimitedList" or kind.startswith("List<") or "List<" in kind
        seen[name] = [part.strip() for part in value.split(",")] if is_list else value
    return seen


def shown(declared: Mapping[str, Mapping[str, Any]], values: Mapping[str, str]) -> list[dict[str, str]]:
    """The values as DescribeStacks shows them."""
    answer = []
    for name, value in values.items():
        hidden = str(declared.get(name, {}).get("NoEcho", "")).lower() == "true"
        answer.append({"ParameterKey": name, "ParameterValue": "****" if hidden else value})
    return answer


def declarations(declared: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The declarations as GetTemplateSummary shows them."""
    answer = []
    for name, body in declared.items():
        item: dict[str, Any] = {
            "ParameterKey": name,
            "ParameterType": str(body.get("Type", "String")),
            "NoEcho": str(body.get("NoEcho", "")).lower() == "true",
        }
        if "Default" in body:
            item["DefaultValue"] = _text(body["Default"])
        if body.get("Description"):
            item["Description"] = str(body["Description"])
        if body.get("AllowedValues"):
            item["ParameterConstraints"] = {
                "AllowedValues": [_text(value) for value in body["AllowedValues"]]
            }
        answer.append(item)
    return answer
