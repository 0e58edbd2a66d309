"""What is known of stacks: their events in time, and the state that follows from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.fakes.cloudformation.changesets import ChangeSet
    from tests.fakes.cloudformation.resources import Definition
    from tests.fakes.cloudformation.versions import Version


@dataclass(slots=True)
class Event:
    """One line of a stack's history. `time` is unix seconds; it may lie in the future."""

    time: float
    event_id: str
    logical_id: str
    type: str
    status: str
    reason: str = ""
    physical_id: str | None = None
    token: str | None = None
    operation_id: str | None = None
    detailed_status: str | None = None
    properties: str | None = None
    definition: Definition | None = None
    about_stack: bool = False


@dataclass(slots=True)
class ResourceState:
    """A resource as the events up to some moment leave it."""

    logical_id: str
    type: str
    status: str
    time: float
    reason: str = ""
    physical_id: str | None = None
    definition: Definition | None = None

    @property
    def in_flight(self) -> bool:
        return self.status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}

    @property
    def exists(self) -> bool:
        return self.status not in {"DELETE_COMPLETE", "DELETE_SKIPPED"}


@dataclass(frozen=True)
class Baseline:
    """The state that a rollback goes back to."""

    started: float
    version: Version
    resources: dict[str, ResourceState]
    outputs: list[dict[str, str]]


@dataclass(slots=True)
class Operation:
    """One operation on one stack, as DescribeEvents groups it."""

    operation_id: str
    kind: str
    started: float


@dataclass
class Stack:
    name: str
    stack_id: str
    region: str
    created: float
    parent_id: str | None = None
    root_id: str | None = None
    events: list[Event] = field(default_factory=list)
    versions: list[tuple[float, Version]] = field(default_factory=list)
    outputs: list[tuple[float, list[dict[str, str]]]] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    executed_change_set: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    policy: str | None = None
    baseline: Baseline | None = None
    recorded: bool = False

    def visible(self, now: float) -> list[Event]:
        """The events up to `now`, oldest first."""
        return [event for event in self.events if event.time <= now]

    def last_stack_event(self, now: float) -> Event | None:
        return next(
            (event for event in reversed(self.events) if event.about_stack and event.time <= now), None
        )

    def status(self, now: float) -> str:
        event = self.last_stack_event(now)
        return event.status if event else "REVIEW_IN_PROGRESS"

    def in_progress(self, now: float) -> bool:
        return self.status(now).endswith("_IN_PROGRESS") and self.status(now) != "REVIEW_IN_PROGRESS"

    def deleted(self, now: float) -> bool:
        return self.status(now) == "DELETE_COMPLETE"

    def version(self, now: float) -> Version | None:
        return next((version for since, version in reversed(self.versions) if since <= now), None)

    def outputs_at(self, now: float) -> list[dict[str, str]]:
        return next((outputs for since, outputs in reversed(self.outputs) if since <= now), [])

    def resources(self, now: float, only: Collection[str] | None = None) -> dict[str, ResourceState]:
        """Every resource the stack ever had (or those in `only`), as of `now`."""
        states: dict[str, ResourceState] = {}
        for event in self.events:
            if event.time > now or event.about_stack or (only is not None and event.logical_id not in only):
                continue
            known = states.get(event.logical_id)
            if known and event.status.startswith("DELETE_") and event.physical_id != known.physical_id:
                continue
            states[event.logical_id] = ResourceState(
                event.logical_id,
                event.type,
                event.status,
                event.time,
                event.reason,
                event.physical_id
                or (known.physical_id if known and not event.status.startswith("CREATE") else None),
                event.definition or (known.definition if known else None),
            )
        return states

    def failed_attempts(self, logical_id: str, status: str, now: float) -> int:
        """How often the resource itself failed, cancellations left out."""
        return sum(
            event.logical_id == logical_id and event.status == status and "cancelled" not in event.reason
            for event in self.visible(now)
        )

    def forget_after(self, when: float) -> None:
        """Drop the planned future."""
        self.events = [event for event in self.events if event.time <= when]
        self.versions = [item for item in self.versions if item[0] <= when]
        self.outputs = [item for item in self.outputs if item[0] <= when]
        self.operations = [operation for operation in self.operations if operation.started <= when]


@dataclass
class Region:
    """All stacks of one region, deleted ones included."""

    name: str
    stacks: dict[str, Stack] = field(default_factory=dict)

    def find(self, name_or_id: str, now: float) -> Stack | None:
        """By id, or by the name of a stack that is not deleted."""
        stack = self.stacks.get(name_or_id)
        if stack is not None:
            return stack if stack.created <= now else None
        for stack in reversed(self.stacks.values()):
            if stack.name == name_or_id and stack.created <= now and not stack.deleted(now):
                return stack
        return None

    def alive(self, now: float) -> Iterator[Stack]:
        """Newest first."""
        for stack in reversed(self.stacks.values()):
            if stack.created <= now and not stack.deleted(now):
                yield stack

    def every(self, now: float) -> Iterator[Stack]:
        for stack in reversed(self.stacks.values()):
            if stack.created <= now:
                yield stack

    def forget_after(self, stack: Stack, when: float) -> None:
        """Drop the planned future of a stack and of the stacks nested in it."""
        stack.forget_after(when)
        for child in [child for child in self.stacks.values() if child.parent_id == stack.stack_id]:
            if child.created > when:
                self._drop(child)
            else:
                self.forget_after(child, when)

    def _drop(self, stack: Stack) -> None:
        self.stacks.pop(stack.stack_id, None)
        for child in [child for child in self.stacks.values() if child.parent_id == stack.stack_id]:
            self._drop(child)


def as_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)
