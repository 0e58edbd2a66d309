"""The forecast that has learned from the history of the stacks, else from the table of typical durations."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import stack_name_of
from deploy_action.estimation.accuracy import corrected
from deploy_action.estimation.estimator import ALL, around, before
from deploy_action.estimation.remaining import remaining
from deploy_action.history.estimate import Basis, Estimate, Usual
from deploy_action.history.operations import stable_name

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.estimation.planned_changes import PlannedChanges
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.history.resource_durations import Known


@dataclass(frozen=True)
class LearnedForecast:
    """Implements Forecast. `plans`: what is about to be done, one a root stack; empty where not known."""

    past: DeploymentHistory
    plans: tuple[PlannedChanges, ...] = ()

    @property
    def planned(self) -> int | None:
        """Only where it is exact: a change set that changes things over-reports."""
        exact = [plan for plan in self.plans if plan.changes and plan.kind == "create"]
        return sum(plan.count for plan in exact) if exact and len(exact) == len(self.plans) else None

    @cached_property
    def estimate(self) -> Estimate | None:
        """How long the whole deployment will take, told before it begins; None where nothing is known."""
        with suppress(ArithmeticError, ValueError, LookupError, TypeError):
            return self._estimate()
        return None

    def _estimate(self) -> Estimate | None:
        if len(self.plans) == 1:
            return before(self.plans[0], self.past)
        if not self.plans:
            return None
        stacks = [plan.stack for plan in self.plans]
        seconds = self.past.seconds(stacks)
        if seconds and not any(plan.kind == "delete" for plan in self.plans):
            return corrected(around(seconds, ALL), self.past.scored(stacks), moves=False)
        # One after the other or at once: nobody knows, so the interval spans both.
        each = [before(plan, self.past) for plan in self.plans]
        longest = max(each, key=lambda one: one.mid_seconds)
        high = sum(one.high_seconds for one in each)
        mid = (longest.mid_seconds + sum(one.mid_seconds for one in each)) / 2
        return Estimate(longest.low_seconds, mid, high, longest.basis, min(one.samples for one in each))

    def usual(self, activity: Activity, label: str) -> Usual | None:
        with suppress(ArithmeticError, ValueError, LookupError, TypeError):
            known = self._known(activity, stable_name(label, activity.resource_type))
            if known is not None:
                spread = known.spread
                return Usual(spread.low, spread.mid, spread.high, known.samples, known.basis)
        return None

    def _known(self, activity: Activity, label: str) -> Known | None:
        """Operations of nested stacks are kept under their root: one of the plans', or one of the history."""
        parts = activity.stack_id.split(":")
        own = f"{parts[3] if len(parts) > 4 else ''}/{stack_name_of(activity.stack_id)}"
        names = dict.fromkeys((own, *(plan.stack for plan in self.plans), *self.past.stacks))
        found = None
        for name in names:
            if name != own and "/" not in label:
                continue
            known = self.past.learned.known(name, label, activity.resource_type, activity.action)
            if known is not None and known.basis is Basis.RESOURCE:
                return known
            found = found or known
        return found

    def remaining(self, operation: Operation, *, now: CloudFormationTime) -> Estimate | None:
        with suppress(ArithmeticError, ValueError, LookupError, TypeError):
            return remaining(operation, {plan.stack: plan for plan in self.plans}, self.past, now=now)
        return None
