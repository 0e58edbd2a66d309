"""One stack under watch, and the result of one look."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.errors import StackSourceError
    from deploy_action.monitoring.baseline import Stop
    from deploy_action.monitoring.poll_scheduler import PollSlot


@dataclass(slots=True)
class WatchedStack:
    ref: StackRef
    floor: Callable[[], Stop]
    """Makes a fresh test for the first event that is older than the deployment."""
    turn: PollSlot
    from_glob: bool = False
    after: str = ""
    """The id of the deleted stack of this name that it follows, which may still answer to the name."""
    seen: set[int] = field(default_factory=set)
    """Hashes of event ids, which need a third of the memory."""
    finished: bool = False
    owed: bool = False
    """A look that its root's new phase asks for has not succeeded yet."""
    unreadable: bool = False
    refused: bool = False
    """Reading is refused for good. Of a nested stack: it is not asked for again."""

    @property
    def root(self) -> bool:
        return self.turn.root


@dataclass(frozen=True, slots=True)
class Poll:
    """One look: new events in order, and what could not be read."""

    events: tuple[StackEvent, ...]
    errors: tuple[StackSourceError, ...]
