"""Resources that are to be made under a name of their own: is it taken already?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_action.preflight.finding import Finding, finding
from deploy_action.preflight.template_values import is_transformed, resolved, resources_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.preflight.facts import Context

NAMES = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::DynamoDB::GlobalTable": "TableName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SSM::Parameter": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
"""The property that names a resource of a type, for the types whose names can be looked up."""
NAMES_MAX = 60
"""At most this many are looked up: a request each."""


@dataclass(frozen=True, slots=True)
class Named:
    """A resource that is to be made under `name`. `certain`: it is made for sure."""

    logical_id: str
    type: str
    name: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """`how` says in words what is there; `certain`: it stands in the way for sure."""

    named: Named
    how: str = "exists already"
    certain: bool = True


def named_resources(template: Mapping[str, Any], context: Context) -> list[Named]:
    """Those that are new, or are given another name. Of an existing stack, `context.resources` must tell."""
    found = []
    for logical_id, kind, properties, always in resources_of(template):
        name = resolved(properties.get(NAMES.get(kind, "")), context.values)
        if not name or "{{resolve:" in name:
            continue
        physical = "" if context.stack.is_new else context.resources.get(logical_id, "")
        if not _is_called(physical, name):
            certain = always and not is_transformed(template)
            found.append(Named(logical_id, kind, name, certain))
    return found[:NAMES_MAX]


def _is_called(physical: str, name: str) -> bool:
    """Physical ids are names, ARNs that end with them (secrets: and six characters more) or addresses; of
    databases in lower case."""
    physical, name = physical.lower(), name.lower()
    return physical == name or physical.endswith((f"/{name}", f":{name}")) or f":{name}-" in physical


def name_findings(taken: Iterable[Taken]) -> list[Finding]:
    return [
        finding(
            "name-taken",
            f"{one.named.logical_id} is to be made as {one.named.type} `{one.named.name}`, which {one.how}.",
            resource=one.named.logical_id,
            certain=one.certain and one.named.certain,
        )
        for one in taken
    ]
