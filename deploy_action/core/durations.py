"""How long CloudFormation takes for one resource of a type: a prior, from a table of published averages.

The table (`deploy_action/data/resource-durations.tsv`) names its sources in its first line. Its averages are
within a factor of two of measured medians for 40 of 48 types, and tails are heavy: the intervals are wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIONS = ("CREATE", "UPDATE", "DELETE")
UNMADE_SHARE = 0.02


def parse_table(text: str) -> dict[tuple[str, str], float]:
    """Seconds by (type, action); measured medians before averages, 0 and 1 count as not known.

    Nor does a single deletion count that took next to nothing of what the creation takes: of what was never
    really made.
    """
    found: dict[tuple[str, str], float] = {}
    for row in _rows(text):
        for action in _ACTIONS:
            name = action.lower()
            median, average = row.get(f"{name}_median") or "0", row.get(f"avg_{name}") or "0"
            seconds = float(median) or (float(average) if float(average) > 1 else 0.0)
            made = found.get((row["type"], "CREATE"), 0.0)
            if action == "DELETE" and row.get("delete_n") == "1" and seconds < UNMADE_SHARE * made:
                continue
            if seconds:
                found[row["type"], action] = seconds
    return found


def parse_samples(text: str) -> dict[tuple[str, str], int]:
    """How many measurements a (type, action) rests on; absent where there is only an average."""
    return {
        (row["type"], action): int(count)
        for row in _rows(text)
        for action in _ACTIONS
        if (count := row.get(f"{action.lower()}_n") or "0") != "0" and row.get(f"{action.lower()}_median")
    }


def _rows(text: str) -> Iterator[dict[str, str]]:
    header: list[str] = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        cells = line.split("\t")
        if not header:
            header = cells
            continue
        yield dict(zip(header, cells, strict=False))
