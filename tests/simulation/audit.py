"""The invariants, checked at each write that took effect and at each execution that CloudFormation accepted.

1. Under one lock no two executions overlap, and on one stack their epochs never fall.
2. Epochs rise by one with each holder; one lock has one holder, or readers alone.
3. First come, first served among the living, so no reader passes a writer; nobody alive and undisturbed is
   evicted.
4. No ticket is lost: who leaves the document leaves a line in `finished`, and nothing else changes.
8. Nobody goes on without the registry who knew, by the last document that it saw, of somebody ahead that
   lives; nobody changes anything whose lock was lost before its fence; nobody goes on because of a limit.
9. On one stack an older arrival never comes after a newer one where a document told of both. The newest
   document that told of both says which is the older: an operator promotes, and who was evicted stands at
   the end again.
7. The registry is what the trace of grants, releases and evictions says (`reconcile`).

10. Under `newest` no deployment is lost that nobody else makes.
11. Where the document was deleted or replaced, nobody is granted the lock of a living holder whom it knew,
    before that holder's lease is over.

Invariants 5 (the queue drains) and 6 (requests) are about time: `schedule.py` judges them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.errors import RegistryUnreadable
from deploy_action.locking.document import Document, Lock
from deploy_action.locking.transitions import KEPT_FINISHED, SKIPPED
from tests.simulation.history import decode
from tests.simulation.mending import mended
from tests.simulation.shapes import makes_pointless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from deploy_action.locking.document import Finished, Ticket
    from deploy_action.locking.grant import Grant
    from tests.simulation.actor import Actor
    from tests.simulation.cloudformation import Cloud, Operation
    from tests.simulation.deployment import Turn
    from tests.simulation.faults import Faults
    from tests.simulation.scheduler import Scheduler
    from tests.simulation.trace import Trace

OPERATOR = "operator"
BLIND_LEASES = 6
"""For so long whoever is cut off waits for one ahead of whose job nothing can be known."""
MEMORY_SECONDS = 200.0
"""How long after a disturbance somebody may still be taken for dead, beyond the silence allowed."""
LOOK_SECONDS = 60.0
"""A takeover may miss an operation that began so shortly before it: between its look and its write."""


@dataclass(frozen=True, slots=True)
class Departure:
    ticket: Ticket
    by: str
    outcome: str
    at: float


@dataclass(frozen=True, slots=True)
class Execution:
    """What whoever executed knew."""

    operation: Operation
    actor: Actor
    seen: Document | None
    holds: bool
    blind_seconds: float


class Audit:
    """Knows everything, and stops the schedule at the first thing that must not be."""

    def __init__(self, scheduler: Scheduler, faults: Faults, trace: Trace) -> None:
        self.violations: list[str] = []
        self.owners: dict[str, Actor] = {}
        """By nonce."""
        self.grants: dict[str, Ticket] = {}
        self.arrived: set[str] = set()
        self.departures: dict[str, Departure] = {}
        self.document = Document()
        self.changes = 0
        self.compare: Callable[[str, str], str] = lambda _base, _head: ""
        """What is known of two commits, as the deployments see it."""
        self.said_to_run: Callable[[Ticket, bool], bool] = lambda _ticket, _looked_before: True
        """What GitHub may be heard to say of its job."""
        self._scheduler = scheduler
        self._faults = faults
        self._trace = trace
        self._clouds: tuple[Cloud, ...] = ()
        self._epochs: Counter[str] = Counter()
        self._late: set[tuple[str, tuple[tuple[str, int], ...]]] = set()
        """Grants that were decided before the document was replaced, and took effect after."""
        self._excused: set[str] = set()
        self.hidden: Callable[[Ticket], bool] = lambda _ticket: False
        """Whether GitHub tells nothing of its job."""
        self.was_replaced, self._replaced_at = False, float("-inf")
        self._knew_before: dict[str, Document | None] = {}
        """What each owner had seen last when the document was replaced."""
        self._truth = Document()
        self._executions: list[Execution] = []
        self._left: list[str] = []
        """Correlation ids in order of departure."""
        self._first: dict[frozenset[str], str] = {}
        """Of two nonces, which one the newest document that told of both put before the other."""

    def watch(self, *clouds: Cloud) -> None:
        self._clouds = clouds

    def _running(self, time: float) -> list[Operation]:
        return [operation for cloud in self._clouds for operation in cloud.running(time)]

    def fail(self, sentence: str) -> None:
        self.violations.append(sentence)
        self._trace.add("AUDIT", "VIOLATION {}", sentence)
        self._scheduler.stop()

    def wrote(self, before: bytes | None, after: bytes, by: str) -> None:
        try:
            old, new = decode(before), decode(after)
        except RegistryUnreadable as error:
            self.fail(f"2: an unreadable document was written: {error}")
            return
        if self.was_replaced:
            old = self._follow(mended(old, new, truth=self._truth, grants=self.grants))
        if new.revision != old.revision + 1:
            self.fail(f"7: revision {new.revision} was written after {old.revision}")
        self.changes += 1
        self._arrive(old, new, by)
        self._tell(old, new, by)
        self._check_departures(old, new, by)
        self._check_grants(old, new, by)
        self._check_locks(old, new, by)
        self.document = new
        self._first |= {
            frozenset((one.nonce, other.nonce)): other.nonce
            for one in new.tickets
            for other in _ahead_in(new, one.nonce)
        }

    def _follow(self, base: Document) -> Document:
        for ticket in base.tickets:
            if ticket.nonce in self.departures:
                self._faults.count("holder wrote itself back")
                del self.departures[ticket.nonce]
                self.arrived.add(ticket.nonce)
        self._epochs = Counter({name: lock.epoch for name, lock in base.locks.items()})
        self._left = [line.correlation_id for line in base.finished]
        return base

    def replaced(self, content: bytes | None) -> None:
        """By hand: what was granted stays granted to those that believe in it; the document starts anew."""
        self._truth = self.document
        self._knew_before = {nonce: owner.seen for nonce, owner in self.owners.items()}
        self.document = decode(content)
        standing = _by_nonce(self.document)
        for nonce in self.arrived - standing.keys():
            known = self.grants.get(nonce)
            if known is not None and nonce not in self.departures:
                self.departures[nonce] = Departure(
                    known, OPERATOR, "removed with the document", self._scheduler.time
                )
        self.departures = {nonce: gone for nonce, gone in self.departures.items() if nonce not in standing}
        self.arrived = set(standing) | set(self.departures)
        self.was_replaced, self._replaced_at = True, self._scheduler.time
        self._epochs = Counter({name: lock.epoch for name, lock in self.document.locks.items()})
        self._left = [line.correlation_id for line in self.document.finished]
        self._trace.add("SOMEBODY", "replaces the document")
        self._faults.count("document deleted" if content is None else "document restored")

    def executes(self, operation: Operation, cloud: Cloud) -> None:
        self._faults.count("execution" if operation.guarded else "execution without a lock")
        self._judge_knowledge(operation)
        if not operation.guarded:
            return
        if (operation.turn.nonce, operation.turn.epochs) in self._late:
            self.fail(f"2: {operation.token} changed something under an epoch that somebody else had had")
        if self._is_excused(operation, cloud):
            self._excused.add(operation.token)
            return
        held = _by_nonce(self.document).get(operation.turn.nonce)
        if held is None or held.epochs != operation.turn.epochs:
            self._faults.count("late execution by a lost holder, accepted")
        for other in self._running(operation.started):
            shared = self._exclusive(operation.turn, other.turn)
            if other is operation or not other.guarded or not shared or other.token in self._excused:
                continue
            if min(other.started, self.owners[operation.turn.nonce].fenced_at) < self._replaced_at:
                self._faults.count("overlap with a holder whose document was replaced")
                continue
            if other.account != operation.account and self._left_by_its_owner(other.turn.nonce):
                # Its stack is not to be seen from here; `look_at_settling` tells so.
                self._faults.count("went on beside what was left in another account")
                continue
            self.fail(f"1: {operation.token} overlaps {other.token} under lock {sorted(shared)}")
        for earlier in cloud.stacks[operation.stack].operations:
            before = dict(earlier.turn.epochs) if earlier.guarded else {}
            exclusive = self._exclusive(operation.turn, earlier.turn)
            fell = any(
                before.get(name, 0) > epoch for name, epoch in operation.turn.epochs if name in exclusive
            )
            unknowable = self.was_replaced and (
                earlier.tool
                or len(operation.turn.epochs) > 1
                or self.owners[operation.turn.nonce].paused_until > 0
            )
            if fell and not unknowable and earlier.token not in self._excused:
                self.fail(f"1: {operation.token} came after {earlier.token}, which has a higher epoch")

    def _left_by_its_owner(self, nonce: str) -> bool:
        gone = self.departures.get(nonce)
        return gone is not None and gone.by == self.owners[nonce].name

    def _exclusive(self, one: Turn, other: Turn) -> set[str]:
        """Locks that both hold, or held, and could not hold at the same time."""
        read = [set(self.grants[turn.nonce].shared) for turn in (one, other) if turn.nonce in self.grants]
        common = {name for name, _ in one.epochs} & {name for name, _ in other.epochs}
        return common - (read[0] & read[1]) if len(read) == 2 else common

    def _judge_knowledge(self, operation: Operation) -> None:
        actor, time = self.owners[operation.turn.nonce], self._scheduler.time
        held = _by_nonce(self.document).get(operation.turn.nonce)
        holds = held is not None and held.holding and held.epochs == operation.turn.epochs
        now = Execution(operation, actor, actor.seen, holds, time - actor.seen_at)
        self._judge_order(now)
        self._executions.append(now)
        gone = self.departures.get(operation.turn.nonce)
        if operation.turn.epochs and gone is not None and gone.by != OPERATOR and gone.at < actor.fenced_at:
            self.fail(f"8: {operation.token} lost its lock, and changed something")
        if not holds and not operation.turn.epochs:
            if self._faults.limited_seconds(time, actor.name):
                self.fail(f"8: {operation.token} goes on because of a limit")
            if actor.seen is not None:
                for other in _ahead_in(actor.seen, operation.turn.nonce):
                    self._judge_passing(now, other)

    def _judge_passing(self, now: Execution, other: Ticket) -> None:
        owner = self.owners[other.nonce]
        alive = (
            not owner.ended
            and self._scheduler.time < owner.lost_at
            and other.nonce in _by_nonce(self.document)
        )
        excused = self.hidden(other) and now.blind_seconds >= BLIND_LEASES * other.lease
        if alive and not excused:
            kind = "holder" if other.holding else "waiter"
            self.fail(
                f"8: {now.operation.token} knew of the living {kind} {other.correlation_id}, and went on"
            )
        elif alive:
            self._faults.count("went on past one of whom nothing could be known")

    def _judge_order(self, now: Execution) -> None:
        for before in self._executions:
            older, newer = now.operation.turn.nonce, before.operation.turn.nonce
            if (
                not _on_one_stack(before.operation, now.operation)
                or older == newer
                or (before.holds and now.holds)
            ):
                continue
            if self.was_replaced or self._is_covered(before.operation):
                continue
            if before.operation.tool:
                self._faults.count("came after a newer one that no change set tells of")
                continue
            if self._first.get(frozenset((older, newer))) == newer:
                self._faults.count("came after one that the queue had put before it meanwhile")
                continue
            for knew in (now, before):
                ahead = () if knew.seen is None else _ahead_in(knew.seen, newer)
                if any(one.nonce == older for one in ahead):
                    self.fail(f"9: {now.operation.token}, the older one, came after {before.operation.token}")
                    return

    def _is_covered(self, operation: Operation) -> bool:
        """A later operation of somebody else hides it from whoever looks at the stack."""
        return any(
            _on_one_stack(other.operation, operation) and other.operation.started > operation.started
            for other in self._executions
        )

    def _is_excused(self, operation: Operation, cloud: Cloud) -> bool:
        gone = self.departures.get(operation.turn.nonce)
        if gone is None:
            return False
        if gone.by == OPERATOR:
            # Fenced before the operator came: to force a release is to take this risk.
            self._faults.count("execution in flight when its holder was released by force")
            return True
        if any(operation.token.startswith(prefix) for prefix in cloud.unrevoked):
            self.fail(f"1: {operation.token} is executed after a revocation that was not answered")
        owner = self.owners[operation.turn.nonce]
        if operation.tool and owner.fenced_at < gone.at < owner.paused_until:
            # Nobody can revoke what a command is about to do: docs/coordination.md promises no more.
            self._faults.count("execution by a command whose machine slept past its lease")
            return True
        return False

    def only_an_operator_frees(self, waiter: Actor) -> Ticket | None:
        """A holder whose process is over, in an account that nobody who waits can see: nobody may call its
        stacks at rest. docs/coordination.md promises no more."""
        waiting = {one.account for one in self.document.tickets if not self.owners[one.nonce].ended}
        own = next((one for one in self.document.tickets if self.owners[one.nonce] is waiter), None)
        ahead = _ahead_in(self.document, own.nonce) if own is not None else []
        return next(
            (
                one
                for one in ahead
                if one.holding and self.owners[one.nonce].ended and one.account not in waiting
            ),
            None,
        )

    def granted(self, actor: Actor, grant: Grant) -> None:
        """An actor believes that it was granted the lock."""
        known = self.grants.get(grant.ticket.nonce)
        if known is None or known.epochs != grant.ticket.epochs:
            self.fail(f"7: {actor.name} believes in a grant that was never written")
        self._faults.count("grant")
        for _ in grant.gone:
            self._faults.count("takeover told by the new holder")

    def told_gone(self, ticket: Ticket, by: str) -> None:
        """What a stale read may do to an owner: it believes that its ticket is gone, and it is not.

        One without a number has never learned that it was queued at all.
        """
        if self.was_replaced:
            return
        if ticket.number and ticket.nonce in _by_nonce(self.document):
            self.fail(f"4: {ticket.correlation_id} is told by {by} that it is gone, and it is not")

    def reconcile(self) -> None:
        """The document at the end against the trace of what was written."""
        for name, lock in self.document.locks.items():
            if lock.epoch != self._epochs[name]:
                self.fail(f"7: lock {name} has epoch {lock.epoch} after {self._epochs[name]} grants")
        standing = {ticket.nonce for ticket in self.document.tickets}
        expected = self.arrived - self.departures.keys()
        if standing != expected:
            self.fail(f"7: {sorted(standing ^ expected)} stand in the document or the trace alone")
        lines = [line.correlation_id for line in self.document.finished]
        told = self._left[-KEPT_FINISHED:]
        if sorted(lines) != sorted(told):
            self.fail("7: the finished lines are not what the trace says")

    def _arrive(self, old: Document, new: Document, by: str) -> None:
        """Newcomers stand behind all but those that they may pass; only an operator moves somebody. A ticket
        may come back after it was evicted."""
        known = _by_nonce(old)
        nonces = [ticket.nonce for ticket in new.tickets]
        stayed = [nonce for nonce in nonces if nonce in known]
        if stayed != [nonce for nonce in known if nonce in nonces]:
            self._faults.count("somebody was promoted, or let pass by a freeze")
            if by != OPERATOR:
                self.fail("3: the order of the queue was changed")
        newcomers = [nonce for nonce in nonces if nonce not in known]
        for place, ticket in enumerate(new.tickets):
            if ticket.nonce in newcomers:
                for other in new.tickets[place + 1 :]:
                    self._check_passing(ticket, other, old)
        for nonce in newcomers:
            if nonce in self.departures:
                self._faults.count("ticket queued again after an eviction")
                del self.departures[nonce]
            self.arrived.add(nonce)

    def _check_passing(self, ticket: Ticket, other: Ticket, old: Document) -> None:
        """Not `locking.queue_order`: what is audited is not asked."""
        if other.holding or not _excludes(other, ticket):
            return
        freezes = [lock.freeze for name in other.locks if (lock := old.locks.get(name)) and lock.freeze]
        let_pass = any(ticket.actor in one.allow and other.actor not in one.allow for one in freezes)
        if let_pass:
            self._faults.count("a freeze lets a newcomer pass")
        elif ticket.priority == "high" and other.priority != "high":
            self._faults.count("a newcomer passes by its priority")
        else:
            self.fail(f"3: {ticket.correlation_id} arrived before {other.correlation_id}, which waits")

    def _check_departures(self, old: Document, new: Document, by: str) -> None:
        standing = _by_nonce(new)
        gone = [ticket for ticket in old.tickets if ticket.nonce not in standing]
        kept = len(new.finished) - len(gone)
        lines = new.finished[kept:] if gone else ()
        if kept < 0 or old.finished[len(old.finished) - kept :] != new.finished[:kept]:
            self.fail("4: a ticket left, or finished lines changed, without a line for it")
            return
        if Counter(line.correlation_id for line in lines) != Counter(t.correlation_id for t in gone):
            self.fail("4: the finished lines are not of the tickets that left")
            return
        for ticket, line in zip(gone, _in_order(gone, lines), strict=True):
            self._left.append(ticket.correlation_id)
            self.departures[ticket.nonce] = Departure(ticket, by, line.outcome, self._scheduler.time)
            owner = self.owners[ticket.nonce]
            if by == OPERATOR:
                self._faults.count("release forced by an operator")
            elif by == owner.name:
                self._faults.count("release" if ticket.holding else "withdrawal")
            elif line.outcome == SKIPPED:
                self._check_superseded(ticket, old, new)
            else:
                self._check_eviction(ticket, owner)

    def _check_superseded(self, ticket: Ticket, old: Document, new: Document) -> None:
        self._faults.count("superseded by a newer one")
        known = _by_nonce(old)
        newer = [
            other for other in new.tickets if other.nonce not in known and makes_pointless(other, ticket)
        ]
        if ticket.holding or not newer:
            self.fail(f"3: {ticket.correlation_id} was superseded by nobody, or while it held the lock")
        elif all(self._is_set_back(other, ticket) for other in newer):
            self.fail(f"8: {ticket.correlation_id} gave way to an older commit")

    def gave_way(self, actor: Actor, ticket: Ticket) -> None:
        """8: no deployment is lost that nobody else makes. An owner left in favour of a newer one: there must
        be one that deploys, or has deployed, all that it would have."""
        gone = self.departures.get(ticket.nonce)
        if gone is not None and gone.outcome == SKIPPED and gone.by != actor.name:
            return  # judged when it was superseded
        self._faults.count("gave way to a newer one")
        looked_before = ticket.nonce in self.arrived
        made = [one for one in self.document.tickets if self.said_to_run(one, looked_before)]
        made += [
            gone.ticket
            for gone in self.departures.values()
            if gone.outcome == "succeeded" or self._scheduler.time - gone.at < MEMORY_SECONDS
        ]
        better = [one for one in made if makes_pointless(one, ticket)]
        if not better:
            self.fail(f"8: {ticket.correlation_id} gave way, and nobody deploys in its place")
        elif all(self._is_set_back(other, ticket) for other in better):
            self.fail(f"8: {ticket.correlation_id} gave way to an older commit")

    def _is_set_back(self, newer: Ticket, older: Ticket) -> bool:
        return self.compare(older.commit, newer.commit) == "behind"

    def _check_eviction(self, ticket: Ticket, owner: Actor) -> None:
        time = self._scheduler.time
        kind = "holder" if ticket.holding else "waiter"
        # Who is in doubt about a document that was replaced takes no free lock, and may lose its place.
        disturbed_at = max(owner.disturbed_at, self._replaced_at)
        undisturbed = time - disturbed_at > ticket.lease + MEMORY_SECONDS
        awake = not owner.ended and time >= owner.paused_until
        if awake and undisturbed and time < owner.lost_at:
            self.fail(f"3: {kind} {ticket.correlation_id} was evicted, alive and undisturbed")
        state = "dead" if owner.ended else "paused"
        if awake:
            state = "given up" if time >= owner.lost_at else "cut off"
        self._faults.count(f"takeover of a {state} {kind}")
        if not ticket.holding:
            return
        for operation in self._running(time):
            if operation.turn.nonce == ticket.nonce and time - operation.started > LOOK_SECONDS:
                self.fail(f"1: {ticket.correlation_id} was evicted while its stack was in progress")

    def _check_grants(self, old: Document, new: Document, by: str) -> None:
        earlier_state = _by_nonce(old)
        for ticket in new.tickets:
            before = earlier_state.get(ticket.nonce)
            late = before is not None and (before.nonce, before.epochs) in self._late
            if before is not None and not (late and ticket.epochs > before.epochs):
                self._check_changes(before, ticket, by)
            if not ticket.holding or (before is not None and before.epochs == ticket.epochs):
                continue
            if by != self.owners[ticket.nonce].name:
                self.fail(f"2: {by} granted the lock to {ticket.correlation_id}")
            owner = self.owners[ticket.nonce]
            seen = owner.knew.get(new.operations[-1], owner.seen_epochs)
            if any(owner.seen_epochs.get(name, 0) >= epoch for name, epoch in ticket.epochs):
                self._late.add((ticket.nonce, ticket.epochs))
                self._faults.count("grant that landed late in a replaced document")
            if any(seen.get(name, 0) >= epoch for name, epoch in ticket.epochs):
                self.fail(f"2: {ticket.correlation_id} was granted an epoch that it had seen before")
            if any(new.locks[name].epoch != epoch for name, epoch in ticket.epochs):
                self.fail(f"2: {ticket.correlation_id} holds under epochs that are not the locks'")
            self._check_patience(ticket, seen)
            earlier = new.tickets[: new.tickets.index(ticket)]
            if any(_excludes(other, ticket) for other in earlier):
                self.fail(f"3: {ticket.correlation_id} was granted past an earlier ticket")
            beside = [other for other in new.tickets if other.holding and other is not ticket]
            if any(_excludes(other, ticket) for other in beside):
                self.fail(f"2: {ticket.correlation_id} was granted a lock beside another holder")
            if any(set(other.locks) & set(ticket.locks) for other in beside):
                self._faults.count("two readers hold one lock")
            if any(set(other.shared) & set(ticket.locks) - set(ticket.shared) for other in old.tickets):
                self._faults.count("writer was granted a lock before readers that wait")
            freezes = [lock.freeze for name in ticket.locks if (lock := old.locks.get(name)) is not None]
            kept = [one for one in freezes if one is not None and not one.until]
            if any(ticket.actor not in one.allow for one in kept):
                self.fail(f"2: {ticket.correlation_id} was granted a frozen lock")
            if kept:
                self._faults.count("a freeze let somebody deploy")
            if by != OPERATOR and any(
                old.locks[name].freeze != new.locks[name].freeze
                for name in ticket.locks
                if name in old.locks and old.locks[name].freeze in kept
            ):
                self.fail(f"2: the grant of {ticket.correlation_id} lifted a freeze")
            on_stack = [one for one in beside if _of_one_stack(one, ticket)]
            if on_stack:
                self.fail(f"2: {ticket.correlation_id} was granted a lock beside a holder of its stack")
            if any(_of_one_stack(one, ticket) and not _excludes(one, ticket) for one in old.tickets):
                self._faults.count("somebody under another lock names the same stack")
            self.grants[ticket.nonce] = ticket
            self._epochs.update(name for name, _ in ticket.epochs)

    def _check_patience(self, ticket: Ticket, knew: Mapping[str, int]) -> None:
        """Where the document was replaced, who knew a holder gives it the length of its lease. `knew`: the
        epochs that it had seen when it sent the grant, which may land later."""
        before, time = self._knew_before.get(ticket.nonce), self._scheduler.time
        for other in _ahead_in(before, ticket.nonce) if before is not None else ():
            owner, gone = self.owners[other.nonce], self.departures.get(other.nonce)
            left = owner.ended or (gone is not None and gone.by != OPERATOR)
            if all(knew.get(name, 0) < epoch for name, epoch in other.epochs):
                self._faults.count("grant that landed late in a replaced document")
                continue
            if not other.holding or left or time - self._replaced_at >= other.lease:
                continue
            self.fail(f"11: {ticket.correlation_id} knew of the holder {other.correlation_id} of before")

    def _check_changes(self, before: Ticket, after: Ticket, by: str) -> None:
        if before == after:
            return
        moved = before.priority, before.passes_because
        if by == OPERATOR and not before.holding:
            after = replace(after, priority=moved[0], passes_because=moved[1])
            if after == before:
                return
        same = replace(
            after,
            revision=before.revision,
            policy=before.policy,
            renewals=before.renewals,
            epochs=before.epochs,
            held_since=before.held_since,
            expected_end=before.expected_end,
        )
        if same != before or by != self.owners[after.nonce].name or after.renewals < before.renewals:
            self.fail(f"4: {by} changed the ticket of {after.correlation_id}")
        if before.holding and before.epochs != after.epochs:
            self.fail(f"2: {after.correlation_id} changed its epochs while it held the lock")

    def _check_locks(self, old: Document, new: Document, by: str) -> None:
        for name in old.locks.keys() | new.locks.keys():
            before, after = old.locks.get(name, Lock()), new.locks.get(name)
            holder = next(
                (ticket for ticket in new.tickets if (name, after and after.epoch) in ticket.epochs), None
            )
            if after is not None and after.epoch > before.epoch and holder is not None:
                self._epochs[name] = (
                    after.epoch
                )  # by more than one where the document did not know of earlier ones
            elif after is None or after.epoch != before.epoch:
                self.fail(f"2: the epoch of lock {name} went from {before.epoch} to {after}")
            elif before.freeze != after.freeze and by != OPERATOR and before.epoch == after.epoch:
                self.fail(f"2: {by} changed the freeze of lock {name}")
            elif after.epoch != self._epochs[name]:
                self.fail(f"2: the epoch of lock {name} is {after.epoch} after {self._epochs[name]} grants")

    def _tell(self, old: Document, new: Document, by: str) -> None:
        for name, lock in new.locks.items():
            if lock.freeze != old.locks.get(name, Lock()).freeze:
                self._trace.add(by, "freeze of {} is {}", name, lock.freeze)
        before = {ticket.nonce: ticket for ticket in old.tickets}
        for ticket in new.tickets:
            known = before.pop(ticket.nonce, None)
            if known is None:
                self._trace.add(by, "queues {} for {}", ticket.correlation_id, ticket.locks)
            if ticket.holding and (known is None or not known.holding):
                self._trace.add(by, "GRANTED {} {}", ticket.correlation_id, ticket.epochs)
            elif known is not None and known.renewals != ticket.renewals:
                self._trace.add(by, "renews {} to {}", ticket.correlation_id, ticket.renewals)
        for ticket in before.values():
            lines = [line for line in new.finished if line.nonce == ticket.nonce]
            told = f"{lines[-1].outcome} {lines[-1].note}" if lines else "without a line"
            self._trace.add(by, "REMOVES {}: {}", ticket.correlation_id, told)


def _ahead_in(document: Document, nonce: str) -> list[Ticket]:
    """Not `locking.transitions.ahead_of`: what is audited is not asked."""
    own = _by_nonce(document).get(nonce)
    if own is None:
        return []
    earlier = document.tickets[: document.tickets.index(own)]
    shares = [other for other in document.tickets if other is not own and _excludes(other, own)]
    return [other for other in shares if other.holding or other in earlier]


def _on_one_stack(one: Operation, other: Operation) -> bool:
    return (one.account, one.stack) == (other.account, other.stack)


def _excludes(one: Ticket, other: Ticket) -> bool:
    """Not `Ticket.conflicts_with`: what is audited is not asked."""
    return bool(set(one.locks) & set(other.locks) - (set(one.shared) & set(other.shared)))


def _of_one_stack(one: Ticket, other: Ticket) -> bool:
    """Of two runs. Not `Ticket.shares_stack_with`: what is audited is not asked."""
    return (
        one.account == other.account and one.run_id != other.run_id and bool({*one.stacks} & {*other.stacks})
    )


def _by_nonce(document: Document) -> dict[str, Ticket]:
    """Not `Document.ticket`: what is audited is not asked."""
    return {ticket.nonce: ticket for ticket in document.tickets}


def _in_order(gone: Iterable[Ticket], lines: Iterable[Finished]) -> list[Finished]:
    """The finished line of each ticket; correlation ids of one write differ."""
    by_id = {line.correlation_id: line for line in lines}
    return [by_id[ticket.correlation_id] for ticket in gone]
