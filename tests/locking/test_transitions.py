"""Every transition of the registry document, one by one and in random order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from deploy_action.errors import Busy, LockLost
from deploy_action.locking import admin as operators
from deploy_action.locking import transitions as core
from deploy_action.locking.document import (
    KEPT_OPERATIONS,
    QUEUE_MAX,
    Document,
    Finished,
    Lock,
    QueuePolicy,
    Ticket,
)
from deploy_action.locking.expected_end import expected_hold_seconds
from deploy_action.locking.queue_order import freeze_of
from deploy_action.locking.transitions import Waiting

AT = "2027-01-15T08:00:00Z"


def ticket(nonce: str, *locks: str, **fields: object) -> Ticket:
    return replace(Ticket(nonce, f"id-{nonce}", locks or ("prod",)), **fields)  # type: ignore[arg-type]


def queue(*tickets: Ticket) -> Document:
    document = Document()
    for one in tickets:
        requested = core.request(document, one, at=AT, enqueue_if_busy=True)
        assert requested is not None
        document = requested
    return document


def held(document: Document, nonce: str) -> Ticket:
    found = document.ticket(nonce)
    assert found is not None
    assert found.holding
    return found


def released(document: Document, nonce: str) -> Document:
    return core.release(document, held(document, nonce), outcome="succeeded", at=AT)


def granted(document: Document, nonce: str) -> Document:
    new = core.grant(document, nonce, at=AT)
    assert new is not None
    return new


def test_a_free_lock_is_taken_by_the_request_itself() -> None:
    document = queue(ticket("a"))
    assert held(document, "a").epochs == (("prod", 1),)
    assert held(document, "a").held_since == AT
    assert document.holder_of("prod") == document.ticket("a")


def test_a_busy_lock_puts_the_request_in_the_queue() -> None:
    document = queue(ticket("a"), ticket("b"))
    assert [t.nonce for t in document.tickets] == ["a", "b"]
    assert not document.tickets[1].holding
    assert document.tickets[1].epoch == 0


def test_a_request_that_does_not_want_to_wait_writes_nothing_while_busy() -> None:
    document = queue(ticket("a"))
    assert core.request(document, ticket("b"), at=AT, enqueue_if_busy=False) is None


def test_a_request_that_does_not_want_to_wait_takes_a_free_lock() -> None:
    document = core.request(Document(), ticket("a"), at=AT, enqueue_if_busy=False)
    assert document is not None
    assert held(document, "a").holding


def test_waiters_of_one_lock_are_served_in_order_of_arrival() -> None:
    document = queue(ticket("a"), ticket("b"), ticket("c"))
    document = released(document, "a")
    assert core.grant(document, "c", at=AT) is None
    document = granted(document, "b")
    assert core.grant(document, "c", at=AT) is None
    document = granted(released(document, "b"), "c")
    assert held(document, "c").epoch == 3


def test_a_newcomer_does_not_overtake_a_waiter_when_the_lock_falls_free() -> None:
    document = released(queue(ticket("a"), ticket("b")), "a")
    assert core.request(document, ticket("c"), at=AT, enqueue_if_busy=False) is None
    requested = core.request(document, ticket("c"), at=AT, enqueue_if_busy=True)
    assert requested is not None
    assert requested.holder_of("prod") is None
    assert held(granted(requested, "b"), "b").holding


def test_tickets_that_share_no_lock_do_not_wait_for_each_other() -> None:
    document = queue(ticket("a", "prod"), ticket("b", "test"))
    assert held(document, "a").holding
    assert held(document, "b").holding
    assert not ticket("a", "prod").shares_lock_with(ticket("b", "test"))


def test_several_locks_are_taken_together_or_not_at_all() -> None:
    document = queue(ticket("a", "one"), ticket("b", "two", "one"))
    assert document.holder_of("two") is None
    assert "two" not in document.locks
    document = granted(released(document, "a"), "b")
    assert held(document, "b").epochs == (("two", 1), ("one", 2))
    assert held(document, "b").epoch == 2


def test_a_waiter_for_several_locks_is_not_starved_by_later_ones_that_want_one_of_them() -> None:
    document = queue(ticket("a", "one"), ticket("b", "one", "two"), ticket("c", "two"))
    assert document.holder_of("two") is None
    assert core.grant(document, "c", at=AT) is None


def test_holders_stand_before_earlier_waiters_in_what_a_waiter_is_told() -> None:
    document = queue(
        ticket("a", "one"), ticket("b", "one", "two"), ticket("h", "three"), ticket("c", "two", "three")
    )
    last = document.ticket("c")
    assert last is not None
    ahead = core.ahead_of(document, last)
    assert [t.nonce for t in ahead] == ["h", "b"]
    assert Waiting(ahead, 0.0).position == 3


def test_a_ticket_that_is_not_in_the_document_would_stand_last() -> None:
    document = queue(ticket("a"), ticket("b"))
    assert [t.nonce for t in core.ahead_of(document, ticket("x"))] == ["a", "b"]


def test_a_later_waiter_is_not_ahead() -> None:
    document = queue(ticket("a"), ticket("b"), ticket("c"))
    middle = document.ticket("b")
    assert middle is not None
    assert [t.nonce for t in core.ahead_of(document, middle)] == ["a"]


def test_epochs_rise_by_one_a_holder_and_never_fall() -> None:
    document, epochs = Document(), []
    for number in range(5):
        document = (
            queue(ticket(str(number))) if number == 0 else core.enqueue(document, ticket(str(number)), at=AT)
        )
        document = granted(document, str(number))
        epochs.append(held(document, str(number)).epoch)
        document = released(document, str(number))
    assert epochs == [1, 2, 3, 4, 5]
    assert document.locks["prod"].epoch == 5
    assert document.tickets == ()


def test_an_eviction_keeps_the_epoch_so_that_the_next_holder_has_a_higher_one() -> None:
    document = core.evict(queue(ticket("a"), ticket("b")), "a", at=AT, note="gone")
    assert held(granted(document, "b"), "b").epoch == 2


def test_enqueue_is_idempotent_and_keeps_the_place() -> None:
    document = queue(ticket("a"), ticket("b"), ticket("c"))
    assert core.enqueue(document, ticket("b"), at=AT) == document


def test_a_ticket_cannot_claim_to_hold_when_it_joins_the_queue() -> None:
    forged = ticket("b", epochs=(("prod", 9),), held_since=AT)
    document = core.enqueue(queue(ticket("a")), forged, at=AT)
    assert not document.tickets[1].holding
    assert document.tickets[1].held_since == ""


def test_grant_is_idempotent() -> None:
    document = queue(ticket("a"))
    assert core.grant(document, "a", at="later") == document


def test_nothing_is_granted_to_a_ticket_that_is_not_there() -> None:
    assert core.grant(Document(), "a", at=AT) is None


def test_request_is_idempotent_for_the_holder_and_for_a_waiter() -> None:
    document = queue(ticket("a"), ticket("b"))
    assert core.request(document, ticket("a"), at="later", enqueue_if_busy=False) == document
    assert core.request(document, ticket("b"), at="later", enqueue_if_busy=True) == document


def test_release_frees_the_lock_and_is_idempotent() -> None:
    document = queue(ticket("a"))
    mine = held(document, "a")
    document = core.release(document, mine, outcome="succeeded", at=AT)
    assert document.tickets == ()
    assert core.release(document, mine, outcome="succeeded", at=AT) == document
    assert [(line.correlation_id, line.outcome) for line in document.finished] == [("id-a", "succeeded")]


def test_a_waiter_that_leaves_frees_nobody_elses_lock() -> None:
    document = queue(ticket("a"), ticket("b"), ticket("c"))
    document = core.release(document, ticket("b"), outcome="withdrawn", at=AT)
    assert [t.nonce for t in document.tickets] == ["a", "c"]
    assert held(document, "a").holding


def test_release_under_a_foreign_epoch_changes_nothing() -> None:
    document = queue(ticket("a"))
    stale = replace(held(document, "a"), epochs=(("prod", 7),))
    assert core.release(document, stale, outcome="succeeded", at=AT) == document


def test_release_by_a_superseded_holder_changes_nothing() -> None:
    document = queue(ticket("a"), ticket("b"))
    old = held(document, "a")
    document = granted(core.evict(document, "a", at=AT, note="gone"), "b")
    assert core.release(document, old, outcome="succeeded", at=AT) == document


def test_release_by_a_holder_that_was_evicted_and_queued_again_changes_nothing() -> None:
    document = queue(ticket("a"), ticket("b"))
    old = held(document, "a")
    document = core.enqueue(granted(core.evict(document, "a", at=AT, note="gone"), "b"), old, at=AT)
    assert core.release(document, old, outcome="succeeded", at=AT) == document


def test_an_owner_that_never_learned_of_its_grant_releases_by_its_nonce() -> None:
    document = core.release(queue(ticket("a")), ticket("a"), outcome="withdrawn", at=AT)
    assert document.tickets == ()
    assert document.locks["prod"].epoch == 1


def test_the_same_actor_and_correlation_are_no_identity() -> None:
    mine = ticket("a", correlation_id="same", actor="octocat", run_id="1")
    theirs = ticket("b", correlation_id="same", actor="octocat", run_id="1")
    document = queue(mine)
    assert core.release(document, theirs, outcome="succeeded", at=AT) == document
    assert core.request(document, theirs, at=AT, enqueue_if_busy=False) is None
    assert core.evict(document, "same", at=AT, note="") == document
    with pytest.raises(LockLost):
        core.renew(document, theirs)


def test_settling_accumulates_over_holders_until_it_is_settled() -> None:
    document = queue(ticket("a"), ticket("b"))
    document = core.release(document, held(document, "a"), outcome="timed-out", at=AT, settling=("r/one",))
    document = granted(document, "b")
    document = core.release(
        document, held(document, "b"), outcome="timed-out", at=AT, settling=("r/two", "r/one")
    )
    assert core.settling_stacks(document, ("prod",)) == ("r/one", "r/two")
    document = granted(core.enqueue(document, ticket("c"), at=AT), "c")
    document = core.settle(document, held(document, "c"), ("r/one",))
    assert core.settling_stacks(document, ("prod",)) == ("r/two",)
    assert document.locks["prod"].epoch == 3


def test_only_who_holds_the_lock_says_what_has_settled() -> None:
    document = queue(ticket("a"), ticket("b"))
    document = core.release(document, held(document, "a"), outcome="timed-out", at=AT, settling=("r/s",))
    document = granted(document, "b")
    paused = held(document, "b")
    document = granted(core.enqueue(core.evict(document, "b", at=AT, note=""), ticket("c"), at=AT), "c")
    assert core.settle(document, paused, ("r/s",)) == document
    assert core.settle(document, ticket("d"), ("r/s",)) == document


def test_settling_is_kept_by_each_lock_and_told_once() -> None:
    document = queue(ticket("a", "one", "two"))
    document = core.release(document, held(document, "a"), outcome="timed-out", at=AT, settling=("r/s",))
    assert core.settling_stacks(document, ("one", "two", "three")) == ("r/s",)
    document = granted(core.enqueue(document, ticket("b", "one"), at=AT), "b")
    document = core.settle(document, held(document, "b"), ("r/s",))
    assert core.settling_stacks(document, ("one",)) == ()
    assert core.settling_stacks(document, ("two",)) == ("r/s",)


def test_a_holder_of_a_lock_that_a_document_does_not_list_settles_too() -> None:
    document = replace(queue(ticket("a")), locks={})
    settled = core.settle(document, held(document, "a"), ("r/s",))
    assert settled.tickets == document.tickets
    assert core.settling_stacks(settled, ("prod",)) == ()


def test_settling_survives_an_eviction() -> None:
    document = queue(ticket("a"))
    document = core.release(document, held(document, "a"), outcome="timed-out", at=AT, settling=("r/s",))
    document = granted(core.enqueue(document, ticket("b"), at=AT), "b")
    document = core.evict(document, "b", at=AT, note="gone")
    assert core.settling_stacks(document, ("prod",)) == ("r/s",)


def test_a_waiter_that_leaves_adds_nothing_to_what_settles() -> None:
    document = core.release(
        queue(ticket("a"), ticket("b")), ticket("b"), outcome="withdrawn", at=AT, settling=("r/s",)
    )
    assert core.settling_stacks(document, ("prod",)) == ()


def test_eviction_removes_the_ticket_and_says_why() -> None:
    document = core.evict(queue(ticket("a", url="https://run")), "a", at=AT, note="no sign of life")
    assert document.tickets == ()
    line = document.finished[-1]
    assert (line.outcome, line.note, line.url) == ("abandoned", "no sign of life", "https://run")


def test_eviction_of_a_ticket_that_is_not_there_changes_nothing() -> None:
    document = queue(ticket("a"))
    assert core.evict(document, "x", at=AT, note="") == document


def test_renewal_is_a_sign_of_life_of_holder_and_waiter() -> None:
    document = queue(ticket("a"), ticket("b"))
    document = core.renew(document, held(document, "a"), expected_end="soon")
    document = core.renew(document, ticket("b"))
    assert [t.renewals for t in document.tickets] == [1, 1]
    document = core.renew(document, held(document, "a"))
    assert document.tickets[0].expected_end == "soon"


def test_renewal_after_an_eviction_raises_lock_lost() -> None:
    document = queue(ticket("a"))
    mine = held(document, "a")
    document = core.evict(document, "a", at=AT, note="gone")
    with pytest.raises(LockLost) as told:
        core.renew(document, mine)
    assert told.value.exit_code == 5


def test_renewal_after_an_eviction_and_a_new_place_in_the_queue_raises_lock_lost() -> None:
    document = queue(ticket("a"), ticket("b"))
    mine = held(document, "a")
    document = core.enqueue(core.evict(document, "a", at=AT, note="gone"), mine, at=AT)
    with pytest.raises(LockLost):
        core.renew(document, mine)
    document = granted(released(granted(document, "b"), "b"), "a")
    with pytest.raises(LockLost):
        core.renew(document, mine)


def test_what_the_document_remembers_is_bounded() -> None:
    document = Document()
    for number in range(KEPT_OPERATIONS + 20):
        document = document.with_operation(f"op-{number}")
        document = granted(core.enqueue(document, ticket(str(number)), at=AT), str(number))
        document = released(document, str(number))
    assert len(document.operations) == KEPT_OPERATIONS
    assert document.operations[-1] == f"op-{KEPT_OPERATIONS + 19}"
    assert len(document.finished) == core.KEPT_FINISHED
    assert document.finished[-1].correlation_id == f"id-{KEPT_OPERATIONS + 19}"


def test_extra_fields_of_locks_and_tickets_stay_through_all_transitions() -> None:
    document = Document(locks={"prod": Lock(epoch=4, extra=(("frozen", True),))}, extra=(("note", 1),))
    document = granted(core.enqueue(document, ticket("a", extra=(("x", 1),)), at=AT), "a")
    assert held(document, "a").extra == (("x", 1),)
    document = core.renew(document, held(document, "a"))
    document = released(core.settle(document, held(document, "a"), ("r/s",)), "a")
    assert document.locks["prod"] == Lock(epoch=5, extra=(("frozen", True),))
    assert document.extra == (("note", 1),)


def test_numbers_rise_with_each_arrival() -> None:
    document = released(queue(ticket("a")), "a")
    document = core.enqueue(document, ticket("b"), at=AT)
    assert [one.number for one in document.tickets] == [2]
    assert document.arrivals == 2


def test_a_queue_has_an_end() -> None:
    document = queue(*(ticket(str(number)) for number in range(QUEUE_MAX)))
    with pytest.raises(Busy, match="queue is full"):
        core.enqueue(document, ticket("one more"), at=AT)
    assert core.enqueue(document, ticket("7"), at=AT) == document


@pytest.mark.parametrize("seconds", [1e12, 1e300])
def test_an_absurd_duration_promises_no_end(seconds: float) -> None:
    line = Finished("x", ("prod",), "succeeded", AT, held_seconds=seconds)
    document = Document(finished=(line,))
    granted_now = core.request(document, ticket("a"), at=AT, enqueue_if_busy=True)
    assert granted_now is not None
    assert held(granted_now, "a").expected_end == ""


class TestJoining:
    def test_whoever_deploys_already_waits_in_turn_whatever_it_chose_before(self) -> None:
        document = queue(ticket("a"), ticket("b", policy=QueuePolicy.NEWEST))
        document = core.join(document, ticket("b", policy=QueuePolicy.NEWEST), at=AT)
        document = core.enqueue(document, ticket("c", policy=QueuePolicy.NEWEST), at=AT)
        assert [one.nonce for one in document.tickets] == ["a", "b", "c"]

    def test_one_that_waits_for_several_locks_shows_life(self) -> None:
        document = queue(ticket("a"), ticket("b", "prod", "test"))
        joined = core.join(document, ticket("b", "prod", "test"), at=AT).ticket("b")
        assert joined is not None
        assert joined.renewals == 1

    def test_one_that_an_operator_took_out_does_not_come_back(self) -> None:
        document = operators.force_release(queue(ticket("a"), ticket("b")), "b", by="ada", reason="no", at=AT)
        with pytest.raises(LockLost, match="by force by ada"):
            core.join(document, ticket("b"), at=AT)


def test_what_is_older_than_seven_days_is_forgotten() -> None:
    document = released(queue(ticket("a"), ticket("b")), "a")
    document = core.grant(document, "b", at=AT) or document
    late = "2027-01-22T08:00:00Z"
    document = core.release(document, held(document, "b"), outcome="succeeded", at="2027-01-22T07:59:59Z")
    assert [line.nonce for line in document.finished] == ["a", "b"]
    document = core.evict(core.enqueue(document, ticket("c"), at=late), "c", at=late, note="")
    assert [line.nonce for line in document.finished] == ["b", "c"]


LOCKS = ("one", "two", "three")


class Actors(RuleBasedStateMachine):
    """Actors with nonces of their own work on one document; each remembers what it last learned."""

    def __init__(self) -> None:
        super().__init__()
        self.document = Document()
        self.known: dict[str, Ticket] = {}
        self.arrivals: list[str] = []
        self.grants: list[tuple[str, tuple[tuple[str, int], ...]]] = []
        self.left: set[str] = set()

    def _write(self, new: Document) -> None:
        for lock, state in self.document.locks.items():
            assert new.locks[lock].epoch - state.epoch in {0, 1}
        before = {t.nonce: t for t in self.document.tickets}
        for one in new.tickets:
            earlier = before.get(one.nonce)
            if one.holding and not (earlier and earlier.holding):
                self._check_turn(one)
                for name, epoch in one.epochs:
                    old = self.document.locks.get(name, Lock()).epoch
                    assert epoch == old + 1 == new.locks[name].epoch
                self.grants.append((one.nonce, one.epochs))
        lost = set(before) - {t.nonce for t in new.tickets}
        assert lost <= self.left
        self.document = new

    def _check_turn(self, one: Ticket) -> None:
        place = self.arrivals.index(one.nonce) if one.nonce in self.arrivals else len(self.arrivals)
        for other in self.document.tickets:
            if other.nonce != one.nonce and set(other.locks) & set(one.locks):
                assert not other.holding
                assert self.arrivals.index(other.nonce) > place

    @rule(
        locks=st.lists(st.sampled_from(LOCKS), min_size=1, max_size=3, unique=True),
        wait=st.booleans(),
    )
    def newcomer(self, locks: list[str], wait: bool) -> None:
        one = ticket(f"n{len(self.known)}", *locks)
        self.known[one.nonce] = one
        new = core.request(self.document, one, at=AT, enqueue_if_busy=wait)
        if new is None:
            assert not wait
            return
        self._write(new)
        self.arrivals.append(one.nonce)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def asks_again(self, data: st.DataObject) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.known)))
        here = self.document.ticket(nonce)
        new = core.request(self.document, self.known[nonce], at=AT, enqueue_if_busy=True)
        assert new is not None
        if here is None:
            if nonce in self.arrivals:
                self.arrivals.remove(nonce)
            self.left.discard(nonce)
        self._write(new)
        if here is None:
            self.arrivals.append(nonce)

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def learns(self, data: st.DataObject) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.known)))
        self.known[nonce] = self.document.ticket(nonce) or self.known[nonce]

    @precondition(lambda self: self.document.tickets)
    @rule(data=st.data())
    def takes(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.document.tickets))
        new = core.grant(self.document, one.nonce, at=AT)
        if new is not None:
            self._write(new)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), settling=st.sampled_from([(), ("r/a",), ("r/b",)]))
    def leaves(self, data: st.DataObject, settling: tuple[str, ...]) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.known)))
        current, mine = self.document.ticket(nonce), self.known[nonce]
        new = core.release(self.document, mine, outcome="succeeded", at=AT, settling=settling)
        if current is None or (mine.holding and mine.epochs != current.epochs):
            assert new == self.document
            return
        self.left.add(nonce)
        self._write(new)
        assert core.release(new, mine, outcome="succeeded", at=AT, settling=settling) == new

    @precondition(lambda self: self.document.tickets)
    @rule(data=st.data())
    def is_evicted(self, data: st.DataObject) -> None:
        nonce = data.draw(st.sampled_from(self.document.tickets)).nonce
        self.left.add(nonce)
        self._write(core.evict(self.document, nonce, at=AT, note="gone"))

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def renews(self, data: st.DataObject) -> None:
        nonce = data.draw(st.sampled_from(sorted(self.known)))
        current, mine = self.document.ticket(nonce), self.known[nonce]
        if current is None or current.epochs != mine.epochs:
            with pytest.raises(LockLost):
                core.renew(self.document, mine)
            return
        self._write(core.renew(self.document, mine))

    @invariant()
    def at_most_one_holder_a_lock(self) -> None:
        held_locks = [name for one in self.document.tickets for name, _ in one.epochs]
        assert len(held_locks) == len(set(held_locks))

    @invariant()
    def a_holder_holds_all_of_its_locks_or_none(self) -> None:
        for one in self.document.tickets:
            assert not one.holding or {name for name, _ in one.epochs} == set(one.locks)

    @invariant()
    def no_epoch_was_given_twice(self) -> None:
        given_out = [epoch for _, epochs in self.grants for epoch in epochs]
        assert len(given_out) == len(set(given_out))

    @invariant()
    def the_queue_stands_in_order_of_arrival(self) -> None:
        here = [one.nonce for one in self.document.tickets]
        assert here == [nonce for nonce in self.arrivals if nonce in here]

    @invariant()
    def somebody_can_always_go_on(self) -> None:
        if self.document.tickets and not any(one.holding for one in self.document.tickets):
            assert core.grant(self.document, self.document.tickets[0].nonce, at=AT) is not None


TestActors = Actors.TestCase
TestActors.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(st.lists(st.sampled_from(LOCKS), min_size=1, max_size=3, unique=True), st.integers(2, 8))
@settings(deadline=None)
def test_everybody_is_served_once_in_order_when_each_leaves_in_turn(locks: list[str], count: int) -> None:
    document = queue(*(ticket(str(number), *locks) for number in range(count)))
    served = []
    while document.tickets:
        document = granted(document, document.tickets[0].nonce)
        served.append(document.tickets[0].nonce)
        document = released(document, served[-1])
    assert served == [str(number) for number in range(count)]


def test_who_comes_back_to_the_queue_does_not_keep_its_old_end() -> None:
    back = replace(ticket("a"), expected_end="2020-01-01T00:00:00Z")
    document = core.request(Document(), back, at="2026-01-01T00:00:00Z", enqueue_if_busy=True)
    assert document is not None
    assert held(document, "a").expected_end == ""
    told = core.request(
        Document(), back, at="2026-01-01T00:00:00Z", enqueue_if_busy=True, expected_seconds=90.0
    )
    assert told is not None
    assert held(told, "a").expected_end == "2026-01-01T00:01:30Z"
    assert expected_hold_seconds(held(told, "a")) == 90.0


@pytest.mark.parametrize(
    ("since", "end"), [("", ""), ("x", "y"), ("2026-01-01T00:01:00Z", "2026-01-01T00:00:00Z")]
)
def test_a_holder_that_says_nothing_of_use_is_expected_to_hold_for_nobody_knows_how_long(
    since: str, end: str
) -> None:
    assert expected_hold_seconds(replace(ticket("a"), held_since=since, expected_end=end)) is None


def test_the_stacks_of_an_evicted_holder_are_left_to_be_waited_for() -> None:
    owner = Ticket("a", "id-a", ("prod",), ("eu-west-1/app",))
    held = core.request(Document(), owner, at="", enqueue_if_busy=True)
    assert held is not None
    evicted = core.evict(held, "a", at="", note="gone")
    assert core.settling_stacks(evicted, ("prod",)) == ("eu-west-1/app",)


def test_an_epoch_exceeds_what_is_known_of_earlier_ones() -> None:
    ticket = Ticket("a", "id-a", ("prod", "test"))
    held = core.request(Document(), ticket, at="", enqueue_if_busy=True, floors={"prod": 7})
    assert held is not None
    assert held.tickets[0].epochs == (("prod", 8), ("test", 1))


class TestTwoNamesOneStack:
    """Different spellings of one name, and different names for one stack."""

    def held(self, **fields: object) -> Document:
        first = replace(Ticket("a", "id-a", ("Production",), ("eu-west-1/app",), account="1"), **fields)  # type: ignore[arg-type]
        document = core.request(Document(), first, at="", enqueue_if_busy=True)
        assert document is not None
        return document

    def test_names_that_differ_in_case_or_width_are_one_lock(self) -> None:
        document = self.held()
        for name in ("production", "PRODUCTION", "\uff30roduction", " Production "):
            other = Ticket("b", "id-b", (name,))
            queued = core.request(document, other, at="", enqueue_if_busy=True)
            assert queued is not None
            assert queued.tickets[1].locks == ("Production",)
            assert not queued.tickets[1].holding
        freed = core.finish(document, document.tickets[0], outcome="succeeded", at="")
        again = core.request(freed, Ticket("b", "id-b", ("production",)), at="", enqueue_if_busy=True)
        assert again is not None
        assert again.tickets[0].epochs == (("Production", 2),)
        assert list(again.locks) == ["Production"]

    def test_a_freeze_lies_on_every_spelling(self) -> None:
        document = operators.freeze(self.held(), ("PRODUCTION",), by="ann", reason="audit", at="")
        assert freeze_of(document, ticket("any", "production"), at="") is not None
        lifted = operators.unfreeze(document, ("production",), by="ann", reason="done", at="")
        assert freeze_of(lifted, ticket("any", "Production"), at="") is None

    @pytest.mark.parametrize(
        ("fields", "waits"),
        [
            ({}, True),
            ({"account": "2"}, False),
            ({"account": ""}, False),
            ({"account": "2 1"}, True),
            ({"stacks": ("us-east-1/app",)}, False),
            ({"run_id": "7", "repository": "org/app"}, False),
        ],
        ids=["same stack", "other account", "unknown account", "one of two", "other region", "same run"],
    )
    def test_a_holder_of_the_same_stack_under_another_lock_is_ahead(
        self, fields: dict[str, object], waits: bool
    ) -> None:
        document = self.held(run_id="7", repository="org/app")
        mine = replace(Ticket("b", "id-b", ("shop",), ("eu-west-1/app",), account="1"), **fields)  # type: ignore[arg-type]
        queued = core.request(document, mine, at="", enqueue_if_busy=True)
        assert queued is not None
        assert queued.tickets[1].holding is not waits
        assert bool(core.ahead_of(queued, queued.tickets[1])) is waits

    def test_who_waits_for_another_lock_is_not_ahead(self) -> None:
        document = self.held(stacks=("eu-west-1/other",))
        waiting = Ticket("b", "id-b", ("Production",), ("eu-west-1/app",), account="1")
        queued = core.request(document, waiting, at="", enqueue_if_busy=True)
        assert queued is not None
        mine = Ticket("c", "id-c", ("shop",), ("eu-west-1/app",), account="1")
        granted = core.request(queued, mine, at="", enqueue_if_busy=True)
        assert granted is not None
        assert granted.tickets[2].holding


def test_idle_locks_leave_a_large_document_and_no_epoch_falls() -> None:
    document = Document()
    for number in range(core.KEPT_LOCKS + 2):
        ticket = Ticket(str(number), f"id-{number}", (f"lock-{number}",))
        for _ in range(3 if number == 5 else 1):
            held = core.request(document, ticket, at="", enqueue_if_busy=True)
            assert held is not None
            document = core.finish(held, held.tickets[0], outcome="succeeded", at="")
    assert len(document.locks) <= core.KEPT_LOCKS
    again = core.request(document, Ticket("x", "id-x", ("lock-5",)), at="", enqueue_if_busy=True)
    assert again is not None
    assert again.tickets[0].epoch > 3


def test_what_left_is_remembered_for_each_lock() -> None:
    document = Document()
    quiet = Ticket("quiet", "id-quiet", ("quiet",))
    for ticket in (quiet, *(Ticket(str(n), f"id-{n}", ("busy",)) for n in range(2 * core.KEPT_FINISHED))):
        held = core.request(document, ticket, at="", enqueue_if_busy=True)
        assert held is not None
        document = core.finish(held, held.tickets[0], outcome="succeeded", at="")
    assert document.farewell("quiet") is not None
    assert len(document.finished) == core.KEPT_FINISHED + 1


@pytest.mark.parametrize(
    ("account", "left"),
    [("123456789012", "123456789012/eu-west-1/app"), ("", "eu-west-1/app"), ("1 2", "eu-west-1/app")],
)
def test_what_is_left_by_name_keeps_its_account(account: str, left: str) -> None:
    owner = Ticket("a", "id-a", ("prod",), ("eu-west-1/app",), account=account)
    held = core.request(Document(), owner, at="", enqueue_if_busy=True)
    assert held is not None
    evicted = core.evict(held, "a", at="", note="gone")
    forced = operators.force_release(held, "a", by="ann", reason="stuck", at="")
    for document in (evicted, forced):
        assert core.settling_stacks(document, ("prod",)) == (left,)


def reader(nonce: str, *others: str) -> Ticket:
    return ticket(nonce, "network", *others, shared=("network",))


class TestReadersAndWriters:
    def test_readers_hold_one_lock_together_and_each_has_an_epoch_of_its_own(self) -> None:
        document = queue(reader("r1", "web"), reader("r2", "shop"))
        assert held(document, "r1").epochs == (("network", 1), ("web", 1))
        assert held(document, "r2").epochs == (("network", 2), ("shop", 1))

    def test_a_writer_waits_for_every_reader(self) -> None:
        document = queue(reader("r1"), reader("r2"), ticket("w", "network"))
        for nonce in ("r1", "r2"):
            assert core.grant(document, "w", at=AT) is None
            document = released(document, nonce)
        assert held(granted(document, "w"), "w").epochs == (("network", 3),)

    def test_a_reader_waits_for_a_writer_that_holds(self) -> None:
        document = queue(ticket("w", "network"), reader("r"))
        assert core.ahead_of(document, document.tickets[1]) == (held(document, "w"),)
        assert held(granted(released(document, "w"), "r"), "r").epochs == (("network", 2),)

    def test_a_reader_never_passes_a_writer_that_waits(self) -> None:
        document = queue(reader("r1"), ticket("w", "network"), reader("r2"))
        assert core.grant(document, "r2", at=AT) is None
        assert [one.nonce for one in core.ahead_of(document, document.tickets[2])] == ["w"]

    def test_readers_of_different_spellings_read_one_lock(self) -> None:
        document = queue(reader("r1"), ticket("r2", "Network", shared=("Network",)))
        assert held(document, "r2").shared == ("network",)

    def test_two_locks_conflict_where_one_of_them_is_written(self) -> None:
        document = queue(reader("r1", "web"), reader("r2", "web"))
        assert [one.nonce for one in core.ahead_of(document, document.tickets[1])] == ["r1"]

    def test_a_freeze_keeps_readers_out_too(self) -> None:
        frozen = operators.freeze(Document(), ("network",), by="ann", reason="audit", at=AT)
        assert core.request(frozen, reader("r"), at=AT, enqueue_if_busy=False) is None
