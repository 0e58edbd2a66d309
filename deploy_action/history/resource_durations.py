"""The lessons of earlier deployments about a resource: how long it takes, and what it waits for.

Only operations that ended well teach; the newest ones count, since stacks change.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.history.duration_distribution import DurationDistribution, fitted, spread, tempered
from deploy_action.history.estimate import Basis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.history.operations import OperationRecord

SAMPLES_MAX = 15
"""The newest of one resource that count."""
RESOURCE_FACTOR, TYPE_FACTOR = 1.12, 1.4
"""90th percentile by median that is expected before samples say otherwise."""
PRIOR_FACTOR, MEASURED_FACTOR = 1.8, 1.3
"""The table's averages are within a factor of two of measured medians for 40 of 48 types; many measurements
elsewhere come as near as this."""
UNKNOWN_FACTOR = 3.0
NESTED_FACTOR = 4.0
"""A nested stack in which nothing changes is updated in 0.7 s, one that changes takes what it holds takes."""
_WAITS_OUTSIDE = {
    "AWS::ECS::Service",
    "AWS::CertificateManager::Certificate",
    "AWS::CloudFormation::WaitCondition",
    "AWS::CloudFormation::CustomResource",
    "AWS::Route53::RecordSet",
}
"""Ends when something outside CloudFormation says so: no table knows when."""
NESTED_SECONDS = {"CREATE": 60.0, "UPDATE": 5.0, "DELETE": 60.0}
SLOW_SECONDS, DELETED_SHARE = 60.0, 0.6
"""A resource that takes so long to make is deleted in about this share of it: a median over such types."""
UNKNOWN_SECONDS = {"CREATE": 2.5, "UPDATE": 2.0, "DELETE": 1.5}
"""Medians over types in the real event logs; the table leaves out what takes a second."""
HEAD_SECONDS = 3.0
"""From the start of an operation to its first resource."""
TAIL_SECONDS = 2.5
"""From the last resource to the end, the look for things to clean up included."""
LAST_SECONDS = {"create": 120.0, "update": 30.0, "delete": 60.0, "import": 20.0}
"""A whole operation of which nothing is known: medians of the real event logs, rounded."""


@dataclass(frozen=True, slots=True)
class Known:
    """How long, and what that rests on."""

    spread: DurationDistribution
    basis: Basis
    samples: int


@dataclass(slots=True)
class Learned:
    """Durations by resource and by type. `prior` maps (type, action) to seconds, `prior_samples` to how
    many measurements those rest on."""

    prior: Mapping[tuple[str, str], float]
    prior_samples: Mapping[tuple[str, str], int] = field(default_factory=dict)
    _resources: dict[tuple[str, str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    _types: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def teach(self, runs: Iterable[OperationRecord]) -> None:
        """Oldest first."""
        for run in runs:
            if not run.good:
                continue
            for step in (*run.steps, *run.cleanup):
                self._resources[run.stack, step.label, step.action].append(step.seconds)
                if step.resource_type != STACK_TYPE:
                    self._types[step.resource_type, step.action].append(step.seconds)

    def known(self, stack: str, label: str, resource_type: str, action: str) -> Known | None:
        """`stack` is `REGION/NAME` of the root; None where not even the table knows the type."""
        own = self._resources.get((stack, label, action), [])[-SAMPLES_MAX:]
        alike = self._types.get((resource_type, action), [])[-3 * SAMPLES_MAX :]
        # How long a nested stack takes lies in what it contains, not in its type.
        prior = self.prior.get((resource_type, action)) if resource_type != STACK_TYPE else None
        if own:
            mine = fitted(own, factor=RESOURCE_FACTOR, weight=3)
            usual = median(alike) if len(alike) > len(own) + 1 else prior
            return Known(tempered(mine, usual, len(own)) if usual else mine, Basis.RESOURCE, len(own))
        if alike:
            here = fitted(alike, factor=TYPE_FACTOR, weight=3)
            if prior and len(alike) < 3:
                # One or two of its kind weigh as much as two more that took what the table says.
                here = fitted([*alike, prior], factor=TYPE_FACTOR, weight=3)
            return Known(here, Basis.TYPE, len(alike))
        if prior:
            return Known(spread(prior, self._prior_factor(resource_type, action)), Basis.PRIOR, 0)
        return None

    def _prior_factor(self, resource_type: str, action: str) -> float:
        if resource_type in _WAITS_OUTSIDE or resource_type.startswith("Custom::"):
            return UNKNOWN_FACTOR
        count = self.prior_samples.get((resource_type, action), 0)
        return max(MEASURED_FACTOR, 1.0 + (PRIOR_FACTOR - 1.0) / math.sqrt(1 + count / 2))

    def expected(self, stack: str, label: str, resource_type: str, action: str) -> Known:
        """Always an answer: a guess with a wide spread where nothing is known."""
        found = self.known(stack, label, resource_type, action)
        if found is not None:
            return found
        if action == "DELETE" and resource_type not in _WAITS_OUTSIDE | {STACK_TYPE}:
            made = self.known(stack, label, resource_type, "CREATE")
            if made is not None and made.spread.mid >= SLOW_SECONDS:
                return Known(spread(DELETED_SHARE * made.spread.mid, UNKNOWN_FACTOR), Basis.PRIOR, 0)
        table = NESTED_SECONDS if resource_type == STACK_TYPE else UNKNOWN_SECONDS
        factor = NESTED_FACTOR if resource_type == STACK_TYPE else UNKNOWN_FACTOR
        return Known(spread(table.get(action, 2.0), factor), Basis.PRIOR, 0)


def overhead(runs: Sequence[OperationRecord]) -> tuple[float, float]:
    """Seconds before the first and after the last resource of the deploy phase, as in good runs."""
    told = [run for run in runs if run.good and run.steps][-SAMPLES_MAX:]
    if not told:
        return HEAD_SECONDS, TAIL_SECONDS
    heads = [min(step.start for step in run.steps) for run in told]
    tails = [run.deploy_seconds - max(step.end for step in run.steps) for run in told]
    return median(heads), min(60.0, max(0.0, median(tails)))
