"""The job summary: one page of GitHub-flavoured Markdown, verdict first.

GitHub shows the parts of all steps of a job, in their order, once the job has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cleanup import text as cleanup
from deploy_action.common.escape import code, link, markdown, prose
from deploy_action.common.links import leads_home
from deploy_action.common.masks import shapes_in
from deploy_action.common.times import date_time, duration
from deploy_action.reporting.headline import headline
from deploy_action.reporting.shared_causes import says_again
from deploy_action.reporting.stack_outputs import chosen
from deploy_action.reporting.summary.causes import why
from deploy_action.reporting.summary.changes import since_last_time
from deploy_action.reporting.summary.gantt import gantt
from deploy_action.reporting.summary.stack_sets import stack_sets
from deploy_action.reporting.summary.tables import folded_table, table
from deploy_action.reporting.summary.times import (
    action,
    expected_against_actual,
    slowest,
    took,
    usual_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.reporting.report import Ahead, Report

BYTES_MAX = 1_000_000
"""The runner takes 1 MiB a step, and uploads nothing of a longer one."""
CHANGES_BYTES_MAX = 200_000
OUTPUTS_BYTES_MAX = 50_000
RESOURCES_BYTES_MAX = 400_000
STACKS_MAX = 100
NOTES_MAX = 50
NOTE_MAX = 600
LOCKS_MAX = 5
AHEAD_MAX = 3
LAST_SEEN_MAX = 5


def summary(report: Report, *, now: WallTime, outputs: Sequence[str] = (), bytes_max: int = BYTES_MAX) -> str:
    """The whole page. `now` is unix seconds, for what is still running. `outputs` chooses those of the stacks
    (`stack_outputs.chosen`); all where it is empty. Of what is too long even so, the beginning is kept."""
    end = report.ended if report.ended is not None else now
    sections = [
        f"## {headline(report, markdown)}",
        why(report),
        cleanup.section(report.cleanup),
        expected_against_actual(report),
        _place(report),
        _facts(report),
        _stacks(report),
        stack_sets(report),
        _outputs(chosen(report.outputs, outputs) if outputs else report.outputs),
        _notes(report),
        gantt(report.bars, end=end),
        slowest(report.bars, end),
        since_last_time(report),
        _changes(report),
        _all_resources(report, end),
    ]
    page = _page(sections)
    while len(page.encode("utf-8", "replace")) > bytes_max and len(sections) > 1:
        del sections[-1]
        page = _page([*sections, "The rest was left out: it is longer than GitHub shows."])
    return page


def _page(sections: list[str]) -> str:
    return "\n\n".join(section for section in sections if section) + "\n"


def _facts(report: Report) -> str:
    """One row, so that it is read at a glance."""
    cells: list[tuple[str, str]] = []
    queue = duration(report.queue_seconds) if report.queue_seconds >= 1 else "none"
    cells.append(("Time in the queue", f"{queue}{_behind(report)}"))
    if report.locks:
        epoch = f", epoch {report.epoch}" if report.epoch else ""
        more = f" and {len(report.locks) - LOCKS_MAX} more" if len(report.locks) > LOCKS_MAX else ""
        names = ", ".join(code(name) for name in report.locks[:LOCKS_MAX])
        cells.append(("Lock", f"{names}{more}{epoch}"))
    if report.command_exit_code is not None:
        cells.append(("Exit code of the command", str(report.command_exit_code)))
    cells.append(("Correlation id", code(report.correlation_id)))
    return table([head for head, _ in cells], [[cell for _, cell in cells]])


def _behind(report: Report) -> str:
    if not report.ahead:
        return ""
    more = len(report.ahead) - AHEAD_MAX
    names = ", ".join(_named(one, report.links.run) for one in report.ahead[:AHEAD_MAX])
    return f", behind {names}" + (f" and {more} more" if more > 0 else "")


def _named(one: Ahead, home: str) -> str:
    name = code(one.correlation_id)
    by = f" by {markdown(one.actor, 60)}" if one.actor else ""
    return (link(name, one.url) if name and leads_home(one.url, (home,)) else name) + by


def _place(report: Report) -> str:
    """Where it happened, and where to look."""
    found = _when(report)
    if len(report.stacks) == 1:
        stack = report.stacks[0]
        found.append(f"{code(f'{stack.region}/{stack.name}')} is {code(stack.status)}")
        if stack.console:
            found.append(link("Console", stack.console))
    for stack in () if report.stacks else report.last_seen[:LAST_SEEN_MAX]:
        seen = f" was {code(stack.status)} when last seen" if stack.status else ""
        console = f" ({link('Console', stack.console)})" if stack.console else ""
        found.append(f"{code(f'{stack.region}/{stack.name}')}{seen}{console}")
    if report.links.run:
        found.append(link("Run", report.links.run))
    if report.links.version:
        found.append(f"Version {code(report.links.version)}")
    if report.links.commit:
        found.append(link(f"Commit {code(report.links.commit_id[:7])}", report.links.commit))
    if report.links.thread:
        found.append(link("Thread in Slack", report.links.thread))
    return " · ".join(found)


def _when(report: Report) -> list[str]:
    """When CloudFormation began and ended, with date and zone."""
    if report.started is None:
        return []
    began, ended = date_time(report.started), date_time(report.ended) if report.ended is not None else ""
    shown = ended[11:] if ended[:10] == began[:10] else ended
    return [f"Began {code(began)}" + (f", ended {code(shown)}" if shown else "")]


def _stacks(report: Report) -> str:
    if len(report.stacks) < 2:
        return ""
    seconds = {run.stack: run.seconds for run in report.runs}
    timed = bool(seconds)
    rows = []
    for stack in report.stacks[:STACKS_MAX]:
        name = code(f"{stack.region}/{stack.name}")
        took_seconds = seconds.get(f"{stack.region}/{stack.name}")
        row = [name, code(stack.status)]
        row += [duration(took_seconds) if took_seconds is not None else ""] * timed
        rows.append([*row, link("Console", stack.console) if stack.console else ""])
    left_out = len(report.stacks) - STACKS_MAX
    more = f"\n\nAnd {left_out} more stacks." if left_out > 0 else ""
    return table(["Stack", "Status", *["Took"] * timed, "Look at it"], rows) + more


def _outputs(outputs: Mapping[str, str]) -> str:
    """Behind a fold: many are for machines. What looks like a credential is not shown."""
    rows = [
        (code(name), "looks like a credential, so it is not shown" if shapes_in(value) else code(value))
        for name, value in outputs.items()
    ]
    return folded_table("Outputs", ("Output", "Value"), rows, bytes_max=OUTPUTS_BYTES_MAX)


def _notes(report: Report) -> str:
    cause = report.failure.cause if report.failure is not None else ""
    notes = [note for note in report.notes if not says_again(note, cause)]
    if not notes:
        return ""
    items = [f"- {prose(note, NOTE_MAX)}" for note in notes[:NOTES_MAX]]
    left_out = len(notes) - NOTES_MAX
    if left_out > 0:
        items.append(f"- and {left_out} more: the log has them all")
    return "\n".join(["**Notes**", "", *items])


def _changes(report: Report) -> str:
    rows = [
        (
            markdown(change.action),
            code(change.logical_id),
            code(change.resource_type),
            {"True": "yes", "Conditional": "perhaps"}.get(change.replacement, ""),
        )
        for change in report.changes or ()
    ]
    head = ("Action", "Resource", "Type", "Replaced")
    return folded_table("Planned changes", head, rows, bytes_max=CHANGES_BYTES_MAX)


def _all_resources(report: Report, end: float) -> str:
    several = len({bar.stack for bar in report.bars}) > 1
    head = [*["Stack"] * several, "Resource", "Type", "Action", "Took", "Usually", "Status", "Reason"]
    rows = [
        [
            *[code(bar.stack)] * several,
            code(bar.label),
            code(bar.resource_type),
            action(bar),
            took(bar, end),
            usual_of(bar, end),
            code(bar.status),
            markdown(bar.reason if bar.status.endswith("_FAILED") else "", 300),
        ]
        for bar in report.bars
    ]
    return folded_table("All resources", head, rows, bytes_max=RESOURCES_BYTES_MAX)
