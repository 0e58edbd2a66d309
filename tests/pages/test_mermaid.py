"""Every chart is read by Mermaid's own parser, with GitHub's limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.operation import Phase
from deploy_action.common.instants import WallTime
from deploy_action.history.estimate import Basis, Usual
from deploy_action.reporting.resource_activity import ResourceActivity
from deploy_action.reporting.summary.gantt import BARS_MAX, gantt
from deploy_action.reporting.summary.page import BYTES_MAX, summary
from tests.common.test_escape import hostile
from tests.pages import stories
from tests.pages.mermaid import NoMermaid, charts_in, installed, parsed
from tests.reporting.readers import elements

if TYPE_CHECKING:
    from deploy_action.reporting.report import Report

WORDS = [
    "section", "Title", "gantt", "click", "excludes", "done", "crit", "end", "accTitle", "accDescr", "%%",
    "%%{init: {}}%%", "---", "dateFormat X", "a:b:c", "a;b", "#35;", "vert", "milestone", "todayMarker",
    "<script>", "`", "```", "constructor", "__proto__", "\u2028x", "名前", "🚀", "[*]", "tickInterval 1ms",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def mermaid() -> None:
    try:
        installed()
    except NoMermaid as error:
        pytest.skip(f"Mermaid is not to be had: {error}")


def page_of(report: Report) -> str:
    return summary(report, now=WallTime(report.ended or stories.NOON + 612))


def test_the_parser_refuses_what_is_wrong() -> None:
    wrong, right = parsed(
        ["gantt\n    foo bar\n", "gantt\n    section a\n    b :done, 2000-01-01, 2000-01-02\n"]
    )
    assert "error" in wrong
    assert right["tasks"][0]["text"] == "b"


def test_the_charts_of_all_stories_are_read_as_they_are_meant() -> None:
    pages = {name: page_of(story()) for name, story in stories.STORIES.items()}
    charts = {name: charts_in(page) for name, page in pages.items()}
    assert [name for name, found in charts.items() if not found] == ["queued"]
    names = [name for name in charts if name != "queued"]
    answers = dict(zip(names, parsed([charts[name][0] for name in names]), strict=True))
    assert {name: answer.get("error") for name, answer in answers.items()} == dict.fromkeys(names)
    failed = answers["failed"]["tasks"]
    assert [task["text"] for task in failed if task["crit"]] == ["~ Service 1m57s (failed)"]
    assert {task["section"] for task in failed} == {"Deploy", "Rollback"}
    assert len(charts["failed"]) == 2, "the rollback has a chart of its own"
    service = next(task for task in failed if task["crit"])
    assert service["end"] - service["start"] == 117_000
    assert len(answers["large"]["tasks"]) == BARS_MAX


def test_a_stack_of_five_hundred_and_three_of_them_are_within_all_limits() -> None:
    pages = [page_of(stories.large(500)), page_of(stories.several(500))]
    for page, count in zip(pages, (500, 1500), strict=True):
        assert len(page.encode()) < BYTES_MAX
        assert f"<summary>All resources ({count})</summary>" in page
        assert elements(page)[0].count("details") == page.count("<details>")
    charts = [charts_in(page)[0] for page in pages]
    assert max(map(len, charts)) < 10_000
    assert all("tasks" in answer for answer in parsed(charts))


def test_words_of_mermaids_own_are_names_like_any_other() -> None:
    charts = [charts_in(gantt([_bar(word, word), _bar("other", "b")], end=9.0))[0] for word in WORDS]
    answers = parsed(charts)
    assert [
        (word, answer)
        for word, answer in zip(WORDS, answers, strict=True)
        if len(answer.get("tasks", ())) != 2
    ] == []


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(hostile, hostile, st.sampled_from(Phase)), min_size=30, max_size=40))
def test_hostile_names_break_no_chart(found: list[tuple[str, str, Phase]]) -> None:
    charts = [
        charts_in(gantt([_bar(name, stack, phase), _bar("b", "other")], end=9.0))[0]
        for name, stack, phase in found
    ]
    answers = parsed(charts)
    assert [
        (one, answer) for one, answer in zip(found, answers, strict=True) if len(answer.get("tasks", ())) != 2
    ] == []


def _bar(label: str, stack: str, phase: Phase = Phase.DEPLOY) -> ResourceActivity:
    usual = Usual(1.0, 2.0, 3.0, 4, Basis.RESOURCE)
    return ResourceActivity(
        stack, label, "AWS::Test::Thing", "UPDATE", phase, "UPDATE_COMPLETE", 1.0, 5.0, "", usual
    )
