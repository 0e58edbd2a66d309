"""The reasons against going on while the registry is away: asks GitHub and CloudFormation about those
ahead."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import change_set_prefix, epoch_in
from deploy_action.common.times import iso
from deploy_action.errors import RegistryBehind, RegistryForbidden, RegistryTooNew, RegistryUnavailable
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.messages import away, not_admitted, overtaken
from deploy_action.locking.without_registry import LastSeen, Rest, WhenAway, waited_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.common.instants import MonotonicTime
    from deploy_action.common.ports import Clock
    from deploy_action.errors import RegistryError
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.stack_activity import Look

LOOK_SECONDS = 10.0
"""Between two looks at the stacks of those ahead."""
LOOKS, LOOK_AGAIN_SECONDS, LOOKS_SECONDS_MAX = 4, 2.0, 30.0
ASK_SECONDS = 60.0
"""Between two questions about the job of each."""
REFUSED_SECONDS = 30.0
"""How long a registry that was read before may refuse before it is believed."""
BEHIND_MAX = 20
"""At most this many of those behind are remembered."""


class Outage:
    """One deployment's view of those that the last document showed. `look` tells of `REGION/NAME` texts what
    CloudFormation is doing with them; `life` what GitHub says of a ticket's job."""

    def __init__(
        self,
        clock: Clock,
        ticket: Ticket,
        *,
        look: Callable[[Iterable[str]], Look],
        life: Callable[[Ticket], JobStatus],
        poll_seconds: float,
        when_away: WhenAway = WhenAway.GO_ON,
    ) -> None:
        self._poll_seconds = poll_seconds
        self._when_away = when_away
        self._clock = clock
        self._ticket = ticket
        self._look = look
        self._life = life
        self.seen = LastSeen()
        self.seen_at: float | None = None
        """When the registry was last understood, on the own monotonic clock; None where it never was."""
        self._heard_at: float = float("-inf")
        """When it answered last, with its heads alone."""
        self.doubt: tuple[str, ...] = ()
        """The fault of a document that is not believed yet."""
        self._away_since: float | None = None
        self._refused_since: float | None = None
        self.stay_away_seconds = 0.0
        """How long the registry asked to be left alone."""
        self.standing_objection = ""
        """Why the queue was not left although the registry is away."""
        self._lives: dict[str, tuple[JobStatus, float]] = {}
        self._looked_at = float("-inf")
        self._looks: dict[str, Rest] = {}
        self._busy_at = float("-inf")
        self._newer = ""

    def saw(self, seen: LastSeen) -> None:
        """The registry was understood just now."""
        self._away_since, self.stay_away_seconds, self.standing_objection = None, 0.0, ""
        self._refused_since, self.doubt = None, ()
        self.noticed(seen)

    def heard(self) -> None:
        """The registry's heads were read, and told of nothing new: nobody passed."""
        self._heard_at = self._clock.monotonic()

    def noticed(self, seen: LastSeen) -> None:
        """A read showed this, whatever becomes of the write that follows. Who ever stood behind counts as
        behind: the document forgets them when they leave."""
        now, ahead = self._clock.monotonic(), {other.nonce for other in seen.ahead}
        gap = self.seen_at is not None and now - max(self.seen_at, self._heard_at) >= self._ticket.lease
        behind = {
            other.nonce: other for other in (*self.seen.behind, *seen.behind) if other.nonce not in ahead
        }
        self.seen = replace(
            seen, behind=tuple(behind.values())[-BEHIND_MAX:], was_blind=self.seen.was_blind or gap
        )
        self.seen_at = now

    @property
    def away_seconds(self) -> float | None:
        """Since when the registry cannot be used; None where it can, or asked to be left alone."""
        return None if self._away_since is None else self._clock.monotonic() - self._away_since

    def missed(self, error: RegistryError) -> None:
        """A waiter could not look at the queue. Raises the error where it may leave the queue because of
        that: after a whole lease without the registry, and only where nothing speaks against it."""
        self.stay_away_seconds = 0.0
        self._refused(error)
        if isinstance(error, RegistryBehind):
            self.doubt = (error.what,)
            return
        if isinstance(error, RegistryUnavailable) and error.retry_seconds is not None:
            self.stay_away_seconds = error.retry_seconds
            return
        now = self._clock.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        if now - self._away_since < self._ticket.lease:
            return
        self.standing_objection = self.objection()
        if self.hold_off_seconds(error) is not None and not self.standing_objection:
            self.standing_objection = "`when-registry-away: wait` waits for it."
        if not self.standing_objection:
            raise error

    def _refused(self, error: RegistryError) -> None:
        """A token that worked and works no more says nothing about those ahead: they are there as before.

        Raises RegistryAway where the refusal lasts.
        """
        if not isinstance(error, RegistryForbidden) or self.seen_at is None:
            self._refused_since = None
            return
        now = self._clock.monotonic()
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now - self._refused_since >= REFUSED_SECONDS:
            raise not_admitted(error, self.seen.ahead) from error

    def queued_anew(self) -> None:
        """The own ticket stands at the end again: nobody is behind it."""
        self.seen, self.seen_at = LastSeen(), None

    def epoch_on_stacks(self) -> int:
        """The highest epoch in the names of the change sets that were executed last on the own stacks."""
        return max(map(epoch_in, self._change_sets()), default=0)

    def overtaken_by(self) -> str:
        """The deployment that stood behind this one, and has deployed one of its stacks meanwhile; empty for
        nobody."""
        if self.seen.behind:
            names = self._change_sets()
            for newer in self.seen.behind:
                prefix = change_set_prefix(newer.correlation_id)
                if newer.correlation_id and any(name.startswith(prefix) for name in names):
                    self._newer = newer.correlation_id
        return self._newer

    def _change_sets(self) -> tuple[str, ...]:
        """Those that the own stacks executed last. A look without an answer does not tell that nobody was
        there; a stack of which none of LOOKS has one cannot be seen at all."""
        began = self._clock.monotonic()
        found = self._look(self._ticket.stacks)
        names = found.change_sets
        for _ in range(LOOKS - 1):
            if not found.unseen or self._clock.monotonic() - began >= LOOKS_SECONDS_MAX:
                break
            self._clock.sleep(LOOK_AGAIN_SECONDS)
            found = self._look(found.unseen)
            names += found.change_sets
        return names

    def objection(self) -> str:
        """One sentence that says why this deployment may not go on yet; empty where nothing speaks against
        it."""
        if self.seen_at is None:
            return ""
        freeze, now = self.seen.freeze, self._clock.monotonic()
        if freeze is not None and not freeze.over(iso(self._clock.now())):
            return f'The lock was frozen when the registry was last seen, by {freeze.by}: "{freeze.reason}".'
        self._look_around(now)
        newer = self.overtaken_by()
        if newer:
            return overtaken(newer).what
        waiters = 0
        for place, other in enumerate(self.seen.ahead):
            waiters += not other.holding
            why = waited_for(
                other,
                place=place,
                life=self._ask(other, now),
                rest=self._looks.get(other.nonce, Rest.UNSEEN),
                blind_seconds=now - self.seen_at,
                quiet_seconds=now - max(self._busy_at, self.seen_at),
            )
            if why:
                return why
        return ""

    def hold_off_seconds(self, error: RegistryError) -> float | None:
        """For how long to leave the registry alone before it is asked again, whatever is known of others;
        None where nothing speaks against going on. Raises Busy where `fail` is wished."""
        if isinstance(error, RegistryUnavailable) and error.retry_seconds is not None:
            return max(error.retry_seconds, self._poll_seconds)
        if isinstance(error, RegistryBehind):
            return self._poll_seconds
        if isinstance(error, RegistryTooNew):
            return None
        if self._when_away is WhenAway.FAIL:
            raise away(error, 0.0) from error
        return self._poll_seconds if self._when_away is WhenAway.WAIT else None

    def _look_around(self, now: MonotonicTime) -> None:
        if now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        for other in (*self.seen.ahead, *self.seen.behind):
            self._looks[other.nonce] = self._rest(other)
        if Rest.IN_PROGRESS in self._looks.values():
            self._busy_at = now

    def _rest(self, other: Ticket) -> Rest:
        """Stacks of another account are not to be seen from here, and none is no proof of rest; neither is
        what is seen where an account is not known."""
        known = bool(other.account and self._ticket.account)
        if not other.stacks or (known and other.account != self._ticket.account):
            return Rest.UNSEEN
        found = self._look(other.stacks)
        if found.in_progress:
            return Rest.IN_PROGRESS
        return Rest.AT_REST if known and not found.unseen else Rest.UNSEEN

    def _ask(self, other: Ticket, now: MonotonicTime) -> JobStatus:
        life, asked_at = self._lives.get(other.nonce, (JobStatus.UNKNOWN, float("-inf")))
        if life is not JobStatus.COMPLETED and now - asked_at >= ASK_SECONDS:
            life = self._life(other)
            self._lives[other.nonce] = (life, now)
        return life
