"""The registry document: who holds which lock, who waits, and what it remembers. Only shapes; what may become
of them is in `locking.transitions`, how they are written in `locking.codec`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from deploy_action.common.times import unix_seconds
from deploy_action.locking.lock_name import READ, lock_key

SCHEMA = 1
KEPT_AUDIT = 50
KEPT_OPERATIONS = 200
"""Operation ids kept to recognise one's own write after an ambiguous answer."""
QUEUE_MAX = 500
"""Tickets, holders included."""
BORROWERS_MAX = 50
WHOLE_RUN = "*"
"""In place of a job, which is never called so."""
LEASE_SECONDS = 300.0
LEASE_SECONDS_MIN = 30.0
LEASE_SECONDS_MAX = 3600.0


class QueuePolicy(Enum):
    """Whether a newer deployment of the same makes one that waits pointless."""

    FIFO = "fifo"
    """Nothing: all are served, in order of arrival."""
    NEWEST = "newest"
    """Yes, where both chose this policy: only the newest is deployed (`locking.superseding`)."""


@dataclass(frozen=True, slots=True)
class Loan:
    """Somebody who deploys under a lock that another ticket holds. The fields are those of
    its ticket."""

    correlation_id: str
    account: str = ""
    repository: str = ""
    run_id: str = ""
    run_attempt: str = ""
    job: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One deployment's place in the queue. Its identity is `nonce`: never the actor, never the run alone."""

    nonce: str
    correlation_id: str
    locks: tuple[str, ...]
    stacks: tuple[str, ...] = ()
    """`REGION/NAME` of what it deploys, for the look at CloudFormation before a takeover."""
    policy: QueuePolicy = QueuePolicy.FIFO
    revision: int = 0
    """The document's own, when the ticket came to stand or to hold: whoever owns it has seen that much."""
    number: int = 0
    """Counts the arrivals in this registry; 0 before the first one. A ticket that comes back keeps its
    number."""
    lease_seconds: float = LEASE_SECONDS
    renewals: int = 0
    """Raised at each sign of life. Unchanged for `lease_seconds` on an observer's clock means: expired."""
    epochs: tuple[tuple[str, int], ...] = ()
    """(lock, epoch) of each lock while it holds them; empty while it waits."""
    requested_at: str = ""
    held_since: str = ""
    expected_end: str = ""
    account: str = ""
    """The AWS account that its stacks are in; empty where it could not be told. Of a lock that is lent into
    several accounts all of them, with a space between."""
    repository: str = ""
    run_id: str = ""
    run_attempt: str = ""
    job: str = ""
    actor: str = ""
    workflow: str = ""
    url: str = ""
    commit: str = ""
    ref: str = ""
    """The git ref in full, such as `refs/heads/main`."""
    run_number: str = ""
    """Counts the runs of one workflow; a re-run keeps it."""
    workflow_file: str = ""
    """`OWNER/NAME/.github/workflows/FILE` of the run, whichever workflow it calls."""
    job_key: str = ""
    """The same for the same job of another run, and for nothing else: its key, and its leg of a matrix.
    Empty where that could not be told."""
    loans: tuple[Loan, ...] = ()
    """Those who deploy under this ticket's locks now, beside its owner."""
    shared: tuple[str, ...] = ()
    """Those of its locks that it only reads under: others that only read may hold them beside it."""
    borrowers: tuple[str, ...] = ()
    """The correlation ids of the last BORROWERS_MAX that ever deployed under them: what they made and did not
    execute is deleted at a takeover."""
    priority: str = ""
    """`high`: it passes those that wait and have none (`locking.queue_order`)."""
    passes_because: str = ""
    """Why it stands before earlier arrivals, in words: told to those it passes."""
    release_outcome: str = ""
    """How its owner ended, once it has given the locks back while somebody still deploys under them."""
    extra: tuple[tuple[str, Any], ...] = ()
    """Fields of a later version of this schema: written back as they were."""

    @property
    def holding(self) -> bool:
        return bool(self.epochs)

    @property
    def held_by_run(self) -> bool:
        """No single job stands for it: it lives as long as its run does."""
        return self.job == WHOLE_RUN and bool(self.run_id)

    @property
    def epoch(self) -> int:
        """The highest epoch held: what change sets carry as their fence."""
        return max((epoch for _, epoch in self.epochs), default=0)

    @property
    def lease(self) -> float:
        """The lease in seconds, within sane limits whatever the document says."""
        return min(max(self.lease_seconds, LEASE_SECONDS_MIN), LEASE_SECONDS_MAX)

    @property
    def keys(self) -> frozenset[str]:
        """Of its locks, by which names are compared."""
        return frozenset(map(lock_key, self.locks))

    @property
    def keys_of_shared(self) -> frozenset[str]:
        return frozenset(map(lock_key, self.shared))

    @property
    def lock_texts(self) -> tuple[str, ...]:
        """Its locks as the input `lock` names them: `network:read` for one that it only reads under."""
        return tuple(f"{name}{READ}" if name in self.shared else name for name in self.locks)

    @property
    def named_stacks(self) -> tuple[str, ...]:
        """Its stacks for those who may work in another account: `ACCOUNT/REGION/NAME` where it is known."""
        if not (len(self.account) == 12 and self.account.isdigit()):
            return self.stacks
        return tuple(text if "/arn:" in text else f"{self.account}/{text}" for text in self.stacks)

    def shares_lock_with(self, other: Ticket) -> bool:
        return not self.keys.isdisjoint(other.keys)

    def conflicts_with(self, other: Ticket) -> bool:
        """Whether they name one lock that they cannot hold at the same time: two readers can."""
        readers = self.keys_of_shared & other.keys_of_shared
        return not (self.keys & other.keys) <= readers

    def shares_stack_with(self, other: Ticket) -> bool:
        """Whether both name one stack of one account, known for both. Tickets of one run are one
        deployment's."""
        return self.works_beside(other) and not set(self.stacks).isdisjoint(other.stacks)

    def works_beside(self, other: Ticket) -> bool:
        """Whether both are deployments of their own into one account, known for both."""
        if self.run_id and (self.repository, self.run_id) == (other.repository, other.run_id):
            return False
        return not set(self.account.split()).isdisjoint(other.account.split())


