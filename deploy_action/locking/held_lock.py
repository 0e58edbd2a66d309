"""Keeps the lock while a deployment runs. Where the registry cannot be used, CloudFormation's own stack
status alone keeps deployments apart: that is told once, and left again when the registry is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.times import duration
from deploy_action.errors import (
    Busy,
    CannotStart,
    LockLost,
    LockUnconfirmed,
    RegistryBehind,
    RegistryError,
    RegistryForbidden,
    RegistryTooNew,
    RegistryUnavailable,
)
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS
from deploy_action.locking.grant import Grant
from deploy_action.locking.messages import away, cannot_renew, overtaken
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.ports import Clock
    from deploy_action.locking.client import LockClient
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.registry_outage import Outage
    from deploy_action.locking.transitions import Waiting

JOIN_SECONDS = 60.0
"""Between two tries to be seen in a registry that could not be used before."""

ASK_SECONDS = 5.0
"""Between two tries of a fence that must have an answer."""

JUDGED_MAX = 2
"""How often a fence looks who deployed meanwhile: a look that takes as long as a lease is not repeated for
ever."""

LEASED_PATIENCE_SECONDS = 10.0
"""So long a fence waits for a registry while the own lease lasts: nobody can take the lock over meanwhile."""


class HeldLock:
    """One deployment's hold on its lock, from the grant to the release.

    `tell` is called with one sentence when the fallback begins and when it ends. `queue` takes the lock in
    turn; it is called where the registry is back before anything was changed, and somebody else holds it.
    `alone`: the registry could not be used so far. `limit_seconds`: how long the fence waits for a registry
    without which it may not go on.
    """

    def __init__(
        self,
        client: LockClient,
        clock: Clock,
        *,
        tell: Callable[[str], None],
        queue: Callable[[], Grant],
        alone: bool = False,
        limit_seconds: float = 0.0,
        waits: Callable[[str, float], None] = lambda _why, _waited: None,
    ) -> None:
        self._limit_seconds = limit_seconds
        self._waits = waits
        self._client = client
        self._clock = clock
        self._tell = tell
        self._queue = queue
        self._tried_at = self._well_at = clock.monotonic()
        self._told_of = ""
        self._lost = False
        self.alone = alone

    @property
    def ticket(self) -> Ticket:
        return self._client.ticket

    @property
    def confirmed_at(self) -> float | None:
        return self._client.confirmed_at

    @property
    def generation(self) -> str:
        """As in LockHold."""
        return self._client.generation

    @property
    def outage(self) -> Outage:
        return self._client.outage

    @property
    def behind(self) -> tuple[str, ...]:
        """The waiters for the lock when the registry last answered, by correlation id."""
        return self._client.behind

    @property
    def borrowed(self) -> bool:
        """The lock belongs to a `lock` step, which gives it back."""
        return self._client.borrowed

    def take_overlaps(self) -> list[str]:
        """As in LockHold."""
        return self._client.take_overlaps()

    def keep(self) -> None:
        """Renew when it is time to, or try to come back. Raises LockLost, once."""
        if self._lost:
            return
        try:
            if self.ticket.holding:
                if self._client.renew_if_due():
                    self._is_well()
            elif self._clock.monotonic() - self._tried_at >= JOIN_SECONDS:
                answer = self._join()
                if not isinstance(answer, Grant):
                    self._tell_of(answer)
        except (Busy, CannotStart):
            return  # no place in the queue: what runs goes on as before
        except LockLost:
            self._lost = True
            raise
        except RegistryError as error:
            self._missed(error)

    def fence(self) -> tuple[str, ...]:
        """The last moment before something changes: make sure that the lock is ours, or that nothing that is
        known speaks against going on without the registry. Returns the stacks (`REGION/ID`) that an earlier
        holder left in progress and nobody has seen at rest yet.

        Raises LockLost, Busy, CannotStart, Cancelled; and where the registry is back, Superseded, and what
        `queue` raises.
        """
        started, judged = self._clock.monotonic(), 0
        while True:
            try:
                settling = self._confirm()
            except RegistryTooNew as error:
                raise CannotStart(error.what, why=error.why, remedy=error.remedy) from error
            except RegistryError as error:
                waited = self._clock.monotonic() - started
                pause = self._may_not_go_on(error, waited)
                if pause is None:
                    return ()
                self._client.sleep(pause)
            else:
                self._is_well()
                newer = self.outage.overtaken_by() if judged < JUDGED_MAX else ""
                judged += 1
                if newer:
                    raise overtaken(newer)
                if self.ticket.holding and not self._client.holds_by_lease():
                    continue  # this process slept between the question and the answer, or at its look
                return settling

    def _confirm(self) -> tuple[str, ...]:
        if self.ticket.holding:
            leased = self._client.holds_by_lease()
            return self._client.renew(
                patience_seconds=LEASED_PATIENCE_SECONDS if leased else PATIENCE_SECONDS
            )
        answer = self._join(nothing_changed=True)
        return (answer if isinstance(answer, Grant) else self._queue()).settling

    def _may_not_go_on(self, error: RegistryError, waited_seconds: float) -> float | None:
        """Seconds to wait before the registry is asked again; None where nothing speaks against going on."""
        client = self._client
        if isinstance(error, RegistryBehind):
            return ASK_SECONDS  # for as long as doubt lasts: then what it shows is believed
        if client.holds_by_lease():
            self._missed(error)
            return None
        pause = client.outage.hold_off_seconds(error)
        why = "" if self.ticket.holding else client.outage.objection()
        if not (self.ticket.holding or pause or why):
            self._go_alone(error)
            return None
        pause = pause or ASK_SECONDS
        if waited_seconds + pause <= self._limit_seconds:
            self._waits(why or error.what, waited_seconds)
            return pause
        if self.ticket.holding:
            raise LockUnconfirmed(
                f"The lock {', '.join(self.ticket.locks)} counts as lost: the registry has not confirmed "
                f"it for "
                f"longer than its lease of {duration(self.ticket.lease)}. {error.what}",
                why="Others may hold it by now. Nothing was changed.",
                remedy="Run this deployment again once the registry answers.",
            ) from error
        raise away(error, waited_seconds, why) from error

    def confirm(self) -> None:
        """Whether the lock is still ours, as far as the registry tells within moments. Raises LockLost
        where it is not, unless that was told before."""
        if self._lost or not self.ticket.holding:
            return
        try:
            self._client.renew(patience_seconds=BRIEF_PATIENCE_SECONDS)
        except LockLost:
            self._lost = True
            raise
        except RegistryError as error:
            self._missed(error)
        else:
            self._is_well()

    def still_held(self) -> bool:
        """Whether nobody has taken the lock, as far as the registry tells within moments."""
        try:
            self.confirm()
        except LockLost:
            return False
        return not self._lost

    def let_go(self, correlation_id: str) -> None:
        """Give the lock back before anything was done with it; one that is lent, to its owner. Raises
        RegistryError."""
        if self.borrowed:
            self._client.leave(correlation_id)
        else:
            self._client.release(outcome="withdrawn")

    def settled(self, stacks: tuple[str, ...]) -> None:
        """The stacks that an earlier holder left in progress are at rest. Raises RegistryError."""
        self._client.settled(stacks)

    def _join(self, *, nothing_changed: bool = False) -> Waiting | Grant:
        """The deployments to wait for, or the grant."""
        self._tried_at = self._clock.monotonic()
        answer = self._client.join(nothing_changed=nothing_changed)
        if isinstance(answer, Grant):
            self._is_well()
        return answer

    def _tell_of(self, waiting: Waiting) -> None:
        who = waiting.ahead[0].correlation_id if waiting.ahead else ""
        if who and who != self._told_of:
            self._told_of = who
            self._tell(
                f"The registry answers again, and deployment {who} has the lock meanwhile. CloudFormation's "
                "own status keeps the two apart."
            )

    def _is_well(self) -> None:
        self._well_at = self._clock.monotonic()
        for note in self._client.take_notes():
            self._tell(note)
        if self.alone:
            self.alone = False
            self._tell(
                f"The registry answers again: this deployment holds the lock {', '.join(self.ticket.locks)} "
                f"(epoch {self.ticket.epoch})."
            )

    def _missed(self, error: RegistryError) -> None:
        """A renewal that fails once matters to nobody: only after a whole lease may others take over."""
        lasting = not isinstance(error, RegistryUnavailable)
        if lasting or self._clock.monotonic() - self._well_at >= self.ticket.lease:
            self._go_alone(error)

    def _go_alone(self, error: RegistryError) -> None:
        if not self.alone:
            self.alone = True
            known = isinstance(error, RegistryForbidden) and self.ticket.holding
            self._tell(
                cannot_renew(error, self.ticket, self._client.behind) if known else fallback_sentence(error)
            )


def fallback_sentence(error: RegistryError, holder: str = "") -> str:
    """`holder`: who held the lock when the registry was last seen."""
    seen = f" Deployment {holder} held the lock when it was last seen." if holder else ""
    return (
        "The registry cannot be used, so CloudFormation's own status alone keeps deployments apart."
        f"{seen} {error}"
    )
