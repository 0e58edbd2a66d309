"""The Mermaid chart: bounded, ordered, and safe from names that are Mermaid's own words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.history.estimate import Basis, Usual
from deploy_action.reporting.resource_activity import ResourceActivity
from deploy_action.reporting.summary.gantt import BARS_MAX, gantt
from tests.common.test_escape import hostile

NOON = 1_790_000_000.0
LINE = re.compile(
    r"    [+~=·-] (?P<name>[\w .()/+=@…-]+?) (?P<took>(?:\d+[dhms])+)(?: \((?P<words>[\w, ]+)\))? "
    r":(?P<tag>crit, |done, |active, |)"
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
    stack: str = "eu-west-1/shop",
    reason: str = "",
    usual: Usual | None = None,
) -> ResourceActivity:
    end = None if ended is None else NOON + ended
    return ResourceActivity(stack, label, type_, action, phase, status, NOON + started, end, reason, usual)


def lines_of(chart: str) -> list[str]:
    """Sections and bars."""
    return chart[chart.index("    section ") : chart.rindex("\n```")].splitlines()


def test_phases_are_sections_and_times_count_from_the_first_bar() -> None:
    chart = gantt(
        [
            bar("Service", 5, 75, status="UPDATE_FAILED", action="UPDATE"),
            bar("Task", 3, 5, action="UPDATE"),
            bar("Service", 80, 140, phase=Phase.ROLLBACK, action="UPDATE"),
            bar("Task", 140, 140, phase=Phase.ROLLBACK, action="DELETE"),
            bar("Slow", 10, None),
            bar(
                "Sibling", 11, 75, status="UPDATE_FAILED", action="UPDATE", reason="Resource update cancelled"
            ),
        ],
        end=NOON + 150,
    )
    assert (
        chart
        == """\
### Timeline

```mermaid
%%{init: {"gantt": {"useWidth": 900, "leftPadding": 80}}}%%
gantt
    accTitle: Timeline
    accDescr: 4 resources in 2m27s, the longest is Slow with 2m20s, failed - Service, then it was rolled back
    dateFormat YYYY-MM-DD HH:mm:ss
    axisFormat %M:%S
    tickInterval 30second
    todayMarker off
    section Deploy
    ~ Task 2s :done, 2000-01-01 00:00:00, 2000-01-01 00:00:02
    ~ Service 1m10s (failed) :crit, 2000-01-01 00:00:02, 2000-01-01 00:01:12
    + Slow 2m20s (no end seen) :active, 2000-01-01 00:00:07, 2000-01-01 00:02:27
    ~ Sibling (cancelled) :done, 2000-01-01 00:00:08, 2000-01-01 00:01:12
    section Rollback
    ↩ Rollback 1m00s (2 resources) :done, 2000-01-01 00:01:17, 2000-01-01 00:02:17
```

<sub>`+` created · `~` updated · `-` deleted</sub>

<details><summary>Rollback</summary>

```mermaid
%%{init: {"gantt": {"useWidth": 900, "leftPadding": 80}}}%%
gantt
    accTitle: Rollback
    accDescr: 2 resources in 1m00s, the longest is Service with 1m00s
    dateFormat YYYY-MM-DD HH:mm:ss
    axisFormat %M:%S
    tickInterval 15second
    todayMarker off
    section Rollback
    ~ Service 1m00s :done, 2000-01-01 00:00:00, 2000-01-01 00:01:00
    - Task 0s :done, 2000-01-01 00:01:00, 2000-01-01 00:01:01
```

