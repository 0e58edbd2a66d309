"""Tables and folded parts of the job summary, each within bounds of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already."""
    return "\n".join([_head(head), *(_row(row) for row in rows)])


def folded_table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, bytes_max: int) -> str:
    """As many rows as `bytes_max` allows, behind a title that counts them. Empty without rows."""
    if not rows:
        return ""
    lines: list[str] = []
    size = 0
    for row in rows:
        line = _row(row)
        size += len(line.encode("utf-8", "replace")) + 1
        if size > bytes_max:
            break
        lines.append(line)
    cut = f"first {len(lines)} of {len(rows)}" if len(lines) < len(rows) else f"{len(rows)}"
    return folded(f"{title} ({cut})", "\n".join([_head(head), *lines]))


def folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def _head(head: Sequence[str]) -> str:
    return f"{_row(head)}\n|{' :--- |' * len(head)}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
