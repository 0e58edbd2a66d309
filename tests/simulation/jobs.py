"""What GitHub says of the jobs behind tickets: late, sometimes never, sometimes too early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.locking.job_status import JobStatus
from tests.simulation.actor import Service

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket
    from tests.simulation.actor import Actor


MEMORY_SECONDS = 200.0
"""How long an answer counts for those who asked."""
REQUEST_SECONDS = 20.0


@dataclass(slots=True)
class Job:
    actor: Actor
    lag: float
    stuck: bool
    hidden: bool


class Jobs:
    """By job id, as a ticket names it."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}

    def add(self, job_id: str, job: Job) -> None:
        self._jobs[job_id] = job

    def life(self, observer: Actor, ticket: Ticket) -> JobStatus:
        """One look by `observer`; costs one request."""
        time = observer.scheduler.time
        return observer.request("job", lambda: self._life(ticket, time), _Unanswered, service=Service.JOBS)

    def hidden(self, ticket: Ticket) -> bool:
        job = self._jobs.get(ticket.job)
        return job is None or job.hidden

    def seems_to_run(self, ticket: Ticket, time: float, *, looked_before: bool) -> bool:
        """Whether somebody who looks may still take it for alive; who looked before may go by that."""
        job = self._jobs[ticket.job]
        ended = job.actor.ended_at
        memory = MEMORY_SECONDS if looked_before else REQUEST_SECONDS
        return job.stuck or ended is None or time < ended + job.lag + memory

    def look(self, observer: Actor, ticket: Ticket) -> JobStatus:
        try:
            life = self.life(observer, ticket)
        except _Unanswered:
            life = JobStatus.UNKNOWN
        observer.faults.count(f"job said to be {life.value}")
        return life

    def _life(self, ticket: Ticket, time: float) -> JobStatus:
        job = self._jobs.get(ticket.job)
        if job is None or job.hidden:
            return JobStatus.UNKNOWN
        if job.stuck:
            return JobStatus.RUNNING
        actor = job.actor
        over = actor.ended_at is not None and time >= actor.ended_at + job.lag
        return JobStatus.COMPLETED if over or time >= actor.lost_at else JobStatus.RUNNING


class _Unanswered(Exception):
    """GitHub gave no answer; for the product that is UNKNOWN."""
