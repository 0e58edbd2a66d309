"""Resources as a version of a template defines them: references, fingerprints, replacement, physical ids."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.errors import validation
from tests.fakes.cloudformation.intrinsics import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.fakes.cloudformation.ids import Ids
    from tests.fakes.cloudformation.templates import Template

NESTED = "AWS::CloudFormation::Stack"
_MARKER = re.compile(r"\{\{(\w+)(?:\|([^}]*))?\}\}")

# Properties whose change makes a new physical resource.
_REPLACING: dict[str, frozenset[str]] = {
    "AWS::DynamoDB::Table": frozenset(("TableName", "KeySchema")),
    "AWS::EC2::Instance": frozenset(("ImageId", "SubnetId", "AvailabilityZone", "KeyName")),
    "AWS::EC2::NatGateway": frozenset(("SubnetId", "AllocationId")),
    "AWS::EC2::SecurityGroup": frozenset(("GroupName", "GroupDescription", "VpcId")),
    "AWS::EC2::Subnet": frozenset(("CidrBlock", "VpcId", "AvailabilityZone")),
    "AWS::EC2::VPC": frozenset(("CidrBlock",)),
    "AWS::ECS::Service": frozenset(("ServiceName", "Cluster", "LaunchType")),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": frozenset(("Name", "Scheme", "Type")),
    "AWS::ElasticLoadBalancingV2::TargetGroup": frozenset(("Name", "Port", "Protocol", "VpcId")),
    "AWS::IAM::Role": frozenset(("RoleName", "Path")),
    "AWS::Kinesis::Stream": frozenset(("Name",)),
    "AWS::Lambda::Function": frozenset(("FunctionName", "PackageType")),
    "AWS::Logs::LogGroup": frozenset(("LogGroupName",)),
    "AWS::RDS::DBInstance": frozenset(("DBInstanceIdentifier", "Engine", "DBSubnetGroupName")),
    "AWS::S3::Bucket": frozenset(("BucketName",)),
    "AWS::SNS::Topic": frozenset(("TopicName", "FifoTopic")),
    "AWS::SQS::Queue": frozenset(("QueueName", "FifoQueue")),
    "AWS::SSM::Parameter": frozenset(("Name", "Type")),
    "AWS::SecretsManager::Secret": frozenset(("Name",)),
}  # fmt: skip
_REPLACED_BY_ANY_CHANGE = frozenset(
    ("AWS::ApiGateway::Deployment", "AWS::AutoScaling::LaunchConfiguration", "AWS::ECS::TaskDefinition",
     "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission", "AWS::Lambda::Version")
)  # fmt: skip
_UNTAGGABLE = frozenset(
    (
        "AWS::ApiGateway::Account",
        "AWS::ApiGateway::Deployment",
        "AWS::ApiGateway::Method",
        "AWS::ApiGateway::Resource",
        "AWS::CDK::Metadata",
        "AWS::CloudFormation::WaitCondition",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::EC2::Route",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::Policy",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Version",
        "AWS::Route53::RecordSet",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::Subscription",
        "AWS::SQS::QueuePolicy",
    )
)
_PHYSICAL_PREFIXES = {
    "AWS::EC2::EIP": "eipalloc",
    "AWS::EC2::Instance": "i",
    "AWS::EC2::InternetGateway": "igw",
    "AWS::EC2::NatGateway": "nat",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCEndpoint": "vpce",
}
_ARN_RESOURCES = {
    "AWS::ECS::Service": "service/{name}",
    "AWS::ECS::TaskDefinition": "task-definition/{name}:1",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "loadbalancer/app/{name}/{hex}",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "targetgroup/{name}/{hex}",
    "AWS::SNS::Topic": "{name}",
    "AWS::SecretsManager::Secret": "secret:{name}",
    "AWS::StepFunctions::StateMachine": "stateMachine:{name}",
}
_NAME_PROPERTIES = (
    "BucketName",
    "TableName",
    "FunctionName",
    "RoleName",
    "QueueName",
    "TopicName",
    "LogGroupName",
    "DBInstanceIdentifier",
    "ServiceName",
    "ClusterName",
    "RepositoryName",
    "Name",
)


@dataclass(frozen=True)
class Definition:
    """One resource of one template version; references to other resources are kept as markers."""

    logical_id: str
    type: str
    properties: Mapping[str, Any]
    references: frozenset[str]
    depends: frozenset[str]
    deletion_policy: str
    replace_policy: str
    metadata: Mapping[str, Any]
    ground: Mapping[str, Any]
    tags: tuple[tuple[str, str], ...] = ()
    mentions: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def is_nested(self) -> bool:
        return self.type == NESTED

    @property
    def taggable(self) -> bool:
        return self.type.startswith("AWS::") and self.type not in _UNTAGGABLE

    def same_as(self, other: Definition) -> bool:
        return (
            self.type == other.type
            and self.properties == other.properties
            and self.metadata == other.metadata
            and (self.tags == other.tags or not self.taggable)
        )


def define(template: Template, scope: Scope, tags: Mapping[str, str]) -> dict[str, Definition]:
    """The resources whose condition holds, in template order, with circular dependencies refused."""
    present = {
        name: body
        for name, body in template.resources.items()
        if "Condition" not in body or scope.condition(str(body["Condition"]))
    }
    stack_tags = tuple(sorted(tags.items()))
    definitions = {name: _define(name, body, scope, present, stack_tags) for name, body in present.items()}
    in_order(definitions)
    return definitions


def _define(
    name: str,
    body: Mapping[str, Any],
    scope: Scope,
    present: Mapping[str, Any],
    tags: tuple[tuple[str, str], ...],
) -> Definition:
    mentions: dict[str, set[str]] = {}

    def reference(target: str) -> str:
        if target not in present:
            raise validation(
                f"Template format error: Unresolved resource dependencies [{target}] in the Resources block "
                "of the template"
            )
        mentions.setdefault(target, set()).add("")
        return f"{{{{{target}}}}}"

    def attribute(target: str, attribute_name: str) -> str:
        if target not in present:
            raise validation(f"Template error: instance of Fn::GetAtt references undefined resource {target}")
        mentions.setdefault(target, set()).add(attribute_name)
        return f"{{{{{target}|{attribute_name}}}}}"

    local = Scope(scope.values, scope.mappings, scope.conditions, reference, attribute, scope.imported)
    properties = local.resolve(body.get("Properties") or {})
    explicit = body.get("DependsOn") or []
    explicit = [explicit] if isinstance(explicit, str) else explicit
    unknown = [target for target in explicit if target not in present]
    if [target for target in unknown if target not in present and not target.isalnum()]:
        raise validation(
            f"Template format error: Unresolved resource dependencies {unknown} in the Resources block"
        )
    metadata = dict(body.get("Metadata") or {})
    ground = metadata.pop("TestGround", None) or {}
    retained = str(body.get("DeletionPolicy", "Delete"))
    return Definition(
        logical_id=name,
        type=str(body["Type"]),
        properties=properties,
        references=frozenset(mentions),
        depends=frozenset(mentions) | frozenset(target for target in explicit if target in present),
        deletion_policy=retained,
        replace_policy=str(body.get("UpdateReplacePolicy", "Delete")),
        metadata=local.resolve(metadata),
        ground=local.resolve(ground),
        tags=tags,
        mentions={target: frozenset(names) for target, names in mentions.items()},
    )


def in_order(definitions: Mapping[str, Definition]) -> list[str]:
    """Logical ids with dependencies first; ties keep template order."""
    waiting = {name: {d for d in item.depends if d in definitions} for name, item in definitions.items()}
    ordered: list[str] = []
    while waiting:
        ready = [name for name, depends in waiting.items() if not depends]
        if not ready:
            raise validation(f"Circular dependency between resources: [{', '.join(waiting)}]")
        for name in ready:
            del waiting[name]
        for depends in waiting.values():
            depends.difference_update(ready)
        ordered += ready
    return ordered


def changed_properties(old: Definition, new: Definition) -> list[str]:
    names = [*old.properties, *(name for name in new.properties if name not in old.properties)]
    return [name for name in names if old.properties.get(name) != new.properties.get(name)]


def needs_replacement(old: Definition, new: Definition, changed: Iterable[str]) -> bool:
    """Whether the change of these top-level properties makes a new physical resource."""
    names = set(changed)
    if old.type != new.type:
        return True
    if not names:
        return False
    if says_yes(new.ground.get("Replace")) or new.type in _REPLACED_BY_ANY_CHANGE:
        return bool(names - {"Tags"})
    return bool(names & _REPLACING.get(new.type, frozenset()))


def requires_recreation(resource_type: str, name: str) -> str:
    if resource_type in _REPLACED_BY_ANY_CHANGE or name in _REPLACING.get(resource_type, frozenset()):
        return "Always"
    return "Never"


def physical_id(ids: Ids, account: str, stack_id: str, definition: Definition, when: float) -> str:
    """A plausible physical id, unique per stack, resource and moment of creation."""
    kind, logical = definition.type, definition.logical_id
    region, stack_name = stack_id.split(":")[3], stack_id.split("/")[1]
    key = (stack_name, region, logical, when)
    prefix = _PHYSICAL_PREFIXES.get(kind)
    if prefix:
        return f"{prefix}-0{ids.hexadecimal(16, *key)}"
    given = next(
        (definition.properties[name] for name in _NAME_PROPERTIES if name in definition.properties), None
    )
    name = given if isinstance(given, str) else f"{stack_name}-{logical}-{ids.suffix(12, *key)}"
    if kind in _ARN_RESOURCES:
        tail = _ARN_RESOURCES[kind].format(name=name, hex=ids.hexadecimal(16, *key))
        service = kind.split("::")[1].lower().replace("elasticloadbalancingv2", "elasticloadbalancing")
        service = service.replace("stepfunctions", "states")
        return f"arn:aws:{service}:{region}:{account}:{tail}"
    if kind == "AWS::S3::Bucket":
        return name.lower()
    return name


def says_yes(value: Any) -> bool:
    """Whether a test ground setting is on; a template parameter gives text, so `false` counts as off."""
    return str(value).lower() not in {"", "0", "false", "no", "none"}


def fill_markers(value: Any, lookup: Mapping[tuple[str, str], Any]) -> Any:
    """The value with every marker replaced; `lookup` maps (logical id, attribute or "") to a value."""
    if isinstance(value, dict):
        return {key: fill_markers(item, lookup) for key, item in value.items()}
    if isinstance(value, list):
        return [fill_markers(item, lookup) for item in value]
    if isinstance(value, str) and "{{" in value:
        return _MARKER.sub(lambda match: str(lookup.get((match[1], match[2] or ""), match[0])), value)
    return value


def markers(value: Any) -> set[tuple[str, str]]:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return {(match[1], match[2] or "") for match in _MARKER.finditer(text)}
