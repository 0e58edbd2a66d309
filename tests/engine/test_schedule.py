"""One budget, fairly shared; trouble with one stack slows that stack."""

from __future__ import annotations

import random

import pytest

from deploy_action.engine.schedule import (
    BURST,
    ERROR_PAUSE_SECONDS_MAX,
    RECOVERY_SECONDS,
    REQUESTS_PER_SECOND,
    REQUESTS_PER_SECOND_MIN,
    Budget,
    Schedule,
    Turn,
)


def taken(budget: Budget, start: float, seconds: float) -> int:
    """How many requests are sent in a span by somebody who asks ten times a second."""
    return sum(budget.take(start + tick / 10) for tick in range(int(seconds * 10)))


def test_after_a_burst_the_rate_holds() -> None:
    budget = Budget()
    assert taken(budget, 0.0, 100.0) == pytest.approx(BURST + 100 * REQUESTS_PER_SECOND, abs=2)


def test_being_throttled_halves_the_rate_and_it_comes_back() -> None:
    budget = Budget()
    taken(budget, 0.0, 10.0)
    budget.throttled()
    assert budget.rate == REQUESTS_PER_SECOND / 2
    assert not budget.take(10.0)
    for _ in range(20):
        budget.throttled()
    assert budget.rate == REQUESTS_PER_SECOND_MIN
    budget.take(10.0 + RECOVERY_SECONDS)
    assert budget.rate == REQUESTS_PER_SECOND


def test_regions_add_to_the_budget() -> None:
    budget = Budget()
    budget.serve(3)
    assert taken(budget, 0.0, 100.0) == pytest.approx(BURST + 300 * REQUESTS_PER_SECOND, abs=6)


def test_roots_come_first_and_nested_stacks_are_not_starved() -> None:
    schedule = Schedule()
    turns = {f"root{number}": Turn(root=True) for number in range(20)}
    turns["nested"] = Turn(root=False)
    read: list[str] = []
    for second in range(30):
        for key in schedule.due(turns.items(), float(second)):
            turns[key].due = second + 1.0
            read.append(key)
    assert read[:5] == sorted(read[:5])
    assert "nested" not in read[:20]
    assert "nested" in read


def test_a_stack_in_trouble_is_asked_ever_less_and_never_by_all_jobs_at_once() -> None:
    schedules = [Schedule(random=random.Random(seed)) for seed in range(5)]
    pauses = []
    for schedule in schedules:
        turn = Turn(root=True)
        for _ in range(9):
            schedule.failed(turn, 0.0, throttled=False)
        pauses.append(turn.due)
    assert all(0.75 * ERROR_PAUSE_SECONDS_MAX <= pause <= ERROR_PAUSE_SECONDS_MAX for pause in pauses)
    assert len(set(pauses)) == len(pauses)
