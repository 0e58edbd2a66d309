"""Decides which holders and waiters are dead. Judged by what changes on the observer's own monotonic clock,
and by what GitHub says of the job; wall clocks are never compared.

| who | gone when |
| --- | --- |
| anybody | its job is completed |
| a holder | its job's state cannot be known, and it gave no sign of life for a whole lease |
| a holder | its job is said to run, and it gave no sign of life for STUCK_LEASES leases |
| a waiter | it did not take a lock that was free for it for CLAIM_SECONDS |
| a waiter for several locks | as a holder, after WAITER_LEASES: it can keep others from a free lock |

A waiter for one lock never keeps anybody from a free lock for longer than CLAIM_SECONDS, so it need not write
to show that it lives: a queue costs its registry nothing. That a holder is gone is not enough to take its
lock: no stack of it may be in progress either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.common.times import duration, unix_seconds
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.queue_order import freeze_of
from deploy_action.locking.transitions import ahead_of

if TYPE_CHECKING:
    from deploy_action.common.instants import MonotonicTime
    from deploy_action.locking.document import Document, Ticket

CLAIM_SECONDS = 120.0
"""A living waiter looks several times in it, however far back it stood."""
STUCK_LEASES = 6.0
"""Runs have been said to be in progress for months, while a job that lost its registry may well be alive."""
WAITER_LEASES = 1.5
"""A waiter for several locks writes once a lease, give or take its pause between two looks."""
RENEWALS_PER_LEASE = 2.0
THAW_SECONDS = 600.0
"""So much may the clock of a waiter be behind the observer's when a freeze ends."""
GAP_SECONDS = 60.0
"""Longer than a waiter ever pauses between two looks."""
ASK_SECONDS = 120.0
ASK_SECONDS_SUSPICIOUS = 30.0

RenewalState = tuple[int, tuple[tuple[str, int], ...]]


