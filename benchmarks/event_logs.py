"""Event logs as operations: for the benchmarks that walk through real deployments.

A log is a file of JSON lines, oldest first: `timestamp` (ISO 8601) or `t` (seconds of some day), `stack`,
`logical_id`, `type`, `status`, `is_stack`; perhaps `reason`, `physical_id`. Stacks whose name begins as
CloudFormation names a nested stack of another one in the file are nested in that one.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import STACK_TYPE, Verdict
from deploy_action.history.split_operations import split_operations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_NESTED_NAME = re.compile(r"-[A-Z0-9]{11,14}\Z")
_CUT_MIN = 12
"""So many characters of the parent's name are left in the name of a nested stack, at least."""
REGION = "eu-west-1"


@dataclass(slots=True)
class Logged:
    """One operation of one root stack: its events, oldest first, and their fold."""

    file: str
    events: list[StackEvent]
    operation: Operation
    orphan: bool = False
    """Its name is that of a nested stack, and the stack that it lies in is not in the log."""

    @property
    def trouble(self) -> str:
        """Why it cannot be judged; empty where its beginning and its end are there."""
        root = self.operation.roots[0]
        if self.orphan:
            return "it is nested, and its parent is not in the log"
        if not (self.events[0].starts_operation and self.events[0].stack_id == root.stack_id):
            return "its beginning is missing"
        if root.ended is None or root.verdict in {Verdict.RUNNING, Verdict.NONE}:
            return "its end is missing"
        return "" if root.ended > (root.started or 0.0) else "it takes no time"


def read_log(path: Path) -> tuple[list[Logged], list[str]]:
    """The operations of a log, and what was left out of it."""
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            moment_of(row), row["stack"], row["logical_id"], row["type"], row["status"]
        except (ValueError, KeyError, TypeError) as error:
            left_out.append(f"{path.name}:{number}: no event ({error!r})")
            continue
        rows.append(row)
    rows.sort(key=moment_of)
    parents = _parents(rows)
    by_root: dict[str, list[StackEvent]] = {}
    for number, row in enumerate(rows):
        by_root.setdefault(_root(str(row["stack"]), parents), []).append(_event(row, number, parents))
    whole = [
        Logged(path.name, piece, _folded(piece), _is_orphan(root, by_root))
        for root, events in by_root.items()
        for piece in split_operations(events, _arn(root))
    ]
    return whole, left_out


def _folded(events: Sequence[StackEvent]) -> Operation:
    operation = Operation()
    for event in events:
        operation.apply(event)
    return operation


def moment_of(row: Mapping[str, Any]) -> float:
    """Unix seconds, or seconds of the day."""
    stamp = row.get("timestamp")
    if stamp is None:
        return float(row["t"])
    return float(stamp) if isinstance(stamp, int | float) else dt.datetime.fromisoformat(stamp).timestamp()


def _event(row: Mapping[str, Any], number: int, parents: Mapping[str, tuple[str, str]]) -> StackEvent:
    stack, logical = str(row["stack"]), str(row["logical_id"])
    about_stack = bool(row.get("is_stack"))
    nested = next((name for name, place in parents.items() if place == (stack, logical)), None)
    physical = str(row.get("physical_id") or "")
    if about_stack or nested:
        physical = _arn(stack if about_stack or nested is None else nested)
    return StackEvent(
        event_id=str(row.get("EventId") or number),
        region=REGION,
        stack_id=_arn(stack),
        logical_id=logical,
        physical_id=physical,
        resource_type=str(row["type"]),
        status=str(row["status"]),
        timestamp=moment_of(row),
        reason=str(row.get("reason") or ""),
    )


def _arn(stack: str) -> str:
    return f"arn:aws:cloudformation:{REGION}:000000000000:stack/{stack}/logged"


def _parents(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Nested stack to (parent, logical id in it); names are PARENT-LOGICALID-SUFFIX, parts cut short."""
    stacks = list(dict.fromkeys(str(row["stack"]) for row in rows))
    places = dict.fromkeys(
        (str(row["stack"]), str(row["logical_id"]))
        for row in rows
        if row["type"] == STACK_TYPE and not row.get("is_stack")
    )
    return {
        name: place
        for name in stacks
        if (place := next((one for one in places if one[0] != name and _is_child(*one, name)), None))
    }


def _is_child(parent: str, logical: str, name: str) -> bool:
    stem = name.rpartition("-")[0]
    return any(
        letter == "-"
        and stem[index + 1 :]
        and parent.startswith(stem[:index])
        and logical.startswith(stem[index + 1 :])
        for index, letter in enumerate(stem)
    )


def _is_orphan(root: str, roots: Iterable[str]) -> bool:
    """CloudFormation ends the name of a nested stack with a random word, and cuts its parent's name short."""
    return _NESTED_NAME.search(root) is not None and any(
        other != root and other[:_CUT_MIN] == root[:_CUT_MIN] for other in roots
    )


def _root(stack: str, parents: Mapping[str, tuple[str, str]]) -> str:
    seen = {stack}
    while stack in parents and parents[stack][0] not in seen:
        stack = parents[stack][0]
        seen.add(stack)
    return stack