</details>"""
    )


def test_nothing_happened_nothing_is_drawn() -> None:
    assert gantt([], end=NOON) == ""


def test_nested_stacks_are_told_by_what_runs_inside_them() -> None:
    chart = gantt([bar("Database", 0, 9, type_=STACK_TYPE), bar("Database/Instance", 1, 9)], end=NOON)
    assert "Database 9s" not in chart
    assert "Database/Instance 8s" in chart


def test_where_there_are_only_stacks_they_are_drawn() -> None:
    assert "+ Database 9s" in gantt([bar("Database", 0, 9, type_=STACK_TYPE)], end=NOON)


def test_what_is_usual_stands_beside_what_was_and_what_was_slow_looks_other() -> None:
    usual = Usual(50.0, 60.0, 70.0, 5, Basis.RESOURCE)
    chart = gantt(
        [
            bar("Even", 0, 75, usual=usual),
            bar("Slow", 1, 77, usual=usual),
            bar("O", 2, None, usual=usual),
            bar("New", 3, 5),
        ],
        end=NOON + 90,
    )
    assert lines_of(chart) == [
        "    section Deploy",
        "    + Even 1m15s (usually 50s to 1m10s) :done, 2000-01-01 00:00:00, 2000-01-01 00:01:15",
        "    + Slow 1m16s (slow, usually 50s to 1m10s) :2000-01-01 00:00:01, 2000-01-01 00:01:17",
        "    + O 1m28s (no end seen, usually 50s to 1m10s) :active, 2000-01-01 00:00:02, 2000-01-01 00:01:30",
        "    + New 2s :done, 2000-01-01 00:00:03, 2000-01-01 00:00:05",
    ]


def test_several_stacks_have_sections_of_their_own() -> None:
    chart = gantt(
        [
            bar("Late", 9, 12, stack="eu-west-1/web"),
            bar("Early", 0, 5, stack="eu-west-1/network"),
            bar("Undone", 20, 22, stack="eu-west-1/web", phase=Phase.ROLLBACK),
        ],
        end=NOON,
    )
    sections = [line.strip() for line in lines_of(chart) if "section" in line]
    assert sections == ["section network", "section web", "section Rollback", "section Rollback"]


@pytest.mark.parametrize(
    ("seconds", "tick"), [(10, "5second"), (120, "15second"), (121, "30second"), (20 * 86_400, "1day")]
)
def test_the_grid_is_as_wide_as_the_deployment_is_long(seconds: float, tick: str) -> None:
    assert f"    tickInterval {tick}\n" in gantt([bar("A", 0, seconds)], end=NOON)


def test_of_five_hundred_the_longest_are_drawn_in_their_order() -> None:
    bars = [bar(f"Resource{number:03}" + "x" * 200, number, 2 * number) for number in range(500)]
    chart = gantt(bars, end=NOON)
    found = LINE.findall(chart)
    assert len(found) == BARS_MAX
    starts = [start for *_, start, _ in found]
    assert starts == sorted(starts)
    assert "### Timeline: the 30 longest of 500\n" in chart
    assert "7m50s" in chart
    assert "7m49s" not in chart
    assert len(chart) < 50_000


def test_what_failed_is_drawn_however_short_it_was() -> None:
    bars = [bar(f"Slow{number}", 0, 100 + number) for number in range(50)]
    cancelled = bar("Sibling", 1, 3, status="CREATE_FAILED", reason="Resource creation cancelled")
    chart = gantt([*bars, bar("Broken", 2, 3, status="CREATE_FAILED"), cancelled], end=NOON)
    assert "+ Broken 1s (failed) :crit, " in chart
    assert "Sibling" not in chart


def test_a_large_stack_that_failed_shows_what_failed_and_what_that_waited_for_not_its_rollback() -> None:
    done = [bar(f"Other{number:03}", 0, 40) for number in range(200)]
    undone = [bar(one.label, 50, 250, action="DELETE", phase=Phase.ROLLBACK) for one in done]
    chain = [bar("Vpc", 0, 10), bar("Subnet", 10.5, 12), bar("Broken", 13, 14, status="CREATE_FAILED")]
    chart, _, rollback = gantt([*done, *chain, *undone], end=NOON).partition("<details>")
    for name in ("+ Vpc 10s", "+ Subnet 2s", "+ Broken 1s (failed)"):
        assert name in chart
    assert "### Timeline: the 30 failed and longest of 203\n" in chart
    assert "- Other" not in chart
    assert "    ↩ Rollback 3m20s (200 resources) :done, 2000-01-01 00:00:50, 2000-01-01 00:04:10" in chart
    assert rollback.startswith("<summary>Rollback: the 30 longest of 200</summary>")
    assert rollback.count("    - Other") == BARS_MAX


def test_who_does_not_see_a_chart_is_told_what_it_shows() -> None:
    bars = [bar("A", 0, 60), bar("B", 0, 5, status="CREATE_FAILED")]
    assert (
        "    accTitle: Timeline\n"
        "    accDescr: 2 resources in 1m00s, the longest is A with 1m00s, failed - B\n"
    ) in gantt(bars, end=NOON)


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
    assert lines_of(gantt([bar(name, 0, 9)], end=NOON))[1].startswith(f"    + {name} 9s :done, ")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(hostile, hostile, st.floats(0, 1e7), st.none() | st.floats(0, 1e7)), max_size=5))
def test_every_line_is_of_the_grammar_whatever_the_names(
    found: list[tuple[str, str, float, float | None]],
) -> None:
    bars = [bar(name, start, end, action=action) for name, action, start, end in found]
    chart = gantt(bars, end=NOON + 2e7)
    body = [line for line in lines_of(chart) if not line.startswith("    section ")] if bars else []
    assert len(body) == len(bars)
    assert all(LINE.fullmatch(line) for line in body)
    assert chart.count("```") == (2 if bars else 0)
