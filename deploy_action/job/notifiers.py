"""Several channels of one job, told alike. The first one's message is the one that outputs and links name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.job.notifier import Notifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.common.instants import CloudFormationTime
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.estimation.forecast import Forecast
    from deploy_action.history.estimate import Estimate
    from deploy_action.locking.transitions import Waiting
    from deploy_action.monitoring.stall import StallChange
    from deploy_action.reporting.report import Report
    from deploy_action.slack.outbox import Outbox
    from deploy_action.slack.view import RegistryNews


class Notifiers(Notifier):
    """None of them can raise, so none keeps the others from hearing."""

    def __init__(self, parts: Sequence[Notifier]) -> None:
        self._parts = tuple(parts)

    @property
    def parts(self) -> tuple[Notifier, ...]:
        return self._parts

    @property
    def box(self) -> Outbox | None:
        return self._parts[0].box

    def queued(self, waiting: Waiting) -> None:
        for part in self._parts:
            part.queued(waiting)

    def started(self, report: Report) -> None:
        for part in self._parts:
            part.started(report)

    def expected(self, report: Report) -> None:
        for part in self._parts:
            part.expected(report)

    def progressed(
        self,
        operation: Operation,
        forecast: Forecast,
        done: tuple[int, int] | None,
        *,
        now: CloudFormationTime,
    ) -> None:
        for part in self._parts:
            part.progressed(operation, forecast, done, now=now)

    def tick(self) -> None:
        for part in self._parts:
            part.tick()

    def stalled(self, change: StallChange, operation: Operation) -> None:
        for part in self._parts:
            part.stalled(change, operation)

    def overdue(self, estimate: Estimate) -> None:
        for part in self._parts:
            part.overdue(estimate)

    def warned(self, cause: Cause) -> None:
        for part in self._parts:
            part.warned(cause)

    def restarted(self, gap_seconds: float | None, restarts: int) -> None:
        for part in self._parts:
            part.restarted(gap_seconds, restarts)

    def taken_over(self, sentence: str) -> None:
        for part in self._parts:
            part.taken_over(sentence)

    def registry_changed(self, news: RegistryNews, sentence: str) -> None:
        for part in self._parts:
            part.registry_changed(news, sentence)

    def ended(self, report: Report, *, timed_out: bool = False) -> None:
        for part in self._parts:
            part.ended(report, timed_out=timed_out)

    def flush(self, seconds: float) -> None:
        """Each has its share, so that one that hangs does not cost the others theirs."""
        for part in self._parts:
            part.flush(seconds / len(self._parts))
