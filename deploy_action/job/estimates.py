"""The expected duration of a deployment: the history of its stacks, its plan, and typical durations."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from deploy_action.common.background_call import BackgroundCall
from deploy_action.common.times import duration
from deploy_action.history.files import learned
from deploy_action.job.history import PATIENCE_SECONDS, past_of
from deploy_action.job.job_log import optional
from deploy_action.job.state import Memory
from deploy_action.locking.compare_and_swap import read_beside

if TYPE_CHECKING:
    from deploy_action.estimation.history_forecast import LearnedForecast
    from deploy_action.estimation.planned_changes import PlannedChanges
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.history.estimate import Estimate
    from deploy_action.job.context import JobContext
    from deploy_action.job.history import HistoryLoader
    from deploy_action.job.state import JobState
    from deploy_action.wiring import Wiring


def foresee(job: JobContext, state: JobState, recall: HistoryLoader) -> None:
    """At the end of `pre`: hand on what was read meanwhile, and tell what is usual for these stacks."""
    state.report = replace(state.report, committed_at=recall.committed_at())
    memory = recall.memory()
    if memory is None:
        return
    job.folder.keep_memory(memory)
    if memory.unread and not state.alone:
        job.reporter.note(f"The deployment history could not be read: {memory.unread}")
    if memory.collected:
        counted = "operation" if len(memory.collected) == 1 else "operations"
        job.reporter.line(
            f"Learned from {len(memory.collected)} earlier {counted} that CloudFormation still lists."
        )
    estimate = recall.usual()
    if estimate is not None:
        state.report = replace(state.report, estimate=estimate)
        job.reporter.line(sentence(estimate, "Usually takes" if estimate.samples else "Expected to take"))


class Expecting:
    """Begins to read the history at once, where `pre` did not, or others ended since. What it cannot read is
    told once."""

    def __init__(self, job: JobContext, wiring: Wiring, state: JobState) -> None:
        self._world = job
        self._wiring = wiring
        self._account = state.ticket.account if state.ticket is not None else ""
        memory = job.folder.memory()
        self._memory = memory or Memory()
        fresh = memory is not None and not memory.unread and not state.report.waited_for
        shared = state.ticket is not None and not state.alone
        self._reading = BackgroundCall(self._content, "history") if shared and not fresh else None

    def forecast(self, plans: tuple[PlannedChanges, ...]) -> LearnedForecast:
        from deploy_action.estimation.history_forecast import LearnedForecast  # `pre` needs none

        return LearnedForecast(self._past, plans)

    @cached_property
    def _past(self) -> DeploymentHistory:
        memory, reading = self._memory, self._reading
        if reading is not None:
            what = "Reading the deployment history"
            found = optional(self._world.reporter, what, lambda: (reading.result(PATIENCE_SECONDS),))
            memory = replace(memory, content=found[0]) if found is not None else memory
        past = past_of(memory, account=self._account)
        if past.trouble and past.trouble not in self._world.reporter.notes:
            self._world.reporter.note(past.trouble)
        return past

    def _content(self) -> bytes | None:
        registry = self._wiring.registry()
        return read_beside(registry, learned)


def sentence(estimate: Estimate, verb: str = "Expected to take") -> str:
    """`Expected to take about 4m10s (3m40s to 4m50s; median of the same resources, 4 deployments).`"""
    counted = (
        f", {estimate.samples} deployment{'' if estimate.samples == 1 else 's'}" if estimate.samples else ""
    )
    return (
        f"{verb} about {duration(estimate.mid_seconds)} ({duration(estimate.low_seconds)} to "
        f"{duration(estimate.high_seconds)}; {estimate.basis}{counted})."
    )
