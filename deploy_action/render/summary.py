"""The job summary: one page of GitHub-flavoured Markdown, verdict first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.events import Phase
from deploy_action.core.stacks import STACK_TYPE
from deploy_action.core.times import duration
from deploy_action.render.escape import code, code_block, link, markdown, prose
from deploy_action.render.gantt import gantt
from deploy_action.render.headline import headline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.core.behind import Finding
    from deploy_action.core.report import Bar, Report

BYTES_MAX = 1_000_000
"""The runner takes 1 MiB a step, and uploads nothing of a longer one."""
ROWS_MAX = 1000
FINDINGS_MAX = 10
"""What services told of one resource; the log has all of it."""


def summary(report: Report, *, now: float) -> str:
    """The whole page. `now` is unix seconds, for what is still running."""
    end = report.ended if report.ended is not None else now
    sections = [
        f"## {headline(report, markdown)}",
        _why(report),
        _facts(report),
        _notes(report),
        _stacks(report),
        gantt(report.bars, end=end),
        _slowest(report.bars, end),
        _changes(report),
        _all_resources(report.bars, end),
    ]
    page = _page(sections)
    while len(page.encode()) > BYTES_MAX:
        del sections[-1]
        page = _page([*sections, "The rest was left out: it is longer than GitHub shows."])
    return page


def _page(sections: list[str]) -> str:
    return "\n\n".join(section for section in sections if section) + "\n"


def _why(report: Report) -> str:
    lines: list[str] = []
    for cause in report.causes[:10]:
        kind = "stack" if cause.resource_type == STACK_TYPE else code(cause.resource_type)
        lines.append(f"**{markdown(cause.name)}** ({kind}) {code(cause.status)}")
        lines.append(code_block(cause.message))
        remedy = cause.remedy
        if remedy is not None:
            page = f" ({link('more', remedy.source)})" if remedy.source else ""
            lines.append(f"**What to do next.** {prose(remedy.advice)}{page}")
        about = (cause.stack_id, cause.logical_id)
        lines += _behind([f for f in report.behind if (f.stack_id, f.logical_id) == about])
    told = {(cause.stack_id, cause.logical_id) for cause in report.causes[:10]}
    lines += _behind([f for f in report.behind if (f.stack_id, f.logical_id) not in told])
    if report.failure is not None:
        if not report.causes:
            lines.append(f"**What happened.** {prose(report.failure.what)}")
        if report.failure.why:
            lines.append(f"**Why it matters.** {prose(report.failure.why)}")
        if report.failure.remedy:
            lines.append(f"**What to do next.** {prose(report.failure.remedy)}")
    return "\n\n".join(lines)


def _behind(findings: list[Finding]) -> list[str]:
    """What services told, as one list."""
    items = [
        f"- {markdown(f.label)} ({markdown(f.service)}): {markdown(f.text, 1000)}"
        for f in findings[:FINDINGS_MAX]
    ]
    return ["\n".join(items)] if items else []


def _facts(report: Report) -> str:
    rows: list[tuple[str, str]] = []
    if len(report.stacks) == 1:
        stack = report.stacks[0]
        rows.append(("Stack", f"{code(f'{stack.region}/{stack.name}')} is {code(stack.status)}"))
    if report.duration_seconds is not None:
        rows.append(("Duration", duration(report.duration_seconds)))
    if report.estimate is not None:
        estimate = report.estimate
        span = f"{duration(estimate.low_seconds)} to {duration(estimate.high_seconds)}"
        rows.append(("Estimate", f"{duration(estimate.mid_seconds)} ({span}; {markdown(estimate.basis)})"))
    queue = duration(report.queue_seconds) if report.queue_seconds >= 1 else "none"
    if report.waited_for:
        queue += f", behind {', '.join(code(name) for name in report.waited_for[:5])}"
    rows.append(("Time in the queue", queue))
    if report.locks:
        turn = f", turn {report.epoch}" if report.epoch else ""
        rows.append(("Lock", f"{', '.join(code(name) for name in report.locks)}{turn}"))
    if report.command_exit_code is not None:
        rows.append(("Exit code of the command", str(report.command_exit_code)))
    links = [link("run", report.links.run)] if report.links.run else []
    if report.links.commit:
        links.append(link(f"commit {markdown(report.links.commit_id[:7])}", report.links.commit))
    links += [
        link(f"{markdown(stack.name)} in the console", stack.console)
        for stack in report.stacks[:10]
        if stack.console
    ]
    if links:
        rows.append(("Links", " · ".join(links)))
    rows.append(("Correlation id", code(report.correlation_id)))
    return _table(rows[0], rows[1:])


def _stacks(report: Report) -> str:
    if len(report.stacks) < 2:
        return ""
    rows = [(code(s.region), code(s.name), code(s.status)) for s in report.stacks[:ROWS_MAX]]
    return _table(("Region", "Stack", "Status"), rows)


def _slowest(bars: tuple[Bar, ...], end: float) -> str:
    resources = [bar for bar in bars if bar.resource_type != STACK_TYPE]
    slowest = sorted(resources, key=lambda bar: bar.seconds(end), reverse=True)[:5]
    if not slowest:
        return ""
    return "**Slowest resources**\n\n" + _table(
        ("Resource", "Type", "Action", "Took"), [_row(bar, end)[:4] for bar in slowest]
    )


def _changes(report: Report) -> str:
    if not report.changes:
        return ""
    rows = [
        (
            markdown(change.action),
            code(change.logical_id),
            code(change.resource_type),
            {"True": "yes", "Conditional": "perhaps"}.get(change.replacement, ""),
        )
        for change in report.changes[:ROWS_MAX]
    ]
    table = _table(("Action", "Resource", "Type", "Replaced"), rows)
    return _folded(f"Planned changes ({len(report.changes)})", table)


def _notes(report: Report) -> str:
    if not report.notes:
        return ""
    return "**Notes**\n\n" + "\n".join(f"- {prose(note)}" for note in report.notes[:50])


def _all_resources(bars: tuple[Bar, ...], end: float) -> str:
    if not bars:
        return ""
    rows = [_row(bar, end) for bar in bars[:ROWS_MAX]]
    table = _table(("Resource", "Type", "Action", "Took", "Status", "Reason"), rows)
    cut = f" (first {ROWS_MAX} of {len(bars)})" if len(bars) > ROWS_MAX else f" ({len(bars)})"
    return _folded(f"All resources{cut}", table)


def _row(bar: Bar, end: float) -> tuple[str, ...]:
    phase = "" if bar.phase is Phase.DEPLOY else f" ({bar.phase.value.lower()})"
    return (
        code(bar.label),
        code(bar.resource_type),
        markdown(bar.action.lower()) + phase,
        duration(bar.seconds(end)) + ("" if bar.ended is not None else " so far"),
        code(bar.status),
        markdown(bar.reason if bar.status.endswith("_FAILED") else "", 300),
    )


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' :--- |' * len(head)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)
