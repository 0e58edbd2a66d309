"""The grant that a client gets with its lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.takeover import Gone


@dataclass(frozen=True, slots=True)
class Grant:
    """The lock is held. `settling` names stacks (`REGION/ID`) that an earlier holder left in progress."""

    ticket: Ticket
    queue_seconds: float
    waited_for: tuple[str, ...]
    settling: tuple[str, ...]
    gone: tuple[Gone, ...]
    """Tickets ahead whose owners were found to be gone: evicted or passed."""
