"""Answers of `DescribeChangeSet` and `ListChangeSets`, as typed changes. Secrets go no further than here.

CloudFormation shows a NoEcho parameter as `****`, and a dynamic reference as it stands in the template; what
a resource of the change set itself will only give, as `{{changeSet:KNOWN_AFTER_APPLY}}`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.change_set import Change, ChangeSet, ListedChangeSet, PropertyChange
from deploy_action.common.masks import HIDDEN, SECRET_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

VALUE_MAX = 2_000
"""Characters of one value; a policy or a state machine can have many more."""
_SECRET_PROPERTY = re.compile(
    r"(?i)(password|secretstring|clientsecret|authtoken|accesstoken|privatekey|secretkey|apikey|connectionstring)$"
)
"""Names of properties in CloudFormation's resource types that hold secrets."""
_REFERENCE = re.compile(r"\{\{resolve:([\w-]{1,40}):[^{}]*\}\}")


def read_change_set(
    describe: Callable[..., Mapping[str, Any]], stack_name: str, arn: str, *, values: bool
) -> ChangeSet:
    """All pages together. `describe`: boto3's method; `values`: with what properties are before and after.
    `stack_name` may be empty where `arn` is one."""
    asked: dict[str, Any] = {"ChangeSetName": arn}
    asked |= {"StackName": stack_name} if stack_name else {}
    asked |= {"IncludePropertyValues": True} if values else {}
    answer = describe(**asked)
    rows = list(answer.get("Changes", []))
    while answer.get("NextToken"):
        answer = describe(**asked, NextToken=answer["NextToken"])
        rows += answer.get("Changes", [])
    created = answer.get("CreationTime")
    rollback = answer.get("RollbackConfiguration") or {}
    return ChangeSet(
        arn=answer["ChangeSetId"],
        name=answer["ChangeSetName"],
        stack_id=answer["StackId"],
        status=answer["Status"],
        execution_status=answer.get("ExecutionStatus", ""),
        reason=answer.get("StatusReason", ""),
        changes=tuple(_change(row["ResourceChange"]) for row in rows if "ResourceChange" in row),
        stack_name=answer.get("StackName", ""),
        parameters=tuple(
            (row["ParameterKey"], hidden(row.get("ParameterValue", "")))
            for row in answer.get("Parameters", [])
        ),
        tags=tuple((row["Key"], row["Value"]) for row in answer.get("Tags", [])),
        capabilities=tuple(answer.get("Capabilities", [])),
        notification_arns=tuple(answer.get("NotificationARNs", [])),
        rollback_triggers=tuple(row["Arn"] for row in rollback.get("RollbackTriggers", [])),
        monitoring_minutes=rollback.get("MonitoringTimeInMinutes", 0),
        include_nested=bool(answer.get("IncludeNestedStacks")),
        drift=answer.get("StackDriftStatus", ""),
        created_at=created.timestamp() if created is not None else 0.0,
    )


def listed_change_set(row: Mapping[str, Any]) -> ListedChangeSet:
    return ListedChangeSet(
        arn=row["ChangeSetId"],
        name=row["ChangeSetName"],
        stack_id=row["StackId"],
        stack_name=row["StackName"],
        status=row.get("Status", ""),
        execution_status=row.get("ExecutionStatus", ""),
        nested=bool(row.get("ParentChangeSetId")),
        reason=row.get("StatusReason", ""),
        created_at=row["CreationTime"].timestamp() if "CreationTime" in row else 0.0,
    )


def hidden(text: str) -> str:
    """A value without what a dynamic reference leads to, and of bounded length."""
    shown = _REFERENCE.sub(lambda match: f"{{{{resolve:{match[1]}:{HIDDEN}}}}}", text)
    return shown if len(shown) <= VALUE_MAX else f"{shown[: VALUE_MAX - 1]}…"


def _change(row: Mapping[str, Any]) -> Change:
    action = row.get("Action", "")
    details = row.get("Details", [])
    return Change(
        action=action,
        logical_id=row.get("LogicalResourceId", ""),
        resource_type=row.get("ResourceType", ""),
        physical_id=row.get("PhysicalResourceId", ""),
        replacement=row.get("Replacement", ""),
        scope=tuple(row.get("Scope", [])),
        policy_action=row.get("PolicyAction", ""),
        nested_arn=row.get("ChangeSetId", ""),
        drift=row.get("ResourceDriftStatus", ""),
        properties=_properties(details) if details else _of_context(action, row),
    )


def _properties(details: Iterable[Mapping[str, Any]]) -> tuple[PropertyChange, ...]:
    """One a path: CloudFormation tells one that changes for two reasons twice, once as certain (`Static`) and
    once as possible (`Dynamic`)."""
    found: dict[str, PropertyChange] = {}
    for row in sorted(details, key=lambda row: row.get("Evaluation") == "Dynamic"):
        target = row.get("Target", {})
        attribute, name = target.get("Attribute", ""), target.get("Name", "")
        path = target.get("Path") or f"/{attribute}" + (f"/{name}" if name else "")
        drift = target.get("Drift", {})
        found.setdefault(
            path,
            PropertyChange(
                path,
                before=_value(path, target.get("BeforeValue")),
                after=_value(path, target.get("AfterValue")),
                recreation=target.get("RequiresRecreation", ""),
                source=row.get("ChangeSource", ""),
                cause=row.get("CausingEntity", ""),
                actual=_value(path, drift.get("ActualValue")),
            ),
        )
    return tuple(found.values())


def _of_context(action: str, row: Mapping[str, Any]) -> tuple[PropertyChange, ...]:
    """Of what is added or removed there are no details, only how it is as a whole."""
    after = action != "Remove"
    try:
        context = json.loads(row.get("AfterContext" if after else "BeforeContext") or "{}")
    except ValueError:
        return ()
    properties = context.get("Properties") if isinstance(context, dict) else None
    if not isinstance(properties, dict):
        return ()
    found = []
    for name, value in properties.items():
        path = f"/Properties/{name}"
        shown = _value(path, value if isinstance(value, str) else json.dumps(value))
        found.append(PropertyChange(path, after=shown) if after else PropertyChange(path, before=shown))
    return tuple(found)


def _value(path: str, text: str | None) -> str | None:
    """None stays None. Also inside of a value that is JSON, what is called a secret is hidden."""
    if text is None:
        return None
    leaf = path.rpartition("/")[2]
    if text[:1] in {"{", "["}:
        try:
            return hidden(
                json.dumps(_masked(leaf, json.loads(text)), separators=(",", ":"), ensure_ascii=False)
            )
        except (ValueError, RecursionError):
            pass
    return hidden(str(_masked(leaf, text)))


def _masked(name: str, value: object) -> object:
    if isinstance(value, dict):
        # Tags and variables come as pairs of a name and a value, too.
        pair = str(value.get("Name") or value.get("Key") or "")
        return {
            key: _masked(pair if key == "Value" and pair else str(key), item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_masked(name, item) for item in value]
    return HIDDEN if isinstance(value, str) and value and _names_a_secret(name, value) else value


def _names_a_secret(name: str, value: str) -> bool:
    """A dynamic reference is no secret itself, and is shortened by `hidden`."""
    return is_secret_name(name) and not _REFERENCE.fullmatch(value)


def is_secret_name(name: str) -> bool:
    """Of a property, a parameter or a variable."""
    return bool(_SECRET_PROPERTY.search(name) or (name.isupper() and SECRET_NAME.search(name)))
