"""What becomes of a ticket once it stands in the registry: renewed, given back, found again."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from deploy_action.core import leases
from deploy_action.core import lock as core
from deploy_action.core.borrowing import Borrower
from deploy_action.core.times import iso
from deploy_action.engine.swap import PATIENCE_SECONDS, Swapper
from deploy_action.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.document import Document, Finished, Ticket
    from deploy_action.engine.swap import FileChange
    from deploy_action.ports import Clock, Registry

NOBODY = Borrower()
BRIEF_PATIENCE_SECONDS = 2.0
"""For whoever comes back soon anyway, and has a time-out to keep or a stream to keep going."""
RETRY_SECONDS = 20.0
"""Between two tries to renew."""


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
    ) -> None:
        """`left`: seconds until the own deployment is expected to end, None where that is not known. It is
        asked whenever something is written, and must not raise."""
        self._borrower = borrower
        self._swapper = Swapper(registry, clock, seen_revision=ticket.revision)
        self._clock = clock
        self._left = left
        # Whoever goes on with a lock does not know when it was renewed last.
        self._renewed_at = self._tried_at = float("-inf") if ticket.holding else clock.monotonic()
        self.ticket = ticket
        self.borrowed = False
        """The ticket is that of a `lock` step, which gives it back."""

    def renew(self, *, patience_seconds: float = PATIENCE_SECONDS) -> tuple[str, ...]:
        """A sign of life, and proof that the lock is still ours. Returns the stacks (`REGION/ID`) that an
        earlier holder left in progress and nobody has seen at rest yet. Raises LockLost, RegistryError."""
        ticket = self.ticket
        # A lock that is lent is held for longer than one deployment under it takes.
        own = ticket.holding and not self._borrower.may_use(ticket)
        left = self._left() if own else None
        end = "" if left is None else iso(self._clock.now() + left)
        self._tried_at = self._clock.monotonic()

        def decide(document: Document) -> tuple[Document, tuple[str, ...]]:
            settling = core.settling_stacks(document, ticket.locks)
            return core.renew(document, ticket, expected_end=end), settling

        settling = self._swapper.apply(
            decide,
            message=f"renew {ticket.correlation_id}",
            patience_seconds=patience_seconds,
            confirm=lambda document: core.renew(document, ticket),
        )
        self._renewed_at = self._clock.monotonic()
        return settling

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
        history: FileChange | None = None,
    ) -> bool:
        """Give the lock or the place in the queue back; returns whether it was still ours. Idempotent.

        `history` is written with it, in one swap. Raises RegistryError.
        """
        ticket, at = self.ticket, self._at()

        def decide(document: Document) -> tuple[Document | None, bool]:
            new = core.release(document, ticket, outcome=outcome, at=at, settling=settling)
            return (None, False) if new == document else (new, True)

        return self._swapper.apply(
            decide,
            message=f"release {ticket.correlation_id}: {outcome}",
            patience_seconds=patience_seconds,
            file=history,
        )

    def leave(
        self, *, settling: tuple[str, ...], history: FileChange | None, patience_seconds: float
    ) -> bool:
        """The end of a deployment under a borrowed lock, which stays held. Returns whether it still was."""
        ticket = self.ticket

        def decide(document: Document) -> tuple[Document, bool]:
            current = document.ticket(ticket.nonce)
            if current is None or current.epochs != ticket.epochs:
                return document, False
            return core.leave_settling(core.renew(document, ticket), current, settling), True

        return self._swapper.apply(
            decide,
            message=f"end of {ticket.correlation_id}, the lock stays held",
            patience_seconds=patience_seconds,
            file=history,
        )

    def find(self, *, patience_seconds: float = PATIENCE_SECONDS) -> tuple[Ticket | None, Finished | None]:
        """The own ticket as it stands in the registry, and how it left if it did. Raises RegistryError."""
        document = self._swapper.read(patience_seconds=patience_seconds)
        return document.ticket(self.ticket.nonce), document.farewell(self.ticket.nonce)

    def _withdraw(self, outcome: str) -> None:
        """Best effort: the lease ends what cannot be withdrawn."""
        if self.borrowed:
            return
        with suppress(RegistryError):
            self._swapper.apply(
                lambda document: (
                    core.release(document, self.ticket, outcome=outcome, at=self._at()),
                    None,
                ),
                message=f"withdraw {self.ticket.correlation_id}",
                patience_seconds=3.0,
            )

    def _at(self) -> str:
        return iso(self._clock.now())
