"""What a waiter makes of a holder: how long it goes on, and whether it is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.expiry import STUCK_LEASES
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.takeover import TakeoverPolicy
from tests.clock import START, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Iterable

HOLDER = Ticket(
    "a",
    "id-a",
    ("prod",),
    epochs=(("prod", 1),),
    held_since="2026-01-01T00:00:00Z",
    expected_end="2026-01-01T00:05:00Z",
)


def others(clock: VirtualClock) -> TakeoverPolicy:
    return TakeoverPolicy(
        clock,
        "",
        stacks_in_progress=lambda _stacks: [],
        life=lambda _ticket: JobStatus.UNKNOWN,
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


class Watched:
    """A waiter that looks at one holder every ten seconds."""

    def __init__(self, holder: Ticket, *, account: str = "1", life: JobStatus = JobStatus.UNKNOWN) -> None:
        self.clock = VirtualClock()
        self.holder = holder
        self.life = life
        self.busy: set[str] = set()
        self.looked_at: list[str] = []
        self.revoked: list[tuple[str, ...]] = []
        self.others = TakeoverPolicy(
            self.clock,
            account,
            stacks_in_progress=self._in_progress,
            life=lambda _ticket: self.life,
            revoke=self._revoke,
        )

    def _in_progress(self, stacks: Iterable[str]) -> list[str]:
        asked = list(stacks)
        self.looked_at += asked
        return [stack for stack in asked if stack in self.busy]

    def _revoke(self, holder: Ticket) -> bool:
        self.revoked.append(holder.stacks)
        return True

    def gone_after(self, seconds: float) -> list[str]:
        """Why it is gone, at the first look that finds it so; [] where none does."""
        end = self.clock.elapsed + seconds
        while True:
            self.others.observe(Document(tickets=(self.holder,)))
            found = self.others.gone((self.holder,))
            if found or self.clock.elapsed >= end:
                return [one.why for one in found]
            self.clock.sleep(10.0)


DEPLOYING = replace(HOLDER, stacks=("eu-west-1/one", "eu-west-1/two"), account="1", lease_seconds=60.0)


def test_a_renewal_that_was_seen_after_it_disproves_that_a_job_has_ended() -> None:
    watched = Watched(DEPLOYING, life=JobStatus.COMPLETED)
    watched.busy = {"eu-west-1/one"}
    assert watched.gone_after(30.0) == []
    watched.holder = replace(DEPLOYING, renewals=1)
    watched.busy = set()
    assert watched.gone_after(40.0) == []
    (why,) = watched.gone_after(60.0)
    assert why == "no sign of life for 1m00s"


def test_every_stack_of_a_holder_is_looked_at_and_revoked_before_it_is_taken_over() -> None:
    watched = Watched(DEPLOYING)
    watched.busy = {"eu-west-1/two"}
    assert watched.gone_after(120.0) == []
    assert watched.revoked == []
    watched.busy = set()
    assert watched.gone_after(60.0)
    assert watched.revoked == [DEPLOYING.stacks]
    assert set(watched.looked_at) == set(DEPLOYING.stacks)


@pytest.mark.parametrize(
    ("holder", "account"),
    [
        (replace(DEPLOYING, stacks=()), "1"),
        (replace(DEPLOYING, account=""), "1"),
        (DEPLOYING, ""),
        (replace(DEPLOYING, account=""), ""),
    ],
    ids=["no stack", "its account is not known", "the own account is not known", "neither is known"],
)
def test_a_holder_of_which_no_stack_can_be_seen_is_passed_late_or_once_its_job_has_ended(
    holder: Ticket, account: str
) -> None:
    assert Watched(holder, account=account).gone_after(STUCK_LEASES * 60.0 - 20.0) == []
    assert Watched(holder, account=account).gone_after(STUCK_LEASES * 60.0 + 20.0)
    assert Watched(holder, account=account, life=JobStatus.COMPLETED).gone_after(0.0)


def waiters(number: int) -> tuple[Ticket, ...]:
    return tuple(Ticket(f"w{n}", f"id-w{n}", ("prod",), number=n) for n in range(number))


class TestManyThatAreGone:
    """A free lock, and the jobs of those ahead have ended before they could give their places back."""

    def look(self, ended: int, of: int, *, seconds: float) -> tuple[int, int]:
        """How many of `of` that wait ahead are found gone, and how many questions were asked: `seconds` after
        the lock was seen free."""
        clock = VirtualClock()
        asked: list[str] = []
        ahead = waiters(of)

        def life(ticket: Ticket) -> JobStatus:
            asked.append(ticket.nonce)
            return JobStatus.COMPLETED if ticket.number < ended else JobStatus.RUNNING

        seen = TakeoverPolicy(
            clock, "", stacks_in_progress=lambda _stacks: [], life=life, revoke=lambda _ticket: True
        )
        seen.observe(Document(tickets=ahead))
        clock.sleep(seconds)
        seen.observe(Document(tickets=ahead))
        return len(seen.gone(ahead)), len(asked)

    def test_all_in_a_row_are_found_in_one_look(self) -> None:
        assert self.look(12, 15, seconds=20.0) == (12, 13)

    def test_who_stands_far_back_asks_nothing_while_the_next_one_may_be_about_to_take_it(self) -> None:
        assert self.look(15, 15, seconds=19.0) == (0, 0)

    def test_one_look_asks_about_a_hundred_at_most(self) -> None:
        assert self.look(150, 150, seconds=20.0) == (100, 100)

    def test_nobody_is_asked_about_behind_one_that_lives(self) -> None:
        assert self.look(0, 40, seconds=20.0) == (0, 1)
