"""Tables for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.escape import log_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.locking.document import Document, Lock, Ticket

CELL_MAX = 70


def active(document: Document, *, at: str) -> list[str]:
    """Holders of locks and the queue, in order; then what is frozen at `at`, and what settles."""
    rows = [_ticket(ticket) for ticket in document.tickets]
    lines = (
        table(("STATE", "LOCKS", "DEPLOYMENT", "BY", "SINCE", "EXPECTED END", "RUN"), rows)
        if rows
        else ["No deployment holds or waits for a lock."]
    )
    for name, lock in sorted(document.locks.items()):
        lines += _remarks(log_text(name, CELL_MAX), lock, at)
    return lines


def _ticket(ticket: Ticket) -> tuple[str, ...]:
    return (
        "holds" if ticket.holding else "waits",
        ", ".join(ticket.lock_texts),
        ticket.correlation_id,
        ticket.actor,
        ticket.held_since if ticket.holding else ticket.requested_at,
        ticket.expected_end,
        ticket.url,
    )


def _remarks(name: str, lock: Lock, at: str) -> list[str]:
    remarks = []
    if lock.freeze is not None and not lock.freeze.over(at):
        end = f"until {lock.freeze.until}" if lock.freeze.until else "until somebody lifts it"
        but = f", for all but {', '.join(lock.freeze.allow)}" if lock.freeze.allow else ""
        remarks.append(f"{name} is frozen by {lock.freeze.by} {end}{but}: {lock.freeze.reason}")
    if lock.settling:
        remarks.append(f"{name} waits for stacks that were left in progress: {', '.join(lock.settling)}")
    return [log_text(remark) for remark in remarks]


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Columns as wide as they need to be. What stands in them may come from outside."""
    cells = [head, *(tuple(log_text(cell, CELL_MAX) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
