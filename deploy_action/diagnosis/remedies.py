"""The next step after a failure: the rows of `data/remedies.toml`, of which the first that fits wins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from deploy_action.data import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

SEARCHED_MAX = 4096
"""At most this many characters of a reason are matched: it comes from outside, and may be long on purpose."""
QUOTED_MAX = 200
"""At most this many characters of a reason stand in a remedy at a place."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """`advice` may quote the reason: escape it like the reason itself. `source` is a page, or empty."""

    title: str
    advice: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`pattern` is searched in the reason; `types` and `statuses` match whole words, None for any.

    `codes` matches the whole error code of the resource's handler, and then the text does not matter.
    """

    title: str
    pattern: re.Pattern[str] | None
    advice: str
    types: re.Pattern[str] | None = None
    statuses: re.Pattern[str] | None = None
    codes: re.Pattern[str] | None = None
    source: str = ""

    def fits(self, text: str, resource_type: str, status: str, code: str) -> dict[str, str] | None:
        """The values of the pattern's groups; None where the row does not fit."""
        if self.types is not None and not self.types.fullmatch(resource_type):
            return None
        if self.statuses is not None and not self.statuses.fullmatch(status):
            return None
        match = self.pattern.search(text) if self.pattern is not None else None
        if match is not None:
            return {name: (value or "")[:QUOTED_MAX] for name, value in match.groupdict().items()}
        return {} if self.codes is not None and self.codes.fullmatch(code) else None


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """The table, read when first needed: steps in which nothing fails do not pay for it."""
    import tomllib  # noqa: PLC0415

    return tuple(_row(row) for row in tomllib.loads(read_table("remedies.toml"))["remedy"])


def remedy_for(
    reason: str, *, resource_type: str = "", status: str = "", handler_code: str = ""
) -> Remedy | None:
    """The advice for a failure; None where the table knows none. Groups of the pattern fill its places.

    `handler_code`: one of CloudFormation's codes for resource handlers, such as `InvalidRequest`:
    https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html
    """
    text = reason[:SEARCHED_MAX]
    for row in rows():
        found = row.fits(text, resource_type[:200], status[:200], handler_code[:200])
        if found is not None:
            return Remedy(row.title, row.advice.format_map(found), row.source)
    return None


def _row(row: Mapping[str, str]) -> Row:
    def compiled(name: str) -> re.Pattern[str] | None:
        return re.compile(row[name], re.IGNORECASE) if name in row else None

    return Row(
        title=row["title"],
        pattern=compiled("pattern"),
        advice=row["advice"],
        types=compiled("types"),
        statuses=compiled("statuses"),
        codes=compiled("codes"),
        source=row.get("source", ""),
    )
