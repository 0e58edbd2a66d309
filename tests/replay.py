"""Real event logs, one operation at a time, as the test server can play them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.stacks import is_in_progress
from tests.fakes.cloudformation.recording import moment_of, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]
STARTS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "IMPORT_IN_PROGRESS"}


def logs_folder() -> Path:
    """`CFN_LOGS`, or `shared/cfn-logs` beside the repository; it may be absent."""
    return Path(os.environ.get("CFN_LOGS") or Path(__file__).parents[2] / "shared" / "cfn-logs")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One operation of a log: its rows in order of time, those of nested stacks included."""

    name: str
    root: str
    rows: tuple[Row, ...]

    @property
    def began(self) -> float:
        """Unix seconds of the log."""
        return moment_of(self.rows[0])

    @property
    def ended(self) -> float | None:
        """When its root stack was at rest; None where the log ends before."""
        own = [row for row in self.rows if row["stack"] == self.root]
        last = own[-1]
        at_rest = last["is_stack"] and not is_in_progress(last["status"])
        return moment_of(last) if at_rest else None

    @property
    def seconds(self) -> float:
        return moment_of(self.rows[-1]) - self.began


def operations_of(file: Path) -> Iterator[Recorded]:
    """The operations of a log's first stack: one ends where the next begins with the stack at rest."""
    rows = sorted(read_jsonl(file), key=moment_of)
    if not rows:
        return
    root = str(rows[0]["stack"])
    current: list[Row] = []
    at_rest = False
    number = 1
    for row in rows:
        about_root = row["is_stack"] and row["stack"] == root
        if about_root and at_rest and row["status"] in STARTS:
            yield Recorded(f"{file.stem}#{number}", root, tuple(current))
            current, number = [], number + 1
        if about_root:
            at_rest = not is_in_progress(row["status"]) and row["status"] != "REVIEW_IN_PROGRESS"
        current.append(row)
    yield Recorded(f"{file.stem}#{number}", root, tuple(current))
