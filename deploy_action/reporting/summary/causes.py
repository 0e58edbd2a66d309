"""Why it failed and what to do next: the part of the job summary that comes right after the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.common.escape import code, code_block, link, markdown, one_line, prose
from deploy_action.common.masks import shapes_in
from deploy_action.reporting.summary.tables import folded

if TYPE_CHECKING:
    from deploy_action.diagnosis.service_lookups import Finding
    from deploy_action.reporting.report import Failure, Report

CAUSES_MAX = 10
FINDINGS_MAX = 10
"""Findings of services about one resource; the log has all of it."""
ALL_FINDINGS_MAX = 40
MESSAGE_MAX = 4_000
"""Of a cause, in characters: a paragraph wraps, and a block of code would have to be scrolled."""
PARTS_MAX = 50
TAIL_MAX = 14_000
"""Of a command's last lines, in characters."""


def why(report: Report) -> str:
    """Empty where nothing went wrong."""
    lines: list[str] = []
    causes = report.causes[:CAUSES_MAX]
    behind = report.behind[:ALL_FINDINGS_MAX]
    for cause in causes:
        kind = "stack" if cause.resource_type == STACK_TYPE else code(cause.resource_type)
        lines.append(f"**{markdown(cause.name)}** ({kind}) {code(cause.status)}")
        lines.append(f"> {markdown(cause.message, MESSAGE_MAX)}")
        about = (cause.stack_id, cause.logical_id)
        lines += _behind([f for f in behind if (f.stack_id, f.logical_id) == about])
        remedy = cause.remedy
        if remedy is not None:
            page = f" ({link('more', remedy.source)})" if remedy.source else ""
            lines.append(f"**What to do next.** {prose(remedy.advice)}{page}")
    if len(report.causes) > CAUSES_MAX:
        lines.append(f"And {len(report.causes) - CAUSES_MAX} more causes: the log has them all.")
    told = {(cause.stack_id, cause.logical_id) for cause in causes}
    lines += _behind([f for f in behind if (f.stack_id, f.logical_id) not in told])
    if report.failure is not None:
        if not report.causes:
            lines.append(_what_happened(report.failure))
            if len(report.failure.said) > 1:
                lines.append(code_block("\n".join(one_line(line) for line in report.failure.said)))
        if report.failure.why:
            lines.append(f"**Why it matters.** {prose(report.failure.why)}")
        if report.failure.remedy:
            # What to do about a cause stands with it.
            title = "The stack now" if any(cause.remedy for cause in causes) else "What to do next"
            lines.append(f"**{title}.** {prose(report.failure.remedy)}")
        if report.failure.tail:
            tail = code_block("\n".join(map(_tail_line, report.failure.tail)), TAIL_MAX)
            lines.append(folded(f"The command's last lines ({len(report.failure.tail)})", tail))
    return "\n\n".join(lines)


def _tail_line(line: str) -> str:
    return "(looks like a credential, so it is not shown)" if shapes_in(line) else one_line(line)


def _what_happened(failure: Failure) -> str:
    """A list where it is about several things."""
    if len(failure.parts) < 2:
        return f"**What happened.** {prose(failure.what)}"
    lead = failure.what.removesuffix(" ".join(failure.parts)).strip()
    items = [f"- {prose(part)}" for part in failure.parts[:PARTS_MAX]]
    if len(failure.parts) > PARTS_MAX:
        items.append(f"- and {len(failure.parts) - PARTS_MAX} more: the log has them all")
    return "\n".join([f"**What happened.** {prose(lead)}", "", *items])


def _behind(findings: list[Finding]) -> list[str]:
    """Findings of services, as one list."""
    items = [
        f"- {markdown(f.label)} ({markdown(f.service)}): {markdown(f.text, 1000)}"
        for f in findings[:FINDINGS_MAX]
    ]
    return ["\n".join(items)] if items else []
