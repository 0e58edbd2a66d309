"""A deployment at one moment as plain JSON, for programs: what a webhook that is not Slack's gets.

docs/webhook.md describes it. Members are only added within a version; what is not known is left out. Nothing
is escaped: who shows it somewhere escapes it for there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line
from deploy_action.common.times import iso
from deploy_action.slack.messages import words

if TYPE_CHECKING:
    from deploy_action.history.estimate import Estimate
    from deploy_action.slack.view import CauseSeen, DeploymentView

SCHEMA = "deploy-coordinator/notification"
VERSION = 1
STACKS_MAX = 50
MESSAGE_MAX = 2000


def document(view: DeploymentView) -> dict[str, object]:
    origin, links, failure = view.origin, view.links, view.failure
    found: dict[str, object] = {
        "schema": SCHEMA,
        "version": VERSION,
        "event": view.moment.value,
        "final": view.moment.final,
        "needs-attention": view.moment.needs_somebody,
        "at": iso(view.at),
        "summary": summary_line(view),
        "correlation-id": view.correlation_id,
        "environment": view.environment,
        "outcome": view.outcome.value if view.outcome is not None else None,
        "stacks": [
            {"region": one.region, "name": one.name, "status": one.status, "console-url": one.console}
            for one in view.stacks[:STACKS_MAX]
        ],
        "stack-count": len(view.stacks),
        "locks": list(view.locks),
        "repository": origin.repository,
        "workflow": origin.workflow,
        "actor": origin.actor,
        "ref": origin.ref,
        "commit": links.commit_id,
        "deployed-version": links.version,
        "run-url": links.run,
        "commit-url": links.commit,
        "started-at": iso(view.started) if view.started is not None else None,
        "queue-seconds": round(view.queue_seconds),
        "duration-seconds": round(view.duration_seconds) if view.duration_seconds is not None else None,
        "estimate": _estimate(view.estimate),
        "causes": [_cause(one) for one in view.causes],
        "cause-count": view.cause_count,
        "failure": None
        if failure is None
        else {"what": failure.what, "why": failure.why, "remedy": failure.remedy},
    }
    return {name: value for name, value in found.items() if value is not None}


def summary_line(view: DeploymentView) -> str:
    """Such as `❌ shop → production failed and was rolled back`, without markup."""
    return words.headline(view, one_line(words.what(view)))


def _estimate(estimate: Estimate | None) -> dict[str, int] | None:
    if estimate is None:
        return None
    return {
        "low-seconds": round(estimate.low_seconds),
        "mid-seconds": round(estimate.mid_seconds),
        "high-seconds": round(estimate.high_seconds),
    }


def _cause(cause: CauseSeen) -> dict[str, str]:
    return {
        "resource": cause.name,
        "type": cause.resource_type,
        "status": cause.status,
        "message": cause.message[:MESSAGE_MAX],
        "advice": cause.advice,
        "source-url": cause.source,
    }
