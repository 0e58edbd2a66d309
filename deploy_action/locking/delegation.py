"""Deploying under a lock that the same job or run holds already, taken by its `lock` step.

A lock is lent to every job of the very run attempt that holds it as a run, and to whoever in the same run
knows its token. The registry, which others read, holds a hash of the token: the nonce of the ticket that a
`lock` step makes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from deploy_action.errors import CannotStart
from deploy_action.locking.document import BORROWERS_MAX, Loan, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.lock_name import missing_locks
from deploy_action.locking.transitions import ABANDONED, FORCED, finish, leave_settling, lost, release

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from deploy_action.locking.document import Document

_LOAN_FIELDS = tuple(field.name for field in fields(Loan))
STACKS_MAX = 200
"""The stacks under a lock are looked at before it is taken over; a registry document stays small."""


def parse_token(text: str) -> str:
    """A lock's token as given; raises ValueError with a sentence for people."""
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise ValueError("it is not the output `lock-token` of a `lock` step.")
    return text


def nonce_of(token: str) -> str:
    """Of the ticket that a `lock` step makes."""
    return f"lock-{hashlib.sha256(token.encode()).hexdigest()}"


def nonces_of(token: str) -> tuple[str, ...]:
    """Earlier releases took the token itself, and no prefix, for the nonce of all tickets."""
    return nonce_of(token), token


@dataclass(frozen=True, slots=True)
class Borrower:
    """Whose locks may be used: in the own repository and run those with these tokens, and those of this run
    attempt (`url`)."""

    tokens: tuple[str, ...] = ()
    url: str = ""
    repository: str = ""
    run_id: str = ""

    def nonces(self) -> frozenset[str]:
        return frozenset(nonce for token in self.tokens for nonce in nonces_of(token))

    def lender(self, document: Document, ticket: Ticket) -> Ticket | None:
        """The ticket to go on under instead of `ticket`; None where that one has to take its own turn.

        Raises CannotStart where only some of the wanted locks are held: waiting for the others while holding
        these could wait for ever. Raises LockLost where the lock was lent, and somebody took it over.
        """
        for other in document.tickets:
            if other.nonce == ticket.nonce or not other.holding or not self.may_use(other):
                continue
            missing = not_held(ticket, other)
            if not missing:
                return other
            if ticket.shares_lock_with(other):
                held, wanted = ", ".join(other.lock_texts), ", ".join(missing)
                raise CannotStart(
                    f"The `lock` step holds {held}, and this deployment wants {wanted} too.",
                    why="Waiting for one lock while another is held can wait for ever. Nothing was changed.",
                    remedy="Name all of them, one a line, in the `lock` step: they are taken together.",
                )
        for nonce in self.nonces():
            line = document.farewell(nonce)
            if line is None or document.ticket(nonce) is not None or set(line.locks).isdisjoint(ticket.locks):
                continue
            if line.outcome in {ABANDONED, FORCED}:
                raise lost(document, replace(ticket, nonce=nonce, correlation_id=line.correlation_id))
        return None

    def may_use(self, other: Ticket) -> bool:
        """Whether that one's lock is lent to us."""
        if other.held_by_run and self.url and other.url == self.url:
            return True
        ours = (other.repository, other.run_id) == (self.repository, self.run_id)
        return ours and other.nonce in self.nonces()


def not_held(ticket: Ticket, other: Ticket) -> tuple[str, ...]:
    """Those locks of the ticket that the other one does not hold in the way that it wants them."""
    exclusive = tuple(name for name in other.locks if name not in other.shared)
    wanted = missing_locks(ticket.locks, exclusive)
    readable = missing_locks(wanted, ticket.shared)
    return (*readable, *missing_locks((name for name in wanted if name not in readable), other.shared))


