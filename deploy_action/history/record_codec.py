"""How a deployment is written into the history, and read from it.

Reading is forgiving: what is damaged is left out, and what a later version writes is not looked at.
A resource is one text, so that a history of many of them can be read by people:
`+3.5 8.2 UPDATE AWS::Lambda::Function Handler` (start and seconds since the operation began).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from deploy_action.history.deployments import Deployment
from deploy_action.history.estimate import Estimate, error, holds
from deploy_action.history.operations import STEPS_MAX, OperationRecord, ResourceTiming

if TYPE_CHECKING:
    from collections.abc import Sequence

SECONDS_MAX = 30 * 86_400.0
_TEXT_MAX = 1_500
"""A label is a path of logical ids, 255 characters each."""
_RUNS_MAX = 200


def run_record(run: OperationRecord) -> dict[str, Any]:
    return {
        "stack": run.stack,
        "operation": run.kind,
        "outcome": run.outcome,
        "seconds": run.seconds,
        "phases": {
            "deploy": run.deploy_seconds,
            "cleanup": run.cleanup_seconds,
            "rollback": run.rollback_seconds,
        },
        "touched": run.touched,
        "planned": run.planned,
        "count": run.count,
        "resources": [_step_text(step) for step in run.steps],
        "cleanup": [_step_text(step) for step in run.cleanup],
        **({"attempted": [_step_text(step) for step in run.attempted]} if run.attempted else {}),
    }


def estimate_record(estimate: Estimate, seconds: float | None) -> dict[str, Any]:
    """The estimate that was made, in seconds, and its error once it is known, as a share of what it took."""
    found: dict[str, Any] = {
        "low": round(estimate.low_seconds, 1),
        "mid": round(estimate.mid_seconds, 1),
        "high": round(estimate.high_seconds, 1),
        "basis": estimate.basis,
        "samples": estimate.samples,
    }
    if seconds:
        found |= {"error": round(error(estimate, seconds), 3), "held": holds(estimate, seconds)}
    return found


def deployment_of(record: object) -> Deployment | None:
    """None for what is no record. What of it is damaged is left out; the rest still teaches."""
    if not isinstance(record, dict) or not isinstance(record.get("correlation_id"), str):
        return None
    if not isinstance(record.get("outcome"), str):
        return None
    runs = [_run_of(one) for one in _list(record.get("runs"))[:_RUNS_MAX]]
    return Deployment(
        correlation_id=record["correlation_id"],
        outcome=record["outcome"],
        stacks=tuple(one for one in _list(record.get("stacks")) if isinstance(one, str)),
        seconds=_seconds(record.get("duration_seconds")),
        queue_seconds=_seconds(record.get("queue_seconds")) or 0.0,
        runs=tuple(run for run in runs if run is not None),
        estimate=_estimate_of(record.get("estimate")),
        account=_text(record.get("account")),
        ended=_text(record.get("released_at")),
        commit=_text(record.get("commit")),
        url=_text(record.get("url")),
    )


def damaged_parts(record: dict[str, Any], deployment: Deployment) -> int:
    """How many of its runs could not be read."""
    return len(_list(record.get("runs"))[:_RUNS_MAX]) - len(deployment.runs)


def _run_of(data: object) -> OperationRecord | None:
    if not isinstance(data, dict):
        return None
    seconds = _seconds(data.get("seconds"))
    stack, kind, outcome = (_text(data.get(name)) for name in ("stack", "operation", "outcome"))
    if seconds is None or not (stack and kind and outcome):
        return None
    found = data.get("phases")
    phases: dict[str, Any] = found if isinstance(found, dict) else {}
    count = data.get("count")
    return OperationRecord(
        stack=stack,
        kind=kind,
        outcome=outcome,
        seconds=seconds,
        deploy_seconds=_seconds(phases.get("deploy")) or seconds,
        cleanup_seconds=_seconds(phases.get("cleanup")) or 0.0,
        rollback_seconds=_seconds(phases.get("rollback")) or 0.0,
        touched=_text(data.get("touched")),
        planned=_text(data.get("planned")),
        count=count if isinstance(count, int) and 0 <= count < 10_000 else 0,
        steps=_steps_of(data.get("resources")),
        cleanup=_steps_of(data.get("cleanup")),
        attempted=_steps_of(data.get("attempted")),
    )


def _steps_of(data: object) -> tuple[ResourceTiming, ...]:
    return tuple(step for step in map(_step_of, _list(data)[:STEPS_MAX]) if step is not None)


def _step_text(step: ResourceTiming) -> str:
    return f"+{step.start:g} {step.seconds:g} {step.action} {step.resource_type} {step.label}"


def _step_of(data: object) -> ResourceTiming | None:
    parts = data.split() if isinstance(data, str) and len(data) <= _TEXT_MAX else []
    if len(parts) != 5:
        return None
    try:
        start, seconds = _seconds(float(parts[0])), _seconds(float(parts[1]))
    except ValueError:
        return None
    if start is None or seconds is None:
        return None
    return ResourceTiming(parts[4], parts[3], parts[2], start, seconds)


def _estimate_of(data: object) -> Estimate | None:
    if not isinstance(data, dict):
        return None
    low, mid, high = (_seconds(data.get(name)) for name in ("low", "mid", "high"))
    if low is None or mid is None or high is None or not low <= mid <= high:
        return None
    samples = data.get("samples")
    count = samples if isinstance(samples, int) and 0 <= samples < 10**6 else 0
    return Estimate(low, mid, high, _text(data.get("basis")), count)


def _list(data: object) -> Sequence[Any]:
    return data if isinstance(data, list) else []


def _text(data: object) -> str:
    return data if isinstance(data, str) and len(data) <= _TEXT_MAX else ""


def _seconds(data: object) -> float | None:
    """A sane length, else None; a truth value is not a number here."""
    if isinstance(data, bool) or not isinstance(data, int | float):
        return None
    return float(data) if 0 <= data <= SECONDS_MAX and math.isfinite(data) else None
