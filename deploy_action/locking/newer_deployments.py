"""Finds newer deployments that go in a deployment's place, under `queue-policy: newest`: asks, and
remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.locking.expiry import ASK_SECONDS, RenewalState, life_of
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.superseding import Compared, may_supersede, superseder, supersedes
from deploy_action.locking.transitions import superseded_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Document, Ticket

COMPARISONS_MAX = 10
"""Of commits, in one look: each is a request. The rest is asked for in the next one."""
DEPLOYED = frozenset(outcome.value for outcome in Outcome if outcome.good)


@dataclass(frozen=True, slots=True)
class Known:
    """The facts that `locking.transitions.enqueue` needs beside the document."""

    alive: frozenset[str] = frozenset()
    compared: Compared = field(default_factory=dict)


class Rivals:
    """`life` says what is known of a ticket's job. `compare` says how the second of two commits of the run's
    own repository stands to the first, as `locking.superseding.Compared`; empty where that cannot be told.
    Neither raises."""

    def __init__(
        self,
        clock: Clock,
        *,
        life: Callable[[Ticket], JobStatus],
        compare: Callable[[str, str], str],
    ) -> None:
        self._clock = clock
        self._life = life
        self._compare = compare
        self._compared: Compared = {}
        self._first_seen: dict[str, RenewalState] = {}
        self._newer: dict[str, Ticket] = {}
        self._answers: dict[str, tuple[JobStatus, float]] = {}

    def know(self, document: Document, ticket: Ticket) -> Known:
        """The facts about deployments that the ticket may have to give way to, or may supersede."""
        newer = [one for one in document.tickets if may_supersede(one, ticket)]
        older = [one for one in document.tickets if may_supersede(ticket, one)]
        pairs = [(ticket.commit, one.commit) for one in newer] + [
            (one.commit, ticket.commit) for one in older
        ]
        asked = [pair for pair in dict.fromkeys(pairs) if pair[0] != pair[1] and pair not in self._compared]
        for base, head in asked[:COMPARISONS_MAX]:
            self._compared[base, head] = self._compare(base, head)
        self._newer |= {one.nonce: one for one in newer}
        return Known(frozenset(one.nonce for one in newer if self._lives(one)), dict(self._compared))

    def superseded_by(self, document: Document, ticket: Ticket) -> str:
        """Why a ticket that waits is pointless by now, as a sentence; empty where it is not.

        One of which nothing is known gives proof of life by taking the lock, by a renewal, or by the line of
        a deployment that ended well.
        """
        known = self.know(document, ticket)
        newer = superseder(document, ticket, alive=known.alive, compared=known.compared)
        if newer is not None:
            return superseded_by(newer)
        for nonce, one in self._newer.items():
            line = document.farewell(nonce)
            deployed = line is not None and line.outcome in DEPLOYED and document.ticket(nonce) is None
            if deployed and supersedes(one, ticket, known.compared):
                return superseded_by(one)
        return ""

    def _lives(self, ticket: Ticket) -> bool:
        if life_of(ticket) != self._first_seen.setdefault(ticket.nonce, life_of(ticket)):
            return True
        now = self._clock.monotonic()
        answer, asked_at = self._answers.get(ticket.nonce, (JobStatus.UNKNOWN, None))
        if asked_at is None or now - asked_at >= ASK_SECONDS:
            answer = self._life(ticket)
            self._answers[ticket.nonce] = (answer, now)
        return answer is JobStatus.RUNNING
