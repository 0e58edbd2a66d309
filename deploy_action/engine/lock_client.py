"""Takes, keeps and gives back the lock: drives `core.lock` against a registry."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.core import lock as core
from deploy_action.core.times import iso
from deploy_action.engine.swap import PATIENCE_SECONDS, Swapper
from deploy_action.errors import Busy, Cancelled, LockLost, RegistryError, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.core.lock import Document, Ticket
    from deploy_action.ports import Clock, Registry

RENEWALS_PER_LEASE = 3
BRIEF_PATIENCE_SECONDS = 2.0
POLLS_BACK_MAX = 5
"""Who is further back looks more seldom, up to so many times."""
RETRY_SECONDS = 20.0
"""Between two tries to renew."""


@dataclass(frozen=True, slots=True)
class Grant:
    """The lock is held. `settling` names stacks (`REGION/ID`) that an earlier holder left in progress."""

    ticket: Ticket
    queue_seconds: float
    waited_for: tuple[str, ...]
    settling: tuple[str, ...]
    taken_over: tuple[str, ...]
    """One sentence for each ticket whose owner was found to be gone."""


class LockClient:
    """One deployment's dealings with the registry.

    `stacks_in_progress` answers for `REGION/NAME` texts which of them CloudFormation is working on; where it
    cannot tell, it must name them all, so that doubt never leads to a takeover.
    """

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        ticket: Ticket,
        *,
        stacks_in_progress: Callable[[Iterable[str]], list[str]],
        poll_seconds: float,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._swapper = Swapper(registry, clock)
        self._clock = clock
        self._stacks_in_progress = stacks_in_progress
        self._poll_seconds = poll_seconds
        self._cancelled = cancelled
        self._watch = core.LeaseWatch()
        self._away_since: float | None = None
        self._renewed_at = self._tried_at = clock.monotonic()
        self.ticket = ticket

    def acquire(self, *, wait: bool, timeout_seconds: float, tell: Callable[[core.Waiting], None]) -> Grant:
        """Take all locks of the ticket, in turn. `tell` is called at each look at the queue.

        Raises Busy (not free and `wait` is false, or `timeout_seconds` passed), Cancelled, RegistryError (of
        a registry that goes away while waiting: after a whole lease without it).
        In each of these cases the own ticket has been withdrawn as far as the registry could be reached.
        """
        started = self._clock.monotonic()
        waited_for: dict[str, None] = {}
        taken_over: list[str] = []
        try:
            document = self._request(wait)
            while not self._take(document):
                waited = self._clock.monotonic() - started
                ahead = core.ahead_of(document, self.ticket)
                waited_for.update(dict.fromkeys(ticket.correlation_id for ticket in ahead))
                if not wait or waited >= timeout_seconds:
                    raise _busy(ahead, waited if wait else None)
                if self._cancelled():
                    raise Cancelled("Cancelled while waiting for the lock.", why="Nothing was changed.")
                tell(core.Waiting(ahead, waited))
                pause = self._poll_seconds * min(len(ahead), POLLS_BACK_MAX)
                self._clock.sleep(min(pause, timeout_seconds - waited))
                document = self._look_or_keep(document, taken_over)
        except BaseException:
            self._withdraw()
            raise
        return Grant(
            self.ticket,
            self._clock.monotonic() - started,
            tuple(waited_for),
            core.settling_stacks(document, self.ticket.locks),
            tuple(taken_over),
        )

    def renew(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """A sign of life, and proof that the lock is still ours. Raises LockLost, RegistryError."""
        ticket = self.ticket
        self._tried_at = self._clock.monotonic()
        self._swapper.apply(
            lambda document: (core.renew(document, ticket), None),
            message=f"renew {ticket.correlation_id}",
            patience_seconds=patience_seconds,
        )
        self._renewed_at = self._clock.monotonic()

    def renew_if_due(self) -> None:
        """Renew when a third of the lease has passed; otherwise nothing. Raises like `renew`.

        A registry that is away is tried seldom and briefly: whoever calls this has a stream to keep going.
        """
        if self._due():
            self.renew(patience_seconds=BRIEF_PATIENCE_SECONDS)

    def _due(self) -> bool:
        now = self._clock.monotonic()
        interval = self.ticket.lease / (RENEWALS_PER_LEASE if self.ticket.holding else 1)
        return now - self._renewed_at >= interval and now - self._tried_at >= RETRY_SECONDS

    def settled(self) -> None:
        """Record that what an earlier holder left in progress has ended. Raises RegistryError."""
        names = self.ticket.locks
        self._swapper.apply(
            lambda document: (core.settle(document, names), None),
            message=f"settled, seen by {self.ticket.correlation_id}",
        )

    def release(
        self,
        *,
        outcome: str,
        settling: tuple[str, ...] = (),
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> bool:
        """Give the lock or the place in the queue back; returns whether it was still ours. Idempotent.

        Raises RegistryError.
        """
        ticket, at = self.ticket, self._at()

        def decide(document: Document) -> tuple[Document, bool]:
            new = core.release(document, ticket, outcome=outcome, at=at, settling=settling)
            return new, new != document

        return self._swapper.apply(
            decide,
            message=f"release {ticket.correlation_id}: {outcome}",
            patience_seconds=patience_seconds,
        )

    def _request(self, wait: bool) -> Document:
        ticket, at = self.ticket, self._at()

        def decide(document: Document) -> tuple[Document | None, Document]:
            new = core.request(document, ticket, at=at, enqueue_if_busy=wait)
            return new, document if new is None else new

        document = self._swapper.apply(decide, message=f"request {ticket.correlation_id}")
        self._watch.observe(document, self._clock.monotonic())
        return document

    def _take(self, document: Document) -> bool:
        current = document.ticket(self.ticket.nonce)
        if current is None or not current.holding:
            return False
        self.ticket = current
        self._renewed_at = self._clock.monotonic()
        return True

    def _look_or_keep(self, last: Document, taken_over: list[str]) -> Document:
        """One look at the queue. A registry that is away does not let anybody pass: somebody was ahead when
        it was last seen, so the queue is left only after a whole lease without it."""
        try:
            document = self._look(taken_over)
        except RegistryUnavailable:
            now = self._clock.monotonic()
            self._away_since = now if self._away_since is None else self._away_since
            if now - self._away_since >= self.ticket.lease:
                raise
            return last
        self._away_since = None
        return document

    def _look(self, taken_over: list[str]) -> Document:
        """One look at the queue: show life, remove the dead ahead, take the lock when nobody is."""
        document = self._swapper.apply(
            lambda newest: (None, newest), message="", patience_seconds=BRIEF_PATIENCE_SECONDS
        )
        now = self._clock.monotonic()
        self._watch.observe(document, now)
        if document.ticket(self.ticket.nonce) is None:
            # Somebody took us for dead after a long pause: stand in the queue again, at its end.
            return self._request(wait=True)
        gone = self._gone(core.ahead_of(document, self.ticket), now)
        if gone:
            document, notes = self._evict(gone)
            taken_over.extend(notes)
        elif self._due():
            try:
                self.renew()
            except LockLost:
                return self._request(wait=True)
        if not core.ahead_of(document, self.ticket):
            return self._grant()
        return document

    def _gone(self, ahead: tuple[Ticket, ...], now: float) -> dict[str, str]:
        """Nonce and sentence of those whose lease ran out and whose stacks are at rest."""
        gone: dict[str, str] = {}
        for ticket in ahead:
            if not self._watch.expired(ticket, now):
                continue
            if ticket.holding and self._stacks_in_progress(ticket.stacks):
                continue
            gone[ticket.nonce] = _takeover_note(ticket)
        return gone

    def _evict(self, gone: dict[str, str]) -> tuple[Document, list[str]]:
        """Evict those that are still without a sign of life; returns the sentences of these alone."""
        at, by = self._at(), f"By {self.ticket.correlation_id}."

        def decide(document: Document) -> tuple[Document, tuple[Document, list[str]]]:
            notes = []
            now = self._clock.monotonic()
            for nonce, note in gone.items():
                current = document.ticket(nonce)
                if current is not None and self._watch.expired(current, now):
                    document = core.evict(document, nonce, at=at, note=f"{note} {by}")
                    notes.append(note)
            return document, (document, notes)

        return self._swapper.apply(decide, message=f"takeover by {self.ticket.correlation_id}")

    def _grant(self) -> Document:
        nonce, at = self.ticket.nonce, self._at()

        def decide(document: Document) -> tuple[Document | None, Document]:
            new = core.grant(document, nonce, at=at)
            return new, document if new is None else new

        return self._swapper.apply(decide, message=f"grant {self.ticket.correlation_id}")

    def _withdraw(self) -> None:
        """Best effort: the lease ends what cannot be withdrawn."""
        with suppress(RegistryError):
            self._swapper.apply(
                lambda document: (
                    core.release(document, self.ticket, outcome="withdrawn", at=self._at()),
                    None,
                ),
                message=f"withdraw {self.ticket.correlation_id}",
                patience_seconds=3.0,
            )

    def _at(self) -> str:
        return iso(self._clock.now())


def _busy(ahead: tuple[Ticket, ...], waited_seconds: float | None) -> Busy:
    first = ahead[0] if ahead else None
    who = f"deployment {first.correlation_id} ({first.url or 'no link'})" if first else "another deployment"
    waited = "" if waited_seconds is None else f" after {waited_seconds:.0f} s of waiting"
    return Busy(
        f"The lock is busy{waited}: {who} is ahead.",
        why="Two deployments of one environment must not overlap. Nothing was changed.",
        remedy="Run this again later, or raise `wait-timeout-in-minutes` and set `when-busy: wait`.",
    )


def _takeover_note(ticket: Ticket) -> str:
    who = "holder" if ticket.holding else "waiter"
    at_rest = ", and no stack of it is in progress" if ticket.holding else ""
    return (
        f"Took over from {who} {ticket.correlation_id} ({ticket.url or 'no link'}): "
        f"no sign of life for {core.silence_allowed(ticket):.0f} s{at_rest}."
    )
