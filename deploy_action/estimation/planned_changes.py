"""The planned changes of a deployment, as far as they are known before: the change set's changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import Change
from deploy_action.cloudformation.template_graph import nearest
from deploy_action.history.operations import fingerprint, stable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.cloudformation.template_graph import Template

_ACTIONS = {"Add": "CREATE", "Modify": "UPDATE", "Remove": "DELETE", "Import": "IMPORT", "Dynamic": "UPDATE"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One resource. `label` is its stable name; `action` CREATE, UPDATE, DELETE or IMPORT."""

    label: str
    resource_type: str
    action: str
    replacement: bool = False


@dataclass(frozen=True, slots=True)
class PlannedChanges:
    """The planned changes of one root stack (`REGION/NAME`). `kind`: create, update, delete or import.

    `changes` is None where they are not known. `graph` maps stable names of changed resources to
    those they wait for; None where the template is not at hand. Without changes it tells of all resources.
    """

    stack: str
    kind: str
    changes: tuple[Planned, ...] | None = None
    graph: Mapping[str, frozenset[str]] | None = None

    @property
    def touched(self) -> str:
        """The fingerprint of the touched set; empty where it is not known."""
        return fingerprint((one.action, one.label) for one in self.changes or ())

    @property
    def count(self) -> int:
        return len({(one.action, one.label) for one in self.changes or ()})


def plan_of(
    changes: Iterable[Change] | None,
    *,
    stack: str,
    kind: str,
    template: Template | None = None,
) -> PlannedChanges:
    """From a change set; `changes` None where there is none. `stack` is `REGION/NAME`.

    What of the template is not changed is passed through: CloudFormation goes through it at once, in the same
    order. Without a change set all of it may be changed.
    """
    found = tuple(changes) if changes is not None else None
    planned = planned_of(found) if found is not None else None
    if template is None:
        return PlannedChanges(stack, kind, planned)
    types = template.types if found is None else {one.logical_id: one.resource_type for one in found}
    names = {name: stable_name(name, type_) for name, type_ in types.items()}
    graph = template.graph
    known = {
        names[name]: frozenset(names[other] for other in nearest(name, graph, names))
        for name in names
        if name in graph
    }
    return PlannedChanges(stack, kind, planned, known)


def plan_of_template(template: Template, *, stack: str) -> PlannedChanges:
    """Of a stack that does not exist yet: all that its template names is created."""
    changes = [Change("Add", name, type_) for name, type_ in template.types.items()]
    return plan_of(changes, stack=stack, kind="create", template=template)


def planned_of(changes: Iterable[Change]) -> tuple[Planned, ...]:
    """The changes of a change set. A conditional replacement counts as one: it is the longer of the two."""
    return tuple(
        Planned(
            label=stable_name(change.logical_id, change.resource_type),
            resource_type=change.resource_type,
            action=_ACTIONS.get(change.action, "UPDATE"),
            replacement=change.replacement in {"True", "Conditional"},
        )
        for change in changes
    )