@dataclass(frozen=True, slots=True)
class Freeze:
    """Only those it admits are granted a frozen lock; who holds it already goes on. Times are ISO 8601."""

    by: str
    reason: str
    since: str
    until: str = ""
    """Empty, or a text that is no time: until somebody lifts it."""
    allow: tuple[str, ...] = ()
    """Actors, and workflow files (`deploy.yml`, or `OWNER/NAME/.github/workflows/deploy.yml`) that deploy
    meanwhile."""

    def admits(self, ticket: Ticket) -> bool:
        """Names of people are compared as GitHub does, regardless of case."""
        file = ticket.workflow_file
        known = {ticket.actor.lower(), file, file.rpartition("/")[2]} - {""}
        return any(word in known or word.lower() in known for word in self.allow)

    def over(self, at: str) -> bool:
        end, now = unix_seconds(self.until), unix_seconds(at)
        return end is not None and now is not None and now >= end


@dataclass(frozen=True, slots=True)
class Lock:
    """`epoch` counts the holders so far. `settling` names stacks (`REGION/ID`) that the last holder left in
    progress: the next one waits for them, whichever stacks are its own."""

    epoch: int = 0
    settling: tuple[str, ...] = ()
    freeze: Freeze | None = None
    extra: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """A line of the document's own memory: who left, and how. `held_seconds` is 0 for one that only
    waited."""

    correlation_id: str
    locks: tuple[str, ...]
    outcome: str
    released_at: str
    url: str = ""
    note: str = ""
    nonce: str = ""
    stacks: tuple[str, ...] = ()
    held_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change by hand. `action` is freeze, unfreeze, promote, priority or release."""

    at: str
    by: str
    action: str
    locks: tuple[str, ...]
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """The whole registry. Tickets stand in the queue's order (`locking.queue_order`)."""

    locks: dict[str, Lock] = field(default_factory=dict)
    tickets: tuple[Ticket, ...] = ()
    finished: tuple[Finished, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    arrivals: int = 0
    epoch_floor: int = 0
    """No lock that the document does not name was ever held under a higher epoch."""
    revision: int = 0
    """Counts the writes."""
    generation: str = ""
    """The id of the write that began it: tells it from another document in its place. Empty in one that only
    earlier versions wrote."""
    operations: tuple[str, ...] = ()
    extra: tuple[tuple[str, Any], ...] = ()

    def ticket(self, nonce: str) -> Ticket | None:
        return next((ticket for ticket in self.tickets if ticket.nonce == nonce), None)

    def holder_of(self, lock: str) -> Ticket | None:
        return next(iter(self.holders_of(lock)), None)

    def holders_of(self, lock: str) -> tuple[Ticket, ...]:
        """Several where all of them only read."""
        key = lock_key(lock)
        return tuple(one for one in self.tickets if one.holding and key in one.keys)

    def spelled(self, lock: str) -> str:
        """The name as the document has it; as given where it does not know it."""
        if lock in self.locks:
            return lock
        key = lock_key(lock)
        return next((name for name in self.locks if lock_key(name) == key), lock)

    def lock(self, name: str) -> Lock:
        return self.locks.get(self.spelled(name), Lock(epoch=self.epoch_floor))

    def farewell(self, nonce: str) -> Finished | None:
        """How a ticket left, as far as the document remembers."""
        return next((line for line in reversed(self.finished) if line.nonce == nonce), None)

    def with_operation(self, operation_id: str) -> Document:
        """The document as it is written next."""
        return replace(
            self,
            revision=self.revision + 1,
            operations=(*self.operations, operation_id)[-KEPT_OPERATIONS:],
        )

    def audited(self, entry: AuditEntry) -> Document:
        return replace(self, audit=(*self.audit, entry)[-KEPT_AUDIT:])

    def with_ticket(self, ticket: Ticket) -> Document:
        return replace(self, tickets=tuple(ticket if t.nonce == ticket.nonce else t for t in self.tickets))

    def without(self, nonce: str) -> Document:
        return replace(self, tickets=tuple(t for t in self.tickets if t.nonce != nonce))
