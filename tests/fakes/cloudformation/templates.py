"""Reading templates: JSON, YAML with short tags, and the checks made before anything runs."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.fakes.cloudformation.errors import validation

IAM_TYPES = frozenset(
    f"AWS::IAM::{name}"
    for name in ("AccessKey", "Group", "InstanceProfile", "ManagedPolicy", "Policy", "Role", "User",
                 "UserToGroupAddition", "UserPolicy", "RolePolicy", "GroupPolicy")
)  # fmt: skip
_IAM_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
_SECTIONS = frozenset(
    (
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Globals",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    )
)


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: short tags, and dates stay text."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix in {"Ref", "Condition"}:
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_tag)


@dataclass(frozen=True)
class Template:
    """A parsed template; `body` is the text as it was handed in."""

    body: str
    data: dict[str, Any]
    resources: dict[str, dict[str, Any]]
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def conditions(self) -> dict[str, Any]:
        return self.data.get("Conditions") or {}

    @property
    def mappings(self) -> dict[str, Any]:
        return self.data.get("Mappings") or {}

    @property
    def description(self) -> str | None:
        return self.data.get("Description")

    @property
    def transforms(self) -> list[str]:
        declared = self.data.get("Transform") or []
        return [declared] if isinstance(declared, str) else [str(name) for name in declared]

    @property
    def resource_types(self) -> list[str]:
        return sorted({definition["Type"] for definition in self.resources.values()})


def parse(body: str) -> Template:
    """The template, or the ValidationError that AWS would answer."""
    data = _load(body)
    if not isinstance(data, dict):
        raise validation("Template format error: unsupported structure.")
    unknown = sorted(set(map(str, data)) - _SECTIONS)
    if unknown:
        raise validation(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources = data.get("Resources")
    if not resources:
        raise validation("Template format error: At least one Resources member must be defined.")
    if not isinstance(resources, dict):
        raise validation("Template format error: [/Resources] 'null' values are not allowed in templates")
    for name, definition in resources.items():
        _check_resource(str(name), definition)
    return Template(body, data, resources, data.get("Parameters") or {}, data.get("Outputs") or {})


def _load(body: str) -> Any:
    if body.lstrip().startswith("{"):
        try:
            return json.loads(body)
        except ValueError as error:
            if "\n" not in body and '"' in body:
                raise validation(f"Template format error: JSON not well-formed. ({error})") from error
    try:
        return yaml.load(body, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise validation(f"Template format error: YAML not well-formed.{place}") from error
    except yaml.YAMLError as error:
        raise validation("Template format error: YAML not well-formed.") from error


def _check_resource(name: str, definition: Any) -> None:
    if not name.isalnum():
        raise validation(f"Template format error: Resource name {name} is non alphanumeric.")
    if not isinstance(definition, dict):
        raise validation(f"Template format error: [/Resources/{name}] resource definition is malformed")
    kind = definition.get("Type")
    if not isinstance(kind, str) or not kind:
        raise validation(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )
    if not kind.startswith(("AWS::", "Custom::", "Alexa::")) and kind.count("::") not in {2, 3}:
        raise validation(f"Template format error: Unrecognized resource types: [{kind}]")
    properties = definition.get("Properties")
    if properties is not None and not isinstance(properties, dict):
        raise validation("Template format error: Any Properties member must be an object")


def required_capabilities(template: Template) -> tuple[list[str], str | None]:
    """The capabilities a caller must acknowledge, and AWS's reason for them."""
    needed: list[str] = []
    reason = None
    iam = {name: body for name, body in template.resources.items() if body["Type"] in IAM_TYPES}
    if iam:
        named = any(
            _IAM_NAMES.get(body["Type"], "") in (body.get("Properties") or {}) for body in iam.values()
        )
        needed.append("CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM")
        types = sorted({body["Type"] for body in iam.values()})
        reason = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    macros = [
        name
        for name in template.transforms
        if not name.startswith(("AWS::LanguageExtensions", "AWS::Serverless"))
    ]
    if macros:
        needed.append("CAPABILITY_AUTO_EXPAND")
        reason = reason or f"The following resource(s) require capabilities: [{', '.join(macros)}]"
    return needed, reason


def missing_capabilities(template: Template, given: list[str]) -> list[str]:
    needed, _ = required_capabilities(template)
    accepted = set(given)
    if "CAPABILITY_NAMED_IAM" in accepted:
        accepted.add("CAPABILITY_IAM")
    return [name for name in needed if name not in accepted]
