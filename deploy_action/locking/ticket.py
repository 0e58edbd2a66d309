"""The life of a ticket in the registry: renewed, given back, found again."""

from __future__ import annotations

from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.common.times import iso
from deploy_action.errors import RegistryError
from deploy_action.locking import expiry as leases
from deploy_action.locking import transitions as core
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS, Swapper
from deploy_action.locking.delegation import Borrower, borrow, give_back, repay
from deploy_action.locking.overlap import overlaps_of
from deploy_action.locking.restored_document import written_back
from deploy_action.locking.without_registry import holds_by_lease

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from deploy_action.common.ports import Clock
    from deploy_action.locking.compare_and_swap import Change
    from deploy_action.locking.document import Document, Finished, Loan, Ticket
    from deploy_action.locking.ports import Registry

NOBODY = Borrower()
BRIEF_PATIENCE_SECONDS = 2.0
"""For whoever comes back soon anyway, and has a time-out to keep or a stream to keep going."""
OVERLAPS_MAX = 5
"""At most this many other holders on the same stacks are reported."""
WITHDRAW_SECONDS = 3.0
CROWD_WAITERS = 10
"""Where so many stand in the document, all may be cancelled at once: only the last step writes, spread."""
RETRY_SECONDS = 20.0
"""Between two tries to renew."""


class Left(Enum):
    """The stacks that a deployment under a borrowed lock left behind."""

    HELD = "held"
    FREED = "freed"
    """Its owner had given the lock back before, and nobody else used it."""
    LOST = "lost"


