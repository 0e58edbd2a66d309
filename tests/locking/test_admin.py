"""Freezing, thawing, and releasing by force."""

from __future__ import annotations

import pytest

from deploy_action.errors import LockLost
from deploy_action.locking import admin as operators
from deploy_action.locking import transitions as core
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import KEPT_AUDIT, Document, Ticket
from deploy_action.locking.queue_order import freeze_of

AT = "2027-01-15T08:00:00Z"
NOON = "2027-01-15T12:00:00Z"
STACKS = ("eu-west-1/app",)


def request(document: Document, nonce: str, *locks: str, at: str = AT) -> Document:
    ticket = Ticket(nonce, f"id-{nonce}", locks or ("prod",), STACKS, url=f"https://run/{nonce}")
    return core.request(document, ticket, at=at, enqueue_if_busy=True) or document


def frozen(document: Document, *locks: str, until: str = "") -> Document:
    return operators.freeze(document, locks or ("prod",), by="ada", reason="month end", at=AT, until=until)


def is_held_by(document: Document, nonce: str) -> bool:
    ticket = document.ticket(nonce)
    return ticket is not None and ticket.holding


def test_a_frozen_lock_is_granted_to_nobody_and_the_queue_forms_behind_it() -> None:
    document = request(request(frozen(Document()), "a"), "b")
    assert [ticket.holding for ticket in document.tickets] == [False, False]
    assert core.grant(document, "a", at=NOON) is None


def test_one_frozen_lock_of_several_keeps_all_of_them() -> None:
    assert not is_held_by(request(frozen(Document(), "test"), "a", "prod", "test"), "a")
    assert is_held_by(request(frozen(Document(), "test"), "a", "prod"), "a")


def test_who_holds_a_lock_goes_on_when_it_is_frozen() -> None:
    document = frozen(request(Document(), "a"))
    holder = document.ticket("a")
    assert holder is not None
    document = core.renew(document, holder)
    assert core.release(document, holder, outcome="succeeded", at=AT).tickets == ()


def test_a_freeze_ends_by_itself_and_leaves_nothing_behind_in_the_lock() -> None:
    document = request(frozen(Document(), until=NOON), "a")
    assert freeze_of(document, Ticket("any", "id", ("prod",)), at="2027-01-15T11:59:59Z")
    assert freeze_of(document, Ticket("any", "id", ("prod",)), at=NOON) is None
    document = core.grant(document, "a", at=NOON) or document
    assert is_held_by(document, "a")
    assert document.locks["prod"].freeze is None


@pytest.mark.parametrize("until", ["", "soon", "2027-13-45", "2027-01-15T12:00:00+99:00"])
def test_an_end_that_is_no_time_is_no_end(until: str) -> None:
    assert freeze_of(
        frozen(Document(), until=until), Ticket("any", "id", ("prod",)), at="2999-01-01T00:00:00Z"
    )


def test_a_lifted_freeze_lets_the_first_in_the_queue_go() -> None:
    document = request(frozen(Document()), "a")
    document = operators.unfreeze(document, ("prod", "other"), by="grace", reason="done", at=AT)
    assert core.grant(document, "a", at=AT)
    assert [(entry.action, entry.by, entry.locks) for entry in document.audit] == [
        ("freeze", "ada", ("prod",)),
        ("unfreeze", "grace", ("prod",)),
    ]


def test_lifting_what_is_not_frozen_changes_nothing() -> None:
    document = request(Document(), "a")
    assert operators.unfreeze(document, ("prod",), by="ada", reason="", at=AT) == document


def test_a_forced_release_names_who_did_it_and_fences_the_holder() -> None:
    document = request(request(Document(), "a"), "b")
    holder = document.ticket("a")
    assert holder is not None
    document = operators.force_release(document, "a", by="ada", reason="runner is gone", at=AT)
    with pytest.raises(LockLost, match='Released by force by ada: "runner is gone"'):
        core.renew(document, holder)
    assert core.release(document, holder, outcome="succeeded", at=AT) == document
    assert document.finished[-1].outcome == core.FORCED
    entry = document.audit[-1]
    assert (entry.action, entry.by, entry.reason) == ("release", "ada", "runner is gone")
    assert entry.detail == "holder id-a https://run/a"


def test_the_stacks_of_a_holder_that_was_released_by_force_settle() -> None:
    document = operators.force_release(request(Document(), "a"), "a", by="ada", reason="x", at=AT)
    assert core.settling_stacks(document, ("prod",)) == STACKS
    granted = request(document, "b").ticket("b")
    assert granted is not None
    assert granted.epoch == 2


def test_a_waiter_can_be_taken_out_of_the_queue() -> None:
    document = request(request(Document(), "a"), "b")
    document = operators.force_release(document, "b", by="ada", reason="x", at=AT)
    assert is_held_by(document, "a")
    assert document.ticket("b") is None
    assert core.settling_stacks(document, ("prod",)) == ()


def test_releasing_what_is_not_there_changes_nothing() -> None:
    document = request(Document(), "a")
    assert operators.force_release(document, "b", by="ada", reason="x", at=AT) == document


def test_what_operators_did_is_kept_within_bounds_and_written() -> None:
    document = Document()
    for _ in range(KEPT_AUDIT + 5):
        document = frozen(document, until=NOON)
    assert len(document.audit) == KEPT_AUDIT
    assert decode(encode(document)) == document
