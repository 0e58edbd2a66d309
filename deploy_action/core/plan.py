"""What a deployment is about to do, as far as it is known before: the change set's changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.core.runs import fingerprint, stable_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.core.change_set import Change

_ACTIONS = {"Add": "CREATE", "Modify": "UPDATE", "Remove": "DELETE", "Import": "IMPORT", "Dynamic": "UPDATE"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One resource. `label` is its stable name; `action` CREATE, UPDATE, DELETE or IMPORT."""

    label: str
    resource_type: str
    action: str
    replacement: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to one root stack (`REGION/NAME`). `kind`: create, update, delete or import.

    `changes` is None where they are not known. `graph` maps stable names of changed resources to
    those they wait for; None where the template is not at hand.
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
    graph: Mapping[str, Iterable[str]] | None = None,
) -> Plan:
    """From a change set; `changes` None where there is none. `stack` is `REGION/NAME`.

    `graph` maps each logical id of the template to those it depends on. What is not changed is passed
    through: CloudFormation goes through it at once, in the same order.
    """
    found = tuple(changes) if changes is not None else None
    if found is None or graph is None:
        return Plan(stack, kind, planned_of(found) if found is not None else None)
    names = {one.logical_id: stable_name(one.logical_id, one.resource_type) for one in found}
    known = {names[name]: frozenset(_changed(name, graph, names)) for name in names if name in graph}
    return Plan(stack, kind, planned_of(found), known)


def _changed(name: str, graph: Mapping[str, Iterable[str]], names: Mapping[str, str]) -> set[str]:
    """The nearest changed resources that this one waits for."""
    found: set[str] = set()
    seen = {name}
    todo = list(graph.get(name, ()))
    while todo:
        other = todo.pop()
        if other in seen:
            continue
        seen.add(other)
        if other in names:
            found.add(names[other])
        else:
            todo.extend(graph.get(other, ()))
    return found


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
