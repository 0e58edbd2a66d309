"""Several channels of one job, told alike. The first one's message is the one that outputs and links name."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from deploy_action.job.notifier import Notifier

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.slack.outbox import Outbox

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
