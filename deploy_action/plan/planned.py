"""The plan for all stacks together: the one model of a plan, whoever shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from deploy_action.plan.data_guard import Guarded

if TYPE_CHECKING:
    from deploy_action.cloudformation.change_set import Change
    from deploy_action.cloudformation.change_set_tree import PlannedStack

OUTPUT_BYTES_MAX = 200_000
"""Of the output `changes`: those of all steps of a job may have 1 MB together."""


class Deed(Enum):
    """The fate of a resource, the most severe first."""

    DELETE = "deleted"
    REPLACE = "replaced"
    PERHAPS = "perhaps replaced"
    UNKNOWN = "not known before"
    CHANGE = "changed"
    IMPORT = "imported"
    ADD = "added"
    NOTE = "noted only"
    """`SyncWithActual`: the resource stays as it is, and CloudFormation takes note of that."""


@dataclass(frozen=True, slots=True)
class PlannedResource:
    """One resource in the stack at `path`."""

    path: str
    deed: Deed
    change: Change

    @property
    def kept(self) -> str:
        """`Retain` or `Snapshot`, where the resource goes from the stack and a policy keeps it."""
        policy = self.change.policy_action.removeprefix("ReplaceAnd")
        return policy if self.deed in {Deed.DELETE, Deed.REPLACE} and policy != "Delete" else ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`stacks`: each root with its nested ones behind it. `new`: paths of root stacks that are made only now.
    `refused`: why a change set could not be made; empty where all could."""

    stacks: tuple[PlannedStack, ...] = ()
    new: tuple[str, ...] = ()
    guarded: Guarded = field(default_factory=Guarded)
    drift: tuple[str, ...] = ()
    """Sentences about what is known of drift."""
    deploying: tuple[str, ...] = ()
    """Sentences about who deploys there now."""
    refused: str = ""

    @property
    def resources(self) -> tuple[PlannedResource, ...]:
        """The most severe first, within that in the order of the stacks. A nested stack whose own changes are
        known is no resource besides them, unless it goes or comes as a whole."""
        paths = {planned.path for planned in self.stacks}
        found = [
            PlannedResource(planned.path, deed_of(change), change)
            for planned in self.stacks
            for change in planned.change_set.changes
            if f"{planned.path}/{change.logical_id}" not in paths or deed_of(change) is not Deed.CHANGE
        ]
        order = list(Deed)
        return tuple(sorted(found, key=lambda one: order.index(one.deed)))

    @property
    def counts(self) -> dict[Deed, int]:
        """By deed, without those that do not occur."""
        deeds = [one.deed for one in self.resources]
        return {deed: deeds.count(deed) for deed in Deed if deed in deeds}

    @property
    def gaps(self) -> tuple[str, ...]:
        """Sentences about what is not known of nested stacks."""
        return tuple(sentence for planned in self.stacks for sentence in planned.gaps)

    @property
    def arns(self) -> tuple[str, ...]:
        """Of the change sets of the root stacks that change something."""
        return tuple(
            planned.change_set.arn
            for planned in self.stacks
            if "/" not in planned.path and planned.change_set.changes
        )


@dataclass(frozen=True, slots=True)
class PlanOutputs:
    """The outputs of a plan for later steps of the job. Texts; `changes` is JSON."""

    count: int = 0
    changes: str = "[]"
    markdown: str = ""


def deed_of(change: Change) -> Deed:
    if change.action == "Modify":
        return {"True": Deed.REPLACE, "Conditional": Deed.PERHAPS}.get(change.replacement, Deed.CHANGE)
    return {
        "Add": Deed.ADD,
        "Remove": Deed.DELETE,
        "Import": Deed.IMPORT,
        "SyncWithActual": Deed.NOTE,
    }.get(change.action, Deed.UNKNOWN)


def changes_as_json(resources: tuple[tuple[str, Change], ...], *, bytes_max: int = OUTPUT_BYTES_MAX) -> str:
    """A list of what is planned, by (path of the stack, change). Of what would be too long the properties are
    left out, then the end."""
    rows = [_row(path, change) for path, change in resources]
    text = json.dumps(rows)
    if len(text) > bytes_max:
        rows = [{**row, "properties": []} for row in rows]
        text = json.dumps(rows)
    while len(text) > bytes_max and rows:
        rows = rows[: len(rows) // 2]
        text = json.dumps(rows)
    return text


def _row(path: str, change: Change) -> dict[str, Any]:
    return {
        "stack": path,
        "action": change.action,
        "logical_id": change.logical_id,
        "resource_type": change.resource_type,
        "physical_id": change.physical_id,
        "replacement": change.replacement,
        "policy_action": change.policy_action,
        "properties": [
            {"path": one.path, "before": one.before, "after": one.after} for one in change.properties
        ],
    }
