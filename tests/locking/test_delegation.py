"""Whose lock may be used, and what that does to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.errors import CannotStart, LockLost
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.delegation import (
    Borrower,
    account_of_loan,
    borrow,
    give_back,
    life_of_all,
    nonce_of,
    parse_token,
    repay,
)
from deploy_action.locking.document import BORROWERS_MAX, WHOLE_RUN, Document, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.tokens import new_nonce, new_token
from deploy_action.locking.transitions import FORCED, evict, finish, release, request

AT = "2027-01-15T08:00:00Z"
TOKEN = "a" * 32
RUN = "https://github.com/org/app/actions/runs/7"
OWNER = Ticket(nonce_of(TOKEN), "20270115-080000-aaaaaa", ("production",), run_id="7", url=RUN, job="11")
GUEST = Ticket("b" * 32, "20270115-080100-bbbbbb", ("production",), ("eu-west-1/shop",), account="1")


def held(owner: Ticket = OWNER) -> Document:
    document = request(Document(), owner, at=AT, enqueue_if_busy=True)
    assert document is not None
    return document


def test_the_token_opens_the_lock_and_nothing_else_of_the_job_does() -> None:
    document = held()
    lender = Borrower((TOKEN,), run_id="7").lender(document, GUEST)
    assert lender is not None
    assert lender.nonce == OWNER.nonce
    assert Borrower(("c" * 32,), RUN, run_id="7").lender(document, GUEST) is None
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
    assert Borrower((TOKEN,), run_id="7").lender(held(), replace(GUEST, locks=("staging",))) is None


def test_more_locks_than_are_held_are_refused() -> None:
    with pytest.raises(CannotStart, match="wants shared too"):
        Borrower((TOKEN,), run_id="7").lender(held(), replace(GUEST, locks=("production", "shared")))


def test_the_own_ticket_is_no_loan() -> None:
    document = held()
    ticket = document.ticket(OWNER.nonce)
    assert ticket is not None
    assert Borrower((TOKEN,), RUN, run_id="7").lender(document, ticket) is None


@pytest.mark.parametrize("how", ["evicted", "forced"])
def test_a_lock_that_was_taken_away_is_told_as_lost(how: str) -> None:
    document = held()
    if how == "evicted":
        document = evict(document, OWNER.nonce, at=AT, note="Took over.")
    else:
        document = finish(document, OWNER, outcome=FORCED, at=AT, note="By an operator.")
    with pytest.raises(LockLost, match="no longer holds `production`"):
        Borrower((TOKEN,), run_id="7").lender(document, GUEST)
    assert Borrower((TOKEN,), run_id="7").lender(document, replace(GUEST, locks=("staging",))) is None


def test_a_lock_that_was_given_back_is_asked_for_anew() -> None:
    document = held()
    ticket = document.ticket(OWNER.nonce)
    assert ticket is not None
    document = release(document, ticket, outcome="succeeded", at=AT)
    assert Borrower((TOKEN,), run_id="7").lender(document, GUEST) is None


def test_what_is_deployed_under_it_is_looked_at_before_a_takeover() -> None:
    document = held(replace(OWNER, stacks=("eu-west-1/network",)))
    lender = document.ticket(OWNER.nonce)
    assert lender is not None
    after = borrow(borrow(document, lender, GUEST), lender, GUEST).ticket(OWNER.nonce)
    assert after is not None
    assert after.stacks == ("eu-west-1/network", "eu-west-1/shop")
    assert (after.correlation_id, after.account) == (GUEST.correlation_id, "1")
    assert (after.epochs, after.renewals) == (lender.epochs, lender.renewals + 1)


class TestLoans:
    """A lock that several jobs use is freed by the last of them."""

    def leg(self, number: int, **fields: object) -> Ticket:
        nonce, name = str(number) * 32, f"20270115-080{number}00-cccccc"
        ticket = replace(GUEST, nonce=nonce, correlation_id=name, job=str(20 + number), run_id="7")
        return replace(ticket, **fields)  # type: ignore[arg-type]

    def lent(self, *legs: Ticket) -> tuple[Document, Ticket]:
        document = held(replace(OWNER, job=WHOLE_RUN))
        for leg in legs:
            lender = document.ticket(OWNER.nonce)
            assert lender is not None
            document = borrow(document, lender, leg)
        owner = document.ticket(OWNER.nonce)
        assert owner is not None
        return document, owner

    def test_a_release_waits_for_those_that_still_deploy(self) -> None:
        one, two = self.leg(1), self.leg(2)
        document, owner = self.lent(one, two)
        document = repay(document, owner, one.correlation_id, at=AT)
        document = give_back(document, owner, outcome="succeeded", at=AT)
        assert document.holder_of("production") is not None
        document = repay(document, owner, two.correlation_id, at=AT)
        assert document.holder_of("production") is None
        line = document.farewell(OWNER.nonce)
        assert line is not None
        assert line.outcome == "succeeded"

    def test_without_a_release_the_last_one_leaves_it_held(self) -> None:
        document, owner = self.lent(self.leg(1))
        document = repay(document, owner, self.leg(1).correlation_id, at=AT)
        assert document.holder_of("production") is not None
        assert give_back(document, owner, outcome="succeeded", at=AT).holder_of("production") is None

    def test_those_whose_jobs_are_over_are_not_waited_for(self) -> None:
        one, two = self.leg(1), self.leg(2)
        document, owner = self.lent(one, two)
        ended = frozenset({one.correlation_id, two.correlation_id})
        assert give_back(document, owner, outcome="failed", at=AT, ended=ended).tickets == ()

    def test_a_job_that_borrows_again_has_ended_what_it_did_before(self) -> None:
        again = replace(self.leg(2), job="21")
        assert [loan.correlation_id for loan in self.lent(self.leg(1), again)[1].loans] == [
            again.correlation_id
        ]

    @pytest.mark.parametrize("job", ["deploy", ""])
    def test_legs_of_a_matrix_that_have_no_ids_are_kept_apart(self, job: str) -> None:
        assert len(self.lent(self.leg(1, job=job), self.leg(2, job=job))[1].loans) == 2

    def test_what_is_left_in_progress_is_waited_for_by_the_next(self) -> None:
        document, owner = self.lent(self.leg(1))
        document = repay(document, owner, self.leg(1).correlation_id, at=AT, settling=("eu-west-1/arn:x",))
        assert document.locks["production"].settling == ("eu-west-1/arn:x",)

    def test_one_that_was_taken_over_meanwhile_frees_nobodys_lock(self) -> None:
        document, owner = self.lent(self.leg(1))
        document = evict(document, OWNER.nonce, at=AT, note="")
        again = request(document, replace(OWNER, job=WHOLE_RUN), at=AT, enqueue_if_busy=True)
        assert again is not None
        assert repay(again, owner, self.leg(1).correlation_id, at=AT) is again
        assert give_back(again, owner, outcome="failed", at=AT) == again

    def test_two_accounts_under_one_lock_are_seen_from_neither(self) -> None:
        _, owner = self.lent(self.leg(1), self.leg(2, account="2"))
        assert owner.account == "1 2"
        assert account_of_loan(owner, self.leg(2).correlation_id) == "2"
        assert account_of_loan(owner, "somebody") == "1 2"

    @pytest.mark.parametrize(
        ("owner", "leg", "all_of_them"),
        [
            (JobStatus.RUNNING, JobStatus.COMPLETED, JobStatus.RUNNING),
            (JobStatus.UNKNOWN, JobStatus.COMPLETED, JobStatus.UNKNOWN),
            (JobStatus.COMPLETED, JobStatus.RUNNING, JobStatus.RUNNING),
            (JobStatus.COMPLETED, JobStatus.UNKNOWN, JobStatus.UNKNOWN),
            (JobStatus.COMPLETED, JobStatus.COMPLETED, JobStatus.COMPLETED),
        ],
    )
    def test_a_lock_lives_as_long_as_anybody_who_uses_it(
        self, owner: JobStatus, leg: JobStatus, all_of_them: JobStatus
    ) -> None:
        _, ticket = self.lent(self.leg(1))
        assert life_of_all(ticket, lambda one: leg if one.job == "21" else owner) is all_of_them

    def test_an_owner_that_has_given_it_back_keeps_nobody_waiting(self) -> None:
        document, owner = self.lent(self.leg(1))
        ticket = give_back(document, owner, outcome="succeeded", at=AT).ticket(OWNER.nonce)
        assert ticket is not None
        lives = {"21": JobStatus.COMPLETED}
        assert life_of_all(ticket, lambda one: lives.get(one.job, JobStatus.RUNNING)) is JobStatus.COMPLETED

    def test_all_that_ever_used_it_are_remembered_up_to_a_bound(self) -> None:
        document = held()
        ids = []
        for number in range(BORROWERS_MAX + 3):
            ids.append(f"20270115-080000-{number:06x}")
            guest = replace(self.leg(1), nonce=f"g{number}", correlation_id=ids[-1])
            document = borrow(document, document.tickets[0], guest)
            document = repay(document, document.tickets[0], ids[-1], at=AT)
        assert document.tickets[0].loans == ()
        assert document.tickets[0].borrowers == tuple(ids[-BORROWERS_MAX:])
        assert decode(encode(document)) == document

    def test_loans_are_written_and_read_again(self) -> None:

        document, owner = self.lent(self.leg(1), self.leg(2))
        document = give_back(document, owner, outcome="failed", at=AT)
        assert decode(encode(document)) == document


@pytest.mark.parametrize("text", ["", "a" * 31, "A" * 32, "a" * 33, f"{TOKEN}\n", "../../x"])
def test_only_a_nonce_is_a_token(text: str) -> None:
    with pytest.raises(ValueError, match="lock-token"):
        parse_token(text)


class TestALaterAttemptOfTheRun:
    """Failed jobs are run again: the token is the one of the earlier attempt, which is over."""

    OWN = replace(OWNER, job=WHOLE_RUN, repository="org/app", run_attempt="1")
    LATER = replace(
        GUEST, repository="org/app", run_id="7", run_attempt="2", url=f"{RUN}/attempts/2", job="21"
    )

    def test_the_lock_goes_on_in_it(self) -> None:
        document = borrow(held(self.OWN), held(self.OWN).tickets[0], self.LATER)
        (ticket,) = document.tickets
        assert (ticket.run_attempt, ticket.url, ticket.job) == ("2", f"{RUN}/attempts/2", WHOLE_RUN)
        again = repay(document, ticket, self.LATER.correlation_id, at=AT)
        assert again.tickets[0].run_attempt == "2"
        assert Borrower((), f"{RUN}/attempts/2").lender(again, GUEST) is not None

    @pytest.mark.parametrize(
        "fields", [{"run_id": "8"}, {"repository": "org/other"}, {"run_attempt": ""}, {"run_attempt": "1"}]
    )
    def test_nobody_elses_attempt_takes_it_along(self, fields: dict[str, str]) -> None:
        document = held(self.OWN)
        lent = borrow(document, document.tickets[0], replace(self.LATER, **fields))  # type: ignore[arg-type]
        assert (lent.tickets[0].run_attempt, lent.tickets[0].url) == ("1", RUN)


def test_one_that_waits_itself_lends_nothing() -> None:
    document = request(held(), replace(OWNER, nonce=nonce_of("c" * 32)), at=AT, enqueue_if_busy=True)
    assert document is not None
    assert Borrower(("c" * 32,), run_id="7").lender(document, GUEST) is None


class TestWhatATokenOpens:
    def test_the_registry_does_not_hold_it(self) -> None:
        token = new_token()
        assert parse_token(token) == token
        content = encode(held(replace(OWNER, nonce=nonce_of(token)))).decode()
        assert token not in content

    def test_what_stands_in_the_registry_opens_nothing(self) -> None:
        """Neither the nonce of a `lock` step's ticket nor that of an ordinary one."""
        for owner in (OWNER, replace(OWNER, nonce=new_nonce())):
            digits = owner.nonce.rpartition("-")[2]
            for token in (owner.nonce, digits, digits[:32]):
                assert Borrower((token[:32],), run_id="7").lender(held(owner), GUEST) is None
            with pytest.raises(ValueError, match="lock-token"):
                parse_token(owner.nonce)

    @pytest.mark.parametrize(
        "fields", [{"run_id": "8"}, {"run_id": ""}, {"repository": "org/other"}, {"repository": "org/ap"}]
    )
    def test_another_run_or_repository_has_no_use_for_it(self, fields: dict[str, str]) -> None:
        owner = replace(OWNER, repository="org/app")
        ours = Borrower((TOKEN,), repository="org/app", run_id="7")
        assert ours.lender(held(owner), GUEST) is not None
        assert replace(ours, **fields).lender(held(owner), GUEST) is None  # type: ignore[arg-type]

    def test_a_lock_that_an_earlier_release_took_in_this_run_is_found(self) -> None:
        document = held(replace(OWNER, nonce=TOKEN))
        assert Borrower((TOKEN,), run_id="7").lender(document, GUEST) is not None
        assert Borrower((TOKEN,), run_id="8").lender(document, GUEST) is None


def test_a_lock_that_is_only_read_under_is_not_lent_for_writing() -> None:
    holder = replace(
        Ticket(nonce_of(TOKEN), "id", ("network",), shared=("network",), epochs=(("network", 1),)),
        repository="org/app",
        run_id="77",
    )
    document = Document(tickets=(holder,))
    borrower = Borrower((TOKEN,), repository="org/app", run_id="77")
    wanted = Ticket("own", "id-own", ("network",))
    with pytest.raises(CannotStart, match="holds network:read, and this deployment wants network too"):
        borrower.lender(document, wanted)
    assert borrower.lender(document, replace(wanted, shared=("network",))) == holder
