"""How long CloudFormation takes for one resource of a type: a prior, from published and measured durations.

The table (`deploy_action/data/resource-durations.tsv`) names its sources in its first line. Its averages are
within a factor of two of measured medians for 40 of 48 types, and tails are heavy: the intervals are wide.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ACTIONS = ("CREATE", "UPDATE", "DELETE")
UNMADE_SHARE = 0.02
AVERAGE_WEIGHT = 1.0
"""A published average rests on many stacks, but on those of other people: it weighs as one measurement."""
ODD_FACTOR, ODD_MAX = 3.0, 2
"""One or two measurements that are further than this from the average are odd until more say so."""


def blended(average: float, measured: float, count: int) -> tuple[float, int]:
    """Seconds, and how many measurements they rest on; a zero average or measurement is not known.

    In logarithms, since durations spread by factors. One odd measurement does not replace an average: half
    its weight is left, and the number it rests on is none, so that the interval stays wide.
    """
    if not average or not measured or not count:
        return (measured, count) if measured else (average, 0)
    odd = count <= ODD_MAX and abs(math.log(measured / average)) > math.log(ODD_FACTOR)
    weight = count / (count + AVERAGE_WEIGHT) * (0.5 if odd else 1.0)
    return average * (measured / average) ** weight, 0 if odd else count


def parse_table(text: str) -> dict[tuple[str, str], float]:
    """Seconds by (type, action): medians blended with averages, of which 0 and 1 count as not known.

    Nor does a single deletion count that took next to nothing of what the creation takes: of what was never
    really made.
    """
    return {key: seconds for key, (seconds, _) in _parsed(text).items()}


def parse_samples(text: str) -> dict[tuple[str, str], int]:
    """How many measurements a (type, action) rests on; absent where there is only an average."""
    return {key: count for key, (_, count) in _parsed(text).items() if count}


@lru_cache(maxsize=1)
def _parsed(text: str) -> dict[tuple[str, str], tuple[float, int]]:
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for row in _rows(text):
        for action in _ACTIONS:
            name = action.lower()
            average = float(row.get(f"avg_{name}") or 0)
            measured, count = float(row.get(f"{name}_median") or 0), int(row.get(f"{name}_n") or 0)
            made, _ = found.get((row["type"], "CREATE"), (0.0, 0))
            if action == "DELETE" and count == 1 and measured < UNMADE_SHARE * made:
                measured, count = 0.0, 0
            seconds, samples = blended(average if average > 1 else 0.0, measured, count)
            if seconds:
                found[row["type"], action] = (seconds, samples)
    return found


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
