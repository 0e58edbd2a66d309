"""The template and its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.preflight.facts import Declared
from deploy_action.preflight.finding import Finding, finding
from deploy_action.preflight.template_values import is_transformed, resources_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.preflight.facts import StackFacts, Summary

NEAR = 0.9
"""From this part of a limit on people are told that they come close."""
LIMITS = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
"""Source: the CloudFormation guide's page of quotas."""
NAMED_MAX = 10
IAM, NAMED_IAM, AUTO_EXPAND = "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"


def size_findings(size_bytes: int, bytes_max: int) -> list[Finding]:
    """Of a template that is handed over as it is, not by address."""
    if size_bytes < NEAR * bytes_max:
        return []
    return [finding("template-large", f"The template has {size_bytes:,} of {bytes_max:,} bytes.")]


def limit_findings(template: Mapping[str, Any]) -> list[Finding]:
    found = []
    for section, most in LIMITS.items():
        content = template.get(section)
        count = len(content) if isinstance(content, dict) else 0
        if count > most:
            # Loops and macros may make fewer of them, or more.
            certain = not is_transformed(template)
            what = f"The template has {count} {section.lower()}, and CloudFormation takes {most}."
            found.append(finding("template-limits", what, certain=certain))
        elif count > NEAR * most:
            what = f"The template has {count} of at most {most} {section.lower()}."
            found.append(finding("template-limits", what, certain=False))
    return found


def declared_in(template: Mapping[str, Any]) -> tuple[Declared, ...]:
    """The parameters, where CloudFormation could not be asked for them."""
    parameters = template.get("Parameters")
    if not isinstance(parameters, dict):
        return ()
    return tuple(_declared(name, body) for name, body in parameters.items() if isinstance(body, dict))


def _declared(name: str, body: Mapping[str, Any]) -> Declared:
    default, allowed = body.get("Default"), body.get("AllowedValues")
    return Declared(
        name,
        type=str(body.get("Type", "String")),
        default=None if default is None else _text(default),
        allowed=tuple(_text(value) for value in allowed) if isinstance(allowed, list) else (),
    )


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parameter_findings(
    declared: tuple[Declared, ...], given: Mapping[str, str], stack: StackFacts
) -> list[Finding]:
    """No value is ever repeated: it may be a secret."""
    names = {parameter.name for parameter in declared}
    found = [
        finding("parameter-unknown", f"The template declares no parameter `{name}`.", resource=name)
        for name in given
        if name not in names
    ]
    for parameter in declared:
        name, value = parameter.name, given.get(parameter.name)
        kept = not stack.is_new and name in stack.parameters
        if value is None and parameter.default is None and not kept:
            what = f"The parameter `{name}` has no value and no default."
            found.append(finding("parameter-missing", what, resource=name))
        if value is None or not parameter.allowed:
            continue
        # A list is checked item by item.
        values = value.split(",") if "List" in parameter.type else [value]
        if any(item.strip() not in parameter.allowed for item in values):
            what = (
                f"The value of the parameter `{name}` is none of {', '.join(parameter.allowed[:NAMED_MAX])}."
            )
            found.append(finding("parameter-invalid", what, resource=name))
    return found


def capability_findings(summary: Summary, given: tuple[str, ...]) -> list[Finding]:
    """The needs of the template, as CloudFormation reports them."""
    accepted = {*given, *((IAM,) if NAMED_IAM in given else ())}
    found = []
    for name in summary.capabilities:
        if name in accepted:
            continue
        what = f"`{name}` is not among `capabilities`. {summary.reason}".rstrip()
        code = "capabilities-likely" if name == AUTO_EXPAND else "capabilities-missing"
        found.append(finding(code, what, remedy=f"Add `{name}` to `capabilities`.", resource=name))
    return found


def serverless_findings(template: Mapping[str, Any], given: tuple[str, ...]) -> list[Finding]:
    """AWS SAM makes a role for each function that names none, which the template itself does not show."""
    if not given and (names := _without_role(template)):
        what = f"AWS SAM makes roles for {', '.join(names[:NAMED_MAX])}, which needs `{IAM}`."
        return [finding("capabilities-likely", what, remedy=f"Add `{IAM}` to `capabilities`.", resource=IAM)]
    return []


def _without_role(template: Mapping[str, Any]) -> list[str]:
    shared = template.get("Globals")
    function = shared.get("Function") if isinstance(shared, dict) else None
    if isinstance(function, dict) and "Role" in function:
        return []
    return [
        logical_id
        for logical_id, kind, properties, _ in resources_of(template)
        if kind == "AWS::Serverless::Function" and "Role" not in properties
    ]
