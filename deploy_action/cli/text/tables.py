"""Tables for a terminal."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deploy_action.common.columns import cells, padded
from deploy_action.common.escape import log_text
from deploy_action.common.times import unix_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.locking.document import Document, Freeze, Lock, Ticket

CELL_MAX = 70
NARROW = 60
"""Columns of the narrowest terminal that a table is made for."""
CUT = ("STACKS", "LOCKS", "ENVIRONMENT", "BY", "ACTION", "RESOURCE", "TYPE")
"""Heads of the columns with names, which may be cut; the stacks before all others."""
NAME_MIN = 12
"""Cells of a name that still says something."""
GIVES_WAY = ("RUN", "EXPECTED", "EXPECTED END", "BEHIND", "STACKS", "QUEUED", "PRIORITY", "BY", "TOOK")
"""Heads of the columns that a narrow terminal goes without, the first one first."""


def active(document: Document, *, at: str, utc: bool = True) -> list[str]:
    """Holders of locks and the queue, in order; then what is frozen at `at`, and what settles."""
    rows = [_ticket(ticket, utc=utc) for ticket in document.tickets]
    lines = (
        table(("STATE", "LOCKS", "STACKS", "DEPLOYMENT", "BY", "SINCE", "EXPECTED END", "RUN"), rows)
        if rows
        else ["No deployment holds or waits for a lock."]
    )
    for name, lock in sorted(document.locks.items()):
        lines += _remarks(log_text(name, CELL_MAX), lock, at, utc=utc)
    return lines


def queue(waiting: Sequence[Ticket], ahead: Mapping[str, Sequence[str]], *, utc: bool) -> list[str]:
    """Those who wait, in order; `ahead`: the correlation ids before each, by nonce."""
    rows = [
        (
            str(len(ahead[one.nonce]) + 1),
            ", ".join(one.lock_texts),
            one.correlation_id,
            one.actor,
            one.priority or "normal",
            shown_time(one.requested_at, utc=utc),
            ", ".join(ahead[one.nonce][:2]) + (" …" if len(ahead[one.nonce]) > 2 else ""),
            one.url,
        )
        for one in waiting
    ]
    head = ("POSITION", "LOCKS", "DEPLOYMENT", "BY", "PRIORITY", "SINCE", "BEHIND", "RUN")
    return table(head, rows) if rows else ["No deployment waits for a lock."]


def shown_time(text: str, *, utc: bool) -> str:
    """An ISO 8601 time in this machine's zone, which it names: `2027-01-15 09:00:00 CET`; with `utc` as it is
    kept. What is no time stays as it is."""
    seconds = unix_seconds(text)
    if utc or seconds is None:
        return text
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def zone_name(unix_seconds: float) -> str:
    """Of this machine at that time, such as `CET`."""
    return datetime.fromtimestamp(unix_seconds, UTC).astimezone().tzname() or ""


def frozen(freeze: Freeze, *, utc: bool) -> str:
    """By whom, how long, for whom and why: `by ada until 2027-01-15 09:00:00 CET: month end`. Not escaped."""
    until = shown_time(freeze.until, utc=utc)
    end = f"until {until}" if until else "until somebody lifts it"
    but = f", for all but {', '.join(freeze.allow)}" if freeze.allow else ""
    return f"by {freeze.by} {end}{but}: {freeze.reason}"


def _ticket(ticket: Ticket, *, utc: bool) -> tuple[str, ...]:
    return (
        "holds" if ticket.holding else "waits",
        ", ".join(ticket.lock_texts),
        ", ".join(ticket.stacks),
        ticket.correlation_id,
        ticket.actor,
        shown_time(ticket.held_since if ticket.holding else ticket.requested_at, utc=utc),
        shown_time(ticket.expected_end, utc=utc),
        ticket.url,
    )


def _remarks(name: str, lock: Lock, at: str, *, utc: bool) -> list[str]:
    remarks = []
    if lock.freeze is not None and not lock.freeze.over(at):
        remarks.append(f"{name} is frozen {frozen(lock.freeze, utc=utc)}")
    if lock.settling:
        remarks.append(f"{name} waits for stacks that were left in progress: {', '.join(lock.settling)}")
    return [log_text(remark) for remark in remarks]


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, width: int | None = None) -> list[str]:
    """Columns as wide as they need to be, or as the terminal lets them, without those that have no word. On
    a narrow terminal names are cut and the columns of `GIVES_WAY` left out, one by one; ids, outcomes, times
    and links stand whole or not at all. What stands in them may come from outside. `width`: of the terminal
    in cells; None finds it, and where there is none nothing is cut, for a file or a pipe."""
    texts = [head, *(tuple(log_text(cell, CELL_MAX) for cell in row) for row in rows)]
    kept = [column for column in range(len(head)) if any(row[column] for row in texts[1:]) or len(texts) == 1]
    widths = {head[column]: max(cells(row[column]) for row in texts) for column in kept}
    width = terminal_width() if width is None else width
    if width:
        widths = _fitted(widths, max(width, NARROW))
    shown = [column for column in kept if head[column] in widths]
    return [
        "  ".join(
            padded(_cut(row[column], widths[head[column]]), widths[head[column]]) for column in shown
        ).rstrip()
        for row in texts
    ]


def terminal_width() -> int:
    """0 where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _fitted(widths: dict[str, int], width: int) -> dict[str, int]:
    """Of the columns that fit, by head: as few as possible left out, and names cut no more than they have
    to be. Where nothing helps, names are as short as their heads, and the terminal wraps."""
    for left_out in range(len(GIVES_WAY) + 1):
        columns = {head: wide for head, wide in widths.items() if head not in GIVES_WAY[:left_out]}
        names = CUT if left_out >= GIVES_WAY.index("BEHIND") else CUT[:1]
        least = {head: min(wide, max(len(head), NAME_MIN)) for head, wide in columns.items() if head in names}
        found = _narrowed(columns, least, width)
        if _total(found) <= width:
            return found
    return _narrowed(columns, {head: len(head) for head in columns if head in CUT}, width)


def _narrowed(widths: dict[str, int], least: dict[str, int], width: int) -> dict[str, int]:
    """The stacks first, then the widest name, cell by cell."""
    widths = dict(widths)
    while _total(widths) > width:
        room = [head for head in least if widths[head] > least[head]]
        if not room:
            break
        widths[max(room, key=lambda head: (head == CUT[0], widths[head]))] -= 1
    return widths


def _total(widths: dict[str, int]) -> int:
    return sum(widths.values()) + 2 * (len(widths) - 1)


def _cut(cell: str, width: int) -> str:
    if cells(cell) <= width:
        return cell
    while cell and cells(cell) >= width:
        cell = cell[:-1]
    return f"{cell}…"
