"""Taking the lock and waiting for the stacks, and being told about both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.common.slow_call import SlowCall
from deploy_action.common.times import duration
from deploy_action.errors import (
    Busy,
    CannotStart,
    CoordinatorError,
    LockLost,
    RegistryError,
    RegistryMisconfigured,
    RegistryTooNew,
    StackSourceError,
)
from deploy_action.job.job_log import optional
from deploy_action.job.lock_acquisition import acquire, stale_token
from deploy_action.job.new_ticket import new_ticket
from deploy_action.job.own_turn import turn_seconds
from deploy_action.locking.delegation import account_of_loan
from deploy_action.locking.held_lock import HeldLock, fallback_sentence
from deploy_action.locking.messages import not_given_back
from deploy_action.locking.pending_stacks import look_at_settling
from deploy_action.locking.stack_activity import wait_until_idle
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS
from deploy_action.reporting.report import Ahead
from deploy_action.slack.view import RegistryNews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.locking.client import LockClient
    from deploy_action.locking.document import (
        Ticket,
    )
    from deploy_action.locking.grant import Grant
    from deploy_action.locking.transitions import Waiting
    from deploy_action.wiring import Wiring


class Coordination:
    """This deployment among the others. What becomes known goes into `state`; `keeper` is None where there is
    no lock to keep."""

    def __init__(
        self,
        job: JobContext,
        wiring: Wiring,
        settings: Settings,
        state: JobState,
        *,
        left: Callable[[], float | None] = lambda: None,
        known_epoch: int | None = None,
        usual_seconds: Callable[[tuple[str, ...]], float | None] = lambda _stacks: None,
    ) -> None:
        """`left`: seconds until this deployment is expected to end, for those who wait; must not raise, and
        neither must `usual_seconds`: what deployments of stacks (`REGION/NAME`) usually take.
        `known_epoch`: the highest in the names of the change sets that were executed last on the stacks."""
        self._world = job
        self._wiring = wiring
        self._settings = settings
        self._state = state
        self.keeper: HeldLock | None = None
        self._left = left
        self._usual_seconds = usual_seconds
        self._known_epoch = known_epoch
        self._queued = False
        self._alone = state.alone
        """As it was told last."""
        self._last_seen = ""
        """The holder of the lock when the queue was last seen."""

    def begin(self) -> None:
        """Take the lock and wait for the stacks; without a registry, CloudFormation's own status coordinates.

        Raises Busy, Superseded, Cancelled, LockLost.
        """
        started = self._world.clock.monotonic()
        try:
            settling = self._take() if self._state.report.locks else ()
            waited = self._world.clock.monotonic() - started
            self.wait_for_stacks(settling, timeout_seconds=self._settings.wait_seconds - waited)
        except CoordinatorError:
            if self.keeper is not None and self.keeper.ticket.holding:
                self._let_go()
            raise
        finally:
            self.remember()
            queue_seconds = self._world.clock.monotonic() - started
            self._state.report = replace(self._state.report, queue_seconds=queue_seconds)

    def _take(self) -> tuple[str, ...]:
        """The lock, and what its last holder left in progress; without a registry, neither."""
        try:
            self._withdraw_earlier()
            client = self._client(self._ticket())
        except RegistryMisconfigured as error:
            raise _not_reachable(error) from error
        except RegistryError as error:
            self._state.alone = True
            self._degraded(fallback_sentence(error))
            return ()
        try:
            settling = self._queue(client, self._settings.wait_seconds).settling
        except RegistryTooNew as error:
            raise CannotStart(error.what, why=error.why, remedy=error.remedy) from error
        except RegistryMisconfigured as error:
            if not self._last_seen:
                raise _not_reachable(error) from error
            self._degraded(fallback_sentence(error, self._last_seen))
            self.keeper = self._keeper(client, alone=True)
            return ()
        except RegistryError as error:
            self._degraded(fallback_sentence(error, self._last_seen))
            self.keeper = self._keeper(client, alone=True)
            return ()
        self.keeper = self._keeper(client)
        return settling

    def resume(self) -> None:
        """Go on with the lock that an earlier step took, or could not ask for."""
        ticket = self._state.ticket
        if ticket is None:
            return
        try:
            client = self._client(ticket, confirmed_at=self._state.confirmed_at)
        except RegistryError as error:
            if not self._state.alone:
                self._state.alone = True
                self._degraded(fallback_sentence(error))
            return
        if self._state.last_seen is not None:
            client.outage.seen, client.outage.seen_at = self._state.last_seen, self._state.last_seen_at
        self.keeper = self._keeper(client, alone=self._state.alone)

    def keep(self) -> None:
        """Renew the lock when it is time to. Raises LockLost, once."""
        if self.keeper is not None:
            try:
                self.keeper.keep()
            except LockLost as error:
                self._lost(error)
                raise
            for sentence in self.keeper.take_overlaps():
                if sentence not in self._world.reporter.notes:
                    self._world.reporter.note(sentence)

    def confirm_to_the_end(self) -> None:
        """Ask once more whether the lock was held to the end; where it was not, that is told."""
        if self.keeper is None or self._state.report.lock_lost:
            return
        try:
            self.keeper.confirm()
        except LockLost as error:
            self._lost(error)
            self._world.reporter.note(
                f"{error.what} What ran until now was not protected to its end: look at what others deployed."
            )

    def _lost(self, error: LockLost) -> None:
        report = self._state.report
        fallback = f"{report.fallback} {error.what}".strip()
        self._state.report = replace(report, lock_lost=error.what, fallback=fallback)

    def still_held(self) -> bool:
        """Whether nobody has taken the lock; true where there is none to take, or the registry is away."""
        return self.keeper is None or self.keeper.still_held()

    def fence(self) -> bool:
        """The last moment before something changes: is the lock still ours? Returns whether it had to wait
        for others. Raises LockLost; and Busy, Superseded or Cancelled where it had to be queued for only
        now, since the registry is back."""
        if self.keeper is None:
            return False
        waited_for: set[str] = set()
        waited = False
        while True:  # waiting takes long, and nothing may lie between a fence and what it guards
            self._queued = False
            settling = tuple(stack for stack in self.keeper.fence() if stack not in waited_for)
            self.remember()
            if not (settling or self._queued):
                return waited
            waited = True
            waited_for.update(settling)
            self.wait_for_stacks(settling, timeout_seconds=self._settings.wait_seconds)

    def wait_for_stacks(self, settling: tuple[str, ...] = (), *, timeout_seconds: float) -> None:
        """Until nobody works on the stacks, nor on what an earlier holder left in progress.

        Raises Busy, Cancelled, LockLost.
        """
        job = self._world
        started = job.clock.monotonic()
        ticket, name = self._state.ticket, self._state.report.correlation_id
        slow = SlowCall("CloudFormation", job.reporter.line, job.clock)

        def tell(busy: list[StackState], waited_seconds: float) -> None:
            slow.stop()
            job.reporter.waiting_for_stacks(busy, waited_seconds)

        try:
            with slow:
                left = look_at_settling(
                    self._wiring.cloudformation,
                    job.clock,
                    settling,
                    own_account=account_of_loan(ticket, name) if ticket is not None else "",
                    timeout_seconds=timeout_seconds,
                    note=job.reporter.note,
                    cancelled=job.cancelled,
                    alive=self.keep,
                )
                timeout_seconds -= job.clock.monotonic() - started
                wait_until_idle(
                    self._wiring.cloudformation,
                    job.clock,
                    (*self._settings.stacks, *left.wait_for),
                    timeout_seconds=max(0.0, timeout_seconds),
                    tell=tell,
                    cancelled=job.cancelled,
                    alive=self.keep,
                )
            if left.forget and self.keeper is not None:
                self.keeper.settled(left.forget)
        except StackSourceError as error:
            job.reporter.note(f"Could not check whether the stacks are idle: {error}")
        except RegistryError as error:
            job.reporter.note(f"The lock could not be kept up to date: {error}")

    def remember(self) -> None:
        """Hand on what became of the lock."""
        if self.keeper is not None:
            ticket, state = self.keeper.ticket, self._state
            state.ticket, state.alone = ticket, self.keeper.alone
            state.confirmed_at, state.seen_generation = self.keeper.confirmed_at, self.keeper.generation
            if self.keeper.outage.seen_at is not None:
                state.last_seen, state.last_seen_at = self.keeper.outage.seen, self.keeper.outage.seen_at
            self._state.borrowed = self._state.borrowed or self.keeper.borrowed
            self._state.behind = self.keeper.behind or self._state.behind
            self._state.report = replace(self._state.report, epoch=ticket.epoch or self._state.report.epoch)

    def _keeper(self, client: LockClient, *, alone: bool = False) -> HeldLock:
        def queue() -> Grant:
            self._queued = True
            return self._queue(client, self._settings.wait_seconds)

        return HeldLock(
            client,
            self._world.clock,
            tell=self._degraded,
            queue=queue,
            alone=alone,
            limit_seconds=self._settings.wait_timeout_seconds,
            waits=self._world.reporter.waiting_for_registry,
        )

    def _queue(self, client: LockClient, timeout_seconds: float) -> Grant:
        reporter = self._world.reporter

        slow = SlowCall("an answer about the lock", reporter.line, self._world.clock)

        def tell(waiting: Waiting) -> None:
            slow.stop()
            waiting = replace(waiting, turn_seconds=turn_seconds(waiting, self._usual_seconds))
            reporter.waiting(waiting)
            self._last_seen = next((one.correlation_id for one in waiting.ahead if one.holding), "")
            self._keep_ahead(waiting.ahead)

        try:
            with slow:
                grant = acquire(client, self._settings, timeout_seconds, tell)
        except Busy as error:
            self._keep_ahead(error.ahead)
            raise
        finally:
            for gone in client.gone:
                if gone.lock_taken_over:
                    reporter.note(gone.note)
                    reporter.channel.taken_over(gone.note)
                else:
                    reporter.line(gone.note)
            for note in (client.advice, *client.take_notes(), *client.take_overlaps()):
                if note and note not in reporter.notes:
                    reporter.note(note)
            if self._wiring.runs is not None and self._wiring.runs.trouble:
                reporter.line(self._wiring.runs.trouble)
        if client.borrowed:
            owner = "run" if grant.ticket.held_by_run else "job"
            reporter.line(
                f"Continues under lock {', '.join(grant.ticket.lock_texts)} (epoch {grant.ticket.epoch}), "
                f"which the `lock` step of this {owner} holds."
            )
            return grant
        stale = stale_token(self._settings, self._world.environ)
        if stale:
            reporter.note(stale)
        queued = f" after {duration(grant.queue_seconds)} in the queue" if grant.waited_for else ""
        reporter.line(
            f"Acquired lock {', '.join(grant.ticket.lock_texts)} (epoch {grant.ticket.epoch}){queued}."
        )
        return grant

    def _keep_ahead(self, tickets: Iterable[Ticket]) -> None:
        ahead = {one.correlation_id: one for one in self._state.report.ahead}
        ahead |= {one.correlation_id: _ahead(one) for one in tickets}
        self._state.report = replace(self._state.report, ahead=tuple(ahead.values()))

    def _client(self, ticket: Ticket, *, confirmed_at: float | None = None) -> LockClient:
        """Should this step be killed while it asks, `post` can still take the ticket back."""
        self._state.ticket = ticket
        self._world.keep(self._state)
        return self._wiring.lock_client(
            ticket,
            self._world.clock,
            cancelled=self._world.cancelled,
            left=self._left,
            confirmed_at=confirmed_at,
            known_epoch=self._known_epoch,
            seen_epochs=self._state.seen_epochs,
            seen_generation=self._state.seen_generation,
        )

    def _ticket(self) -> Ticket:
        return new_ticket(self._world, self._wiring, self._settings, self._state)

    def _withdraw_earlier(self) -> None:
        """A step that was started a second time stands behind nobody, least of all behind itself."""
        earlier = self._world.folder.load()
        if earlier is not None and earlier.ticket is not None and not earlier.borrowed:
            client = self._wiring.lock_client(earlier.ticket, self._world.clock)
            optional(
                self._world.reporter,
                "Giving an earlier place in the queue back",
                lambda: client.release(outcome="withdrawn", patience_seconds=BRIEF_PATIENCE_SECONDS),
            )

    def _let_go(self) -> None:
        if self.keeper is None:
            return
        try:
            self.keeper.let_go(self._state.report.correlation_id)
        except RegistryError as error:
            self._world.reporter.note(not_given_back(error, self.keeper.ticket, self.keeper.behind))
            return
        self._state.ticket, self.keeper = None, None

    def _degraded(self, sentence: str) -> None:
        """Told in the log and in the summary by the note, and in the channel."""
        self._world.reporter.note(sentence)
        report = self._state.report
        self._state.report = replace(report, fallback=f"{report.fallback} {sentence}".strip())
        alone = self.keeper is None or self.keeper.alone
        news = RegistryNews.NOTE
        if alone is not self._alone:
            news = RegistryNews.LOST if alone else RegistryNews.BACK
        self._alone = alone
        self._world.reporter.channel.registry_changed(news, sentence)


def _not_reachable(error: RegistryMisconfigured) -> CannotStart:
    """It would be so at every deployment: each would go on without the lock, and nobody would look."""
    return CannotStart(error.what, why="Nothing was locked or changed. " + error.why, remedy=error.remedy)


def _ahead(ticket: Ticket) -> Ahead:
    return Ahead(ticket.correlation_id, ticket.url, ticket.actor)
