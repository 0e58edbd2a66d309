"""Whose lock may be used, and what that does to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.core.borrowing import Borrower, borrow, parse_token
from deploy_action.core.document import WHOLE_RUN, Document, Ticket
from deploy_action.core.lock import FORCED, evict, finish, release, request
from deploy_action.errors import CannotStart, LockLost

AT = "2027-01-15T08:00:00Z"
TOKEN = "a" * 32
RUN = "https://github.com/org/app/actions/runs/7"
OWNER = Ticket(TOKEN, "20270115-080000-aaaaaa", ("production",), run_id="7", url=RUN, job="11")
GUEST = Ticket("b" * 32, "20270115-080100-bbbbbb", ("production",), ("eu-west-1/shop",), account="1")


def held(owner: Ticket = OWNER) -> Document:
    document = request(Document(), owner, at=AT, enqueue_if_busy=True)
    assert document is not None
    return document


def test_the_token_opens_the_lock_and_nothing_else_of_the_job_does() -> None:
    document = held()
    lender = Borrower((TOKEN,)).lender(document, GUEST)
    assert lender is not None
    assert lender.nonce == TOKEN
    assert Borrower(("c" * 32,), RUN).lender(document, GUEST) is None
    assert Borrower().lender(document, GUEST) is None


def test_a_lock_of_a_run_is_open_to_its_attempt_only() -> None:
    document = held(replace(OWNER, job=WHOLE_RUN))
    assert Borrower((), RUN).lender(document, GUEST) is not None
    assert Borrower((), f"{RUN}/attempts/2").lender(document, GUEST) is None
    assert Borrower((), f"{RUN}1").lender(document, GUEST) is None


def test_outside_of_a_run_no_lock_is_that_of_the_own_run() -> None:
    document = held(replace(OWNER, job=WHOLE_RUN, url=""))
    assert Borrower().lender(document, GUEST) is None


def test_other_locks_are_nobodys_business() -> None:
    assert Borrower((TOKEN,)).lender(held(), replace(GUEST, locks=("staging",))) is None


def test_more_locks_than_are_held_are_refused() -> None:
    with pytest.raises(CannotStart, match="wants shared too"):
        Borrower((TOKEN,)).lender(held(), replace(GUEST, locks=("production", "shared")))


def test_the_own_ticket_is_no_loan() -> None:
    document = held()
    ticket = document.ticket(TOKEN)
    assert ticket is not None
    assert Borrower((TOKEN,), RUN).lender(document, ticket) is None


@pytest.mark.parametrize("how", ["evicted", "forced"])
def test_a_lock_that_was_taken_away_is_told_as_lost(how: str) -> None:
    document = held()
    if how == "evicted":
        document = evict(document, TOKEN, at=AT, note="Took over.")
    else:
        document = finish(document, OWNER, outcome=FORCED, at=AT, note="By an operator.")
    with pytest.raises(LockLost, match="no longer holds `production`"):
        Borrower((TOKEN,)).lender(document, GUEST)
    assert Borrower((TOKEN,)).lender(document, replace(GUEST, locks=("staging",))) is None


def test_a_lock_that_was_given_back_is_asked_for_anew() -> None:
    document = held()
    ticket = document.ticket(TOKEN)
    assert ticket is not None
    document = release(document, ticket, outcome="succeeded", at=AT)
    assert Borrower((TOKEN,)).lender(document, GUEST) is None


def test_what_is_deployed_under_it_is_looked_at_before_a_takeover() -> None:
    document = held(replace(OWNER, stacks=("eu-west-1/network",)))
    lender = document.ticket(TOKEN)
    assert lender is not None
    after = borrow(borrow(document, lender, GUEST), lender, GUEST).ticket(TOKEN)
    assert after is not None
    assert after.stacks == ("eu-west-1/network", "eu-west-1/shop")
    assert (after.correlation_id, after.account) == (GUEST.correlation_id, "1")
    assert (after.epochs, after.renewals) == (lender.epochs, lender.renewals + 1)


@pytest.mark.parametrize("text", ["", "a" * 31, "A" * 32, "a" * 33, f"{TOKEN}\n", "../../x"])
def test_only_a_nonce_is_a_token(text: str) -> None:
    with pytest.raises(ValueError, match="lock-token"):
        parse_token(text)
