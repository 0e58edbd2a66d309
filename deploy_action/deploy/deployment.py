"""One deployment in its job, as the three ways to deploy share it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.deploy.deployment_estimate import DeploymentEstimate
from deploy_action.deploy.deployment_lock import DeploymentLock
from deploy_action.deploy.deployment_result import DeploymentResult
from deploy_action.deploy.deployment_watch import DeploymentWatch
from deploy_action.deploy.templates import Templates
from deploy_action.job.coordination import Coordination
from deploy_action.job.job_log import optional
from deploy_action.job.open_notifier import open_channel
from deploy_action.monitoring.closing_budget import Closing
from deploy_action.wiring import Wiring

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.reporting.report import Report


class Deployment:
    """One deployment in its job. What becomes known goes into `state.report`."""

    def __init__(self, job: JobContext, settings: Settings, state: JobState) -> None:
        self.job = job
        self.settings = settings
        self.state = state
        self.reporter = job.reporter
        self.wiring = Wiring(settings, job.run, job.environ, monotonic=job.clock.monotonic)
        self.cloudformation = self.wiring.cloudformation
        self.looks = self.wiring.looks
        looker = optional(self.reporter, "Looking behind resources", self.wiring.looker)
        self.unwatched = bool(job.environ.get("DEPLOY_COORDINATOR_UNWATCHED"))
        """Coordinators died again and again: do without all that the deployment can do without."""
        if not self.unwatched:
            channel = optional(
                self.reporter, "The channel", lambda: open_channel(job, self.wiring, settings, state)
            )
            self.reporter.channel = channel or self.reporter.channel
        self.templates = Templates(self.cloudformation, settings)
        self.closing = Closing(job.clock, cancelled=job.cancelled)
        self.wiring.aws.limit(self.closing.left_seconds)
        self.estimate = DeploymentEstimate(job, self.wiring, state, wanted=not self.unwatched)
        self.coordination = Coordination(job, self.wiring, settings, state, left=self.estimate.left_seconds)
        self.coordination.resume()
        self.lock = DeploymentLock(job, settings, state, self.coordination)
        self.watch = DeploymentWatch(
            job,
            settings,
            state,
            lock=self.lock,
            estimate=self.estimate,
            closing=self.closing,
            looker=looker,
            doorbell=self.wiring.doorbell,
        )
        self.result = DeploymentResult(
            job,
            settings,
            state,
            self.cloudformation,
            estimate=self.estimate,
            closing=self.closing,
            looker=looker,
        )
        self.restarts = max(state.starts - 1, _number(job.environ.get("DEPLOY_COORDINATOR_RESTARTS", "")))

    @property
    def report(self) -> Report:
        return self.state.report

    @report.setter
    def report(self, report: Report) -> None:
        self.state.report = report

    def checkpoint(self) -> None:
        """Write down how far this deployment is, for a coordinator that has to go on from here."""
        self.coordination.remember()
        self.report = replace(self.report, notes=tuple(self.reporter.notes))
        self.job.keep(self.state)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
