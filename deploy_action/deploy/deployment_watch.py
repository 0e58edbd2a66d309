"""The watch of a deployment: by CloudFormation's events, else by the status alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.inputs.settings import LogDetail, Mode
from deploy_action.job.job_log import optional
from deploy_action.monitoring.doorbell import NoDoorbell
from deploy_action.monitoring.status_polling import wait_by_status
from deploy_action.monitoring.watch_loop import End, WatchLoop
from deploy_action.reporting.log.folding import EveryEvent, Folding

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.deploy.deployment_estimate import DeploymentEstimate
    from deploy_action.deploy.deployment_lock import DeploymentLock
    from deploy_action.diagnosis.service_investigator import ServiceInvestigator
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.state import JobState
    from deploy_action.monitoring.closing_budget import Closing
    from deploy_action.monitoring.doorbell import Doorbell
    from deploy_action.monitoring.event_stream import EventStream
    from deploy_action.monitoring.watched_stack import Poll


class DeploymentWatch:
    """`looker`: asks the services behind resources; None where that is off. `doorbell`: makes what announces
    events."""

    def __init__(
        self,
        job: JobContext,
        settings: Settings,
        state: JobState,
        *,
        lock: DeploymentLock,
        estimate: DeploymentEstimate,
        closing: Closing,
        looker: ServiceInvestigator | None,
        doorbell: Callable[[], Doorbell] = NoDoorbell,
    ) -> None:
        self._job = job
        self._settings = settings
        self._state = state
        self._reporter = job.reporter
        self._lock = lock
        self._estimate = estimate
        self._closing = closing
        self._looker = looker
        self._doorbell = doorbell

    def run(
        self,
        watcher: EventStream,
        done: Callable[[], bool],
        *,
        gives_up: bool = True,
        first_event_seconds: float | None = None,
        hurry: Callable[[], bool] = lambda: False,
        limit_seconds: float | None = None,
    ) -> End:
        """Until `done`. `limit_seconds`: from now, instead of what the time-out leaves."""
        watcher.forecast = self._estimate.forecast
        self._estimate.stream = watcher
        watcher.bell.doorbell = optional(self._reporter, "The doorbell", self._doorbell) or NoDoorbell()
        session = WatchLoop(
            watcher,
            self._job.clock,
            self._reporter,
            done,
            self._job.cancelled,
            timeout_seconds=self._settings.timeout_seconds if limit_seconds is None else limit_seconds,
            keep_lock=self._lock.keep,
            gives_up=gives_up,
            first_event_seconds=first_event_seconds,
            elapsed_seconds=self._lock.seconds() if limit_seconds is None else 0.0,
            hurry=hurry,
            looker=self._looker,
            closing=self._closing,
            estimate=self._state.report.estimate,
            stall_after_seconds=self._settings.stall_after_seconds,
            alerts=frozenset(self._state.alerts),
            keep_alerts=self._keep_alerts,
        )
        self._reporter.forecast = self._estimate.forecast
        # A command writes into the log itself: its words are not ours to fold away.
        self._reporter.grouped = self._settings.mode is not Mode.COMMAND
        self._reporter.folding = Folding() if self._settings.log is LogDetail.CALM else EveryEvent()
        try:
            return session.run()
        finally:
            watcher.bell.doorbell.close()
            self._reporter.end_groups()

    def _keep_alerts(self, alerts: frozenset[str]) -> None:
        """Before people are told: a watch that is killed in between leaves one out rather than repeats it."""
        self._state.alerts = sorted(alerts)
        self._job.keep(self._state)

    def by_status(
        self,
        look: Callable[[], bool],
        *,
        gives_up: bool = True,
        began: Callable[[], bool] = lambda: True,
        first_sign_seconds: float = 0.0,
    ) -> End:
        """The same without events: `look` asks CloudFormation whether it has ended."""
        return wait_by_status(
            look,
            self._job.clock,
            self._reporter,
            cancelled=self._job.cancelled,
            keep_lock=self._lock.keep,
            timeout_seconds=self._settings.timeout_seconds,
            elapsed_seconds=self._lock.seconds(),
            gives_up=gives_up,
            began=began,
            first_sign_seconds=first_sign_seconds,
        )

    def read_all(self, watcher: EventStream) -> Poll:
        """One look at everything, outside a watch."""
        self._closing.begin()
        return watcher.poll(
            self._job.clock.monotonic(), complete=True, stop=self._closing.over, pause=self._closing.pause
        )

    def read_roots(self, watcher: EventStream) -> Poll:
        """The same, of root stacks only and what is new of them: when there is little time."""
        return watcher.poll_roots(self._job.clock.monotonic())
