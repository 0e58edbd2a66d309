"""Messages for a channel: one at the start, one at the end that replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.report import Outcome
from deploy_action.core.times import duration
from deploy_action.ports import Announcement
from deploy_action.render.escape import slack

if TYPE_CHECKING:
    from deploy_action.core.report import Report
    from deploy_action.core.stacks import StackRef

_SIGNS = {
    Outcome.SUCCEEDED: (":white_check_mark:", "Deployed"),
    Outcome.NO_CHANGES: (":white_check_mark:", "Nothing to change in"),
    Outcome.FAILED: (":x:", "Failed to deploy"),
    Outcome.ROLLED_BACK: (":x:", "Failed and rolled back"),
    Outcome.BUSY: (":construction:", "Busy, did not deploy"),
    Outcome.SKIPPED: (":fast_forward:", "Skipped"),
    Outcome.CANCELLED: (":octagonal_sign:", "Cancelled"),
    Outcome.UNKNOWN: (":grey_question:", "Does not know the verdict of"),
}


def started(report: Report, stacks: tuple[StackRef, ...]) -> Announcement:
    names = ", ".join(slack(str(stack), 200) for stack in stacks[:5])
    headline = f":rocket: Deploying {slack(report.environment, 200) or names}"
    return _announcement(headline, f"Stacks: {names}" if report.environment else "", report)


def finished(report: Report) -> Announcement:
    sign, words = _SIGNS[report.outcome]
    what = report.environment or ", ".join(stack.name for stack in report.stacks[:5]) or "the deployment"
    took = f" in {duration(report.duration_seconds)}" if report.duration_seconds is not None else ""
    detail = slack(report.root_cause) if not report.outcome.good else ""
    needs_somebody = report.outcome in {Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.UNKNOWN}
    return _announcement(f"{sign} {words} {slack(what, 300)}{took}", detail, report, alert=needs_somebody)


def _announcement(headline: str, detail: str, report: Report, *, alert: bool = False) -> Announcement:
    blocks: list[dict[str, object]] = [_section(f"*{headline}*")]
    if detail:
        blocks.append(_section(detail))
    links = [f"<{report.links.run}|Run>"] if report.links.run else []
    links += [f"<{stack.console}|{slack(stack.name, 100)}>" for stack in report.stacks[:5] if stack.console]
    context = " · ".join([*links, f"`{slack(report.correlation_id, 100)}`"])
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context}]})
    return Announcement(text=headline, blocks=tuple(blocks), alert=alert)


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