def borrow(document: Document, lender: Ticket, ticket: Ticket) -> Document:
    """The lender's ticket also stands for what `ticket` deploys: whoever would take the lock over looks at
    these stacks too, finds the change sets by the id, and asks whether its job lives. A sign of life as well.

    Steps of one job come one after the other, so an earlier loan of the same job is over.
    """
    loan = Loan(**{name: getattr(ticket, name) for name in _LOAN_FIELDS})
    others = tuple(
        one
        for one in lender.loans
        if one.correlation_id != loan.correlation_id and not is_of_job(one, ticket.job, ticket.run_id)
    )
    accounts = dict.fromkeys((*lender.account.split(), *ticket.account.split()))
    home = in_attempt_of(lender, ticket)
    return document.with_ticket(
        replace(
            home,
            correlation_id=ticket.correlation_id,
            stacks=tuple(dict.fromkeys((*lender.stacks, *ticket.stacks)))[:STACKS_MAX],
            account=" ".join(accounts),
            loans=(*others, loan),
            borrowers=tuple(dict.fromkeys((*lender.borrowers, loan.correlation_id)))[-BORROWERS_MAX:],
            renewals=lender.renewals + 1,
        )
    )


def in_attempt_of(lender: Ticket, ticket: Ticket) -> Ticket:
    """The lock of a run goes on into a later attempt of it: the earlier one has ended, and stands for
    nobody."""
    same_run = lender.held_by_run and (lender.repository, lender.run_id) == (ticket.repository, ticket.run_id)
    attempts = (lender.run_attempt, ticket.run_attempt)
    if not same_run or not all(one.isdecimal() for one in attempts) or int(attempts[1]) <= int(attempts[0]):
        return lender
    return replace(lender, run_attempt=ticket.run_attempt, url=ticket.url)


def is_of_job(loan: Loan, job_id: str, run_id: str) -> bool:
    """Whether it is certain that this very job has it: a key names all legs of a matrix."""
    return job_id.isdecimal() and (loan.job, loan.run_id) == (job_id, run_id)


def repay(
    document: Document, ticket: Ticket, correlation_id: str, *, at: str, settling: tuple[str, ...] = ()
) -> Document:
    """The end of a deployment under a lent lock, which goes on being held; but where its owner has given it
    back before, and this was the last one that used it, it is free now.

    The same document where it is not held under these epochs any more.
    """
    current = document.ticket(ticket.nonce)
    if current is None or current.epochs != ticket.epochs:
        return document
    loans = tuple(loan for loan in current.loans if loan.correlation_id != correlation_id)
    after = replace(current, loans=loans, renewals=current.renewals + 1)
    document = leave_settling(document.with_ticket(after), after, settling)
    if after.release_outcome and not loans:
        return finish(document, after, outcome=after.release_outcome, at=at)
    return document


def give_back(
    document: Document,
    ticket: Ticket,
    *,
    outcome: str,
    at: str,
    settling: tuple[str, ...] = (),
    ended: Set[str] = frozenset(),
) -> Document:
    """As `transitions.release`; but a lock that somebody still deploys under stays held until the last of
    them ends. `ended`: the correlation ids of loans whose jobs are known to be over."""
    current = document.ticket(ticket.nonce)
    loans = () if current is None else tuple(one for one in current.loans if one.correlation_id not in ended)
    if current is None or not loans or (ticket.holding and current.epochs != ticket.epochs):
        return release(document, ticket, outcome=outcome, at=at, settling=settling)
    after = replace(current, loans=loans, release_outcome=outcome)
    return leave_settling(document.with_ticket(after), after, settling)


def life_of_all(ticket: Ticket, life: Callable[[Ticket], JobStatus]) -> JobStatus:
    """Whether anybody lives who holds or uses the ticket's locks, by what `life` says of single jobs."""
    own = JobStatus.COMPLETED if ticket.release_outcome else life(ticket)
    if own is not JobStatus.COMPLETED:
        return own
    answers = {life(as_ticket(loan)) for loan in ticket.loans}
    return next(
        (one for one in (JobStatus.RUNNING, JobStatus.UNKNOWN) if one in answers), JobStatus.COMPLETED
    )


def as_ticket(loan: Loan) -> Ticket:
    """For whoever asks about jobs of tickets."""
    return Ticket(nonce="", locks=(), **{name: getattr(loan, name) for name in _LOAN_FIELDS})


def account_of_loan(ticket: Ticket, correlation_id: str) -> str:
    """The account of one of those that use a lock; of the ticket itself where it is none of them."""
    loan = next((one for one in ticket.loans if one.correlation_id == correlation_id), None)
    return ticket.account if loan is None else loan.account
