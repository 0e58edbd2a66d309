"""Columns stand below each other whatever their characters."""

from __future__ import annotations

import pytest

from deploy_action.cli.text.tables import table
from deploy_action.common.columns import cells, padded


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("", 0), ("デプロイ", 8), ("e\u0301", 1), ("🚀 go", 5), ("a\u200db", 2)]
)
def test_a_width_is_in_cells(text: str, width: int) -> None:
    assert cells(text) == width
    assert cells(padded(text, 12)) == 12
    assert padded(text, 0) == text


def test_a_table_is_as_wide_in_every_row() -> None:
    lines = table(("NAME", "BY"), [("本番環境", "ada"), ("test", "grace")])
    assert [
        cells(line.partition(end)[0]) for line, end in zip(lines, ("BY", "ada", "grace"), strict=True)
    ] == [10] * 3
