"""The state of locks as somebody finds it who asks and takes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.common.times import iso, unix_seconds
from deploy_action.locking.expected_end import usual_seconds
from deploy_action.locking.queue_order import entered, freeze_of
from deploy_action.locking.transitions import ahead_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.locking.document import Document, Freeze, Ticket

AHEAD_MAX = 100
"""Of those whom the output names: GitHub bounds a job's outputs."""


@dataclass(frozen=True, slots=True)
class LockState:
    """`ahead`: the holders, then those that wait and would go first. `free_at`: ISO 8601, when they all are
    expected to be done; empty where nobody knows, and where nobody is ahead."""

    ahead: tuple[Ticket, ...]
    freeze: Freeze | None
    free_at: str

    @property
    def locked(self) -> bool:
        return bool(self.ahead) or self.freeze is not None

    @property
    def holder(self) -> Ticket | None:
        """The first of the holders; None where the lock is free, or frozen only."""
        return next((one for one in self.ahead if one.holding), None)


def lock_state(
    document: Document, ticket: Ticket, *, at: str, own: Callable[[Ticket], bool] = lambda _ticket: False
) -> LockState:
    """The locks of `ticket` as it would find them at that time (ISO 8601). `own`: whether a lock is
    lent to it, so that it need not wait for that ticket."""
    ahead = tuple(one for one in ahead_of(entered(document, ticket, at=at), ticket) if not own(one))
    freeze = freeze_of(document, ticket, at=at)
    return LockState(ahead, freeze, _free_at(document, ahead, freeze, at))


def ahead_as_json(ahead: tuple[Ticket, ...]) -> str:
    """A list of objects, the first AHEAD_MAX of them."""
    return json.dumps(
        [
            {
                "correlation_id": one.correlation_id,
                "holding": one.holding,
                "locks": list(one.lock_texts),
                "stacks": list(one.stacks),
                "repository": one.repository,
                "actor": one.actor,
                "url": one.url,
                "since": one.held_since if one.holding else one.requested_at,
                "expected_end": one.expected_end,
            }
            for one in ahead[:AHEAD_MAX]
        ]
    )


def _free_at(document: Document, ahead: tuple[Ticket, ...], freeze: Freeze | None, at: str) -> str:
    now = unix_seconds(at)
    if now is None:
        return ""
    moment = now
    for one in ahead:
        if one.holding:
            end = unix_seconds(one.expected_end)
            if end is None or end < now:
                return ""
            moment = max(moment, end)
    for one in ahead:
        if not one.holding:
            seconds = usual_seconds(document, one)
            if seconds is None:
                return ""
            moment += seconds
    if freeze is not None:
        end = unix_seconds(freeze.until)
        if end is None:
            return ""
        moment = max(moment, end)
    return iso(moment) if moment > now else ""
