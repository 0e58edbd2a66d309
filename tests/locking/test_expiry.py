"""Who is taken for gone, and who is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.common.instants import MonotonicTime
from deploy_action.common.times import iso
from deploy_action.locking import admin as operators
from deploy_action.locking import transitions as core
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.expiry import (
    ASK_SECONDS,
    ASK_SECONDS_SUSPICIOUS,
    CLAIM_SECONDS,
    GAP_SECONDS,
    STUCK_LEASES,
    THAW_SECONDS,
    WAITER_LEASES,
    LeaseWatch,
    ask_again_seconds,
    renewal_seconds,
    why_gone,
)
from deploy_action.locking.job_status import JobStatus
from tests.clock import START

AT = iso(START)
LEASE = 60.0
RUNNING, COMPLETED, UNKNOWN = JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.UNKNOWN


def ticket(nonce: str, *locks: str, **fields: object) -> Ticket:
    made = Ticket(nonce, f"id-{nonce}", locks or ("prod",), lease_seconds=LEASE)
    return replace(made, **fields)  # type: ignore[arg-type]


def queue(*tickets: Ticket) -> Document:
    document = Document()
    for one in tickets:
        document = core.request(document, one, at=AT, enqueue_if_busy=True) or document
    return document


def at(document: Document, nonce: str) -> Ticket:
    found = document.ticket(nonce)
    assert found is not None
    return found


def gone(
    one: Ticket, *, silent: float = 0.0, unclaimed: float = 0.0, life: JobStatus = UNKNOWN
) -> str | None:
    return why_gone(one, silent_seconds=silent, unclaimed_seconds=unclaimed, life=life)


HOLDER = at(queue(ticket("a")), "a")
WAITER = at(queue(ticket("a"), ticket("b")), "b")
WAITER_FOR_TWO = at(queue(ticket("a"), ticket("b", "prod", "test")), "b")


@pytest.mark.parametrize("one", [HOLDER, WAITER, WAITER_FOR_TWO])
def test_whose_job_has_ended_is_gone_at_once(one: Ticket) -> None:
    assert gone(one, life=COMPLETED) == "its job has ended"


def test_a_holder_of_whose_job_nothing_is_known_is_gone_after_its_lease() -> None:
    assert gone(HOLDER, silent=LEASE - 0.1) is None
    assert gone(HOLDER, silent=LEASE) == "no sign of life for 1m00s"


def test_a_silent_holder_whose_job_runs_has_six_leases() -> None:
    assert gone(HOLDER, silent=STUCK_LEASES * LEASE - 1, life=RUNNING) is None
    assert "although GitHub reports its job as running" in str(
        gone(HOLDER, silent=STUCK_LEASES * LEASE, life=RUNNING)
    )


def test_a_waiter_is_gone_when_it_leaves_a_free_lock_lying() -> None:
    assert gone(WAITER, silent=1e9, unclaimed=CLAIM_SECONDS - 1) is None
    assert gone(WAITER, unclaimed=CLAIM_SECONDS) == "it did not take the free lock for 2m00s"


def test_a_job_that_is_said_to_run_keeps_no_place_in_the_queue() -> None:
    assert gone(WAITER, unclaimed=CLAIM_SECONDS, life=RUNNING)


def test_a_waiter_for_several_locks_must_show_life() -> None:
    assert gone(WAITER_FOR_TWO, silent=WAITER_LEASES * LEASE - 1) is None
    assert gone(WAITER_FOR_TWO, silent=WAITER_LEASES * LEASE)
    assert renewal_seconds(WAITER_FOR_TWO) == LEASE
    assert renewal_seconds(WAITER) is None
    assert renewal_seconds(HOLDER) == LEASE / 2


@pytest.mark.parametrize(("forged", "lease"), [(0.0, 30.0), (-5.0, 30.0), (1.0, 30.0), (1e12, 3600.0)])
def test_a_forged_lease_is_kept_within_limits(forged: float, lease: float) -> None:
    holder = replace(HOLDER, lease_seconds=forged)
    assert gone(holder, silent=lease - 1) is None
    assert gone(holder, silent=lease)


def test_a_holder_is_asked_about_now_and_then_and_more_often_when_it_is_silent() -> None:
    assert ask_again_seconds(HOLDER, silent_seconds=0, is_next=False) == ASK_SECONDS
    assert ask_again_seconds(HOLDER, silent_seconds=LEASE, is_next=False) == ASK_SECONDS_SUSPICIOUS


def test_a_waiter_is_asked_about_when_it_could_take_the_lock() -> None:
    assert ask_again_seconds(WAITER, silent_seconds=1e9, is_next=False) is None
    assert ask_again_seconds(WAITER, silent_seconds=0, is_next=True) == ASK_SECONDS_SUSPICIOUS
    assert ask_again_seconds(WAITER_FOR_TWO, silent_seconds=2 * LEASE, is_next=False)


class TestSilence:
    def test_an_unknown_ticket_is_not_silent(self) -> None:
        assert LeaseWatch().silent_seconds(ticket("a"), MonotonicTime(1e9)) == 0.0

    def test_it_is_counted_from_the_observers_first_look(self) -> None:
        document = queue(ticket("a", requested_at="1970-01-01T00:00:00Z"))
        watch = LeaseWatch()
        watch.observe(document, MonotonicTime(1000.0), at=AT)
        watch.observe(document, MonotonicTime(1059.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(1060.0)) == 60.0

    def test_any_renewal_ends_it(self) -> None:
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        document = core.renew(document, at(document, "a"))
        watch.observe(document, MonotonicTime(59.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(118.0)) == 59.0

    def test_a_renewal_that_the_observer_has_not_taken_in_yet_counts(self) -> None:
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        newer = core.renew(document, at(document, "a"))
        assert watch.silent_seconds(at(newer, "a"), MonotonicTime(500.0)) == 0.0

    def test_a_grant_is_a_sign_of_life(self) -> None:
        waiting, watch = core.enqueue(Document(), ticket("a"), at=AT), LeaseWatch()
        watch.observe(waiting, MonotonicTime(0.0), at=AT)
        document = core.grant(waiting, "a", at=AT)
        assert document is not None
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(60.0)) == 0.0
        watch.observe(document, MonotonicTime(60.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(119.0)) == 59.0

    def test_wall_clock_texts_play_no_role(self) -> None:
        old = "1970-01-01T00:00:00Z"
        document = queue(
            ticket("a", requested_at=old, held_since=old, expected_end=old),
            ticket("b", requested_at="9999", held_since="9999", expected_end="9999"),
        )
        watch = LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=old)
        watch.observe(document, MonotonicTime(30.0), at="2999-01-01T00:00:00Z")
        assert [watch.silent_seconds(one, MonotonicTime(60.0)) for one in document.tickets] == [60.0, 60.0]

    def test_a_ticket_that_left_and_came_back_is_judged_anew(self) -> None:
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        watch.observe(Document(), MonotonicTime(50.0), at=AT)
        watch.observe(document, MonotonicTime(55.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(100.0)) == 45.0

    def test_of_the_time_in_which_nothing_could_be_seen_little_counts(self) -> None:
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        watch.observe(document, MonotonicTime(20.0), at=AT)
        watch.observe(document, MonotonicTime(1000.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(1010.0)) == 20.0 + GAP_SECONDS + 10.0

    def test_silence_counts_in_full_where_the_registry_answered_in_between(self) -> None:
        """The document shows the same renewals as before, and nobody can have been kept from renewing."""
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        for second in range(13, 300, 13):
            watch.reached(MonotonicTime(float(second)))
        watch.observe(document, MonotonicTime(300.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(300.0)) == 300.0

    def test_an_outage_in_between_does_not_count(self) -> None:
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        watch.reached(MonotonicTime(100.0))
        watch.reached(MonotonicTime(290.0))
        watch.observe(document, MonotonicTime(300.0), at=AT)
        assert watch.silent_seconds(at(document, "a"), MonotonicTime(300.0)) == 2 * GAP_SECONDS + 10.0

    def test_a_renewal_ends_silence_however_often_the_registry_answered(self) -> None:
        document, watch = queue(ticket("a")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        watch.reached(MonotonicTime(50.0))
        watch.observe(core.renew(document, at(document, "a")), MonotonicTime(100.0), at=AT)
        renewed = core.renew(document, at(document, "a"))
        assert watch.silent_seconds(at(renewed, "a"), MonotonicTime(100.0)) == 0.0


class TestClaims:
    def test_a_waiter_behind_somebody_claims_nothing(self) -> None:
        document, watch = queue(ticket("a"), ticket("b")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        watch.observe(document, MonotonicTime(1000.0), at=AT)
        assert watch.unclaimed_seconds(at(document, "b"), MonotonicTime(1000.0)) == 0.0

    def test_it_is_counted_from_when_the_lock_is_seen_to_be_free(self) -> None:
        document, watch = queue(ticket("a"), ticket("b")), LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        document = core.release(document, at(document, "a"), outcome="succeeded", at=AT)
        watch.observe(document, MonotonicTime(100.0), at=AT)
        watch.observe(document, MonotonicTime(110.0), at=AT)
        assert watch.unclaimed_seconds(at(document, "b"), MonotonicTime(150.0)) == 50.0

    def test_a_sign_of_life_starts_it_anew(self) -> None:
        free, watch = core.enqueue(Document(), ticket("b"), at=AT), LeaseWatch()
        watch.observe(free, MonotonicTime(0.0), at=AT)
        renewed = core.renew(free, at(free, "b"))
        watch.observe(renewed, MonotonicTime(100.0), at=AT)
        assert watch.unclaimed_seconds(at(renewed, "b"), MonotonicTime(150.0)) == 50.0

    def test_a_turn_of_somebody_else_in_between_starts_it_anew(self) -> None:
        free = core.enqueue(Document(), ticket("b"), at=AT)
        watch = LeaseWatch()
        watch.observe(free, MonotonicTime(0.0), at=AT)
        taken = core.grant(free, "b", at=AT)
        assert taken is not None
        again = core.release(taken, at(taken, "b"), outcome="succeeded", at=AT)
        watch.observe(core.enqueue(again, ticket("b"), at=AT), MonotonicTime(110.0), at=AT)
        assert watch.unclaimed_seconds(ticket("b"), MonotonicTime(130.0)) == 20.0

    def test_nobody_can_claim_a_frozen_lock(self) -> None:
        document = core.enqueue(Document(), ticket("b"), at=AT)
        document = operators.freeze(document, ("prod",), by="ada", reason="audit", at=AT)
        watch = LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=AT)
        assert watch.unclaimed_seconds(at(document, "b"), MonotonicTime(1000.0)) == 0.0
        assert not watch.is_next(at(document, "b"))

    def test_a_clock_that_is_ahead_thaws_nobody_elses_claim(self) -> None:
        document = core.enqueue(Document(), ticket("b"), at=AT)
        until = iso(START + 3600)
        document = operators.freeze(document, ("prod",), by="ada", reason="audit", at=AT, until=until)
        watch = LeaseWatch()
        watch.observe(document, MonotonicTime(0.0), at=iso(START + 3600 + THAW_SECONDS - 1))
        assert watch.unclaimed_seconds(at(document, "b"), MonotonicTime(100.0)) == 0.0
        assert watch.is_next(at(document, "b"))
        watch.observe(document, MonotonicTime(200.0), at=iso(START + 3600 + THAW_SECONDS))
        assert watch.unclaimed_seconds(at(document, "b"), MonotonicTime(250.0)) == 50.0
