"""Outputs that later steps of the job cannot do without: it is written, or the step gives its lock back and
fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import CannotStart, RegistryError
from deploy_action.locking.messages import not_given_back
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS
from deploy_action.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState

_REMEDY = "Free disk space on the runner."


def hand_on(job: JobContext, outputs: Mapping[str, str], *, state: JobState | None = None) -> None:
    """Write the state for the job's later steps, and the outputs on which their conditions depend.

    Raises CannotStart: a step that is skipped because an output is missing leaves the job green.
    """
    if state is not None:
        try:
            job.folder.save(state)
        except OSError as error:
            raise CannotStart(
                f"The state for the later steps could not be written to {job.folder.path}: {error}.",
                why="Without it they would not know that the lock is held. Nothing was deployed.",
                remedy=_REMEDY,
            ) from error
    trouble = job.files.set_outputs(outputs)
    if trouble:
        raise CannotStart(
            trouble,
            why="Without them the later steps would be skipped and the job be green. Nothing was deployed.",
            remedy=_REMEDY,
        )


def give_back(job: JobContext, settings: Settings, state: JobState) -> None:
    """Release the lock that this step took, since no later step may know of it. Raises nothing."""
    ticket = state.ticket
    if ticket is None:
        return
    locks = ", ".join(ticket.locks)
    client = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic).lock_client(
        ticket, job.clock
    )
    try:
        if state.borrowed:
            client.leave(state.report.correlation_id, patience_seconds=BRIEF_PATIENCE_SECONDS)
            state.ticket = None
            return
        client.release(outcome="withdrawn", patience_seconds=BRIEF_PATIENCE_SECONDS)
    except RegistryError as error:
        job.reporter.note(not_given_back(error, ticket, state.behind))
    else:
        job.reporter.line(f"Gave the lock {locks} back.")
        state.ticket = None
