"""One budget, fairly shared; trouble with one stack slows that stack."""

from __future__ import annotations

import random

import pytest

from deploy_action.cloudformation.ports import Traffic
from deploy_action.common.instants import MonotonicTime
from deploy_action.monitoring.poll_scheduler import (
    BURST,
    DEBT_SECONDS_MAX,
    END_REQUESTS_PER_SECOND,
    ERROR_PAUSE_SECONDS_MAX,
    RECOVERY_SECONDS,
    REQUESTS_PER_SECOND_MAX,
    REQUESTS_PER_SECOND_MIN,
    REQUESTS_PER_SECOND_STACK,
    STEP_BACK_SECONDS,
    STEP_BACK_SECONDS_MAX,
    Budget,
    PollSlot,
    Schedule,
)

LONG_AFTER = 100_000.0


def taken(budget: Budget, start: float, seconds: float) -> int:
    """How many requests are sent in a span by somebody who asks ten times a second."""
    return sum(budget.take(MonotonicTime(start + tick / 10)) for tick in range(int(seconds * 10)))


def test_a_watch_of_one_stack_begins_with_a_burst_and_then_goes_slowly() -> None:
    sent = taken(Budget(), 0.0, 60.0)
    assert BURST + 60 * REQUESTS_PER_SECOND_STACK <= sent <= BURST + 60 * REQUESTS_PER_SECOND_STACK * 1.4


def test_the_rate_grows_where_nobody_is_throttled_up_to_a_bound_however_many_stacks_there_are() -> None:
    budget = Budget()
    budget.serve(1, 4)
    assert budget.rate == pytest.approx(4 * REQUESTS_PER_SECOND_STACK)
    budget.take(MonotonicTime(0.0))
    budget.take(MonotonicTime(LONG_AFTER))
    assert budget.rate == REQUESTS_PER_SECOND_MAX
    budget.serve(1, 500)
    assert budget.rate == REQUESTS_PER_SECOND_MAX


def test_being_throttled_halves_the_rate_and_it_takes_minutes_to_come_back() -> None:
    budget = Budget()
    taken(budget, 0.0, 10.0)
    before = budget.rate
    budget.throttled(MonotonicTime(10.0))
    assert budget.rate == pytest.approx(before / 2, rel=0.01)
    budget.take(MonotonicTime(10.0 + RECOVERY_SECONDS / 4))
    assert budget.rate < before
    budget.take(MonotonicTime(10.0 + RECOVERY_SECONDS))
    assert budget.rate > before
    for _ in range(20):
        budget.throttled(MonotonicTime(10.0 + RECOVERY_SECONDS))
    assert budget.rate == REQUESTS_PER_SECOND_MIN


def test_whoever_is_throttled_steps_back_further_than_the_users_tool() -> None:
    """Standard retries of SDKs come back after 20 s at most."""
    budget = Budget(random=random.Random(1))
    budget.throttled(MonotonicTime(0.0))
    assert taken(budget, 0.0, STEP_BACK_SECONDS * 0.75) == 0
    for second in range(1, 6):
        budget.throttled(MonotonicTime(second))
    assert taken(budget, 6.0, STEP_BACK_SECONDS_MAX * 0.75 - 1.0) == 0
    assert (
        20
        < STEP_BACK_SECONDS_MAX * 0.75
        <= budget.ready_in(MonotonicTime(5.0))
        <= 30 + STEP_BACK_SECONDS_MAX * 1.25
    )
    budget.throttled(MonotonicTime(1000.0))
    assert budget.ready_in(MonotonicTime(1000.0)) <= max(STEP_BACK_SECONDS * 1.25, 1.0 / budget.rate)


def test_the_end_of_the_command_is_looked_for_at_once_although_something_was_throttled() -> None:
    budget = Budget()
    taken(budget, 0.0, 10.0)
    budget.throttled(MonotonicTime(10.0))
    budget.hurry(MonotonicTime(11.0))
    assert budget.take(MonotonicTime(11.0))
    budget.throttled(MonotonicTime(11.0))
    assert taken(budget, 11.0, 10.0) >= 10 * END_REQUESTS_PER_SECOND - 1


def test_pages_and_the_requests_of_others_in_this_process_count() -> None:
    schedule, turn = Schedule(), PollSlot(root=True)
    schedule.charge(Traffic(), MonotonicTime(0.0))
    assert schedule.due([("a", turn)], MonotonicTime(0.0)) == ["a"]
    schedule.charge(Traffic(requests=12), MonotonicTime(0.0))
    assert schedule.due([("a", turn)], MonotonicTime(1.0)) == []
    assert 0.9 * (DEBT_SECONDS_MAX - 1.0) <= schedule.budget.ready_in(MonotonicTime(1.0)) <= DEBT_SECONDS_MAX


def test_a_throttled_request_of_any_kind_slows_the_looks() -> None:
    schedule = Schedule()
    before = schedule.budget.rate
    schedule.charge(Traffic(requests=1, throttled=1), MonotonicTime(0.0))
    schedule.charge(Traffic(requests=2, throttled=1), MonotonicTime(0.0))
    assert schedule.budget.rate == before / 2
    assert schedule.due([("a", PollSlot(root=True))], MonotonicTime(1.0)) == []


def test_regions_add_to_the_budget() -> None:
    budget = Budget()
    budget.serve(3, 100)
    assert taken(budget, 0.0, 100.0) == pytest.approx(BURST + 300 * REQUESTS_PER_SECOND_MAX, abs=6)


def test_roots_come_first_and_nested_stacks_are_not_starved() -> None:
    schedule = Schedule()
    schedule.budget.serve(1, 21)
    turns = {f"root{number}": PollSlot(root=True) for number in range(20)}
    turns["nested"] = PollSlot(root=False)
    read: list[str] = []
    for second in range(30):
        for key in schedule.due(turns.items(), MonotonicTime(float(second))):
            turns[key].due = second + 1.0
            read.append(key)
    assert read[:5] == sorted(read[:5])
    assert "nested" not in read[:20]
    assert "nested" in read


def test_a_stack_in_trouble_is_asked_ever_less_and_never_by_all_jobs_at_once() -> None:
    schedules = [Schedule(random=random.Random(seed)) for seed in range(5)]
    pauses = []
    for schedule in schedules:
        turn = PollSlot(root=True)
        for _ in range(9):
            schedule.failed(turn, MonotonicTime(0.0))
        pauses.append(turn.due)
    assert all(0.75 * ERROR_PAUSE_SECONDS_MAX <= pause <= ERROR_PAUSE_SECONDS_MAX for pause in pauses)
    assert len(set(pauses)) == len(pauses)
