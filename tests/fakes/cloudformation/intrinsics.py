"""Intrinsic functions: values, conditions and the dependencies that references make."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.errors import validation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(r"\$\{([^!][^}]*)\}")


class _NoValue:
    """Stands for AWS::NoValue: the property is left out."""


NO_VALUE = _NoValue()


def _unresolved(_: str) -> Any:
    raise validation("Template error: cannot reference resources here")


@dataclass
class Scope:
    """What names mean while a template is evaluated."""

    values: Mapping[str, Any]
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    reference: Callable[[str], Any] = _unresolved
    attribute: Callable[[str, str], Any] = lambda name, attribute: f"{name}.{attribute}"
    imported: Callable[[str], Any] = lambda name: name

    def condition(self, name: str) -> bool:
        if name not in self.conditions:
            raise validation(
                f"Template format error: Unresolved condition dependency {name} in the Conditions block"
            )
        return self._test(self.conditions[name])

    def _test(self, expression: Any) -> bool:
        if isinstance(expression, dict) and len(expression) == 1:
            (name, argument), *_ = expression.items()
            if name == "Condition":
                return self.condition(str(argument))
            if name == "Fn::Equals":
                left, right = (self.resolve(part) for part in argument)
                return bool(str(left) == str(right))
            if name == "Fn::And":
                return all(self._test(part) for part in argument)
            if name == "Fn::Or":
                return any(self._test(part) for part in argument)
            if name == "Fn::Not":
                return not self._test(argument[0])
        raise validation(
            "Template format error: Conditions can only be boolean operations on parameters and other "
            "conditions"
        )

    def resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            if name == "Ref":
                return self._ref(str(argument))
            if isinstance(name, str) and name.startswith("Fn::"):
                return self._call(name[4:], argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.values:
            return self.values[name]
        return self.reference(name)

    def _call(self, function: str, argument: Any) -> Any:
        handler = _FUNCTIONS.get(function)
        if handler is None:
            return {f"Fn::{function}": self.resolve(argument)}
        return handler(self, argument)


def _get_att(scope: Scope, argument: Any) -> Any:
    name, attribute = argument.split(".", 1) if isinstance(argument, str) else (argument[0], argument[1])
    return scope.attribute(str(name), str(scope.resolve(attribute)))


def _sub(scope: Scope, argument: Any) -> str:
    text, extra = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
    extra = {key: scope.resolve(item) for key, item in extra.items()}

    def replace(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        if name in extra:
            return str(extra[name])
        if "." in name and name not in scope.values:
            return str(_get_att(scope, name))
        return str(scope._ref(name))

    return _VARIABLE.sub(replace, text).replace("${!", "${")


def _join(scope: Scope, argument: Any) -> str:
    items = scope.resolve(argument[1])
    return str(argument[0]).join(str(item) for item in (items if isinstance(items, list) else [items]))


def _select(scope: Scope, argument: Any) -> Any:
    index, items = int(scope.resolve(argument[0])), scope.resolve(argument[1])
    if not isinstance(items, list):
        items = str(items).split(",")
    if index >= len(items):
        return ""
    return items[index]


def _split(scope: Scope, argument: Any) -> list[str]:
    return str(scope.resolve(argument[1])).split(str(argument[0]))


def _if(scope: Scope, argument: Any) -> Any:
    return scope.resolve(argument[1] if scope.condition(str(argument[0])) else argument[2])


def _find_in_map(scope: Scope, argument: Any) -> Any:
    name, first, second = (str(scope.resolve(part)) for part in argument[:3])
    try:
        return scope.mappings[name][first][second]
    except KeyError:
        raise validation(f"Template error: Unable to get mapping for {name}::{first}::{second}") from None


def _azs(scope: Scope, argument: Any) -> list[str]:
    region = str(scope.resolve(argument) or scope.values.get("AWS::Region", "us-east-1"))
    return [f"{region}{letter}" for letter in "abc"]


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Base64": lambda scope, argument: base64.b64encode(str(scope.resolve(argument)).encode()).decode(),
    "FindInMap": _find_in_map,
    "GetAZs": _azs,
    "GetAtt": _get_att,
    "If": _if,
    "ImportValue": lambda scope, argument: scope.imported(str(scope.resolve(argument))),
    "Join": _join,
    "Select": _select,
    "Split": _split,
    "Sub": _sub,
}
