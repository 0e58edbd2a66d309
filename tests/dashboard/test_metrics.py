"""The figures of a set of deployments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.dashboard.metrics import DAY, Restore, figures, quantile, typical
from deploy_action.history.estimate import Estimate
from tests.history.entries import HOUR, START, entry

BAD = (("a", "failed"), ("b", "no-changes"))


def test_a_quantile_lies_between_the_two_nearest() -> None:
    assert [quantile([4, 1, 3, 2], share) for share in (0, 0.5, 0.9, 1)] == [1, 2.5, pytest.approx(3.7), 4]
    assert typical([None, 5.0]) == typical([5.0])
    assert typical([None]) is None


def test_nothing_gives_no_figure_rather_than_a_good_one() -> None:
    found = figures([], {}, since=START, until=START)
    assert (found.count, found.per_day) == (0, 0)
    assert (found.failure_rate, found.restore, found.lead, found.queue) == (None, None, None, None)
    assert (found.tries, found.turnaround, found.longest_wait, found.trend) == (None, None, None, None)
    assert (found.duration, found.coverage, found.median_error) == (None, None, None)


def test_only_verdicts_count_for_the_failure_rate() -> None:
    outcomes = ("succeeded", "succeeded", "succeeded", "failed", "rolled-back")
    none = ("no-changes", "busy", "skipped", "cancelled", "unknown", "never heard of")
    entries = [entry(str(n), n, outcome) for n, outcome in enumerate((*outcomes, *none))]
    found = figures(entries, {}, since=START, until=START + 2 * DAY)
    assert (found.count, found.succeeded, found.failed) == (11, 3, 2)
    assert found.failure_rate == 0.4
    assert found.per_day == 1.5


def test_a_short_time_counts_as_a_day() -> None:
    assert figures([entry("a", 0)], {}, since=START, until=START).per_day == 1


def test_lead_time_begins_with_the_commit_and_the_other_figure_with_the_request() -> None:
    made = replace(entry("a", 1), committed=START + HOUR - 5_000)
    found = figures([made, entry("b", 2)], {}, since=START, until=START)
    assert found.lead == typical([5_000])
    assert found.turnaround == typical([200, 200])


def test_a_trend_holds_the_newer_half_against_the_older() -> None:
    entries = [entry(str(n), n, seconds=100 if n < 4 else 150) for n in range(8)]
    assert figures(entries, {}, since=START, until=START).trend == pytest.approx(0.5)
    assert figures(entries[:7], {}, since=START, until=START).trend is None


def test_a_request_that_nobody_knows_has_no_turnaround_or_queue_time() -> None:
    known, collected = entry("a", 1, queue=50), entry("b", 2, requested=False)
    found = figures([known, collected], {}, since=START, until=START)
    assert found.turnaround == typical([200])
    assert found.queue == typical([50])
    assert found.longest_wait == 50


def test_lead_time_is_of_what_reached_its_place() -> None:
    entries = [replace(entry(name, 1, how), committed=START) for name, how in BAD]
    found = figures(entries, {}, since=START, until=START)
    assert (found.lead, found.turnaround) == (None, None)


def test_estimates_are_scored_as_everywhere() -> None:
    estimate = Estimate(80, 90, 120, "basis", 3)
    entries = [
        entry("held", 1, estimate=estimate),
        entry("missed", 2, estimate=estimate, seconds=200),
        entry("failed", 3, "failed", estimate=estimate),
        entry("none", 4),
    ]
    found = figures(entries, {}, since=START, until=START)
    assert (found.scored, found.coverage) == (2, 0.5)
    assert found.median_error == pytest.approx((0.1 + 0.55) / 2)


def test_failures_that_last_are_told_beside_the_time_to_restore() -> None:
    entries = [entry("a", 1, "failed"), entry("b", 2, "failed"), entry("c", 3)]
    restores = {"a": Restore(600.0), "b": Restore(None), "of another choice": Restore(1.0)}
    found = figures(entries, restores, since=START, until=START)
    assert (found.restore, found.open_failures) == (typical([600]), 1)
