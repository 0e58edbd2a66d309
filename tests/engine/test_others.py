"""How long a holder is expected to go on, by what a waiter itself has seen."""

from __future__ import annotations

from deploy_action.core.document import Document, Ticket
from deploy_action.core.life import JobLife
from deploy_action.engine.others import Others
from tests.clock import START, VirtualClock

HOLDER = Ticket(
    "a",
    "id-a",
    ("prod",),
    epochs=(("prod", 1),),
    held_since="2026-01-01T00:00:00Z",
    expected_end="2026-01-01T00:05:00Z",
)


def others(clock: VirtualClock) -> Others:
    return Others(
        clock,
        "",
        stacks_in_progress=lambda _stacks: [],
        life=lambda _ticket: JobLife.UNKNOWN,
        revoke=lambda _ticket: True,
    )


def test_what_is_left_is_told_by_the_own_clock_whatever_the_holders_says() -> None:
    for start in (START, 0.0, 4_000_000_000.0):
        clock = VirtualClock(start)
        seen = others(clock)
        seen.observe(Document(tickets=(HOLDER,)))
        assert seen.left_seconds(HOLDER) == 300.0
        clock.sleep(100)
        seen.observe(Document(tickets=(HOLDER,)))
        assert seen.left_seconds(HOLDER) == 200.0
        clock.sleep(230)
        assert seen.left_seconds(HOLDER) == -30.0


def test_nothing_is_told_of_one_that_did_not_hold_or_did_not_say() -> None:
    clock = VirtualClock()
    seen = others(clock)
    silent = Ticket("b", "id-b", ("other",), epochs=(("other", 1),), held_since="2026-01-01T00:00:00Z")
    seen.observe(Document(tickets=(silent,)))
    assert seen.left_seconds(HOLDER) is None
    assert seen.left_seconds(silent) is None


def test_one_that_holds_again_begins_anew() -> None:
    clock = VirtualClock()
    seen = others(clock)
    seen.observe(Document(tickets=(HOLDER,)))
    clock.sleep(100)
    seen.observe(Document())
    seen.observe(Document(tickets=(HOLDER,)))
    assert seen.left_seconds(HOLDER) == 300.0
