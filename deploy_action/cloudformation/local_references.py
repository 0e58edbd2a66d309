"""Where a template can name files of the machine that it was written on.

Source: the list of what is uploaded in `aws cloudformation package help`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

TEMPLATES = {
    "AWS::CloudFormation::Stack": ("TemplateURL",),
    "AWS::Serverless::Application": ("Location",),
}
"""Properties that name another template, by type."""
ARTIFACTS: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGateway::RestApi": ("BodyS3Location",),
    "AWS::AppSync::FunctionConfiguration": (
        "CodeS3Location",
        "RequestMappingTemplateS3Location",
        "ResponseMappingTemplateS3Location",
    ),
    "AWS::AppSync::GraphQLSchema": ("DefinitionS3Location",),
    "AWS::AppSync::Resolver": (
        "CodeS3Location",
        "RequestMappingTemplateS3Location",
        "ResponseMappingTemplateS3Location",
    ),
    "AWS::CloudFormation::ModuleVersion": ("ModulePackage",),
    "AWS::CloudFormation::ResourceVersion": ("SchemaHandlerPackage",),
    "AWS::CodeCommit::Repository": ("Code.S3",),
    "AWS::ElasticBeanstalk::ApplicationVersion": ("SourceBundle",),
    "AWS::Glue::Job": ("Command.ScriptLocation",),
    "AWS::Lambda::Function": ("Code", "Code.ImageUri"),
    "AWS::Lambda::LayerVersion": ("Content",),
    "AWS::Serverless::Api": ("DefinitionUri",),
    "AWS::Serverless::Function": ("CodeUri", "ImageUri"),
    "AWS::Serverless::GraphQLApi": ("SchemaUri", "CodeUri"),
    "AWS::Serverless::HttpApi": ("DefinitionUri",),
    "AWS::Serverless::LayerVersion": ("ContentUri",),
    "AWS::Serverless::StateMachine": ("DefinitionUri",),
    "AWS::StepFunctions::StateMachine": ("DefinitionS3Location",),
}
"""Properties that name code and other files, by type."""
_WORDS = re.compile(
    "TemplateURL|AWS::Include|"
    + "|".join(
        sorted({name.rpartition(".")[2] for names in ARTIFACTS.values() for name in names} | {"Location"})
    )
)
_ELSEWHERE = re.compile(r"(?i)[a-z][a-z0-9+.-]*:|\{\{|.*\$\{")
"""An address, an ARN, a dynamic reference, a placeholder."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`path` leads to the text `value` from the top of the template. `template`: it names a template."""

    path: Path
    value: str
    owner: str
    """Such as "`Code` of AWS::Lambda::Function `Worker`"."""
    template: bool = False


def may_refer(text: str) -> bool:
    """Whether a template's text is worth a look."""
    return _WORDS.search(text) is not None


def references_in(data: Mapping[str, object]) -> Iterator[Reference]:
    """Each text that may be the name of a local file; whether there is one has to be looked up."""
    resources = data.get("Resources")
    if isinstance(resources, dict):
        yield from _in_resources(resources, ("Resources",))
    yield from _includes(data)


def _in_resources(resources: Mapping[str, object], path: Path) -> Iterator[Reference]:
    for name, body in resources.items():
        if name.startswith("Fn::ForEach::") and isinstance(body, list):
            for index, part in enumerate(body):
                if isinstance(part, dict):
                    yield from _in_resources(part, (*path, name, index))
            continue
        kind = body.get("Type") if isinstance(body, dict) else None
        if isinstance(body, dict) and isinstance(kind, str):
            for found, template in ((TEMPLATES, True), (ARTIFACTS, False)):
                for place in found.get(kind, ()):
                    value = _at(body.get("Properties"), place)
                    if isinstance(value, str) and not _ELSEWHERE.match(value):
                        where = (*path, name, "Properties", *place.split("."))
                        yield Reference(where, value, f"`{place}` of {kind} `{name}`", template)


def _at(part: object, place: str) -> object:
    for key in place.split("."):
        part = part.get(key) if isinstance(part, dict) else None
    return part


def _includes(data: object) -> Iterator[Reference]:
    todo: list[tuple[Path, object]] = [((), data)]
    seen: set[int] = set()
    while todo:
        path, part = todo.pop()
        if not isinstance(part, dict | list) or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict) and part.get("Name") == "AWS::Include":
            value = _at(part, "Parameters.Location")
            if isinstance(value, str) and not _ELSEWHERE.match(value):
                yield Reference((*path, "Parameters", "Location"), value, "`Location` of AWS::Include")
        items = part.items() if isinstance(part, dict) else enumerate(part)
        todo += [((*path, key), value) for key, value in items]
