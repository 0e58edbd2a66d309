"""Asking again, within bounds, while AWS is throttling or out of reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deploy_action.common.heartbeat import Heartbeat
from deploy_action.errors import Cancelled, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.ports import Clock

T = TypeVar("T")

PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 1.0
PAUSE_SECONDS_MAX = 15.0


def retry_while_unavailable(
    call: Callable[[], T],
    clock: Clock,
    *,
    cancelled: Callable[[], bool],
    alive: Callable[[], None] = lambda: None,
    tell: Callable[[str], None] = lambda _line: None,
    seconds: float = PATIENCE_SECONDS,
) -> T:
    """Returns the answer of `call`. A temporary StackSourceError is raised only after `seconds` of them.

    `alive` is called between the tries, to renew the lock; `tell` hears now and then that it takes long.
    Raises Cancelled instead of trying again.
    """
    heartbeat = Heartbeat(clock, tell, "AWS does not answer yet")
    failing_since: float | None = None
    pause = PAUSE_SECONDS
    while True:
        try:
            return call()
        except StackSourceError as error:
            now = clock.monotonic()
            failing_since = now if failing_since is None else failing_since
            if not error.temporary or now - failing_since >= seconds:
                raise
            if cancelled():
                raise Cancelled(f"Cancelled while AWS did not answer. {error.what}") from error
        heartbeat.beat()
        alive()
        clock.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)
