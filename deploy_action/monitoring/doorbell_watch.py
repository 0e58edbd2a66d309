"""The doorbell of one watch: its messages hasten looks, and what looks show proves or disproves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.monitoring.doorbell import (
    Doorbell,
    DoorbellTrust,
    NoDoorbell,
    hasten,
    is_known,
    pause_after_look,
)
from deploy_action.monitoring.doorbell_messages import Ears

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.monitoring.doorbell_messages import Ring
    from deploy_action.monitoring.watched_stack import WatchedStack


@dataclass(slots=True)
class DoorbellWatch:
    """`now`: seconds of a monotonic clock."""

    doorbell: Doorbell = field(default_factory=NoDoorbell)
    _trust: DoorbellTrust = field(default_factory=DoorbellTrust)
    _sentences: list[str] = field(default_factory=list)

    def hear(self, watched: Mapping[str, WatchedStack], operation: Operation, now: float) -> None:
        """Before a look: let the turns come of which messages tell."""
        if isinstance(self.doorbell, NoDoorbell):
            return
        self.doorbell.listen(
            Ears(
                frozenset(one.ref.name for one in watched.values() if one.ref.name.startswith("arn:")),
                frozenset((one.ref.region, one.ref.short_name) for one in watched.values() if one.root),
            )
        )
        rings = self.doorbell.rings()
        for ring in rings:
            if is_known(ring, operation):
                self._trust.rang(ring.region, ring.stack_id, now)
                continue
            for one in _meant(ring, watched):
                self._trust.rang(ring.region, ring.stack_id, now)
                hasten(one.turn, ring, now)
        if not self.doorbell.listening():
            self._trust.excuse()
        self._sentences += [*self.doorbell.troubles(), *self._trust.judge(now)]

    def saw(self, stack: StackRef, now: float) -> None:
        """A look showed new events of a stack, by its id, that had been looked at before."""
        if not isinstance(self.doorbell, NoDoorbell):
            self._trust.saw(stack.region, stack.name, now)

    def pause_seconds(
        self, one: WatchedStack, usual_seconds: float, operation: Operation, now: float
    ) -> float:
        """From the look that was just taken at a stack to the next."""
        one.turn.looked = now
        if isinstance(self.doorbell, NoDoorbell):
            return usual_seconds
        return pause_after_look(one.turn, usual_seconds, operation, proven=self._proven(one.ref.region))

    def _proven(self, region: str) -> bool:
        """Looks may be rare: messages arrived, and would arrive now."""
        return self.doorbell.listening() and self._trust.proven(region)

    def sentences(self) -> Sequence[str]:
        """The doorbell's faults that became known since the last call, each once."""
        found, self._sentences = self._sentences, []
        return found


def _meant(ring: Ring, watched: Mapping[str, WatchedStack]) -> list[WatchedStack]:
    by_id = [one for one in watched.values() if one.ref.name == ring.stack_id]
    return by_id or [
        one
        for one in watched.values()
        if one.root
        and not one.finished
        and (one.ref.region, one.ref.short_name) == (ring.region, ring.stack_name)
    ]
