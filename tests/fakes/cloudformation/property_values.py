"""What a change set tells of properties with `IncludePropertyValues`.

The members are those of botocore's model. Assumed, since no document says it: paths are JSON pointers into
the resource; a value that is no text is JSON; a value of a resource that is made or replaced is
`{{changeSet:KNOWN_AFTER_APPLY}}`; the value of a NoEcho parameter is `****` wherever it stands; a dynamic
reference stays as it is in the template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.resources import fill_markers, markers
from tests.fakes.cloudformation.stacks import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.cloudformation.changesets import ChangeSet
    from tests.fakes.cloudformation.resources import Definition
    from tests.fakes.cloudformation.stacks import ResourceState
    from tests.fakes.cloudformation.versions import Version

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"


def with_values(change_set: ChangeSet, row: dict[str, Any]) -> dict[str, Any]:
    """A row of `Changes`, with before and after."""
    change = dict(row["ResourceChange"])
    name, states = change["LogicalResourceId"], change_set.states
    old = states[name].definition if name in states else None
    new = change_set.version.definitions.get(name)
    before = _shown(old, change_set.before, states, set())
    made = {
        item["ResourceChange"]["LogicalResourceId"]
        for item in change_set.changes
        if item["ResourceChange"]["Action"] == "Add" or item["ResourceChange"].get("Replacement") == "True"
    }
    after = _shown(new, change_set.version, states, made)
    if old is not None and change["Action"] != "Add":
        change["BeforeContext"] = as_json(_context(before, old))
    if new is not None and change["Action"] != "Remove":
        change["AfterContext"] = as_json(_context(after, new))
    change["Details"] = [_detail(detail, before, after) for detail in change.get("Details", ())]
    return {**row, "ResourceChange": change}


def _shown(
    definition: Definition | None,
    version: Version | None,
    states: Mapping[str, ResourceState],
    made: set[str],
) -> dict[str, Any]:
    if definition is None or version is None:
        return {}
    known: dict[tuple[str, str], Any] = {}
    for name, attribute in markers(dict(definition.properties)):
        state = states.get(name)
        later = name in made or state is None or attribute
        known[name, attribute] = LATER if later else state.physical_id if state else LATER
    text = fill_markers(dict(definition.properties), known)
    declared = version.template.parameters
    secrets = [
        value
        for name, value in version.parameters.items()
        if str(declared.get(name, {}).get("NoEcho", "")).lower() == "true" and value
    ]
    return dict(_starred(text, secrets))


def _starred(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _starred(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_starred(item, secrets) for item in value]
    for secret in secrets:
        value = value.replace(secret, "****") if isinstance(value, str) else value
    return value


def _context(properties: dict[str, Any], definition: Definition) -> dict[str, Any]:
    context: dict[str, Any] = {"Properties": properties} if properties else {}
    if definition.deletion_policy != "Delete":
        context["DeletionPolicy"] = definition.deletion_policy
    if definition.replace_policy != "Delete":
        context["UpdateReplacePolicy"] = definition.replace_policy
    return context


def _detail(detail: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    target = dict(detail["Target"])
    name = target.get("Name")
    if target.get("Attribute") != "Properties" or not name:
        return detail
    was, will = before.get(name), after.get(name)
    target["Path"] = f"/Properties/{name}"
    target["AttributeChangeType"] = "Add" if was is None else "Remove" if will is None else "Modify"
    for member, value in (("BeforeValue", was), ("AfterValue", will)):
        if value is not None:
            target[member] = value if isinstance(value, str) else as_json(value)
    return {**detail, "Target": target}


def _drifted(states: Mapping[str, ResourceState]) -> dict[str, dict[str, Any]]:
    """By logical id, what somebody set properties to: `Metadata: {TestGround: {Drift: {NAME: VALUE}}}`."""
    return {
        name: dict(state.definition.ground["Drift"])
        for name, state in states.items()
        if state.definition is not None and state.definition.ground.get("Drift")
    }


def drift_of_stack(change_set: ChangeSet) -> str | None:
    """Of drift-aware change sets only."""
    if change_set.deployment_mode is None:
        return None
    return "DRIFTED" if _drifted(change_set.states) else "IN_SYNC"


def with_drift(
    states: Mapping[str, ResourceState], version: Version, changes: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The changes of a drift-aware change set: also what brings back what somebody changed by hand."""
    rows = {row["ResourceChange"]["LogicalResourceId"]: row for row in changes}
    for name, actual in _drifted(states).items():
        definition = version.definitions.get(name)
        if definition is None:
            continue
        row = rows.setdefault(
            name,
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": "Modify",
                    "LogicalResourceId": name,
                    "PhysicalResourceId": states[name].physical_id,
                    "ResourceType": definition.type,
                    "Replacement": "False",
                    "Scope": ["Properties"],
                    "Details": [],
                },
            },
        )
        change = row["ResourceChange"]
        change["ResourceDriftStatus"] = "MODIFIED"
        change["Details"] = [*change["Details"], *(_reverted(definition, *item) for item in actual.items())]
    return [rows[name] for name in sorted(rows)]


def _reverted(definition: Definition, name: str, actual: Any) -> dict[str, Any]:
    wanted = definition.properties.get(name)
    text = wanted if isinstance(wanted, str) else as_json(wanted)
    now = actual if isinstance(actual, str) else as_json(actual)
    return {
        "Target": {
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": "Never",
            "BeforeValueFrom": "ACTUAL_STATE",
            "AfterValueFrom": "TEMPLATE",
            "Drift": {"PreviousValue": text, "ActualValue": now},
        },
        "Evaluation": "Static",
        "ChangeSource": "NoModification",
    }
