"""Defects of the protocol that the simulation must find: those that other lock actions really had, and more.

`tests/mutants` builds others in, which single tests notice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deploy_action.common.instants import MonotonicTime
from deploy_action.common.times import unix_seconds
from deploy_action.errors import LockLost, RegistryForbidden
from deploy_action.locking import codec, head_look, superseding
from deploy_action.locking import expiry as leases
from deploy_action.locking import transitions as lock
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.document_continuity import Continuity
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.newer_deployments import Rivals
from deploy_action.locking.registry_outage import Outage
from deploy_action.locking.stores.dynamodb import DynamoDbRegistry
from deploy_action.locking.stores.github import GitHubRegistry
from deploy_action.locking.stores.s3 import S3Registry
from deploy_action.locking.superseding import may_supersede
from deploy_action.locking.takeover import TakeoverPolicy
from tests.simulation import older_client, wiring_double
from tests.simulation.deployment import Deployment
from tests.simulation.kinds import play_kind
from tests.simulation.schedule import play

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from deploy_action.errors import RegistryError
    from tests.simulation.schedule import Verdict


@dataclass(frozen=True, slots=True)
class Mutant:
    name: str
    build: Callable[[pytest.MonkeyPatch], None]
    schedules: int = 1500
    """So many are enough to notice it."""
    first: int = 0
    """The seed to begin with: what one schedule of a thousand notices is looked for where it is known."""
    kind: str = ""
    """Of `kinds`; empty for schedules of all that is drawn."""

    def play(self, seed: int) -> Verdict:
        return play_kind(self.kind, seed) if self.kind else play(seed)


def _identity_by_actor(patch: pytest.MonkeyPatch) -> None:
    def ticket(self: Document, nonce: str) -> Ticket | None:
        actor = nonce.rpartition("-")[2]
        return next((found for found in self.tickets if found.actor == actor), None)

    patch.setattr(Document, "ticket", ticket)


def _unconditional_release(patch: pytest.MonkeyPatch) -> None:
    def release(document: Document, ticket: Ticket, *, outcome: str, at: str, settling: Any = ()) -> Document:
        holder = document.holder_of(ticket.locks[0])
        return document if holder is None else lock.finish(document, holder, outcome=outcome, at=at)

    patch.setattr(lock, "release", release)


def _wall_clock_expiry(patch: pytest.MonkeyPatch) -> None:
    observe = leases.LeaseWatch.observe
    wall: dict[int, float] = {}

    def observing(self: leases.LeaseWatch, document: Document, now: float, *, at: str) -> None:
        observe(self, document, MonotonicTime(now), at=at)
        wall[id(self)] = unix_seconds(at) or 0.0

    def silent_seconds(self: leases.LeaseWatch, ticket: Ticket, now: float) -> float:
        return wall[id(self)] - (unix_seconds(ticket.held_since) or wall[id(self)])

    patch.setattr(leases.LeaseWatch, "observe", observing)
    patch.setattr(leases.LeaseWatch, "silent_seconds", silent_seconds)


def _no_fence(patch: pytest.MonkeyPatch) -> None:
    def fence(self: Deployment) -> None:
        self._guarded = self._ticket.holding

    patch.setattr(Deployment, "_fence", fence)


def _list_then_write(patch: pytest.MonkeyPatch) -> None:
    for store in (GitHubRegistry, S3Registry, DynamoDbRegistry):
        patch.setattr(store, "swap", _ignoring_the_version(store))


def _ignoring_the_version(store: Any) -> Callable[..., str]:
    swap = store.swap

    def write(self: Any, document: bytes, version: str, **more: Any) -> str:
        return str(swap(self, document, self.read().version, **more))

    return write


def _unreadable_is_empty(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GitHubRegistry, "_search_document", lambda self, path, commit: None)


def _creation_always_succeeds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(GitHubRegistry, "_settle_creation", lambda self, commit, answer: None)


def _withdrawal_frees_the_holder(patch: pytest.MonkeyPatch) -> None:
    def withdraw(self: LockClient, outcome: str) -> None:
        at = self._at()

        def decide(document: Document) -> tuple[Document | None, None]:
            first = next(iter(document.tickets), None)
            new = document if first is None else lock.finish(document, first, outcome="withdrawn", at=at)
            return new, None

        self._swapper.apply(decide, message="withdraw")

    patch.setattr(LockClient, "_withdraw", withdraw)


def _no_look_at_the_stacks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TakeoverPolicy, "_at_rest", lambda self, *holder, **more: True)


def _no_revocation(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(wiring_double, "revoke", lambda deployer, holder: None)


def _first_come_last_served(patch: pytest.MonkeyPatch) -> None:
    def ahead_of(document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
        return tuple(other for other in document.tickets if other.holding and other.shares_lock_with(ticket))

    patch.setattr(lock, "ahead_of", ahead_of)


def _no_answer_means_dead(patch: pytest.MonkeyPatch) -> None:
    why_gone = leases.why_gone

    def gone(ticket: Ticket, *, life: JobStatus, **more: float) -> str | None:
        return why_gone(ticket, life=JobStatus.COMPLETED if life is JobStatus.UNKNOWN else life, **more)

    patch.setattr(leases, "why_gone", gone)


def _a_freeze_keeps_nobody_out(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lock, "freeze_of", lambda document, ticket, *, at: None)


def _the_newest_ends_the_holder(patch: pytest.MonkeyPatch) -> None:
    enqueue = lock.enqueue

    def regardless(document: Document, ticket: Ticket, *, at: str, **known: Any) -> Document:
        for other in document.tickets:
            if may_supersede(ticket, other):
                document = lock.finish(document, other, outcome=lock.SKIPPED, at=at)
        return enqueue(document, ticket, at=at, **known)

    patch.setattr(lock, "enqueue", regardless)


def _regardless_of(field: str) -> Callable[[pytest.MonkeyPatch], None]:
    def build(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(superseding, "SAME", tuple(name for name in superseding.SAME if name != field))

    return build


def _newer_is_who_came_later(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(superseding, "_number", lambda ticket: ticket.number)


def _commits_are_not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(superseding, "NOT_OLDER", frozenset({"ahead", "identical", "behind", "", None}))


def _the_dead_deploy_too(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Rivals, "_lives", lambda self, ticket: True)


def _renewals_are_not_written(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LockClient, "renew_if_due", lambda self: False)


def _what_is_left_running_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lock, "settling_stacks", lambda document, names: ())


def _waiters_look_all_the_time(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LockClient, "_pause", lambda self, waiting: 4.0)


def _a_living_holder_is_passed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outage, "objection", lambda self: "")


def _a_limit_counts_as_away(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outage, "hold_off_seconds", lambda self, error: None)


def _a_lost_lock_passes_its_fence(patch: pytest.MonkeyPatch) -> None:
    renew = LockClient.renew

    def whatever(self: LockClient, **more: Any) -> tuple[str, ...]:
        try:
            return renew(self, **more)
        except LockLost:
            return ()

    patch.setattr(LockClient, "renew", whatever)


def _a_refused_token_frees_the_queue(patch: pytest.MonkeyPatch) -> None:
    def refused(self: Outage, error: RegistryError) -> None:
        if isinstance(error, RegistryForbidden):
            raise error

    patch.setattr(Outage, "_refused", refused)
    patch.setattr(Outage, "objection", lambda self: "")


def _nobody_asks_who_came_before(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Outage, "overtaken_by", lambda self: "")


def _nobody_asks_between_two_stacks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Deployment, "_is_told_that_it_holds", lambda self: True)


def _stacks_are_looked_for_at_home(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TakeoverPolicy, "_doubtful", lambda self, holder: self._stacks_in_progress(holder.stacks))


def _generations_are_not_told_apart(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Continuity, "is_another", lambda self, document: False)


def _stacks_under_other_locks_are_not_looked_at(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Ticket, "shares_stack_with", lambda self, other: False)


def _a_high_priority_passes_a_holder(patch: pytest.MonkeyPatch) -> None:
    ahead_of = lock.ahead_of

    def only_equals(document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
        ahead = ahead_of(document, ticket)
        return tuple(one for one in ahead if one.priority) if ticket.priority else ahead

    patch.setattr(lock, "ahead_of", only_equals)


def _who_may_pass_lifts_the_freeze(patch: pytest.MonkeyPatch) -> None:
    grant = lock.grant

    def lifting(document: Document, nonce: str, **more: Any) -> Document | None:
        new = grant(document, nonce, **more)
        if new is None or (held := new.ticket(nonce)) is None:
            return new
        thawed = {name: replace(new.locks[name], freeze=None) for name in held.locks}
        return replace(new, locks={**new.locks, **thawed})

    patch.setattr(lock, "grant", lifting)


def _seats_are_other_locks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(older_client, "FOREIGN_SEAT", "#")


def _what_is_not_known_is_dropped(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(codec, "_extra", lambda data, known: ())


def _heads_are_believed_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(head_look, "read_seconds", lambda document, ticket, **_more: float("inf"))


MUTANTS = (
    Mutant("a seat is another lock to an earlier version", _seats_are_other_locks, 60, kind="version skew"),
    Mutant("what a later version wrote is dropped", _what_is_not_known_is_dropped, 60, kind="version skew"),
    Mutant("identity by actor instead of nonce", _identity_by_actor),
    Mutant("release deletes whoever holds the lock", _unconditional_release),
    Mutant("leases end by the wall clock", _wall_clock_expiry, first=26),
    Mutant("no renewal before the execution", _no_fence, first=283),
    Mutant("list, then write: the version is ignored", _list_then_write),
    Mutant("a failed read is taken for an empty document", _unreadable_is_empty, first=57),
    Mutant("a creation that was refused is taken for done", _creation_always_succeeds),
    Mutant("a waiter that gives up frees the holder's lock", _withdrawal_frees_the_holder),
    Mutant("a takeover does not look at the stacks", _no_look_at_the_stacks, first=66),
    Mutant("a takeover leaves change sets that a paused holder can still execute", _no_revocation),
    Mutant("waiters are served in any order", _first_come_last_served),
    Mutant("a job that cannot be seen is taken for dead", _no_answer_means_dead),
    Mutant("a frozen lock is granted", _a_freeze_keeps_nobody_out, first=44),
    Mutant("the newest ends a holder", _the_newest_ends_the_holder, first=34),
    *(
        Mutant(f"the newest takes another {name} for its own", _regardless_of(name))
        for name in ("account", "job_key", "ref")
    ),
    Mutant("the newest is who came last", _newer_is_who_came_later, first=46),
    Mutant("the newest may deploy an older commit", _commits_are_not_compared, first=35),
    Mutant("one gives way to the dead", _the_dead_deploy_too, first=1099),
    Mutant("a holder does not renew while it deploys", _renewals_are_not_written, first=2268),
    Mutant("what the last holder left running is not waited for", _what_is_left_running_is_forgotten),
    Mutant("waiters spend too many requests", _waiters_look_all_the_time),
    Mutant("an outage frees the queue", _a_living_holder_is_passed, 150, kind="outage"),
    Mutant("one that is cut off runs over the rest", _a_living_holder_is_passed, 150, kind="one is blind"),
    Mutant("a limit that names its end counts as away", _a_limit_counts_as_away, 150, kind="limit"),
    Mutant("a lost lock passes its fence", _a_lost_lock_passes_its_fence, 150, kind="one is blind"),
    Mutant("a refused token frees the queue", _a_refused_token_frees_the_queue, 150, kind="refused"),
    Mutant("a tool does not ask between two stacks", _nobody_asks_between_two_stacks, 150, kind="tools"),
    Mutant(
        "stacks of another account are looked for in the own one",
        _stacks_are_looked_for_at_home,
        150,
        kind="two accounts",
    ),
    Mutant("a new document is taken for the old one", _generations_are_not_told_apart, 60, kind="begun anew"),
    Mutant(
        "stacks under other locks are not looked at",
        _stacks_under_other_locks_are_not_looked_at,
        150,
        kind="one stack",
    ),
    Mutant("a high priority passes a holder", _a_high_priority_passes_a_holder, 150, kind="priorities"),
    Mutant("who may pass lifts the freeze", _who_may_pass_lifts_the_freeze, 150, kind="priorities"),
    Mutant("heads are believed for ever", _heads_are_believed_for_ever, 60, kind="heads"),
    Mutant("nobody asks who came before", _nobody_asks_who_came_before, 300, kind="one is blind"),
)
