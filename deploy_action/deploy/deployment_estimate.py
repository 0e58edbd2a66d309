"""A deployment's planned changes, the estimate, and the time that is left."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.common.instants import CloudFormationTime
from deploy_action.estimation.accuracy import accuracy_of
from deploy_action.estimation.forecast import NoForecast
from deploy_action.job.estimates import Expecting, sentence
from deploy_action.job.job_log import optional

if TYPE_CHECKING:
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.estimation.planned_changes import PlannedChanges
    from deploy_action.history.deployments import DeploymentHistory
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.monitoring.event_stream import EventStream
    from deploy_action.wiring import Wiring


class DeploymentEstimate:
    """`wanted`: False where the deployment does without all that it can do without."""

    def __init__(self, job: JobContext, wiring: Wiring, state: JobState, *, wanted: bool) -> None:
        self._job = job
        self._cloudformation = wiring.cloudformation
        self._state = state
        self._wanted = wanted
        self._expecting = Expecting(job, wiring, state)
        self.plans: tuple[PlannedChanges, ...] = ()
        self.forecast: Forecast = NoForecast()
        self.past: DeploymentHistory | None = None
        self.stream: EventStream | None = None
        """That is watched."""
        self._foreseen: float | None = None

    def expect(self, *plans: PlannedChanges) -> None:
        """Publishes the planned changes, as far as they are known; tells how long it is expected to take."""
        self.plans = plans
        if self._wanted:
            optional(self._job.reporter, "The estimate", self._estimate)

    def _estimate(self) -> None:
        forecast = self._expecting.forecast(self.plans)
        estimate = forecast.estimate
        self.forecast, self.past = forecast, forecast.past
        if estimate is not None:
            known = estimate == self._state.report.estimate
            stacks = [plan.stack for plan in self.plans]
            self._state.report = replace(
                self._state.report, estimate=estimate, accuracy=accuracy_of(forecast.past.scored(stacks))
            )
            if not known:
                self._job.reporter.line(sentence(estimate))
            self._job.reporter.channel.expected(self._state.report)

    def foresee(self, plan: PlannedChanges) -> None:
        """The fence publishes the expected end to waiters, before anything begins. `expect` tells of what is
        wrong."""
        if self._wanted:
            with suppress(Exception):
                estimate = self._expecting.forecast((plan,)).estimate
                self._foreseen = estimate.mid_seconds if estimate is not None else None

    def left_seconds(self) -> float | None:
        """For those who wait for the lock: what is left of this deployment."""
        try:
            if self.stream is not None:
                now = self._cloudformation.their_time() or CloudFormationTime(self._job.clock.now())
                left = self.forecast.remaining(self.stream.operation, now=now)
                return left.mid_seconds if left is not None else None
            estimate = self._state.report.estimate
            return self._foreseen or (estimate.mid_seconds if estimate is not None else None)
        except Exception:  # noqa: BLE001 - the lock is kept, whatever may be wrong with an estimate
            return None
