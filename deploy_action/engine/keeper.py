"""Keeps the lock while a deployment runs. Where the registry cannot be used, CloudFormation's own stack
status alone keeps deployments apart: that is told once, and left again when the registry is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.engine.lock_client import Grant
from deploy_action.engine.lock_hold import BRIEF_PATIENCE_SECONDS
from deploy_action.errors import Busy, CannotStart, LockLost, RegistryError, RegistryUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.core.document import Ticket
    from deploy_action.core.lock import Waiting
    from deploy_action.engine.lock_client import LockClient
    from deploy_action.ports import Clock

JOIN_SECONDS = 60.0
"""Between two tries to be seen in a registry that could not be used before."""


class Keeper:
    """One deployment's hold on its lock, from the grant to the release.

    `tell` is called with one sentence when the fallback begins and when it ends. `queue` takes the lock in
    turn; it is called where the registry is back before anything was changed, and somebody else holds it.
    `alone`: the registry could not be used so far.
    """

    def __init__(
        self,
        client: LockClient,
        clock: Clock,
        *,
        tell: Callable[[str], None],
        queue: Callable[[], Grant],
        alone: bool = False,
    ) -> None:
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
    def borrowed(self) -> bool:
        """The lock belongs to a `lock` step, which gives it back."""
        return self._client.borrowed

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
        """The last moment before something changes: make sure that the lock is ours, as far as the registry
        can be used. Returns the stacks (`REGION/ID`) that an earlier holder left in progress and nobody has
        seen at rest yet.

        Raises LockLost; and where the registry is back, Busy, Superseded, and what `queue` raises.
        """
        try:
            if self.ticket.holding:
                settling = self._client.renew()
            else:
                answer = self._join(nothing_changed=True)
                settling = (answer if isinstance(answer, Grant) else self._queue()).settling
        except RegistryError as error:
            self._go_alone(error)
            return ()
        self._is_well()
        return settling

    def still_held(self) -> bool:
        """Whether nobody has taken the lock, as far as the registry tells within moments."""
        if self._lost:
            return False
        try:
            if self.ticket.holding:
                self._client.renew(patience_seconds=BRIEF_PATIENCE_SECONDS)
        except LockLost:
            self._lost = True
            return False
        except RegistryError as error:
            self._missed(error)
        return True

    def let_go(self, correlation_id: str) -> None:
        """Give the lock back before anything was done with it; one that is lent, to its owner. Raises
        RegistryError."""
        if self.borrowed:
            self._client.leave(correlation_id)
        else:
            self._client.release(outcome="withdrawn")

    def settled(self, stacks: tuple[str, ...]) -> None:
        """What an earlier holder left in progress is at rest. Raises RegistryError."""
        self._client.settled(stacks)

    def _join(self, *, nothing_changed: bool = False) -> Waiting | Grant:
        """What there is to wait for, or the grant."""
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
        if self.alone:
            self.alone = False
            self._tell(
                f"The registry answers again: this deployment holds the lock {', '.join(self.ticket.locks)} "
                f"(turn {self.ticket.epoch})."
            )

    def _missed(self, error: RegistryError) -> None:
        """A renewal that fails once matters to nobody: only after a whole lease may others take over."""
        lasting = not isinstance(error, RegistryUnavailable)
        if lasting or self._clock.monotonic() - self._well_at >= self.ticket.lease:
            self._go_alone(error)

    def _go_alone(self, error: RegistryError) -> None:
        if not self.alone:
            self.alone = True
            self._tell(without_registry(error))


def without_registry(error: RegistryError, holder: str = "") -> str:
    """`holder`: who held the lock when the registry was last seen."""
    seen = f" Deployment {holder} held the lock when it was last seen." if holder else ""
    return (
        "The registry cannot be used, so CloudFormation's own status alone keeps deployments apart."
        f"{seen} {error}"
    )
