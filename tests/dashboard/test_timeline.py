"""Records on a line of time, and what of them is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.common.instants import WallTime
from deploy_action.common.times import iso
from deploy_action.dashboard.anomalies import unusual_of
from deploy_action.dashboard.archive import notices, opened
from deploy_action.dashboard.metrics import figures
from deploy_action.dashboard.restore_times import restores_of
from deploy_action.dashboard.timeline import ENTRIES_MAX, timeline_of
from tests.common.many_story import NOW, records
from tests.history.test_document import JSON


def record(name: str = "a", **more: object) -> dict[str, Any]:
    return {"correlation_id": name, "outcome": "succeeded", "released_at": "2026-11-20T08:00:00Z", **more}


def whole(*records: dict[str, Any]) -> bytes:
    return json.dumps({"schema": 1, "deployments": records}).encode()


def test_they_stand_by_their_end() -> None:
    late, early = record("late"), record("early", released_at="2026-11-19T08:00:00Z")
    found = timeline_of([late, early], now=WallTime(NOW)).entries
    assert [one.deployment.correlation_id for one in found] == ["early", "late"]


def test_of_overlapping_archives_each_deployment_counts_once() -> None:
    one, two = whole(record("a", outcome="unknown"), record("b")), whole(record("a"), record("c"))
    timeline, damaged = opened([("one", one), ("two", two)], now=WallTime(NOW))
    assert sorted((e.deployment.correlation_id, e.outcome) for e in timeline.entries) == [
        ("a", "succeeded"),
        ("b", "succeeded"),
        ("c", "succeeded"),
    ]
    assert damaged == []


@pytest.mark.parametrize("time", ["", "yesterday", "9999-01-01T00:00:00Z", "1970-01-01T00:00:00Z", 7, None])
def test_what_has_no_sane_time_is_left_out_and_told(time: object) -> None:
    timeline = timeline_of([record(), record("b", released_at=time)], now=WallTime(NOW))
    assert len(timeline.entries) == 1
    assert notices(timeline, []) == ["1 record is left out, having no time that makes sense."]


def test_what_is_damaged_is_told() -> None:
    timeline, damaged = opened(
        [("one.json", b"{half"), ("two.json", whole({}, record(runs=[{"stack": 7}]))), ("none", None)],
        now=WallTime(NOW),
    )
    told = notices(timeline, damaged)
    assert told[0].startswith("one.json is left out: it is not JSON")
    assert told[1:] == [
        "1 record is left out, being no record of a deployment.",
        "1 record is shown without the operations that could not be read.",
    ]


def test_the_newest_are_kept() -> None:
    many = [record(str(n), released_at=iso(NOW - n)) for n in range(ENTRIES_MAX + 2)]
    timeline = timeline_of(many, now=WallTime(NOW))
    assert len(timeline.entries) == ENTRIES_MAX
    assert timeline.entries[-1].deployment.correlation_id == "0"
    assert "2 records are left out, being older" in notices(timeline, [])[0]


def test_an_unheard_of_outcome_is_never_good() -> None:
    (found,) = timeline_of([record(outcome="splendid")], now=WallTime(NOW)).entries
    assert (found.outcome, found.good, found.succeeded) == ("unknown", False, False)


def test_a_request_after_the_end_gives_no_lead_time() -> None:
    (found,) = timeline_of([record(requested_at="2026-11-20T09:00:00Z")], now=WallTime(NOW)).entries
    assert found.lead_seconds is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(sorted(next(records(1)))), JSON), max_size=5))
def test_a_hostile_history_never_raises(rows: list[dict[str, Any]]) -> None:
    timeline = timeline_of([{**record(str(n)), **row} for n, row in enumerate(rows)], now=WallTime(NOW))
    restores = restores_of(timeline.entries)
    unusual_of(timeline.entries)
    found = figures(timeline.entries, restores, since=NOW - 1, until=NOW)
    assert found.count == len(timeline.entries)
