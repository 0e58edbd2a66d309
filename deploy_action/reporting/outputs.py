"""The action's outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import log_text, machine_json
from deploy_action.plan.planned import PlanOutputs, changes_as_json

if TYPE_CHECKING:
    from deploy_action.reporting.report import Report


def outputs_of(report: Report, *, slack_thread_ts: str = "") -> dict[str, str]:
    """The action's outputs. Empty texts stand for what is not known: nothing is made up."""
    import json

    estimate = report.estimate
    plan = report.plan or _planned(report)

    def seconds(value: float | None) -> str:
        return "" if value is None else str(round(value))

    return {
        "correlation-id": report.correlation_id,
        "outcome": report.outcome.value,
        "deployed": "true" if report.deployed else "false",
        "stack-status": report.stack_status,
        "stack-outputs": machine_json(json.dumps(report.outputs_by_stack, ensure_ascii=False)),
        "change-set-arn": report.change_set_arn,
        "has-changes": "" if plan is None else "true" if plan.count else "false",
        "changes-count": "" if plan is None else str(plan.count),
        "changes": machine_json(plan.changes) if plan is not None else "",
        "plan-markdown": plan.markdown if plan is not None else "",
        "duration-seconds": seconds(report.duration_seconds),
        "queue-seconds": seconds(report.queue_seconds),
        "estimate-seconds": seconds(estimate.mid_seconds if estimate else None),
        "estimate-low-seconds": seconds(estimate.low_seconds if estimate else None),
        "estimate-high-seconds": seconds(estimate.high_seconds if estimate else None),
        "root-cause": log_text(report.root_cause, 4000),
        "slack-thread-ts": slack_thread_ts,
    }


def _planned(report: Report) -> PlanOutputs | None:
    """Of the change set of a deployment; None where there was none."""
    if report.changes is None:
        return None
    stack = next(iter(report.asked), "")
    rows = tuple((stack, change) for change in report.changes)
    return PlanOutputs(len(rows), changes_as_json(rows))
