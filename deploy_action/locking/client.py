"""Takes, keeps and gives back the lock: drives `locking.transitions` against a registry."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.errors import Cancelled, LockLost, RegistryError, RegistryTooNew, Superseded, is_limit
from deploy_action.github.request_budget import waiter_pause_seconds
from deploy_action.locking import expiry as leases
from deploy_action.locking import transitions as core
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS, after_limit
from deploy_action.locking.document import QueuePolicy
from deploy_action.locking.document_continuity import LAG_SECONDS_MAX
from deploy_action.locking.epoch_floors import EpochFloors
from deploy_action.locking.grant import Grant
from deploy_action.locking.head_look import HeadLook
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.messages import away, busy, overtaken, taken_out
from deploy_action.locking.newer_deployments import Known, Rivals
from deploy_action.locking.queue_order import freeze_of, passed_by
from deploy_action.locking.registry_outage import Outage
from deploy_action.locking.stack_activity import Look
from deploy_action.locking.takeover import UNCLAIMED_SECONDS, Gone, TakeoverPolicy, without_gone
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS, NOBODY, LockHold
from deploy_action.locking.without_registry import WhenAway, last_seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.common.ports import Clock
    from deploy_action.locking.delegation import Borrower
    from deploy_action.locking.document import Document, Ticket
    from deploy_action.locking.ports import Registry
    from deploy_action.locking.review import Review

COMEBACK_RENEWALS = 1_000_000
NOTHING_KNOWN = Known()
NAP_SECONDS = 15.0
"""How late a cancellation may be heard where the clock does not hear it itself."""


class LockClient(LockHold):
    """One deployment's dealings with the registry. How it judges others is `locking.takeover`' business."""

    def __init__(
        self,
        registry: Registry,
        clock: Clock,
        ticket: Ticket,
        *,
        stacks_in_progress: Callable[[Iterable[str]], list[str]],
        poll_seconds: float,
        life: Callable[[Ticket], JobStatus] = lambda _ticket: JobStatus.UNKNOWN,
        revoke: Callable[[Ticket], bool] = lambda _ticket: True,
        review: Callable[[Ticket], Review | None] = lambda _ticket: None,
        compare: Callable[[str, str], str] = lambda _base, _head: "",
        cancelled: Callable[[], bool] = lambda: False,
        borrower: Borrower = NOBODY,
        left: Callable[[], float | None] = lambda: None,
        look: Callable[[Iterable[str]], Look] | None = None,
        confirmed_at: float | None = None,
        when_away: WhenAway = WhenAway.GO_ON,
        known_epoch: int | None = None,
        strain: Callable[[], float] = lambda: 1.0,
        seen_epochs: dict[str, int] | None = None,
        seen_generation: str = "",
    ) -> None:
        """`borrower`, `left`, `confirmed_at`: as in LockHold; `compare`: as in Rivals; `look`: as in Outage;
        `known_epoch` and `seen_epochs`: as in EpochFloors; `strain`: as in RequestBudget;
        `seen_generation`: `generation` of an earlier step."""
        super().__init__(registry, clock, ticket, borrower=borrower, left=left, confirmed_at=confirmed_at)
        self._swapper.continuity.generation = seen_generation
        self._poll_seconds, self._strain = poll_seconds, strain
        self._cancelled = cancelled
        self._others = TakeoverPolicy(
            clock,
            ticket.account,
            stacks_in_progress=stacks_in_progress,
            life=life,
            revoke=revoke,
            review=review,
        )
        self._heads = HeadLook(registry, clock)
        self._rivals = Rivals(clock, life=life, compare=compare)
        self.outage = Outage(
            clock,
            ticket,
            look=look or (lambda texts: Look(unseen=tuple(stacks_in_progress(texts)))),
            life=life,
            poll_seconds=poll_seconds,
            when_away=when_away,
        )
        self._epochs = EpochFloors(
            ticket, known_epoch, self.outage.epoch_on_stacks, {} if seen_epochs is None else seen_epochs
        )
        self.gone: list[Gone] = []
        """Tickets ahead whose owners were found to be gone: evicted or passed."""

    def acquire(
        self,
        *,
        wait: bool,
        timeout_seconds: float,
        tell: Callable[[core.Waiting], None],
        limit_seconds: float | None = None,
    ) -> Grant:
        """Take all locks of the ticket, in turn. `tell` is called at each look at the queue.
        `limit_seconds`: how long to wait for a rate limit's end before the first look; as long as for the
        lock without it.

        Raises Busy (not free and `wait` is false, `timeout_seconds` passed, or an operator took the place in
        the queue away, or what is known speaks against going on without the registry), Superseded, Cancelled,
        RegistryError (where it is away, and this deployment may go on without it).
        In each of these cases the own ticket has been withdrawn as far as the registry could be reached.
        """
        started = self._clock.monotonic()
        self.gone.clear()
        waited_for: dict[str, None] = {}
        try:
            document, newest = (
                self._first_request(wait, timeout_seconds if limit_seconds is None else limit_seconds, tell),
                True,
            )
            while not self._take(document):
                document = self._step(document, wait=wait, newest=newest)
                if self._take(document):
                    break
                waited = self._clock.monotonic() - started
                waiting = self._waiting(document, waited, timeout_seconds)
                waited_for.update(dict.fromkeys(ticket.correlation_id for ticket in waiting.ahead))
                if not wait and self._take(document := self._look_again(document)):
                    break
                if not wait or waited >= timeout_seconds:
                    raise busy(waiting, waited if wait else None, self.outage.standing_objection)
                if self._cancelled():
                    raise Cancelled("Cancelled while waiting for the lock.", why="Nothing was changed.")
                tell(waiting)
                self.sleep(min(self._pause(waiting), timeout_seconds - waited))
                newest = False
            self._let_newer_stand()
        except BaseException as error:
            self._withdraw(core.SKIPPED if isinstance(error, Superseded) else core.WITHDRAWN)
            raise
        return Grant(
            self.ticket,
            self._clock.monotonic() - started,
            tuple(waited_for),
            core.settling_stacks(document, self.ticket.locks),
            tuple(self.gone),
        )

    def _look_again(self, document: Document) -> Document:
        """A write proves which state is the newest. Where it cannot be made, what was read counts."""
        with suppress(RegistryError):
            return self._request(False, patience_seconds=BRIEF_PATIENCE_SECONDS, prove=True)
        return document

    def _let_newer_stand(self) -> None:
        """A deployment that could not see the registry for long may have been passed by one behind it that
        could not either."""
        newer = self.outage.overtaken_by() if self.outage.seen.was_blind else ""
        if newer:
            raise overtaken(newer)

    def join(self, *, nothing_changed: bool = False) -> core.Waiting | Grant:
        """One try to be seen in a registry that could not be reached before: takes the locks, or stands in
        the queue. Returns who is ahead, or the grant.

        Raises RegistryError; LockLost where an operator took it out, or somebody took the lock over again;
        Busy where the queue is full; and, with `nothing_changed` yet, Superseded.
        """
        ticket, at = self.ticket, self._at()

        def decide(document: Document) -> tuple[Document, Document]:
            self.outage.noticed(last_seen(document, ticket, at=at))
            new = self._lent(document)
            new = new or core.join(
                document,
                ticket,
                at=at,
                nothing_changed=nothing_changed,
                floors=self._epochs.floors(document),
            )
            return new, new

        def confirm(document: Document) -> None:
            if document.ticket(ticket.nonce) is None and self._lent(document) is None:
                raise core.lost(document, ticket)

        asked_at = self._clock.monotonic()
        document = self._swapper.apply(
            decide,
            message=f"join {ticket.correlation_id}",
            patience_seconds=BRIEF_PATIENCE_SECONDS,
            confirm=confirm,
        )
        self._adopt(document)
        self._understood(document)
        if not self._take(document):
            return self._waiting(document)
        self.confirmed_at = asked_at
        return Grant(self.ticket, 0.0, (), core.settling_stacks(document, self.ticket.locks), ())

    def _enter(self, wait: bool) -> Document:
        """The first request. With `newest` it matters who stands there already."""
        known = NOTHING_KNOWN
        if self.ticket.policy is QueuePolicy.NEWEST:
            known = self._rivals.know(self._swapper.read(patience_seconds=PATIENCE_SECONDS), self.ticket)
        return self._request(wait, known=known, give_way=self.sleep if wait else None)

    def _request(
        self,
        wait: bool,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
        known: Known = NOTHING_KNOWN,
        give_way: Callable[[float], object] | None = None,
        prove: bool = False,
    ) -> Document:
        """Take the locks if nobody is ahead, else stand in the queue where `wait` says so. `prove`: write
        also where nothing is to be written."""
        ticket, at, expected = self.ticket, self._at(), self._left()

        def decide(document: Document) -> tuple[Document | None, Document]:
            self.outage.noticed(last_seen(document, ticket, at=at))
            outdated = self._epochs.outdated(document)
            new = self._lent(document) or core.request(
                document.without(ticket.nonce) if outdated else document,
                ticket,
                at=at,
                enqueue_if_busy=wait,
                expected_seconds=expected,
                alive=known.alive,
                compared=known.compared,
                floors=self._epochs.floors(document),
            )
            return (document if new is None and prove else new), document if new is None else new

        asked_at = self._clock.monotonic()
        document = self._swapper.apply(
            decide,
            message=f"request {ticket.correlation_id}",
            patience_seconds=patience_seconds,
            give_way=give_way,
            always=prove,
        )
        self._adopt(document)
        self._understood(document)
        if self.ticket.holding:
            self.confirmed_at = asked_at
        return document

    def _first_request(
        self, wait: bool, limit_seconds: float, tell: Callable[[core.Waiting], None]
    ) -> Document:
        """Nothing is known of others yet, so only a limit that names its end, or the wish to, makes one
        wait."""
        started, refusals = self._clock.monotonic(), 0
        while True:
            try:
                return self._enter(wait)
            except RegistryError as error:
                waited = self._clock.monotonic() - started
                pause = self.outage.hold_off_seconds(error)
                if pause is None:
                    raise
                if waited + pause > limit_seconds:
                    raise away(error, waited) from error
                if is_limit(error):
                    refusals += 1
                    pause += after_limit(refusals, limit_seconds - waited - pause)
                tell(core.Waiting((), waited, limit_seconds, away_seconds=waited))
                self.sleep(pause)

    def sleep(self, seconds: float) -> None:
        """In naps, so that one that was paused does not sleep on for what is left. Raises Cancelled."""
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            if self._cancelled():
                raise Cancelled("Cancelled while waiting for the lock.", why="Nothing was changed.")
            self._clock.sleep(min(left, NAP_SECONDS))

    def _take(self, document: Document) -> bool:
        current = document.ticket(self.ticket.nonce)
        if current is None or not current.holding:
            return False
        self.ticket = current
        self._renewed_at = self._clock.monotonic()
        return True

    def _step(self, last: Document, *, wait: bool, newest: bool) -> Document:
        """One look at the queue, unless `last` is the newest, and what follows from it.

        A registry that is away lets nobody pass: somebody was ahead when it was last seen. The queue is left
        after a whole lease without it, and only where nothing speaks against that.
        """
        try:
            if not newest and self._heads_are_enough(last, wait=wait):
                self.outage.heard()
                self._others.reached()
                return self._advance(last, wait=wait, seen_before=True)
            document = self._advance(last if newest else self._look(), wait=wait)
        except RegistryError as error:
            if not wait or isinstance(error, RegistryTooNew):
                raise
            self.outage.missed(error)
            return last
        self._understood(document)
        return document

    def _understood(self, document: Document) -> None:
        super()._understood(document)
        self._heads.document_was_read()
        seen = last_seen(document, self.ticket, at=self._at())
        self.outage.saw(seen)
        # So long a holder that lives may take to write itself back.
        leases_ahead = (other.lease for other in seen.ahead if other.holding)
        self._swapper.continuity.doubt_seconds = max(LAG_SECONDS_MAX, *leases_ahead, 0.0)
        self._epochs.saw(document)

    def _heads_are_enough(self, last: Document, *, wait: bool) -> bool:
        away = self.outage.away_seconds is not None or self._epochs.outdated(last)
        return wait and not away and not self._due() and self._heads.is_enough(last, self.ticket)

    def _look(self) -> Document:
        document = self._swapper.read(patience_seconds=BRIEF_PATIENCE_SECONDS)
        outdated = self._epochs.outdated(document)
        self._understood(document)
        if outdated:
            return self._request(wait=True, patience_seconds=BRIEF_PATIENCE_SECONDS)
        if document.ticket(self.ticket.nonce) is None:
            return self._came_back(document)
        return document

    def _came_back(self, document: Document) -> Document:
        """Our ticket is not there any more. Whoever was taken for dead stands in the queue again."""
        line = document.farewell(self.ticket.nonce)
        if line is not None and line.outcome == core.SKIPPED:
            raise core.superseded(self.ticket, line.note)
        if line is not None and line.outcome == core.FORCED:
            raise taken_out(self.ticket, line.note)
        self.outage.queued_anew()
        # Another sign of life than any before: nobody goes on counting the silence of the old ticket.
        self.ticket = replace(self.ticket, renewals=self.ticket.renewals + COMEBACK_RENEWALS, epochs=())
        known = self._rivals.know(document, self.ticket)
        return self._request(wait=True, patience_seconds=BRIEF_PATIENCE_SECONDS, known=known)

    def _advance(self, document: Document, *, wait: bool, seen_before: bool = False) -> Document:
        """Show life, remove the dead ahead, take the lock when nobody is."""
        newer = self._rivals.superseded_by(document, self.ticket)
        if newer:
            raise core.superseded(self.ticket, newer)
        if not seen_before:
            self._others.observe(document)
        gone = self._others.gone(leases.held_up_by(document, self.ticket))
        if gone:
            document, evicted = self._evict(gone)
            self.gone.extend(evicted)
        elif wait and self._due():
            with suppress(LockLost):  # we were taken for dead: the next look finds that out
                self.renew(patience_seconds=BRIEF_PATIENCE_SECONDS)
        waiting = self._waiting(document)
        if waiting.ahead or waiting.freeze:
            return document
        return self._request(wait, patience_seconds=BRIEF_PATIENCE_SECONDS)

    def _evict(self, gone: list[Gone]) -> tuple[Document, list[Gone]]:
        """As `without_gone`."""
        by = f"By {self.ticket.correlation_id}."
        return self._swapper.apply(
            lambda document: without_gone(document, gone, at=self._at(), by=by),
            message=f"takeover by {self.ticket.correlation_id}",
            patience_seconds=BRIEF_PATIENCE_SECONDS,
        )

    def _waiting(
        self, document: Document, waited_seconds: float = 0.0, timeout_seconds: float = 0.0
    ) -> core.Waiting:
        ahead = core.ahead_of(document, self.ticket)
        freeze = freeze_of(document, self.ticket, at=self._at())
        remarks = (*passed_by(self.ticket, ahead), *self._others.remarks(ahead), *self.outage.doubt)
        left = self._others.left_seconds(ahead[0]) if ahead else None
        return core.Waiting(
            ahead, waited_seconds, timeout_seconds, freeze, remarks, self.outage.away_seconds, left
        )

    def _pause(self, waiting: core.Waiting) -> float:
        own = waiter_pause_seconds(self._poll_seconds, ahead=len(waiting.ahead), strain=self._strain())
        if waiting.ahead and not waiting.ahead[0].holding and not waiting.freeze:
            own = min(own, UNCLAIMED_SECONDS)  # a free lock: whoever is next may be gone
        away = self.outage.stay_away_seconds
        return max(own, away + after_limit(1, own)) if away else own
