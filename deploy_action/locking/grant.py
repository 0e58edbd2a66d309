"""What a client that took the lock was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket


@dataclass(frozen=True, slots=True)
class Grant:
    """The lock is held. `settling` names stacks (`REGION/ID`) that an earlier holder left in progress."""

    ticket: Ticket
    queue_seconds: float
    waited_for: tuple[str, ...]
    settling: tuple[str, ...]
    taken_over: tuple[str, ...]
    """One sentence for each ticket whose owner was found to be gone."""
