"""A calm log: one line for each resource, at its end, and one at its start where it takes a while.

CloudFormation reports a resource up to four times: begun, creation initiated, configuration complete, done.
Most resources take a second or two, so the log waits that long before it shows a start. Whatever failed, was
refused, skipped or said by a hook is shown at once and in full; `log: full` shows everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.common.instants import CloudFormationTime

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent

START_SECONDS = 5.0
"""A resource that is done within this time is shown by its end alone."""
_USUAL_REASONS = frozenset({"", "Resource creation Initiated", "Resource update initiated"})


Shown = tuple["StackEvent", str]
"""An event and its rendered lines; no lines where the log does without it."""


class EveryEvent:
    """The full log: each event is shown as it comes."""

    def take(self, event: StackEvent, rendered: str) -> list[Shown]:
        """Everything that is to be shown by now that `event` came."""
        return [(event, rendered)]

    def seen(self, event: StackEvent) -> None:
        """An event that was shown before the watch was restarted."""

    def due(self, now: CloudFormationTime) -> list[Shown]:  # noqa: ARG002 - nothing is held
        """Held starts that are to be shown at `now`."""
        return []

    def rest(self) -> list[Shown]:
        """All starts that are still held: nothing more comes."""
        return []


@dataclass(slots=True)
class Folding(EveryEvent):
    """Held starts by (stack, resource, action), in the order in which they came."""

    _held: dict[tuple[str, str, str], Shown] = field(default_factory=dict)
    _begun: set[tuple[str, str, str]] = field(default_factory=set)

    def take(self, event: StackEvent, rendered: str) -> list[Shown]:
        """Everything that an event settles: starts that are due by its time, what it makes superfluous, and
        the event itself, unless it is held."""
        settled = [*self.due(CloudFormationTime(event.timestamp)), *self._parents_of(event)]
        key = (event.stack_id, event.logical_id, event.action)
        if event.is_stack or event.hook_type:
            return [*settled, (event, rendered)]
        if not event.status.endswith("_IN_PROGRESS"):
            start = self._held.pop(key, None)
            self._begun.discard(key)
            return [*settled, *([(start[0], "")] if start else []), (event, rendered)]
        remarkable = event.reason not in _USUAL_REASONS and not event.detailed_status
        if remarkable:
            settled += self._released(key)
            self._begun.add(key)
            return [*settled, (event, rendered)]
        if key in self._begun:
            return [*settled, (event, "")]
        self._begun.add(key)
        self._held[key] = event, rendered
        return settled

    def seen(self, event: StackEvent) -> None:
        if event.status.endswith("_IN_PROGRESS"):
            self._begun.add((event.stack_id, event.logical_id, event.action))

    def due(self, now: CloudFormationTime) -> list[Shown]:
        keys = [key for key, (event, _) in self._held.items() if now - event.timestamp >= START_SECONDS]
        return [shown for key in keys for shown in self._released(key)]

    def rest(self) -> list[Shown]:
        return [shown for key in list(self._held) for shown in self._released(key)]

    def _parents_of(self, event: StackEvent) -> list[Shown]:
        """A nested stack begins before what is in it."""
        keys = [key for key, (held, _) in self._held.items() if held.nested_stack_id == event.stack_id]
        return [shown for key in keys for shown in self._released(key)]

    def _released(self, key: tuple[str, str, str]) -> list[Shown]:
        held = self._held.pop(key, None)
        return [] if held is None else [held]
