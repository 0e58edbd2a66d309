"""Whether enough mutants are noticed is judged by all of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.mutants.killed_share import main, share

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("stats", "percent"),
    [
        ({"killed": 7, "survived": 3, "total": 10}, 70.0),
        ({"killed": 5, "timeout": 1, "segfault": 1, "no_tests": 3, "total": 10}, 70.0),
        ({"killed": 7, "survived": 3, "skipped": 90, "total": 100}, 70.0),
        ({"killed": 0, "total": 0}, 0.0),
        ({}, 0.0),
    ],
)
def test_the_share_is_of_all_that_were_tried(stats: dict[str, int], percent: float) -> None:
    assert share(stats) == percent


def test_less_than_what_is_wanted_is_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "stats.json"
    path.write_text(json.dumps({"killed": 7, "survived": 3, "total": 10}))
    assert (main(str(path), "70"), main(str(path), "71")) == (0, 1)
