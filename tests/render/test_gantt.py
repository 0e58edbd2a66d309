"""The Mermaid chart: bounded, ordered, and safe from names that are Mermaid's own words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.core.events import Phase
from deploy_action.core.report import Bar
from deploy_action.core.stacks import STACK_TYPE
from deploy_action.render.gantt import BARS_MAX, gantt
from tests.render.test_escape import hostile

NOON = 1_790_000_000.0
LINE = re.compile(
    r"    [+~=·-] (?P<name>[\w .()/+=@…-]+) (?P<took>\w+) :(?P<tag>crit|done|active), "
    r"(?P<start>2000-01-\d\d \d\d:\d\d:\d\d), (?P<end>2000-01-\d\d \d\d:\d\d:\d\d)"
)


def bar(
    label: str,
    started: float,
    ended: float | None,
    *,
    action: str = "CREATE",
    phase: Phase = Phase.DEPLOY,
    status: str = "CREATE_COMPLETE",
    type_: str = "AWS::Test::Thing",
) -> Bar:
    return Bar(
        "shop", label, type_, action, phase, status, NOON + started, None if ended is None else NOON + ended
    )


def test_phases_are_sections_and_times_count_from_the_first_bar() -> None:
    chart = gantt(
        [
            bar("Service", 5, 75, status="UPDATE_FAILED", action="UPDATE"),
            bar("Task", 3, 5, action="UPDATE"),
            bar("Service", 80, 140, phase=Phase.ROLLBACK, action="UPDATE"),
            bar("Task", 140, 140, phase=Phase.ROLLBACK, action="DELETE"),
            bar("Slow", 10, None),
        ],
        end=NOON + 150,
    )
    assert (
        chart
        == """\
```mermaid
gantt
    dateFormat YYYY-MM-DD HH:mm:ss
    axisFormat %M:%S
    section Deploy
    ~ Task 2s :done, 2000-01-01 00:00:00, 2000-01-01 00:00:02
    ~ Service 1m10s :crit, 2000-01-01 00:00:02, 2000-01-01 00:01:12
    + Slow 2m20s :active, 2000-01-01 00:00:07, 2000-01-01 00:02:27
    section Rollback
    ~ Service 1m00s :done, 2000-01-01 00:01:17, 2000-01-01 00:02:17
    - Task 0s :done, 2000-01-01 00:02:17, 2000-01-01 00:02:18
```"""
    )


def test_nothing_happened_nothing_is_drawn() -> None:
    assert gantt([], end=NOON) == ""


def test_nested_stacks_are_told_by_what_runs_inside_them() -> None:
    chart = gantt([bar("Database", 0, 9, type_=STACK_TYPE), bar("Database/Instance", 1, 9)], end=NOON)
    assert "Database 9s" not in chart
    assert "Database/Instance 8s" in chart


def test_where_there_are_only_stacks_they_are_drawn() -> None:
    assert "+ Database 9s" in gantt([bar("Database", 0, 9, type_=STACK_TYPE)], end=NOON)


def test_of_five_hundred_the_forty_longest_are_drawn_in_their_order() -> None:
    bars = [bar(f"Resource{number:03}" + "x" * 200, number, 2 * number) for number in range(500)]
    chart = gantt(bars, end=NOON)
    found = LINE.findall(chart)
    assert len(found) == BARS_MAX
    assert [start for _, _, _, start, _ in found] == sorted(start for _, _, _, start, _ in found)
    assert "7m40s" in chart
    assert "7m39s" not in chart
    assert len(chart) < 50_000


def test_hours_are_shown_where_there_are_any() -> None:
    assert "axisFormat %H:%M:%S" in gantt([bar("A", 0, 3600)], end=NOON)
    assert "axisFormat %M:%S" in gantt([bar("A", 0, 3599)], end=NOON)


def test_more_than_a_day_and_more_than_a_month_are_still_dates() -> None:
    assert "2000-01-02 01:00:00" in gantt([bar("A", 0, 90_000)], end=NOON)
    assert "2000-01-31 00:00:00" in gantt([bar("A", 0, 40 * 86_400)], end=NOON)


@pytest.mark.parametrize(
    "name", ["section", "Title", "gantt", "click", "excludes", "done", "crit", "end", "accTitle"]
)
def test_a_name_that_is_a_word_of_mermaids_begins_no_line(name: str) -> None:
    lines = gantt([bar(name, 0, 9)], end=NOON).splitlines()
    assert lines[5].startswith(f"    + {name} 9s :done, ")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(hostile, hostile, st.floats(0, 1e7), st.none() | st.floats(0, 1e7)), max_size=5))
def test_every_line_is_of_the_grammar_whatever_the_names(
    found: list[tuple[str, str, float, float | None]],
) -> None:
    bars = [bar(name, start, end, action=action) for name, action, start, end in found]
    chart = gantt(bars, end=NOON + 2e7)
    body = [line for line in chart.splitlines()[4:-1] if not line.startswith("    section ")]
    assert len(body) == len(bars)
    assert all(LINE.fullmatch(line) for line in body)
    assert chart.count("```") == (2 if bars else 0)
