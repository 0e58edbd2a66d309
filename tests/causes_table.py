"""The causes found in a folder of event logs: `python -m tests.causes_table FOLDER [--expected FILE]`.

A log is a `*.jsonl` file, one event a line: `timestamp` (ISO or unix seconds) or `t` (seconds of some day),
`stack`, `logical_id`, `type`, `status`, and where known `reason`, `is_stack`, `EventId`. All may be missing.
FILE is JSON: `{"FILE#NUMBER": ["LogicalId", …]}`. Exits with 1 where an operation that failed has no cause
although the log holds a failure that was not a cancelled one, or where causes differ from the expected ones.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import STACK_TYPE, Verdict
from deploy_action.diagnosis.causes import causes_of
from tests.fakes.cloudformation.recording import moment_of

_SUFFIX = re.compile(r"-[A-Z0-9]{10,14}$")
_CANCELLED = re.compile("cancel", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One operation of one root stack; `number` counts from 1 in its file, by root stack and time."""

    file: str
    number: int
    root: str
    operation: Operation

    @property
    def status(self) -> str:
        return next((s.status for s in self.operation.roots if s.name == self.root), "")

    @property
    def failed(self) -> bool:
        bad = {Verdict.FAILED, Verdict.ROLLED_BACK}
        return any(
            stack.verdict in bad or any(event.is_stack for event in stack.failures)
            for stack in self.operation.roots
        )

    @property
    def lost(self) -> bool:
        """It failed, and a failure that was not cancelled is in the log, but no cause was found."""
        told = [e for s in self.operation.stacks.values() for e in s.failures]
        real = [e for e in told if not e.is_stack and not _CANCELLED.search(e.reason)]
        deploying = [
            e for e in real if all(e.event_id not in s.afterwards for s in self.operation.stacks.values())
        ]
        return self.failed and bool(deploying) and not causes_of(self.operation)


def operations_in(file: Path) -> list[Found]:
    """All operations of a log; rows that are no objects or have no status or time are left out."""
    rows = sorted(_rows(file), key=moment_of)
    names = {_stack(row) for row in rows}
    parents = {name: _parent(name, names, rows) for name in names}
    by_root: dict[str, list[StackEvent]] = defaultdict(list)
    for number, row in enumerate(rows):
        root = _stack(row)
        seen = {root}
        while (above := parents[root]) is not None and above[0] not in seen:
            root = above[0]
            seen.add(root)
        by_root[root].append(_event(row, number, parents))
    found = [(root, operation) for root, events in by_root.items() for operation in _split(root, events)]
    return [Found(file.name, number, root, op) for number, (root, op) in enumerate(found, 1)]


def _rows(file: Path) -> list[dict[str, Any]]:
    found = []
    for line in file.read_text("utf-8", errors="replace").splitlines():
        try:
            row = json.loads(line)
            moment_of(row)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        if row.get("status"):
            found.append(row)
    return found


def _stack(row: dict[str, Any]) -> str:
    return str(row.get("stack") or "unknown")


def _parent(name: str, names: set[str], rows: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The stack and logical id that a nested stack's name tells: `PARENT-LOGICALID-SUFFIX`, parts cut off."""
    base = _SUFFIX.sub("", name)
    if base == name:
        return None
    best: tuple[str, str] | None = None
    for row in rows:
        above, logical = _stack(row), str(row.get("logical_id") or "")
        if row.get("type") != STACK_TYPE or _is_stack(row) or above == name or above not in names:
            continue
        start, _, end = base.rpartition("-")
        fits = len(end) >= 3 and logical.startswith(end) and above.startswith(start)
        if fits and (best is None or len(above) > len(best[0])):
            best = (above, logical)
    return best


def _is_stack(row: dict[str, Any]) -> bool:
    told = row.get("is_stack")
    if told is not None:
        return bool(told)
    return row.get("type") == STACK_TYPE and row.get("logical_id") == _stack(row)


def _id(name: str) -> str:
    return f"arn:log:stack/{name}/0"


def _event(row: dict[str, Any], number: int, parents: dict[str, tuple[str, str] | None]) -> StackEvent:
    stack, logical = _stack(row), str(row.get("logical_id") or "unknown")
    physical = ""
    if _is_stack(row):
        physical = _id(stack)
    elif row.get("type") == STACK_TYPE:
        physical = next((_id(name) for name, above in parents.items() if above == (stack, logical)), "")
    return StackEvent(
        event_id=f"{number}",
        region="log",
        stack_id=_id(stack),
        logical_id=logical,
        physical_id=physical,
        resource_type=str(row.get("type") or ""),
        status=str(row["status"]),
        timestamp=moment_of(row),
        reason=str(row.get("reason") or ""),
        detailed_status=str(row.get("DetailedStatus") or ""),
    )


def _split(root: str, events: list[StackEvent]) -> list[Operation]:
    found = [Operation()]
    for event in events:
        known = found[-1].stacks.get(_id(root))
        begins = event.starts_operation and event.stack_id == _id(root)
        if begins and known is not None and known.ended is not None and not known.in_progress:
            found.append(Operation())
        found[-1].apply(event)
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Causes found in a folder of event logs.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--expected", type=Path, help="JSON: FILE#NUMBER to logical ids")
    options = parser.parse_args(arguments)
    expected: dict[str, list[str]] = json.loads(options.expected.read_text()) if options.expected else {}
    bad = 0
    for file in sorted(options.folder.glob("*.jsonl")):
        for found in operations_in(file):
            causes = causes_of(found.operation) if found.failed else ()
            print(f"{found.file} #{found.number} {found.root} {found.status or 'n/a'}")
            for cause in causes:
                title = cause.remedy.title if cause.remedy else "no advice"
                print(f"    {cause.name} ({cause.resource_type}) [{title}] {cause.message[:100]!r}")
            wanted = expected.get(f"{found.file}#{found.number}")
            names = [cause.logical_id for cause in causes]
            if wanted is not None and wanted != names:
                print(f"    DIFFERS: expected {wanted}")
                bad += 1
            if found.lost:
                print("    LOST: it failed, and the log says why, but no cause was found")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
