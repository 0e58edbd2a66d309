"""One waiter's view of those ahead of it: asks, looks, and judges by `locking.expiry`."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from deploy_action.common.times import iso
from deploy_action.locking import expiry as leases
from deploy_action.locking import transitions as core
from deploy_action.locking.delegation import life_of_all
from deploy_action.locking.expected_end import expected_hold_seconds
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.messages import passing_note, takeover_note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.common.instants import MonotonicTime
    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Document, Loan, Ticket
    from deploy_action.locking.review import Review

LOOK_SECONDS = 15.0
"""Between two looks at the stacks of a holder that seems to be gone."""
ASKING_WAITERS = 2
"""At most this many at the head of the queue ask GitHub about those ahead; the rest only about one that is
silent, or does not take a free lock for UNCLAIMED_SECONDS."""
UNCLAIMED_SECONDS = 20.0
ASKED_IN_A_ROW_MAX = 100
"""Where everybody further ahead was found to be gone, the next one is asked about in the same look."""


class Gone(NamedTuple):
    """One that is not waited for, and why. `outcome`: ABANDONED, or PASSED for a run that pauses."""

    ticket: Ticket
    why: str
    outcome: str = core.ABANDONED

    @property
    def lock_taken_over(self) -> bool:
        """Whether a holder lost its lock for good; waiters and runs that pause are only passed."""
        return self.ticket.holding and self.outcome == core.ABANDONED

    @property
    def note(self) -> str:
        return (passing_note if self.outcome == core.PASSED else takeover_note)(self.ticket, self.why)


def without_gone(
    document: Document, gone: list[Gone], *, at: str, by: str
) -> tuple[Document, tuple[Document, list[Gone]]]:
    """For a swap: the document without those that gave no sign of life since they were judged, and who they
    are."""
    evicted = []
    for one in gone:
        current = document.ticket(one.ticket.nonce)
        if current is not None and leases.life_of(current) == leases.life_of(one.ticket):
            note = f"{one.note} {by}"
            document = core.evict(document, current.nonce, at=at, note=note, outcome=one.outcome)
            evicted.append(one)
    return document, (document, evicted)


def _no_review(_ticket: Ticket) -> Review | None:
    return None


class TakeoverPolicy:
    """`stacks_in_progress` answers for `REGION/NAME` texts which of them CloudFormation is working on; where
    it cannot tell, it must name them all, so that doubt never leads to a takeover. `life` says what is known
    of a ticket's job. `revoke` takes away what a holder that is about to be taken over could still execute,
    should it only have been paused; it returns whether that is certain, and never raises. `review` says
    whether the run of a ticket waits for a reviewer.
    """

    def __init__(
        self,
        clock: Clock,
        account: str,
        *,
        stacks_in_progress: Callable[[Iterable[str]], list[str]],
        life: Callable[[Ticket], JobStatus],
        revoke: Callable[[Ticket], bool],
        review: Callable[[Ticket], Review | None] = _no_review,
    ) -> None:
        self._clock = clock
        self._account = account
        self._stacks_in_progress = stacks_in_progress
        self._life = life
        self._revoke = revoke
        self._review = review
        self._reviews: dict[str, tuple[Review | None, float]] = {}
        self._watch = leases.LeaseWatch()
        self._answers: dict[tuple[str, tuple[Loan, ...]], tuple[JobStatus, float]] = {}
        self._ended_at: dict[str, leases.RenewalState] = {}
        """The last sign of life of those whose jobs were said to have ended."""
        self._disproved: set[str] = set()
        self._ran_at: dict[str, float] = {}
        self._in_doubt: dict[str, tuple[str, float]] = {}
        self._held_at: dict[str, float] = {}

    def observe(self, document: Document) -> None:
        """Take in a document as just read."""
        now = self._clock.monotonic()
        holding = [ticket.nonce for ticket in document.tickets if ticket.holding]
        self._held_at = {nonce: self._held_at.get(nonce, now) for nonce in holding}
        self._watch.observe(document, now, at=iso(self._clock.now()))

    def reached(self) -> None:
        """The registry answered, and told of no change that matters to the queue."""
        self._watch.reached(self._clock.monotonic())

    def remarks(self, ahead: tuple[Ticket, ...]) -> tuple[str, ...]:
        """Why somebody who seems to be gone is still waited for."""
        reviews = ((one.correlation_id, self._reviews.get(one.nonce, (None, 0.0))[0]) for one in ahead)
        waiting = tuple(f"{who} {review.text}" for who, review in reviews if review is not None)
        return waiting + tuple(self._in_doubt[one.nonce][0] for one in ahead if one.nonce in self._in_doubt)

    def left_seconds(self, holder: Ticket) -> float | None:
        """How long it is expected to go on at most: it may have held for longer than it was seen to. Negative
        where it is overdue; None where it did not say."""
        whole, seen = expected_hold_seconds(holder), self._held_at.get(holder.nonce)
        return None if whole is None or seen is None else whole - (self._clock.monotonic() - seen)

    def gone(self, ahead: tuple[Ticket, ...]) -> list[Gone]:
        """Those whose owners are gone, or are runs that wait for a reviewer, and whose stacks are at rest."""
        now = self._clock.monotonic()
        gone: list[Gone] = []
        waiters = sum(not ticket.holding for ticket in ahead)
        for place, ticket in enumerate(ahead):
            silent = self._watch.silent_seconds(ticket, now)
            unclaimed = self._watch.unclaimed_seconds(ticket, now)
            follows = 0 < len(gone) == place < ASKED_IN_A_ROW_MAX
            near = waiters < ASKING_WAITERS or silent >= ticket.lease or unclaimed >= UNCLAIMED_SECONDS
            is_next = follows or self._watch.is_next(ticket)
            life = self._ask(ticket, silent, now, is_next=is_next) if near or follows else JobStatus.UNKNOWN
            why = leases.why_gone(
                ticket,
                silent_seconds=silent,
                unclaimed_seconds=unclaimed,
                life=life,
            )
            if why is None:
                review = self._waits_for_review(ticket, life, now)
                if review is not None and self._may_pass(ticket, review, life, now):
                    gone.append(Gone(ticket, review.text, core.PASSED))
                continue
            certain = life is JobStatus.COMPLETED or silent >= leases.STUCK_LEASES * ticket.lease
            if not ticket.holding or self._at_rest(ticket, why, now, certain=certain):
                gone.append(Gone(ticket, why))
        return gone

    def _may_pass(self, ticket: Ticket, review: Review, life: JobStatus, now: MonotonicTime) -> bool:
        """Whether nothing of it is in progress: asked once more after the look at its stacks."""
        if not (review.idle and self._at_rest(ticket, review.text, now, certain=True)):
            return False
        self._reviews.pop(ticket.nonce)
        again = self._waits_for_review(ticket, life, now)
        return again is not None and again.idle

    def _waits_for_review(self, ticket: Ticket, life: JobStatus, now: MonotonicTime) -> Review | None:
        """Asked as often as whether it lives: GitHub says so of a run only, and of one that has not ended."""
        if not (ticket.holding and ticket.held_by_run and life is JobStatus.RUNNING):
            self._reviews.pop(ticket.nonce, None)
            return None
        known, asked_at = self._reviews.get(ticket.nonce, (None, -inf))
        if now - asked_at >= leases.ASK_SECONDS:
            known = self._review(ticket)
            self._reviews[ticket.nonce] = known, now
        return known

    def _ask(self, ticket: Ticket, silent: float, now: MonotonicTime, *, is_next: bool) -> JobStatus:
        """The state of its job, asked of GitHub only as often as the answer may matter. `is_next`: it could
        have its locks now, or could once those are evicted that are gone.

        An answer that is lost is no news: a job that was seen to run counts as running for a lease more.
        """
        whom = (ticket.nonce, ticket.loans)
        answer, asked_at = self._answers.get(whom, (JobStatus.UNKNOWN, None))
        sign = leases.life_of(ticket)
        if answer is JobStatus.COMPLETED and self._ended_at.setdefault(ticket.nonce, sign) != sign:
            self._disproved.add(ticket.nonce)  # it renewed after its job had ended, as was said
        if ticket.nonce in self._disproved:
            return JobStatus.UNKNOWN
        interval = leases.ask_again_seconds(ticket, silent_seconds=silent, is_next=is_next)
        if answer is JobStatus.COMPLETED or interval is None:
            return answer
        if asked_at is None or now - asked_at >= interval:
            answer = life_of_all(ticket, self._life)
            if answer is JobStatus.RUNNING:
                self._ran_at[ticket.nonce] = now
            elif answer is JobStatus.UNKNOWN and now - self._ran_at.get(ticket.nonce, -inf) < ticket.lease:
                answer = JobStatus.RUNNING
            if answer is JobStatus.COMPLETED:
                self._ended_at[ticket.nonce] = sign
            self._answers[whom] = (answer, now)
        return answer

    def _at_rest(self, holder: Ticket, why: str, now: MonotonicTime, *, certain: bool) -> bool:
        """Whether nothing of a holder is in progress, nor can be any more. `certain`: its job has ended, or
        it was silent for longer than anybody who lives; without that, a holder that names no stack, or not
        their account, is waited for.

        Looked at before and after the revocation: it costs requests, and one that still works is left alone.
        """
        _, looked_at = self._in_doubt.get(holder.nonce, ("", None))
        if looked_at is not None and now - looked_at < LOOK_SECONDS:
            return False
        busy = self._doubtful(holder)
        if not certain and not holder.stacks:
            busy = ["what it deploys, which it does not name,"]
        elif not certain and not (holder.account and holder.account == self._account):
            busy = list(holder.stacks)
        if not busy:
            revoked = self._revoke(holder)
            busy = self._doubtful(holder) if revoked else list(holder.stacks)
        if not busy:
            self._in_doubt.pop(holder.nonce, None)
            return True
        remark = (
            f"{holder.correlation_id} seems to be gone ({why}), but {', '.join(busy[:5])} is in progress or "
            "cannot be seen: its lock is taken over once that is at rest"
        )
        self._in_doubt[holder.nonce] = (remark, now)
        return False

    def _doubtful(self, holder: Ticket) -> list[str]:
        """Stacks of another account are not to be seen from here, and none there is no proof of rest."""
        if holder.account and self._account and holder.account != self._account:
            return list(holder.stacks)
        return self._stacks_in_progress(holder.stacks)
