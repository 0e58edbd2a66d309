"""What to do next about a failure: the rows of `data/remedies.toml`, of which the first that fits wins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from deploy_action.data import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

SEARCHED_MAX = 4096
"""So many characters of a reason are looked at: it comes from outside, and may be long on purpose."""
QUOTED_MAX = 200
"""So many characters of a reason may stand in a remedy at a place."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """`advice` may quote the reason: escape it like the reason itself. `source` is a page, or empty."""

    title: str
    advice: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`pattern` is searched in the reason; `types` and `statuses` match whole words, None for any."""

    title: str
    pattern: re.Pattern[str]
    advice: str
    types: re.Pattern[str] | None = None
    statuses: re.Pattern[str] | None = None
    source: str = ""

    def fits(self, text: str, resource_type: str, status: str) -> re.Match[str] | None:
        if self.types is not None and not self.types.fullmatch(resource_type):
            return None
        if self.statuses is not None and not self.statuses.fullmatch(status):
            return None
        return self.pattern.search(text)


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """The table, read when first needed: steps in which nothing fails do not pay for it."""
    import tomllib  # noqa: PLC0415

    return tuple(_row(row) for row in tomllib.loads(read_table("remedies.toml"))["remedy"])


def remedy_for(reason: str, *, resource_type: str = "", status: str = "") -> Remedy | None:
    """The advice for a failure; None where the table knows none. Groups of the pattern fill its places."""
    text = reason[:SEARCHED_MAX]
    for row in rows():
        match = row.fits(text, resource_type[:200], status[:200])
        if match:
            found = {name: (value or "")[:QUOTED_MAX] for name, value in match.groupdict().items()}
            return Remedy(row.title, row.advice.format_map(found), row.source)
    return None


def _row(row: Mapping[str, str]) -> Row:
    def compiled(name: str) -> re.Pattern[str] | None:
        return re.compile(row[name], re.IGNORECASE) if name in row else None

    return Row(
        title=row["title"],
        pattern=re.compile(row["pattern"], re.IGNORECASE),
        advice=row["advice"],
        types=compiled("types"),
        statuses=compiled("statuses"),
        source=row.get("source", ""),
    )
