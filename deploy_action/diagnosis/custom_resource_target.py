"""Which Lambda function is behind a custom resource: its `ServiceToken` in the stack's template.

`ServiceToken` is in no event and no answer about the resource; the template has it, mostly as
`{"Fn::GetAtt": [FUNCTION, "Arn"]}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_FUNCTION = re.compile(r"arn:[^:]+:lambda:[^:]*:[^:]*:function:([A-Za-z0-9_-]+)(?::[^:]+)?")
_SUB_ATTRIBUTE = re.compile(r"\$\{([A-Za-z0-9]+)\.Arn\}")
_SUB_FUNCTION = re.compile(r":function:([A-Za-z0-9_-]+)$")
_SUB_RESOURCE = re.compile(r":function:\$\{([A-Za-z0-9]+)\}$")


@dataclass(frozen=True, slots=True)
class Token:
    """One of: the function's name, the logical id of the function in the stack, a parameter of the stack."""

    function: str = ""
    logical_id: str = ""
    parameter: str = ""


def function_of(arn: str) -> str:
    """The function's name in its ARN, with or without a version; empty for any other text."""
    match = _FUNCTION.fullmatch(arn.strip())
    return match[1] if match else ""


def token_of(template: object, logical_id: str) -> Token | None:
    """The token of a custom resource. None where it cannot be told, or is no function (an SNS topic)."""
    resources = _get(template, "Resources")
    return _token(_get(_get(_get(resources, logical_id), "Properties"), "ServiceToken"))


def _get(node: object, name: str) -> object:
    return node.get(name) if isinstance(node, dict) else None


def _token(value: object) -> Token | None:
    if isinstance(value, str):
        name = function_of(value)
        return Token(function=name) if name else None
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((intrinsic, argument),) = value.items()
    if intrinsic == "Fn::GetAtt":
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if isinstance(parts, list) and len(parts) == 2 and parts[1] == "Arn":
            return Token(logical_id=str(parts[0]))
    if intrinsic == "Ref" and isinstance(argument, str):
        return Token(parameter=argument)
    if intrinsic == "Fn::Sub" and isinstance(argument, str):
        return _substituted(argument.strip())
    return None


def _substituted(text: str) -> Token | None:
    if match := _SUB_ATTRIBUTE.fullmatch(text) or _SUB_RESOURCE.search(text):
        return Token(logical_id=match[1])
    if match := _SUB_FUNCTION.search(text):
        return Token(function=match[1])
    return None
