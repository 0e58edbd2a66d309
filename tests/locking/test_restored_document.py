"""Documents that were deleted, or replaced by older ones, under a holder."""

from __future__ import annotations

from dataclasses import replace

from deploy_action.locking import admin as operators
from deploy_action.locking import transitions as core
from deploy_action.locking.delegation import borrow, give_back
from deploy_action.locking.document import Document, Lock, Ticket
from deploy_action.locking.restored_document import freezes_in, remembered, written_back

EARLIER = Document(locks={"prod": Lock(epoch=6)})
MINE = Ticket("a", "id-a", ("prod",), ("eu-west-1/app",))


def held(ticket: Ticket = MINE, document: Document = EARLIER) -> Document:
    granted = core.request(document, ticket, at="", enqueue_if_busy=True)
    assert granted is not None
    return granted


def mine() -> Ticket:
    return held().tickets[0]


def test_it_stands_where_it_stood_under_its_epoch() -> None:
    waiting = core.enqueue(EARLIER, replace(MINE, nonce="w"), at="")
    for lost in (Document(), EARLIER, waiting):
        back = written_back(lost, mine())
        assert back.tickets[0] == mine()
        assert back.locks["prod"].epoch == 7
        assert core.renew(back, mine()).tickets[0].renewals == 1


def test_who_was_granted_it_since_is_not_run_over() -> None:
    other = replace(MINE, nonce="b", correlation_id="id-b")
    assert written_back(holding := held(other, Document()), mine()) is holding
    gone = core.finish(held(other), held(other).tickets[0], outcome="succeeded", at="")
    assert written_back(gone, mine()) is gone


def test_whoever_held_it_and_left_since_the_last_document_was_seen_proves_a_later_grant() -> None:
    other = replace(MINE, nonce="b", correlation_id="id-b")
    anew = held(other, Document())
    gone = core.finish(anew, anew.tickets[0], outcome="succeeded", at="")
    assert written_back(gone, mine(), last=EARLIER) is gone
    back = written_back(gone, mine(), last=replace(EARLIER, finished=gone.finished))
    assert back.tickets == (mine(),)


def test_a_holder_that_was_taken_out_stays_out() -> None:
    for outcome in (core.FORCED, core.ABANDONED, "succeeded"):
        gone = core.finish(held(), mine(), outcome=outcome, at="")
        assert written_back(gone, mine()) is gone
        assert written_back(remembered(gone), mine(), begins_anew=True).tickets == ()
    forgotten = Document(locks={"prod": Lock(epoch=7)})
    assert written_back(forgotten, mine()) is forgotten


def test_a_waiter_has_nothing_to_write_back() -> None:
    assert written_back(Document(), MINE).tickets == ()


def test_of_what_is_gone_epochs_freezes_and_memory_are_remembered_and_nobody_else() -> None:
    frozen = operators.freeze(held(), ("shop",), by="ann", reason="audit", at="")
    again = remembered(frozen)
    assert again.tickets == ()
    assert again.audit == frozen.audit
    assert again.locks["prod"].epoch == 7
    assert list(freezes_in(again, at="")) == ["shop"]
    assert written_back(again, mine(), begins_anew=True).tickets == (mine(),)


def test_who_uses_a_lock_that_another_wrote_back_stands_in_it_again() -> None:
    lock = held().tickets[0]
    first = borrow(held(), lock, replace(MINE, nonce="x", correlation_id="id-x", job="1")).tickets[0]
    both = borrow(Document(tickets=(first,)), first, replace(MINE, nonce="y", correlation_id="id-y", job="2"))
    back = written_back(Document(), first)
    assert [loan.correlation_id for loan in back.tickets[0].loans] == ["id-x"]
    again = written_back(back, both.tickets[0])
    assert [loan.correlation_id for loan in again.tickets[0].loans] == ["id-x", "id-y"]
    assert written_back(again, both.tickets[0]) is again
    kept = give_back(again, lock, outcome="succeeded", at="")
    assert kept.tickets[0].release_outcome == "succeeded"
