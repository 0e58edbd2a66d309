"""One deployment beside the last good one of the same stack: what was slower, what else was touched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.history.operations import STEPS_MAX, stable_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.history.deployments import Deployment, DeploymentHistory
    from deploy_action.history.operations import OperationRecord
    from deploy_action.reporting.resource_activity import ResourceActivity

LABELS_MAX = 50
"""Kept of what else was touched; `added_count` and `gone_count` tell all."""

Touched = dict[tuple[str, str], float]
"""Seconds by (action, stable label)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`stack`: `REGION/NAME`. The rest is of the last good operation of the same kind: `ended` is ISO 8601,
    texts are empty and `same` is None where that is not known.

    `added` was touched only this time, `gone` only last time: pairs of action and label.
    """

    stack: str
    seconds: float
    last_seconds: float
    ended: str = ""
    commit: str = ""
    url: str = ""
    same: bool | None = None
    added: tuple[tuple[str, str], ...] = ()
    gone: tuple[tuple[str, str], ...] = ()
    added_count: int = 0
    gone_count: int = 0


def compared(
    bars: Sequence[ResourceActivity], runs: Sequence[OperationRecord], past: DeploymentHistory
) -> tuple[tuple[ResourceActivity, ...], tuple[Comparison, ...]]:
    """The bars with what they took last time, and a comparison a stack that was deployed before."""
    found: list[Comparison] = []
    last_seconds: dict[str, Touched] = {}
    for run in runs:
        last = _last_good(run, past)
        if last is None:
            continue
        deployment, before = last
        last_seconds[run.stack] = _touched_by(before)
        found.append(_comparison(run, _touched_now(run.stack, bars), deployment, before))
    return tuple(_with_last(bar, last_seconds) for bar in bars), tuple(found)


def _last_good(run: OperationRecord, past: DeploymentHistory) -> tuple[Deployment, OperationRecord] | None:
    for deployment in reversed(past.deployments):
        for one in deployment.runs:
            if one.good and one.stack == run.stack and one.kind == run.kind:
                return deployment, one
    return None


def _comparison(
    run: OperationRecord, now: Touched, deployment: Deployment, before: OperationRecord
) -> Comparison:
    then = _touched_by(before)
    # Of long lists only the longest are kept, and what failed did not come to everything.
    whole = bool(before.steps) and len(before.steps) < STEPS_MAX and len(now) < STEPS_MAX
    added = sorted(now.keys() - then.keys()) if whole else []
    gone = sorted(then.keys() - now.keys()) if whole and run.good else []
    known = run.good and run.touched and before.touched
    return Comparison(
        stack=run.stack,
        seconds=run.seconds,
        last_seconds=before.seconds,
        ended=deployment.ended,
        commit=deployment.commit,
        url=deployment.url,
        same=run.touched == before.touched if known else None,
        added=tuple(added[:LABELS_MAX]),
        gone=tuple(gone[:LABELS_MAX]),
        added_count=len(added),
        gone_count=len(gone),
    )


def _touched_by(run: OperationRecord) -> Touched:
    return {(step.action, step.label): step.seconds for step in run.steps if step.resource_type != STACK_TYPE}


def _touched_now(stack: str, bars: Sequence[ResourceActivity]) -> Touched:
    return {
        (bar.action, stable_name(bar.label, bar.resource_type)): bar.ended - bar.started
        for bar in bars
        if bar.stack == stack and _counts(bar) and bar.ended is not None and bar.ended > bar.started
    }


def _counts(bar: ResourceActivity) -> bool:
    return bar.phase is Phase.DEPLOY and bar.done_well and bar.resource_type != STACK_TYPE


def _with_last(bar: ResourceActivity, last_seconds: dict[str, Touched]) -> ResourceActivity:
    if bar.phase is not Phase.DEPLOY or bar.resource_type == STACK_TYPE:
        return bar
    label = stable_name(bar.label, bar.resource_type)
    return replace(bar, last_seconds=last_seconds.get(bar.stack, {}).get((bar.action, label)))
