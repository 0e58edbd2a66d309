"""Secrets and stored parameters that a template refers to: do they exist? Nobody reads their values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from deploy_action.preflight.finding import Finding, finding
from deploy_action.preflight.template_values import makes_by_itself, resolved, resources_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from deploy_action.preflight.facts import Context, Declared

_DYNAMIC = re.compile(r"\{\{resolve:(secretsmanager|ssm|ssm-secure):([^{}]+)\}\}")
_NAME = re.compile(r"[A-Za-z0-9_.:/+=@!-]{1,1024}")


class Store(Enum):
    SECRET = "secret"  # noqa: S105 - the kind of a thing, not a secret
    PARAMETER = "parameter"


@dataclass(frozen=True, slots=True)
class Reference:
    """`name` is a name, a path or an ARN. `resource`: who refers to it. `certain`: it is read for sure."""

    store: Store
    name: str
    resource: str
    certain: bool


def references_of(
    template: Mapping[str, Any], declared: tuple[Declared, ...], given: Mapping[str, str], context: Context
) -> list[Reference]:
    """All of them, once each, without those that the template itself makes."""
    own = _made_here(template, context.values)
    sure = context.stack.is_new and not makes_by_itself(template)
    found: dict[tuple[Store, str], Reference] = {}
    for reference in (
        *_by_type(declared, given, is_new=context.stack.is_new),
        *_dynamic(template, context.values, sure=sure),
    ):
        key = (reference.store, reference.name)
        known = found.get(key)
        if key not in own and _NAME.fullmatch(reference.name) and (known is None or not known.certain):
            found[key] = reference
    return list(found.values())


def _by_type(
    declared: tuple[Declared, ...], given: Mapping[str, str], *, is_new: bool
) -> Iterator[Reference]:
    """Template parameters whose value names a stored one: CloudFormation reads it before anything else."""
    for parameter in declared:
        if parameter.type.startswith("AWS::SSM::Parameter::"):
            value = given.get(parameter.name, parameter.default if is_new else None)
            if value:
                yield Reference(Store.PARAMETER, value.strip(), parameter.name, certain=True)


def _dynamic(template: Mapping[str, Any], values: Mapping[str, str], *, sure: bool) -> Iterator[Reference]:
    for logical_id, _, properties, always in resources_of(template):
        for text, certain in _texts(properties, values, certain=sure and always):
            for kind, rest in _DYNAMIC.findall(text):
                if kind == "secretsmanager":
                    name = ":".join(rest.split(":")[:7]) if rest.startswith("arn:") else rest.split(":")[0]
                    yield Reference(Store.SECRET, name, logical_id, certain)
                else:
                    yield Reference(Store.PARAMETER, rest.split(":")[0], logical_id, certain)


def _texts(value: Any, values: Mapping[str, str], *, certain: bool) -> Iterator[tuple[str, bool]]:
    """All texts below a value that can be told, and whether they are used in any case."""
    if isinstance(value, str):
        yield value, certain
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, values, certain=certain)
    elif isinstance(value, dict):
        text = resolved(value, values)
        if text is not None:
            yield text, certain
            return
        for name, item in value.items():
            if name not in {"Fn::Sub", "Ref", "Fn::GetAtt"}:
                yield from _texts(item, values, certain=certain and name != "Fn::If")


def _made_here(template: Mapping[str, Any], values: Mapping[str, str]) -> set[tuple[Store, str]]:
    kinds = {"AWS::SecretsManager::Secret": Store.SECRET, "AWS::SSM::Parameter": Store.PARAMETER}
    return {
        (kinds[kind], name)
        for _, kind, properties, _ in resources_of(template)
        if kind in kinds and (name := resolved(properties.get("Name"), values))
    }


def reference_findings(missing: Iterable[Reference]) -> list[Finding]:
    found = []
    for reference in missing:
        secret = reference.store is Store.SECRET
        code, what = ("secret-missing", "secret") if secret else ("ssm-parameter-missing", "stored parameter")
        sentence = f"{reference.resource} refers to the {what} `{reference.name}`, which does not exist here."
        found.append(finding(code, sentence, resource=reference.resource, certain=reference.certain))
    return found
