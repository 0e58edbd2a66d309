"""Messages for a channel: one at the start, one at the end that replaces it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.report import Outcome
from deploy_action.ports import Announcement
from deploy_action.render.escape import slack
from deploy_action.render.headline import headline

if TYPE_CHECKING:
    from deploy_action.core.report import Report
    from deploy_action.core.stacks import StackRef


def started(report: Report, stacks: tuple[StackRef, ...]) -> Announcement:
    names = ", ".join(slack(str(stack), 200) for stack in stacks[:5])
    title = f":rocket: Deploying {slack(report.environment, 200) or names}"
    return _announcement(title, f"Stacks: {names}" if report.environment else "", report)


def finished(report: Report) -> Announcement:
    detail = slack(report.root_cause) if not report.outcome.good else ""
    needs_somebody = report.outcome in {Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.UNKNOWN}
    alert = needs_somebody or bool(report.fallback)
    return _announcement(headline(report, slack), detail, report, alert=alert)


def _announcement(title: str, detail: str, report: Report, *, alert: bool = False) -> Announcement:
    blocks: list[dict[str, object]] = [_section(f"*{title}*")]
    if detail:
        blocks.append(_section(detail))
    if report.fallback:
        blocks.append(_section(f":warning: {slack(report.fallback)}"))
    links = [f"<{report.links.run}|Run>"] if report.links.run else []
    links += [f"<{stack.console}|{slack(stack.name, 100)}>" for stack in report.stacks[:5] if stack.console]
    context = " · ".join([*links, f"`{slack(report.correlation_id, 100)}`"])
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context}]})
    return Announcement(text=title, blocks=tuple(blocks), alert=alert)


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