def held_up_by(document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
    """All that must go before the ticket can hold, in order. A reader waits for a writer, and with it for the
    readers before that one, which are not ahead of a reader themselves."""
    ahead = ahead_of(document, ticket)
    if not ticket.shared:
        return ahead
    nonces = {one.nonce for other in ahead for one in (other, *ahead_of(document, other))} - {ticket.nonce}
    before = [one for one in document.tickets if one.nonce in nonces]
    return tuple(sorted(before, key=lambda one: not one.holding))


def life_of(ticket: Ticket) -> RenewalState:
    """The part that changes with each sign of life. A grant is one: only the owner takes its locks."""
    return ticket.renewals, ticket.epochs


def renewal_seconds(ticket: Ticket) -> float | None:
    """How often it must give a sign of life; None for a waiter whose claim is sign enough."""
    if ticket.holding:
        return ticket.lease / RENEWALS_PER_LEASE
    return ticket.lease if len(ticket.locks) > 1 else None


def silence_allowed(ticket: Ticket, life: JobStatus) -> float | None:
    """Seconds without a sign of life after which it is gone; None where silence says nothing."""
    if renewal_seconds(ticket) is None:
        return None
    if life is JobStatus.RUNNING:
        return STUCK_LEASES * ticket.lease
    return ticket.lease if ticket.holding else WAITER_LEASES * ticket.lease


def why_gone(
    ticket: Ticket, *, silent_seconds: float, unclaimed_seconds: float, life: JobStatus
) -> str | None:
    """The reason in words, or None for one that may live."""
    if life is JobStatus.COMPLETED:
        return "its job has ended"
    allowed = silence_allowed(ticket, life)
    if allowed is not None and silent_seconds >= allowed:
        still = ", although GitHub reports its job as running" if life is JobStatus.RUNNING else ""
        return f"no sign of life for {duration(allowed)}{still}"
    if not ticket.holding and unclaimed_seconds >= CLAIM_SECONDS:
        return f"it did not take the free lock for {duration(CLAIM_SECONDS)}"
    return None


def ask_again_seconds(ticket: Ticket, *, silent_seconds: float, is_next: bool) -> float | None:
    """How long an answer about its job is good enough; None where no answer is needed. `is_next`: a waiter
    that could have its locks now."""
    interval = renewal_seconds(ticket)
    if interval is not None and silent_seconds >= interval + ASK_SECONDS_SUSPICIOUS:
        return ASK_SECONDS_SUSPICIOUS
    if ticket.holding:
        return ASK_SECONDS
    return ASK_SECONDS_SUSPICIOUS if is_next else None


@dataclass(frozen=True, slots=True)
class _Sight:
    """Something that has been seen unchanged for `seconds`, last at `seen_at`."""

    what: object
    seconds: float
    seen_at: float

    def until(self, now: MonotonicTime, *, reached_seconds: float = 0.0) -> float:
        """`reached_seconds`: for how long the registry was known to answer since then."""
        since = now - self.seen_at
        return self.seconds + max(min(since, GAP_SECONDS), min(since, reached_seconds))


class LeaseWatch:
    """The signs of life that one observer has seen. All times are seconds of its monotonic clock.

    Only what could have been seen counts: of a gap between two looks, GAP_SECONDS at most. A registry that is
    away for everybody kills nobody, since neither could a holder renew then nor a waiter take the lock.
    """

    def __init__(self) -> None:
        self._lives: dict[str, _Sight] = {}
        self._claims: dict[str, _Sight] = {}
        self._next: set[str] = set()
        self._reached_at: MonotonicTime | None = None
        self._reached_seconds = 0.0

    def reached(self, now: MonotonicTime) -> None:
        """The registry answered without its document: what that shows next, unchanged, was so all the
        time."""
        since = now - self._reached_at if self._reached_at is not None else 0.0
        self._reached_seconds += min(since, GAP_SECONDS)
        self._reached_at = now

    def observe(self, document: Document, now: MonotonicTime, *, at: str) -> None:
        """Take in a document as just read. `at` is the wall clock's time, for freezes."""
        self.reached(now)
        reached, self._reached_seconds = self._reached_seconds, 0.0
        lives: dict[str, _Sight] = {}
        claims: dict[str, _Sight] = {}
        free: list[Ticket] = []
        for ticket in document.tickets:
            life = life_of(ticket)
            lives[ticket.nonce] = _seen(self._lives.get(ticket.nonce), life, now, reached)
            if not ticket.holding and not ahead_of(document, ticket):
                free.append(ticket)
        self._next = {one.nonce for one in free if freeze_of(document, one, at=at) is None}
        for ticket in free:
            if not _may_be_frozen(document, ticket, at):
                life = life_of(ticket)
                claim = life, tuple(document.lock(name).epoch for name in ticket.locks)
                claims[ticket.nonce] = _seen(self._claims.get(ticket.nonce), claim, now, reached)
        self._lives, self._claims = lives, claims

    def silent_seconds(self, ticket: Ticket, now: MonotonicTime) -> float:
        """How long its signs of life are unchanged as far as this observer could have seen a change."""
        sight = self._lives.get(ticket.nonce)
        return sight.until(now) if sight is not None and sight.what == life_of(ticket) else 0.0

    def is_next(self, ticket: Ticket) -> bool:
        """Whether it waits, nobody is ahead of it, and by the observer's clock nothing is frozen."""
        return ticket.nonce in self._next

    def unclaimed_seconds(self, ticket: Ticket, now: MonotonicTime) -> float:
        """How long it could have taken its locks, and did not."""
        sight = self._claims.get(ticket.nonce)
        return sight.until(now) if sight is not None else 0.0


def _seen(known: _Sight | None, what: object, now: MonotonicTime, reached_seconds: float) -> _Sight:
    same = known is not None and known.what == what
    return _Sight(what, known.until(now, reached_seconds=reached_seconds) if known and same else 0.0, now)


def _may_be_frozen(document: Document, ticket: Ticket, at: str) -> bool:
    """Whether any reasonable clock may still see a freeze that keeps its locks from it."""
    now = unix_seconds(at)
    for name in ticket.locks:
        freeze = document.lock(name).freeze
        if freeze is not None and not freeze.admits(ticket):
            end = unix_seconds(freeze.until)
            if end is None or now is None or now < end + THAW_SECONDS:
                return True
    return False
