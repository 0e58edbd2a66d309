"""When a doorbell makes a look come sooner, and when looks may be rare because of it.

A doorbell only says that something happened; events and verdict are read from CloudFormation. So a message
that is lost, late, doubled or forged costs a look, or some seconds, and never decides anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from deploy_action.monitoring.poll_interval import BUSY_SECONDS, NESTED_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy_action.cloudformation.operation import Activity, Operation
    from deploy_action.monitoring.doorbell_messages import Ears, Ring
    from deploy_action.monitoring.poll_scheduler import PollSlot

ROOT_SECONDS, NESTED_STACK_SECONDS = 20.0, 60.0
"""Between two looks at a stack while the doorbell is proven: what a lost message delays at most."""
AGAIN_SECONDS = 1.5
"""After a look that did not show yet what was announced."""
UNANSWERED_MAX = 3
"""Messages in a row that no look confirmed, after which those about this stack hurry nothing."""
LATE_SECONDS = 30.0
"""EventBridge delivers within seconds; a message that takes longer counts as lost."""
MATCH_SECONDS = 60.0
"""So long a message announces the events that a look shows."""
SILENT_EVENTS = 3
"""Looks with events that no message announced, after which an unproven doorbell is said to be silent."""
LOST_MAX = 3
"""Lost messages, after which a region's doorbell does not make looks rare any more."""


class Doorbell(Protocol):
    """Receives messages beside the watch. No method blocks or raises."""

    def listen(self, ears: Ears) -> None:
        """The stacks that messages may be about, from now on."""
        ...

    def rung(self) -> bool:
        """There are rings to be taken."""
        ...

    def rings(self) -> Sequence[Ring]:
        """Those since the last call, each event once."""
        ...

    def listening(self) -> bool:
        """Messages that arrive now would be heard."""
        ...

    def troubles(self) -> Sequence[str]:
        """Sentences about faults since the last call, each once."""
        ...

    def close(self) -> None: ...


class NoDoorbell:
    """Implements Doorbell where there is none."""

    def listen(self, ears: Ears) -> None: ...

    def rung(self) -> bool:
        return False

    def rings(self) -> Sequence[Ring]:
        return ()

    def listening(self) -> bool:
        return False

    def troubles(self) -> Sequence[str]:
        return ()

    def close(self) -> None: ...


@dataclass(slots=True)
class _RegionTrust:
    proven: bool = False
    ignored: bool = False
    told_silent: bool = False
    unannounced: int = 0
    lost: int = 0


@dataclass(slots=True)
class DoorbellTrust:
    """Judges by events and messages whether a region's doorbell works. `now`: monotonic seconds."""

    _regions: dict[str, _RegionTrust] = field(default_factory=dict)
    _rung: dict[str, float] = field(default_factory=dict)
    """When a message came about a stack, by its id, until a look shows events."""
    _waiting: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Region and time of events that a look showed before any message about their stack, by its id."""

    def proven(self, region: str) -> bool:
        """Messages about the region arrive: looks may be rare."""
        trust = self._of(region)
        return trust.proven and not trust.ignored

    def rang(self, region: str, stack_id: str, now: float) -> None:
        if self._waiting.pop(stack_id, None) is not None:
            self._of(region).proven = True
        self._rung[stack_id] = now

    def saw(self, region: str, stack_id: str, now: float) -> None:
        """A look showed new events of a stack that had been looked at before."""
        rung = self._rung.pop(stack_id, None)
        if rung is not None and now - rung <= MATCH_SECONDS:
            self._of(region).proven = True
        else:
            self._waiting.setdefault(stack_id, (region, now))

    def excuse(self) -> None:
        """The doorbell could not be heard: what did not arrive meanwhile says nothing of it."""
        self._waiting.clear()

    def judge(self, now: float) -> Iterator[str]:
        """Gives up waiting for messages; sentences for the log, each once."""
        late = [key for key, (_, since) in self._waiting.items() if now - since > LATE_SECONDS]
        for stack_id in late:
            region, _ = self._waiting.pop(stack_id)
            trust = self._of(region)
            trust.unannounced += 1
            if trust.proven:
                trust.proven, trust.lost = False, trust.lost + 1
                if trust.lost == LOST_MAX:
                    trust.ignored = True
                    yield (
                        f"The doorbell lost {LOST_MAX} messages about stacks in {region}. Polling continues "
                        "at its usual pace. Look at the queue's and the rule's metrics (docs/doorbell.md)."
                    )
            elif trust.unannounced >= SILENT_EVENTS and not (trust.told_silent or trust.lost):
                trust.told_silent = True
                yield (
                    f"The doorbell is silent: CloudFormation shows events in {region}, and the queue got no "
                    "message about them. Polling continues at its usual pace. Check the EventBridge rule, "
                    "its region and the queue's policy (docs/doorbell.md)."
                )

    def _of(self, region: str) -> _RegionTrust:
        return self._regions.setdefault(region, _RegionTrust())


def is_known(ring: Ring, operation: Operation) -> bool:
    """Looks have shown already what the message announces, or what comes after it: it is late, or came
    twice. CloudFormation shows the begin of a resource twice with the same status."""
    repeats = bool(ring.logical_id) and ring.status.endswith("_IN_PROGRESS")
    return _is_shown(ring, operation) and not (repeats and _is_running(ring, operation))


def _is_shown(ring: Ring, operation: Operation) -> bool:
    progress = operation.stacks.get(ring.stack_id)
    begins = ring.status.endswith("_IN_PROGRESS")
    if progress is None:
        return False
    if not ring.logical_id:
        return progress.status == ring.status or (begins and bool(progress.status))
    activity = _activity(ring, operation)
    return activity is not None and (ring.status == activity.status or (begins and not activity.running))


def _is_running(ring: Ring, operation: Operation) -> bool:
    activity = _activity(ring, operation)
    return activity is not None and activity.running


def _activity(ring: Ring, operation: Operation) -> Activity | None:
    """The last one of the resource that the message is about."""
    activities = reversed(operation.stacks[ring.stack_id].activities)
    return next((one for one in activities if one.logical_id == ring.logical_id), None)


def hasten(slot: PollSlot, ring: Ring, now: float) -> None:
    """Let the stack's turn come at once; where nothing may have ended, not more often than polling would."""
    at = now
    if not ring.urgent or slot.unanswered >= UNANSWERED_MAX:
        at = max(now, slot.looked + (BUSY_SECONDS if slot.root else NESTED_SECONDS))
    if slot.announced is None or ring.urgent:
        slot.announced = ring
    slot.due = min(slot.due, at)


def pause_after_look(slot: PollSlot, usual_seconds: float, operation: Operation, *, proven: bool) -> float:
    """Seconds to the next look at a stack that was just looked at. What was announced and is not to be seen
    yet is looked for again, some times."""
    if slot.announced is not None and not _is_shown(slot.announced, operation):
        slot.unanswered += 1
        if slot.unanswered < UNANSWERED_MAX:
            return min(usual_seconds, AGAIN_SECONDS)
    elif slot.announced is not None:
        slot.unanswered = 0
    slot.announced = None
    if not proven:
        return usual_seconds
    return max(usual_seconds, ROOT_SECONDS if slot.root else NESTED_STACK_SECONDS)
