"""How far a deployment is, and how long things take beside what is usual: the words of the log for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.common.times import brief, duration, roughly
from deploy_action.history.estimate import Basis

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.history.estimate import Estimate, Usual


FAR_FACTOR = 3.0
NOTABLE_SECONDS = 30.0
"""Published averages are told of what took so much longer than they allow, and are rounded from here on."""


@dataclass(slots=True)
class Progress:
    """The share of the root stacks' own resources that is done. It never runs backwards, whatever a rollback
    undoes."""

    _done: set[tuple[str, str]] = field(default_factory=set)

    def take(self, event: StackEvent, activity: Activity | None, operation: Operation) -> bool:
        """Count one event; tells whether it is one of those that the plan counts."""
        if activity is None or event.is_stack or operation.stacks[event.stack_id].parent_id is not None:
            return False
        if activity.phase is not Phase.DEPLOY or not event.status.endswith("_COMPLETE"):
            return False
        self._done.add((event.stack_id, event.logical_id))
        return True

    def of(self, planned: int | None) -> tuple[int, int] | None:
        """Done and total; the total is never below what is done. None where nothing was planned."""
        return None if planned is None else (len(self._done), max(planned, len(self._done)))


def usually(usual: Usual | None) -> str:
    """`usually 4m to 6m`; empty where nothing is known. Averages that were published are guesses here."""
    if usual is None:
        return ""
    low, high = (
        roughly(seconds) if usual.samples == 0 and seconds >= NOTABLE_SECONDS else brief(seconds)
        for seconds in (usual.low_seconds, usual.high_seconds)
    )
    return f"usually {low}" if low == high else f"usually {low} to {high}"


def meaningful(usual: Usual | None, seconds: float) -> Usual | None:
    """Published averages that are this far from what is seen are wrong here, so they are not told."""
    far = (
        usual is not None and _averages(usual) and seconds > usual.high_seconds * FAR_FACTOR + NOTABLE_SECONDS
    )
    return None if far else usual


def _averages(usual: Usual) -> bool:
    return usual.samples == 0 or usual.basis is Basis.PRIOR


def took(seconds: float, usual: Usual | None) -> str:
    """How long something took, beside what is usual for it. Averages that were published are no measure of
    this stack: they are told only of what took longer than they allow."""
    usual = meaningful(usual, seconds)
    if usual is not None and _averages(usual) and seconds <= usual.high_seconds + NOTABLE_SECONDS:
        usual = None
    return ", ".join(part for part in (duration(seconds), usually(usual)) if part)


def left(estimate: Estimate | None, *, overdue: str = "") -> str:
    """`about 4m left (3m to 6m)`; empty where nothing is known. `overdue` names a resource that takes longer
    than usual: the longer it runs the longer it is expected to, so the figure may rise."""
    if estimate is None or estimate.high_seconds <= 0:
        return ""
    reason = f", more while {overdue} takes longer than usual" if overdue else ""
    return f"about {roughly(estimate.mid_seconds)} left ({_between(estimate)}){reason}"


def expected(estimate: Estimate) -> str:
    """`about 12m (10m to 15m)`."""
    return f"about {roughly(estimate.mid_seconds)} ({_between(estimate)})"


def _between(estimate: Estimate) -> str:
    return f"{roughly(estimate.low_seconds)} to {roughly(estimate.high_seconds)}"
