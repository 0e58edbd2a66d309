"""The role in the examples allows what the adapters call, and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "deploy_action"
ADAPTERS = {
    ".": ("cloudformation/*.py", "cleanup/orphan_deleter.py", "monitoring/stack_set_client.py"),
    "services": ("diagnosis/services/*.py",),
    "stores": ("locking/stores/*.py",),
    "preflight": ("preflight/sources/*.py",),
}
"""Where AWS is called: the modules of each part, as globs."""
ROLE = ROOT / "examples" / "infrastructure" / "github-oidc-role.yaml"
RENAMED = {
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "DeleteMessageBatch": "DeleteMessage",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "TransactGetItems": "GetItem",
    "TransactWriteItems": "PutItem",
}
"""Operations that are allowed by the name of another one."""
PREFIXES = {"service-quotas": "servicequotas"}
NEEDS_NONE = {"sts:GetCallerIdentity"}
FOR_PEOPLE = {"cloudformation:ContinueUpdateRollback", "cloudformation:RollbackStack"}
"""Of the command `cleanup`, which no job uses."""
OF_ANOTHER_ACCOUNT = {"sts:AssumeRole"}
"""Only with `registry: …?role=`, where the registry's account names the role."""
WITHOUT_A_CALL = {
    "s3:ListBucket": "without it S3 answers 403 for an object that is not there",
    "iam:PassRole": "CreateChangeSet with a role",
}


class _Loader(yaml.SafeLoader):
    """CloudFormation's short tags mean nothing here."""


_LISTS = {yaml.SequenceNode: "construct_sequence", yaml.MappingNode: "construct_mapping"}
_Loader.add_multi_constructor(
    "!", lambda loader, _suffix, node: getattr(loader, _LISTS.get(type(node), "construct_scalar"))(node)
)


def template() -> dict[str, Any]:
    return dict(yaml.load(ROLE.read_text("utf-8"), Loader=_Loader))


def policies() -> dict[str, set[str]]:
    """Allowed actions by the policy's name."""
    found: dict[str, set[str]] = {}
    for resource in template()["Resources"].values():
        if resource["Type"] == "AWS::IAM::RolePolicy":
            properties = resource["Properties"]
            for statement in properties["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                actions = statement["Action"]
                listed = [actions] if isinstance(actions, str) else actions
                found.setdefault(properties["PolicyName"], set()).update(listed)
    return found


def operations(service: str) -> dict[str, str]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def services_of(source: str) -> set[str]:
    """Every service that a module names where it asks for a client."""
    named = set(re.findall(r"""(?:client|Clients)\(\s*["']([a-z0-9-]+)["']""", source))
    return named | set(re.findall(r"""^_SERVICE = ["']([a-z0-9-]+)["']""", source, re.MULTILINE))


def called(*folders: str) -> set[str]:
    """The permissions for what the modules call, as IAM names them."""
    known = set(botocore.session.get_session().get_available_services())
    found: set[str] = set()
    for folder in folders:
        for path in sorted(path for pattern in ADAPTERS[folder] for path in PACKAGE.glob(pattern)):
            source = path.read_text("utf-8")
            nodes = list(ast.walk(ast.parse(source)))
            names = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
            services = services_of(source)
            if folder == "preflight":  # some calls are named in tables there
                texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
                names |= texts
                services |= texts & known
            for service in services:
                for method, operation in operations(service).items():
                    if method in names:
                        name = RENAMED.get(operation, operation)
                        found.add(f"{PREFIXES.get(service, service)}:{name}")
    return found - NEEDS_NONE - FOR_PEOPLE - OF_ANOTHER_ACCOUNT


def test_the_role_allows_what_is_called_and_no_more() -> None:
    allowed = set().union(*policies().values()) - set(WITHOUT_A_CALL)
    needed = called(*ADAPTERS) - set(WITHOUT_A_CALL)
    assert len(needed) > 40, "the look at the adapters sees nothing"
    assert sorted(needed - allowed) == [], "called, and not allowed"
    assert sorted(allowed - needed) == [], "allowed, and not called"


@pytest.mark.parametrize(
    ("policy", "folder", "prefixes"),
    [
        ("registry-s3", "stores", ("s3:",)),
        ("registry-dynamodb", "stores", ("dynamodb:",)),
        ("watch", ".", ("cloudformation:",)),
        ("preflight", "preflight", ("",)),
    ],
)
def test_each_part_can_be_left_out(policy: str, folder: str, prefixes: tuple[str, ...]) -> None:
    here = {action for action in called(folder) if action.startswith(prefixes)}
    assert here
    allowed = policies()[policy] | (policies()["deploy"] if policy == "watch" else policies()["watch"])
    assert here <= allowed


def test_watching_changes_nothing() -> None:
    granted = [policies()[name] for name in ("watch", "diagnose-services", "preflight")]
    verbs = {action.split(":")[1] for action in set().union(*granted)}
    assert all(verb.startswith(("Describe", "Get", "List", "Lookup", "Filter")) for verb in verbs)


def test_no_wildcard_in_actions_and_one_subject_only() -> None:
    assert not [action for actions in policies().values() for action in actions if "*" in action]
    pattern = template()["Parameters"]["Subject"]["AllowedPattern"]
    for good in ("repo:org/app:environment:production", "repo:org/app:ref:refs/heads/main"):
        assert re.search(pattern, good)
    for bad in ("repo:org/*:ref:refs/heads/main", "repo:org/app:*", "repo:org/app:pull_request", "*"):
        assert not re.search(pattern, bad)
