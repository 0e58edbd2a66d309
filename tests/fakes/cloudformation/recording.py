"""Serving a real event log as the life of a stack."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from tests.fakes.cloudformation.resources import NESTED
from tests.fakes.cloudformation.stacks import Event, Operation, Region, Stack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.fakes.cloudformation.world import World

_KINDS = {
    "CREATE": "CREATE_STACK",
    "UPDATE": "UPDATE_STACK",
    "DELETE": "DELETE_STACK",
    "ROLLBACK": "ROLLBACK",
}


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of an event log, oldest first as the file has them."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def moment_of(row: Mapping[str, Any]) -> float:
    """Unix seconds of a row: `timestamp` (ISO or a number), `Timestamp`, or `t`, the seconds of some day."""
    stamp = row.get("timestamp", row.get("Timestamp"))
    if stamp is None:
        return float(row["t"])
    if isinstance(stamp, int | float):
        return float(stamp)
    if isinstance(stamp, dt.datetime):
        return stamp.timestamp()
    return dt.datetime.fromisoformat(str(stamp)).timestamp()


def load(
    world: World,
    region: Region,
    stack_name: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    start: float | None = None,
    skip_seconds: float = 0.0,
) -> Stack:
    """Put the recorded stacks in place and give the one called `stack_name`.

    With `start` (unix seconds) the first row, or what happens `skip_seconds` after it, is moved to that
    moment; without it the recorded times stand. Other stacks named by the rows become its nested stacks.
    """
    names = list(dict.fromkeys(str(row.get("stack", stack_name)) for row in rows))
    if stack_name not in names:
        raise ValueError(f"no row is about {stack_name!r}; the recording has {names}")
    shift = 0.0 if start is None or not rows else start - min(map(moment_of, rows)) - skip_seconds
    stacks: dict[str, Stack] = {}
    for name in sorted(names, key=lambda name: name != stack_name):
        own = [row for row in rows if str(row.get("stack", stack_name)) == name]
        stack = world.new_stack(region, name, min(map(moment_of, own)) + shift)
        if name != stack_name:
            stack.parent_id = stack.root_id = stacks[stack_name].stack_id
        stack.recorded = True
        stacks[name] = stack
    for name, stack in stacks.items():
        own = [row for row in rows if str(row.get("stack", stack_name)) == name]
        stack.events = _events(world, stack, stacks, own, shift)
        stack.operations = _operations(stack.events)
    return stacks[stack_name]


def _events(
    world: World, stack: Stack, stacks: Mapping[str, Stack], rows: Iterable[Mapping[str, Any]], shift: float
) -> list[Event]:
    events: list[Event] = []
    physical: dict[str, str] = {}
    for number, row in enumerate(rows):
        event = _event(world, stack, row, shift, number)
        if event.about_stack:
            event.physical_id = stack.stack_id
        elif event.physical_id is None:
            _invent_physical_id(world, stack, stacks, event, physical)
        events.append(event)
    return sorted(events, key=lambda event: event.time)


def _event(world: World, stack: Stack, row: Mapping[str, Any], shift: float, number: int) -> Event:
    time = round(moment_of(row) + shift, 3)
    logical, status = str(row["logical_id"]), str(row["status"])
    about_stack = bool(row.get("is_stack"))
    invented = (
        world.ids.time_uuid(time, stack.name, status, number)
        if about_stack
        else f"{logical}-{world.ids.random_uuid('recorded', stack.name, logical, status, number)}"
    )
    return Event(
        time=time,
        event_id=str(row.get("EventId") or invented),
        logical_id=logical,
        type=str(row["type"]),
        status=status,
        reason=str(row.get("reason") or ""),
        physical_id=row.get("physical_id"),
        token=row.get("ClientRequestToken"),
        operation_id=row.get("OperationId"),
        detailed_status=row.get("DetailedStatus"),
        about_stack=about_stack,
    )


def _invent_physical_id(
    world: World, stack: Stack, stacks: Mapping[str, Stack], event: Event, physical: dict[str, str]
) -> None:
    first = event.status == "CREATE_IN_PROGRESS" and not event.reason
    if first:
        physical.pop(event.logical_id, None)
        return
    if event.type == NESTED:
        child = next(
            (child for name, child in stacks.items() if _is_child(stack.name, event.logical_id, name)), None
        )
        if child is not None:
            child.parent_id = stack.stack_id
            physical[event.logical_id] = child.stack_id
    if event.status == "CREATE_FAILED" and event.logical_id not in physical and event.type != NESTED:
        event.physical_id = ""  # it was refused before anything was made
        return
    if event.logical_id not in physical:
        suffix = world.ids.suffix(12, stack.name, event.logical_id)
        physical[event.logical_id] = f"{stack.name}-{event.logical_id}-{suffix}"
    event.physical_id = physical[event.logical_id]


def _is_child(parent: str, logical: str, name: str) -> bool:
    """Whether a name is the one that CloudFormation makes for a nested stack; both parts may be cut short."""
    stem = name.rpartition("-")[0]
    places = [index for index, letter in enumerate(stem) if letter == "-"]
    return any(
        parent.startswith(stem[:place]) and logical.startswith(stem[place + 1 :])
        for place in places
        if stem[place + 1 :]
    )


def _operations(events: Sequence[Event]) -> list[Operation]:
    operations: dict[str, Operation] = {}
    for event in events:
        if event.operation_id and event.operation_id not in operations:
            kind = (
                "ROLLBACK"
                if "ROLLBACK" in event.status
                else _KINDS.get(event.status.split("_")[0], "UPDATE_STACK")
            )
            operations[event.operation_id] = Operation(event.operation_id, kind, event.time)
    return list(operations.values())
