"""The messages of the steps to a channel. Where none was asked for, nobody is told and nothing of Slack
imported."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


class Notifier:
    """One deployment as its channel is told of it; this one tells nobody.

    Every method but `flush` returns at once, and none raises.
    """

    webhook_url: str = ""
    """Of a channel that is not Slack; empty for Slack."""

    @property
    def parts(self) -> tuple[Notifier, ...]:
        """The channels that it stands for."""
        return (self,)

    @property
    def box(self) -> Outbox | None:
        """The content of the outbox; None where there is none."""
        return None

    @property
    def posted_at(self) -> dict[str, float]:
        """When something was last posted, by channel."""
        return {}

    @property
    def well(self) -> bool:
        """Slack took all that it was asked to, as far as is known."""
        return False

    def queued(self, waiting: Waiting) -> None:
        """Called at each look at the queue."""

    def started(self, report: Report) -> None:
        """The lock is held, and it begins."""

    def expected(self, report: Report) -> None:
        """How long it is expected to take is known now."""

    def progressed(
        self,
        operation: Operation,
        forecast: Forecast,
        done: tuple[int, int] | None,
        *,
        now: CloudFormationTime,
    ) -> None:
        """`now`: unix seconds of CloudFormation."""

    def tick(self) -> None:
        """Called often while the deployment runs."""

    def stalled(self, change: StallChange, operation: Operation) -> None:
        """A stall that began or is over."""

    def overdue(self, estimate: Estimate) -> None:
        """It takes longer than its interval."""

    def warned(self, cause: Cause) -> None:
        """An early sign that something will fail."""

    def restarted(self, gap_seconds: float | None, restarts: int) -> None:
        """The watch was killed and goes on."""

    def taken_over(self, sentence: str) -> None:
        """The lock of somebody who is gone."""

    def registry_changed(self, news: RegistryNews, sentence: str) -> None:
        """The registry is lost, or `back`, which needs nobody."""

    def ended(self, report: Report, *, timed_out: bool = False) -> None:
        """The last word. What is told after it is not accepted any more."""

    def flush(self, seconds: float) -> None:
        """Up to so much real time for what can be delivered now."""

    def close(self) -> Outbox | None:
        """At the end of the job: what was not delivered."""
        return None

    def forget(self) -> None:
        """The rest was handed on."""


P = ParamSpec("P")


def _told_to_all(
    method: Callable[Concatenate[Notifier, P], None],
) -> Callable[Concatenate[Notifier, P], None]:
    """The same method, of each part."""

    @wraps(method)
    def tell(channels: Notifier, /, *args: P.args, **options: P.kwargs) -> None:
        for part in channels.parts:
            getattr(part, method.__name__)(*args, **options)

    return tell


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

    queued = _told_to_all(Notifier.queued)
    started = _told_to_all(Notifier.started)
    expected = _told_to_all(Notifier.expected)
    progressed = _told_to_all(Notifier.progressed)
    tick = _told_to_all(Notifier.tick)
    stalled = _told_to_all(Notifier.stalled)
    overdue = _told_to_all(Notifier.overdue)
    warned = _told_to_all(Notifier.warned)
    restarted = _told_to_all(Notifier.restarted)
    taken_over = _told_to_all(Notifier.taken_over)
    registry_changed = _told_to_all(Notifier.registry_changed)
    ended = _told_to_all(Notifier.ended)

    def flush(self, seconds: float) -> None:
        """Each has its share, so that one that hangs does not cost the others theirs."""
        for part in self._parts:
            part.flush(seconds / len(self._parts))
