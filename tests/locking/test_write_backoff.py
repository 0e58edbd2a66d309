"""A writer that has lost lets others go first, by what it sees of them."""

from __future__ import annotations

import pytest

from deploy_action.common.instants import MonotonicTime
from deploy_action.locking.write_backoff import (
    CROWD_SECONDS_MAX,
    CROWD_WRITES,
    WAITS_MAX,
    Backoff,
    Spread,
    limit_window_seconds,
)


def lost(*, patient: bool = True, seconds_max: float = CROWD_SECONDS_MAX, writes: float = 1.0) -> Backoff:
    backoff = Backoff(seconds_max, patient=patient)
    backoff.lost(MonotonicTime(100.0), revision=7, write_seconds=writes)
    return backoff


@pytest.mark.parametrize("write_seconds", [0.1, 1.0, 4.0])
def test_the_window_is_as_long_as_several_writes_and_doubles(write_seconds: float) -> None:
    backoff = lost(writes=write_seconds)
    assert backoff.window_seconds() == pytest.approx(CROWD_WRITES * write_seconds)
    backoff.lost(MonotonicTime(200.0), revision=9, write_seconds=write_seconds)
    assert backoff.window_seconds() == pytest.approx(2 * CROWD_WRITES * write_seconds)


def test_a_window_is_bounded() -> None:
    backoff = lost(seconds_max=5.0)
    for _ in range(100):
        backoff.lost(MonotonicTime(200.0), revision=9, write_seconds=3.0)
    assert backoff.window_seconds() == 5.0


def test_whoever_won_is_over_and_does_not_count_as_a_crowd() -> None:
    assert not lost().crowded(MonotonicTime(103.0), revision=8)


def test_a_document_that_still_moves_is_waited_for_but_not_for_ever() -> None:
    backoff, waits = lost(), 0
    while backoff.crowded(MonotonicTime(100.0 + 4 * (waits + 1)), revision=8 + 3 * (waits + 1)):
        waits += 1
    assert waits == WAITS_MAX
    assert backoff.window_seconds() == CROWD_WRITES * 2**WAITS_MAX


def test_what_moved_before_the_last_look_is_not_counted_again() -> None:
    backoff = lost()
    assert backoff.crowded(MonotonicTime(104.0), revision=11)
    assert not backoff.crowded(MonotonicTime(120.0), revision=12)


def test_who_has_lost_nothing_or_may_not_wait_writes_at_once() -> None:
    assert not Backoff(5.0, patient=True).crowded(MonotonicTime(1.0), revision=100)
    assert not lost(patient=False).crowded(MonotonicTime(104.0), revision=100)


def test_those_that_a_limit_sent_away_spread_and_spread_more_the_next_time() -> None:
    assert limit_window_seconds(1) == 60.0
    assert limit_window_seconds(2) == 120.0
    assert limit_window_seconds(1000) == limit_window_seconds(5)


class TestTheFirstWriteOfMany:
    def test_alone_it_waits_for_a_few_writes_and_then_writes(self) -> None:
        spread = Spread()
        assert spread.window_seconds(40, 7, read_seconds=0.3) == pytest.approx(6 * 4 * 0.3)
        assert spread.window_seconds(40, 7, read_seconds=0.3) == 0.0

    def test_where_others_write_it_waits_for_a_write_of_each(self) -> None:
        spread = Spread()
        spread.window_seconds(40, 7, read_seconds=0.3)
        assert spread.window_seconds(39, 8, read_seconds=0.3) == pytest.approx(39 * 4 * 0.3)
        assert spread.window_seconds(30, 17, read_seconds=0.3) == 0.0

    def test_the_window_is_bounded_and_a_few_writers_have_none(self) -> None:
        spread = Spread()
        assert Spread().window_seconds(0, 7, read_seconds=0.3) == 0.0
        spread.window_seconds(500, 7, read_seconds=2.0)
        assert spread.window_seconds(500, 8, read_seconds=2.0) == 120.0
