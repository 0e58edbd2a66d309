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

    from deploy_action.locking.document import Document, Lock, Ticket

CELL_MAX = 70
NARROW = 60
"""Columns of the narrowest terminal that a table is made for."""


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
        until = shown_time(lock.freeze.until, utc=utc)
        end = f"until {until}" if until else "until somebody lifts it"
        but = f", for all but {', '.join(lock.freeze.allow)}" if lock.freeze.allow else ""
        remarks.append(f"{name} is frozen by {lock.freeze.by} {end}{but}: {lock.freeze.reason}")
    if lock.settling:
        remarks.append(f"{name} waits for stacks that were left in progress: {', '.join(lock.settling)}")
    return [log_text(remark) for remark in remarks]


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, width: int | None = None) -> list[str]:
    """Columns as wide as they need to be, or as the terminal lets them: the widest are cut first, and columns
    without a word left away. What stands in them may come from outside. `width`: of the terminal; None where
    there is none, so that nothing is cut for a file or a pipe."""
    texts = [head, *(tuple(log_text(cell, CELL_MAX) for cell in row) for row in rows)]
    kept = [column for column in range(len(head)) if any(row[column] for row in texts[1:]) or len(texts) == 1]
    shown = [tuple(row[column] for column in kept) for row in texts]
    widths = [max(cells(row[column]) for row in shown) for column in range(len(kept))]
    width = terminal_width() if width is None else width
    if width:
        widths = _fitted(widths, [cells(cell) for cell in shown[0]], max(width, NARROW))
    return [
        "  ".join(padded(_cut(cell, wide), wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in shown
    ]


def terminal_width() -> int:
    """0 where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def _fitted(widths: list[int], least: list[int], width: int) -> list[int]:
    """Narrower, column by column, until they fit; none below its head."""
    widths = list(widths)
    while sum(widths) + 2 * (len(widths) - 1) > width:
        room = [wide - small for wide, small in zip(widths, least, strict=True)]
        widest = max(range(len(widths)), key=lambda column: (room[column] > 0, widths[column]))
        if room[widest] <= 0:
            break
        widths[widest] -= 1
    return widths


def _cut(cell: str, width: int) -> str:
    if cells(cell) <= width:
        return cell
    while cell and cells(cell) >= width:
        cell = cell[:-1]
    return f"{cell}…"
