"""The lock as a deployment uses it, and the time that belongs to the queue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.common.times import duration
from deploy_action.errors import Cancelled, EndedWithoutLock, LockLost, TimedOut
from deploy_action.inputs.settings import Mode, OnLostLock

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings
    from deploy_action.job.context import JobContext
    from deploy_action.job.coordination import Coordination
    from deploy_action.job.state import JobState


class DeploymentLock:
    """The deployment's hold on its lock, through `Coordination`."""

    def __init__(
        self, job: JobContext, settings: Settings, state: JobState, coordination: Coordination
    ) -> None:
        self._job = job
        self._settings = settings
        self._state = state
        self._coordination = coordination

    def fence(self) -> None:
        """The last moment before something changes: is the lock still ours? Raises LockLost, Cancelled."""
        if self._job.cancelled():
            raise Cancelled("Cancelled before anything was changed.")
        began = self._job.clock.monotonic()
        if self._coordination.fence():
            self.waited(self._job.clock.monotonic() - began)
        if self._job.cancelled():
            raise Cancelled("Cancelled before anything was changed.")

    def keep(self) -> None:
        """A sign of life here, and in the registry when it is time to. Raises LockLost, once."""
        self._job.folder.sign(self._job.clock.monotonic())
        try:
            self._coordination.keep()
        except LockLost as error:
            settings = self._settings
            if settings.mode is Mode.COMMAND and settings.on_lost_lock is OnLostLock.STOP:
                raise EndedWithoutLock(
                    f"The command was ended, as `on-lost-lock: stop` asks. {error.what}",
                    why="Others may deploy by now. CloudFormation continues the operation by itself.",
                    remedy="Look at the stacks in the console before you deploy again.",
                ) from error
            raise
        self._job.reporter.channel.tick()

    def keep_waiting(self) -> None:
        """The same while nothing has begun yet. Raises LockLost, and TimedOut once the time-out is over."""
        self.keep()
        limit = self._settings.timeout_seconds
        if limit is not None and self.seconds() >= limit:
            raise TimedOut(
                f"Nothing had begun when `timeout-in-minutes` ({duration(limit)}) was over.",
                why="Nothing was deployed.",
                remedy="See above what was waited for, or raise `timeout-in-minutes`.",
            )

    def waited(self, seconds: float) -> None:
        """Time that belongs to the queue, not to the deployment."""
        self._state.waited_seconds += seconds
        self._state.report = replace(
            self._state.report, queue_seconds=self._state.report.queue_seconds + seconds
        )

    def seconds(self) -> float:
        """Since `main` began, also across a restart of it, without what belongs to the queue."""
        return max(0.0, self._job.clock.monotonic() - self._state.main_began - self._state.waited_seconds)
