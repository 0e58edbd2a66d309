"""The lessons of history, typed: the deployments, their runs, and the estimates that were made for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from deploy_action.history.resource_durations import Learned
from deploy_action.history.resource_order import Order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.history.estimate import Estimate
    from deploy_action.history.operations import OperationRecord


SURPLUS_MAX = 50
"""Newest deployments that say what they take beyond the operations of their stacks."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One record. `seconds` is None where the deployment had no length; `stacks` are `REGION/NAME`."""

    correlation_id: str
    outcome: str
    stacks: tuple[str, ...] = ()
    seconds: float | None = None
    queue_seconds: float = 0.0
    runs: tuple[OperationRecord, ...] = ()
    estimate: Estimate | None = None
    account: str = ""
    """Empty where it is not known; so are the next ones. `ended`: ISO 8601."""
    ended: str = ""
    commit: str = ""
    url: str = ""

    @property
    def good(self) -> bool:
        """Teaches how long it takes: a deployment without changes does not, nor does one that failed."""
        return self.outcome == "succeeded"


@dataclass(frozen=True)
class DeploymentHistory:
    """All that is remembered, oldest first. `prior` maps (type, action) to seconds, and
    `prior_samples` to how many measurements that is; both from `estimation.published_durations`.

    `skipped` records could not be read. `trouble` is a sentence for people where there is no history to use.
    """

    deployments: tuple[Deployment, ...] = ()
    prior: Mapping[tuple[str, str], float] = field(default_factory=dict)
    prior_samples: Mapping[tuple[str, str], int] = field(default_factory=dict)
    skipped: int = 0
    trouble: str = ""
    _orders: dict[str, Order] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def runs(self) -> tuple[OperationRecord, ...]:
        return tuple(run for deployment in self.deployments for run in deployment.runs)

    @cached_property
    def learned(self) -> Learned:
        found = Learned(self.prior, self.prior_samples)
        found.teach(self.runs)
        return found

    @cached_property
    def stacks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run.stack for run in self.runs))

    def of(self, stack: str, kind: str = "") -> list[OperationRecord]:
        """The runs of a stack, of one kind if any is given."""
        return [run for run in self.runs if run.stack == stack and kind in {"", run.kind}]

    def good(self, stack: str, kind: str) -> list[OperationRecord]:
        return [run for run in self.of(stack, kind) if run.good]

    def order(self, stack: str) -> Order:
        """The dependencies while it is created or updated; deletions run the other way round."""
        if stack not in self._orders:
            self._orders[stack] = Order.of([run for run in self.of(stack) if run.kind != "delete"])
        return self._orders[stack]

    def surplus_seconds(self, stack: str) -> float:
        """The time that deployments of this stack take beyond its operation, such as for a change set; a
        median."""
        beyond = [
            one.seconds - one.runs[0].seconds
            for one in self.deployments[-SURPLUS_MAX:]
            if one.good and one.seconds and one.stacks == (stack,) and len(one.runs) == 1
        ]
        return max(0.0, median(beyond)) if beyond else 0.0

    def scored(self, stacks: Sequence[str]) -> list[Deployment]:
        """Good deployments of exactly these stacks whose estimate can be held against what they took."""
        return [
            one
            for one in self.deployments
            if one.estimate is not None and one.seconds and one.good and set(one.stacks) == set(stacks)
        ]

    def seconds(self, stacks: Sequence[str]) -> list[float]:
        """The durations of good deployments of exactly these stacks, oldest first."""
        return [
            one.seconds
            for one in self.deployments
            if one.good and one.seconds and set(one.stacks) == set(stacks)
        ]
