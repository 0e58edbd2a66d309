"""What an update would do to each resource, and what a change set tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.resources import (
    Definition,
    changed_properties,
    in_order,
    markers,
    needs_replacement,
    requires_recreation,
    says_yes,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.fakes.cloudformation.stacks import ResourceState
    from tests.fakes.cloudformation.versions import Version


@dataclass
class Plan:
    """`actions` is what is played; `real` leaves out visits to unchanged nested stacks."""

    actions: dict[str, str] = field(default_factory=dict)
    real: set[str] = field(default_factory=set)
    removed: list[str] = field(default_factory=list)
    dynamic: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


def plan_actions(
    states: Mapping[str, ResourceState],
    before: Version,
    after: Version,
    *,
    nested_changes: Collection[str] = (),
) -> Plan:
    """Compare what exists with what `after` defines."""
    plan = Plan()
    replaced: set[str] = set()
    altered: set[str] = set()
    for name in in_order(after.definitions):
        new = after.definitions[name]
        state = states.get(name)
        old = state.definition if state is not None and state.exists else None
        if old is None:
            action = "create"
        else:
            action = _action(old, new, name in nested_changes, replaced)
            if not action and state is not None and state.status in {"CREATE_FAILED", "UPDATE_FAILED"}:
                action = "create" if state.status == "CREATE_FAILED" else "update"
        causes = [(t, a) for t in sorted(new.references & altered) for a in sorted(new.mentions[t]) if a]
        if action:
            plan.actions[name] = action
            plan.real.add(name)
            altered.add(name)
            if action == "replace":
                replaced.add(name)
        elif old is not None and causes:
            plan.dynamic[name] = causes
    plan.removed = [n for n, s in states.items() if s.exists and n not in after.definitions and s.definition]
    if plan.real or plan.removed:
        for name, definition in after.definitions.items():
            if definition.is_nested and name not in plan.actions:
                plan.actions[name] = "visit"
    return plan


def _action(old: Definition, new: Definition, nested_changed: bool, replaced: set[str]) -> str:
    changed = changed_properties(old, new)
    moved = {target for target in new.references if target in replaced}
    if needs_replacement(old, new, changed):
        return "replace"
    if moved:
        names = {
            key
            for key, value in new.properties.items()
            if any(target in moved for target, _ in markers(value))
        }
        return "replace" if needs_replacement(old, new, names) else "update"
    return "update" if nested_changed or not old.same_as(new) else ""


def describe_changes(
    states: Mapping[str, ResourceState],
    after: Version,
    plan: Plan,
    imported: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """The Changes of a change set, over-reporting as AWS does."""
    found: list[dict[str, Any]] = []
    for name, definition in after.definitions.items():
        action = plan.actions.get(name)
        state = states.get(name)
        if imported and name in imported:
            found.append(_change("Import", definition, imported[name]))
        elif action == "create":
            found.append(_change("Add", definition, None))
        elif action in {"update", "replace", "visit"} and state is not None and state.definition is not None:
            found.append(_modify(state.definition, definition, state.physical_id, action))
        elif name in plan.dynamic and state is not None:
            found.append(_dynamic(definition, state.physical_id, plan.dynamic[name]))
    for name in plan.removed:
        state = states[name]
        if state.definition is not None:
            change = _change("Remove", state.definition, state.physical_id)
            found.append(change | {"PolicyAction": _kept(state.definition.deletion_policy)})
    found.sort(key=lambda change: str(change["LogicalResourceId"]))
    return [{"Type": "Resource", "ResourceChange": change} for change in found]


def _kept(policy: str) -> str:
    """By the policy of the template. `RetainExceptOnCreate` keeps what is no failed creation."""
    return {"Snapshot": "Snapshot", "Retain": "Retain", "RetainExceptOnCreate": "Retain"}.get(
        policy, "Delete"
    )


def _change(action: str, definition: Definition, physical: str | None) -> dict[str, Any]:
    change: dict[str, Any] = {
        "Action": action,
        "LogicalResourceId": definition.logical_id,
        "ResourceType": definition.type,
        "Scope": [],
        "Details": [],
    }
    if physical:
        change["PhysicalResourceId"] = physical
    return change


def _modify(old: Definition, new: Definition, physical: str | None, action: str) -> dict[str, Any]:
    change = _change("Modify", new, physical)
    change["Replacement"] = "True" if action == "replace" else "False"
    if action == "replace":
        change["PolicyAction"] = f"ReplaceAnd{_kept(new.replace_policy)}"
    if says_yes(new.ground.get("Conditional")):
        change |= {"Replacement": "Conditional"}
    details: list[dict[str, Any]] = []
    for name in changed_properties(old, new):
        attribute = "Tags" if name == "Tags" else "Properties"
        target: dict[str, Any] = {"Attribute": attribute, "RequiresRecreation": "Never"}
        if attribute == "Properties":
            target |= {"Name": name, "RequiresRecreation": requires_recreation(new.type, name)}
        details.append(_detail(target, "Static", "DirectModification"))
    if old.tags != new.tags and new.taggable:
        details.append(
            _detail({"Attribute": "Tags", "RequiresRecreation": "Never"}, "Static", "DirectModification")
        )
    if old.metadata != new.metadata:
        details.append(
            _detail({"Attribute": "Metadata", "RequiresRecreation": "Never"}, "Static", "DirectModification")
        )
    if new.is_nested and not details:
        details.append(
            _detail({"Attribute": "Properties", "RequiresRecreation": "Never"}, "Dynamic", "Automatic")
        )
    for target_name in sorted(new.references) if not details else ():
        detail = _detail(
            {"Attribute": "Properties", "RequiresRecreation": "Never"}, "Static", "ResourceReference"
        )
        details.append(detail | {"CausingEntity": target_name})
    change["Scope"] = sorted({str(detail["Target"]["Attribute"]) for detail in details})
    change["Details"] = details
    return change


def _dynamic(definition: Definition, physical: str | None, causes: list[tuple[str, str]]) -> dict[str, Any]:
    change = _change("Modify", definition, physical)
    change["Replacement"] = "False"
    change["Scope"] = ["Properties"]
    change["Details"] = [
        _detail({"Attribute": "Properties", "RequiresRecreation": "Never"}, "Dynamic", "ResourceAttribute")
        | {"CausingEntity": f"{target}.{attribute}"}
        for target, attribute in causes
    ]
    return change


def _detail(target: dict[str, Any], evaluation: str, source: str) -> dict[str, Any]:
    return {"Target": target, "Evaluation": evaluation, "ChangeSource": source}