class LockHold:
    """One ticket in the registry, as its owner deals with it."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        ticket: Ticket,
        *,
        borrower: Borrower = NOBODY,
        left: Callable[[], float | None] = lambda: None,
        confirmed_at: float | None = None,
    ) -> None:
        """`left`: seconds until the own deployment is expected to end, None where that is not known. It is
        asked whenever something is written, and must not raise. `confirmed_at`: as in the field."""
        self._borrower = borrower
        self._swapper = Swapper(registry, clock, seen_revision=ticket.revision)
        self._clock = clock
        self._left = left
        # Whoever goes on with a lock does not know when it was renewed last.
        self._renewed_at = self._tried_at = float("-inf") if ticket.holding else clock.monotonic()
        self.ticket = ticket
        self.confirmed_at = confirmed_at
        """When the last sign of life that was answered was asked for, on this machine's monotonic clock; None
        where that is not known. Others cannot have taken the lock within a lease of it."""
        self._overlaps: dict[str, bool] = {}
        """Sentences, and whether they were told."""
        self.borrowed = False
        """The ticket is that of a `lock` step, which gives it back."""
        self.behind: tuple[str, ...] = ()
        """The correlation ids of those who waited for the lock when the registry last answered."""
        self.lent_to: tuple[Loan, ...] = ()
        """The deployments that still run under the released lock."""

    def renew(self, *, patience_seconds: float = PATIENCE_SECONDS) -> tuple[str, ...]:
        """A sign of life, and proof that the lock is still ours. A holder that nobody can have taken over yet
        writes itself back where the document was deleted, or replaced by an older one. Returns the stacks
        (`REGION/ID`) that an earlier holder left in progress and nobody has seen at rest yet. Raises
        LockLost, RegistryError."""
        ticket = self.ticket
        # A lock that is lent is held for longer than one deployment under it takes.
        own = ticket.holding and not self._borrower.may_use(ticket)
        left = self._left() if own else None
        end = "" if left is None else iso(self._clock.now() + left)
        self._tried_at = self._clock.monotonic()

        def decide(document: Document) -> tuple[Document, Document]:
            new = core.renew(self._written_back(document), ticket, expected_end=end)
            return new, new

        document = self._swapper.apply(
            decide,
            message=f"renew {ticket.correlation_id}",
            patience_seconds=patience_seconds,
            mends=lambda document: self._stands_in(self._written_back(document)),
            confirm=lambda document: core.renew(document, ticket),
        )
        self._renewed_at, self.confirmed_at = self._clock.monotonic(), self._tried_at
        self.behind = core.behind(document, ticket)
        self._understood(document)
        return core.settling_stacks(document, ticket.locks)

    def _written_back(self, document: Document) -> Document:
        """With the own ticket, as far as nobody can have taken the lock over yet."""
        return self._with_own(document) if self.holds_by_lease() else document

    def _with_own(self, document: Document) -> Document:
        seen = self._swapper.continuity
        anew = seen.begins_anew or (seen.last is not None and seen.is_another(document))
        return written_back(document, self.ticket, last=seen.last, begins_anew=anew)

    def _stands_in(self, document: Document) -> bool:
        """As a holder: a swap proves that it does, so nobody has to wait until doubt ends."""
        standing = document.ticket(self.ticket.nonce)
        return self.ticket.holding and standing is not None and standing.epochs == self.ticket.epochs

    @property
    def generation(self) -> str:
        """Of the document that is believed: a later step tells another one by it."""
        return self._swapper.continuity.generation

    @property
    def advice(self) -> str:
        """As in `ports.Registry`."""
        return self._swapper.registry.advice

    def take_notes(self) -> list[str]:
        """The reports of a document that was replaced, each sentence once."""
        notes = self._swapper.continuity.notes[:]
        self._swapper.continuity.notes.clear()
        return notes

    def take_overlaps(self) -> list[str]:
        """The reports of other holders that may work on the same stacks, each sentence once."""
        new = [sentence for sentence, told in self._overlaps.items() if not told]
        self._overlaps.update(dict.fromkeys(new, True))
        return new

    def _understood(self, document: Document) -> None:
        """Takes in a document that was just read, or written."""
        for sentence in overlaps_of(document, self.ticket):
            if len(self._overlaps) < OVERLAPS_MAX:
                self._overlaps.setdefault(sentence, False)

    def holds_by_lease(self) -> bool:
        """Whether nobody can have taken the lock yet, as far as the own clock tells."""
        confirmed = self.confirmed_at
        seconds = None if confirmed is None else self._clock.monotonic() - confirmed
        return holds_by_lease(self.ticket, confirmed_seconds=seconds)

    def renew_if_due(self) -> bool:
        """Renew when half of the lease has passed; returns whether it did. Raises like `renew`.

        A registry that is away is tried seldom and briefly: whoever calls this has a stream to keep going.
        """
        if not self._due():
            return False
        self.renew(patience_seconds=BRIEF_PATIENCE_SECONDS)
        return True

    def _due(self) -> bool:
        interval = leases.renewal_seconds(self.ticket)
        if interval is None:
            return False
        now = self._clock.monotonic()
        return now - self._renewed_at >= interval and now - self._tried_at >= RETRY_SECONDS

    def settled(self, stacks: tuple[str, ...]) -> None:
        """Record that these stacks, left in progress by an earlier holder, are at rest. Raises
        RegistryError."""
        ticket = self.ticket
        self._swapper.apply(
            lambda document: (core.settle(document, ticket, stacks), None),
            message=f"settled, seen by {ticket.correlation_id}",
        )

    def release(
        self,
        *,
        outcome: str,
        settling: tuple[str, ...] = (),
        patience_seconds: float = PATIENCE_SECONDS,
        history: Change | None = None,
        ended: Set[str] = frozenset(),
    ) -> bool:
        """Give the lock or the place in the queue back; returns whether it was still ours. Idempotent. A lock
        that others still deploy under (`lent_to`) is freed by the last of them.

        `history` is written with it, in one swap. `ended`: as in `delegation.give_back`.
        Raises RegistryError.
        """
        ticket, at = self.ticket, self._at()

        def decide(document: Document) -> tuple[Document | None, tuple[Loan, ...] | None]:
            known = document if document.ticket(ticket.nonce) is not None else self._with_own(document)
            new = give_back(known, ticket, outcome=outcome, at=at, settling=settling, ended=ended)
            left = new.ticket(ticket.nonce)
            if left is not None and left.release_outcome:
                return new, left.loans
            return (None, None) if new == document else (new, ())

        loans = self._swapper.apply(
            decide,
            message=f"release {ticket.correlation_id}: {outcome}",
            patience_seconds=patience_seconds,
            mends=lambda document: self._stands_in(self._with_own(document)),
            file=history,
            crowd=lambda document: _crowd(document, ticket),
        )
        self.lent_to = loans or ()
        return loans is not None

    def leave(
        self,
        correlation_id: str,
        *,
        settling: tuple[str, ...] = (),
        history: Change | None = None,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Left:
        """The end of a deployment, by its id, under a borrowed lock. Raises RegistryError."""
        ticket, at = self.ticket, self._at()

        def decide(document: Document) -> tuple[Document, Left]:
            new = repay(document, ticket, correlation_id, at=at, settling=settling)
            if new is document:
                return document, Left.LOST
            return new, Left.HELD if new.ticket(ticket.nonce) is not None else Left.FREED

        return self._swapper.apply(
            decide,
            message=f"end of {correlation_id} under a lent lock",
            patience_seconds=patience_seconds,
            file=history,
        )

    def find(self, *, patience_seconds: float = PATIENCE_SECONDS) -> tuple[Ticket | None, Finished | None]:
        """The own ticket as it stands in the registry, and how it left if it did. Raises RegistryError."""
        document = self._swapper.read(patience_seconds=patience_seconds)
        return document.ticket(self.ticket.nonce), document.farewell(self.ticket.nonce)

    def lent_to_us(self) -> tuple[str, ...]:
        """The nonces of the locks that may be used by whoever has ours, or is of our run. Raises
        RegistryError."""
        document = self._swapper.read(patience_seconds=PATIENCE_SECONDS)
        return tuple(one.nonce for one in document.tickets if one.holding and self._borrower.may_use(one))

    def _withdraw(self, outcome: str) -> None:
        """Best effort: the last step writes it again, and the lease ends what cannot be withdrawn."""
        if self.borrowed:
            return

        def decide(document: Document) -> tuple[Document | None, None]:
            crowded = outcome == core.WITHDRAWN and _crowd(document, self.ticket)
            return (
                None if crowded else core.release(document, self.ticket, outcome=outcome, at=self._at())
            ), None

        with suppress(RegistryError):
            self._swapper.apply(
                decide,
                message=f"withdraw {self.ticket.correlation_id}",
                patience_seconds=WITHDRAW_SECONDS,
            )

    def _lent(self, document: Document) -> Document | None:
        """With the ticket of a `lock` step taken for the own one; None where there is none."""
        lender = self._borrower.lender(document, self.ticket)
        return None if lender is None else borrow(document, lender, self.ticket)

    def _adopt(self, document: Document) -> None:
        lender = self._borrower.lender(document, self.ticket)
        self.borrowed = self.borrowed or lender is not None
        self.ticket = lender or document.ticket(self.ticket.nonce) or self.ticket

    def _at(self) -> str:
        return iso(self._clock.now())


def _crowd(document: Document, ticket: Ticket) -> int:
    """How many wait beside the ticket, where they are many. None for one that holds by now, whatever its
    owner has heard: it keeps others from the lock."""
    own = document.ticket(ticket.nonce)
    if own is None or own.holding:
        return 0
    waiters = sum(not one.holding and one.conflicts_with(ticket) for one in document.tickets)
    return waiters if waiters >= CROWD_WAITERS else 0
