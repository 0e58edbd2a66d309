"""The order of resources, as the newest good runs of a stack show it: learned pair by pair.

One run orders all that it touched, and most of that order is chance. What began right after another one
ended may have waited for it; what began before another one ended did not; of any other pair nothing is known,
and what their types usually wait for decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.history.operations import OperationRecord, ResourceTiming

_ORDERED_RUNS = 5
_TOLERANCE_SECONDS = 0.3
DIRECT_SECONDS = 2.5
"""CloudFormation begins what has waited within this time (median of the real event logs: 0.6 s)."""
_WAITED_MAX = 6


@dataclass(slots=True)
class Order:
    """Pairs are (what waits, what it waits for)."""

    _direct: dict[str, dict[str, float]] = field(default_factory=dict)
    """By label, those that ended right before it began, and when they ended, seconds from the run's start."""
    _never: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, runs: Sequence[OperationRecord]) -> Order:
        """Of runs of one kind, oldest first."""
        order = cls()
        for run in [run for run in runs if run.good][-_ORDERED_RUNS:]:
            order._take(run.steps)
        return order

    def _take(self, steps: Sequence[ResourceTiming]) -> None:
        for step in steps:
            for other in steps:
                if other.label == step.label:
                    continue
                if other.end > step.start + _TOLERANCE_SECONDS:
                    self._never.add((step.label, other.label))
                elif step.start - other.end <= DIRECT_SECONDS:
                    self._direct.setdefault(step.label, {})[other.label] = other.end

    def waits_for(self, label: str, among: set[str]) -> list[str]:
        """Those `among` that it waits for, the last to end first; also through others that are not among."""
        found: dict[str, float] = {}
        pending, seen = [label], {label}
        while pending:
            for other, end in self._waited(pending.pop()).items():
                if other in seen:
                    continue
                seen.add(other)
                if other not in among:
                    pending.append(other)
                elif (label, other) not in self._never:
                    found[other] = end
        return sorted(found, key=lambda other: -found[other])[:_WAITED_MAX]

    def _waited(self, label: str) -> dict[str, float]:
        return {o: end for o, end in self._direct.get(label, {}).items() if (label, o) not in self._never}

    def contradicts(self, label: str, other: str) -> bool:
        """It was seen to begin before the other one had ended."""
        return (label, other) in self._never
