"""Keeps the lock while a deployment runs. Where the registry cannot be used, CloudFormation's own stack
status alone keeps deployments apart: that is told once, and left again when the registry is back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.engine.lock_client import Grant
from deploy_action.errors import LockLost, RegistryError, RegistryUnavailable

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
        self._joined: Grant | None = None
        """A grant whose settling stacks nobody has waited for yet."""
        self.alone = alone

    @property
    def ticket(self) -> Ticket:
        return self._client.ticket

    def keep(self) -> None:
        """Renew when it is time to, or try to come back. Raises LockLost, once."""
        if self._lost:
            return
        try:
            if self.ticket.holding:
                if self._client.renew_if_due():
                    self._is_well()
            elif self._clock.monotonic() - self._tried_at >= JOIN_SECONDS:
                waiting = self._join()
                if waiting is not None:
                    self._tell_of(waiting)
        except LockLost:
            self._lost = True
            raise
        except RegistryError as error:
            self._missed(error)

    def fence(self) -> Grant | None:
        """The last moment before something changes: make sure that the lock is ours, as far as the registry
        can be used. Returns a grant that nobody has acted on yet: of a lock that was taken since the
        beginning.

        Raises LockLost; and what `queue` raises, where the registry is back and somebody else holds the lock.
        """
        try:
            if self.ticket.holding:
                self._client.renew()
                self._is_well()
            elif self._join() is not None:
                self._joined = self._queue()
                self._is_well()
            grant, self._joined = self._joined, None
            return grant
        except RegistryError as error:
            self._go_alone(error)
        return None

    def settled(self) -> None:
        """What an earlier holder left in progress has ended. Raises RegistryError."""
        self._client.settled()

    def _join(self) -> Waiting | None:
        """What there is to wait for; None once the lock is held."""
        self._tried_at = self._clock.monotonic()
        answer = self._client.join()
        if not isinstance(answer, Grant):
            return answer
        self._joined = answer
        self._is_well()
        return None

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


def without_registry(error: RegistryError) -> str:
    return (
        f"The registry cannot be used, so CloudFormation's own status alone keeps deployments apart. {error}"
    )
