"""The log folds into a group for each phase. The runner does not nest groups: one ends before the next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation

_ORDER = tuple(Phase)


@dataclass(slots=True)
class Groups:
    """Which group is open. `phase` None: none is."""

    phase: Phase | None = None

    def before(self, event: StackEvent, operation: Operation) -> list[str]:
        """Lines of the log before that of an event: empty while the furthest root stays in its phase.

        Events of an earlier phase that become visible late stay in the open group; only a root that begins
        anew leads back.
        """
        phase = max((root.phase_at(event.timestamp) for root in operation.roots), key=_ORDER.index)
        anew = event.starts_operation and any(root.stack_id == event.stack_id for root in operation.roots)
        if self.phase is not None and not anew and _ORDER.index(phase) < _ORDER.index(self.phase):
            return []
        if phase is self.phase:
            return []
        lines = self.end()
        self.phase = phase
        return [*lines, f"::group::{phase.value}"]

    def end(self) -> list[str]:
        if self.phase is None:
            return []
        self.phase = None
        return ["::endgroup::"]
