"""The fold of CloudFormation's events into what is known of an operation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import (
    STACK_TYPE,
    Verdict,
    is_in_progress,
    operation_verdict,
    stack_name_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.common.instants import CloudFormationTime


class Phase(Enum):
    """A part of an operation. Their order is the order in which they can come."""

    DEPLOY = "Deploy"
    CLEANUP = "Clean-up"
    ROLLBACK = "Rollback"


def phase_of(stack_status: str) -> Phase:
    if "ROLLBACK" in stack_status:
        return Phase.ROLLBACK
    if "CLEANUP" in stack_status:
        return Phase.CLEANUP
    return Phase.DEPLOY


_PHASES = tuple(Phase)


@dataclass(slots=True)
class Activity:
    """One thing done to one resource: a bar of the Gantt chart. Times are unix seconds of CloudFormation."""

    stack_id: str
    logical_id: str
    resource_type: str
    action: str
    phase: Phase
    started: float
    status: str
    ended: float | None = None
    reason: str = ""
    physical_id: str = ""
    heard: float = 0.0
    """Time of its last event, unix seconds of CloudFormation."""

    @property
    def running(self) -> bool:
        return self.ended is None

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    def seconds(self, now: CloudFormationTime | None = None) -> float:
        end = self.ended if self.ended is not None else now
        return max(0.0, (end if end is not None else self.started) - self.started)


@dataclass(slots=True)
class StackProgress:
    """All facts about one stack: the fold of its events, in order."""

    stack_id: str
    region: str
    status: str = ""
    reason: str = ""
    begun: str = ""
    """The action that the operation began with: CREATE, UPDATE, DELETE or IMPORT; empty where that was not
    seen."""
    started: float | None = None
    ended: float | None = None
    parent_id: str | None = None
    path: tuple[str, ...] = ()
    """Logical ids that lead from the root to a nested stack; empty for a root."""
    activities: list[Activity] = field(default_factory=list)
    failures: list[StackEvent] = field(default_factory=list)
    """Every failure and stack-level rollback since the operation began, in order, for `diagnosis.causes`."""
    foretold: list[StackEvent] = field(default_factory=list)
    """Events of resources in progress whose reason says that they will fail, in order, for
    `diagnosis.causes`."""
    afterwards: set[str] = field(default_factory=set)
    """Ids of the failures that came during clean-up or rollback."""
    _phases: list[tuple[float, Phase]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return stack_name_of(self.stack_id)

    @property
    def verdict(self) -> Verdict:
        return operation_verdict(self.begun, self.status) if self.status else Verdict.NONE

    @property
    def in_progress(self) -> bool:
        return self.verdict is Verdict.RUNNING

    def label(self, logical_id: str) -> str:
        """A resource as people read it: `Database/Instance` for one of a nested stack."""
        return "/".join((*self.path, logical_id))

    def phase_at(self, timestamp: float) -> Phase:
        """The phase that the stack was in; told by time, since stacks are read one after the other."""
        return next((phase for since, phase in reversed(self._phases) if since <= timestamp), Phase.DEPLOY)

    @property
    def phase_began(self) -> float:
        """When the stack took on its status, unix seconds of CloudFormation; 0 before its first event."""
        return self._phases[-1][0] if self._phases else 0.0

    def forget(self) -> None:
        """An earlier operation is not part of the one that begins."""
        self.started = self.ended = None
        self.begun = ""
        self.activities.clear()
        self.failures.clear()
        self.foretold.clear()
        self.afterwards.clear()
        self._phases.clear()

    def apply(self, event: StackEvent, root_phase: Phase) -> Activity | None:
        """Take in one event; returns the activity that it belongs to, None for stack-level events.

        `root_phase` is the phase that the root stack was in: while the root rolls back, a nested stack may
        call what it does an update or a deletion.
        """
        if event.is_stack:
            self._apply_stack(event)
            return None
        if event.foretells:
            self.foretold.append(event)
        phase = max(root_phase, phase_of(self.status), key=_PHASES.index)
        if event.failed or event.hook_failed:
            self.failures.append(event)
            if phase is not Phase.DEPLOY:
                self.afterwards.add(event.event_id)
        activity = self._activity(event, phase)
        if activity.ended is not None:
            return activity
        activity.heard = event.timestamp
        activity.status = event.status
        activity.reason = event.reason or activity.reason
        activity.physical_id = event.physical_id or activity.physical_id
        if not event.status.endswith("_IN_PROGRESS"):
            activity.ended = event.timestamp
        return activity

    def moved_to(self, phase: Phase, *, since: float) -> None:
        """Activities that began since then (unix seconds) belong to that phase of the root, or to a later
        one."""
        for activity in self.activities:
            if activity.started >= since:
                activity.phase = max(activity.phase, phase, key=_PHASES.index)
        self.afterwards.update(e.event_id for e in self.failures if e.timestamp >= since and not e.is_stack)

    def undoes_creation(self, event: StackEvent) -> bool:
        """The deletion with which a failed creation ends (`OnFailure=DELETE`), whoever asked for it."""
        failed = self.begun == "CREATE" and self.status != "CREATE_COMPLETE"
        return failed and event.status.startswith("DELETE_")

    def _apply_stack(self, event: StackEvent) -> None:
        if event.status == "REVIEW_IN_PROGRESS":
            return
        undoes = self.undoes_creation(event)
        refused = self.begun == "DELETE" and not event.status.startswith("DELETE_")
        if event.failed or event.hook_failed or "ROLLBACK" in event.status or undoes or refused:
            self.failures.append(event)
        if event.timestamp < self.phase_began:
            return  # it became visible behind newer ones
        self.started = event.timestamp if self.started is None else self.started
        if event.starts_operation and not self.begun:
            self.begun = event.action
        self.status, self.reason = event.status, event.reason
        self._phases.append((event.timestamp, Phase.ROLLBACK if undoes else phase_of(event.status)))
        if not is_in_progress(event.status):
            self.ended = event.timestamp

    def _activity(self, event: StackEvent, phase: Phase) -> Activity:
        for activity in reversed(self.activities):
            if (
                activity.logical_id == event.logical_id
                and activity.running
                and activity.action == event.action
            ):
                return activity
            if activity.logical_id == event.logical_id and (activity.ended or 0.0) > event.timestamp:
                return activity  # it became visible behind newer ones
        # A failure or completion whose start was never seen (a watch that began midway) has no length.
        activity = Activity(
            stack_id=event.stack_id,
            logical_id=event.logical_id,
            resource_type=event.resource_type,
            action=event.action,
            phase=phase,
            started=event.timestamp,
            status=event.status,
        )
        self.activities.append(activity)
        return activity


class Operation:
    """The fold over all watched stacks, nested ones included. Feed it each event once, in order a stack.

    `asked`: the stacks that may show up, for their order, and for `name_of`: a name stays the same meanwhile.
    """

    def __init__(self, asked: Iterable[StackRef] = ()) -> None:
        self.stacks: dict[str, StackProgress] = {}
        self._asked = tuple(asked)
        self._places = {(ref.region, ref.short_name): place for place, ref in enumerate(self._asked)}

    def apply(self, event: StackEvent) -> Activity | None:
        progress = self.stacks.get(event.stack_id)
        if progress is None:
            progress = self.stacks[event.stack_id] = StackProgress(event.stack_id, event.region)
        root = self.root_of(progress)
        begins = event.starts_operation and event.timestamp >= root.phase_began
        if progress is root and begins and not (root.in_progress or root.undoes_creation(event)):
            for stack in self.stacks.values():
                if self.root_of(stack) is root:
                    stack.forget()
        nested = event.nested_stack_id
        if nested is not None:
            child = self.stacks.setdefault(nested, StackProgress(nested, event.region))
            child.parent_id = event.stack_id
            child.path = (*progress.path, event.logical_id)
        if root.started is not None and event.timestamp < root.started and progress is not root:
            # A nested stack's events of an earlier operation, read after the root's later ones.
            progress.status = event.status if event.is_stack else progress.status
            return None
        activity = progress.apply(event, root.phase_at(event.timestamp))
        if event.is_stack and progress is root:
            self._rephase(root, event)
        return activity

    def _rephase(self, root: StackProgress, event: StackEvent) -> None:
        """Nested stacks may have been read ahead of the root's change of phase."""
        phase = root.phase_at(event.timestamp)
        if phase is Phase.DEPLOY:
            return
        for stack in self.stacks.values():
            if stack is not root and self.root_of(stack) is root:
                stack.moved_to(phase, since=event.timestamp)

    def root_of(self, stack: StackProgress) -> StackProgress:
        seen = {stack.stack_id}
        while stack.parent_id is not None and stack.parent_id not in seen:
            seen.add(stack.parent_id)
            stack = self.stacks[stack.parent_id]
        return stack

    def label_of(self, activity: Activity) -> str:
        return self.stacks[activity.stack_id].label(activity.logical_id)

    def root_name(self, stack: StackProgress) -> str:
        """The root that a stack belongs to, as people are told of it; empty where there is only one root."""
        root = self.root_of(stack)
        return self.told_as(root.region, root.name)

    def told_as(self, region: str, name: str) -> str:
        """A root stack as people are told of it: `shop-api`, or `eu-west-1/shop-api` where the roots lie in
        several regions; empty where there is only one, which needs no name."""
        places = self._places.keys() | {(one.region, one.name) for one in self.roots}
        if len(places) < 2 and not any(ref.is_glob for ref in self._asked):
            return ""
        return f"{region}/{name}" if len({region for region, _ in places}) > 1 else name

    def name_of(self, stack: StackProgress, logical_id: str = "") -> str:
        """A resource, or with no `logical_id` a stack, as people are told of it: `shop-api/Database/Instance`
        with the root in front where there is more than one. Not for history, which keeps each stack apart."""
        inside = (*stack.path, logical_id) if logical_id else stack.path
        return "/".join(part for part in (self.root_name(stack), *inside) if part) or stack.name

    def name_of_activity(self, activity: Activity) -> str:
        return self.name_of(self.stacks[activity.stack_id], activity.logical_id)

    def is_working_on(self, nested_id: str) -> bool:
        """Whether a nested stack is in progress, by its own events or by its parent's."""
        nested = self.stacks.get(nested_id)
        if nested is None or nested.in_progress or nested.verdict is Verdict.NONE or nested.parent_id is None:
            return True
        parent = self.stacks[nested.parent_id]
        return any(activity.running and activity.physical_id == nested_id for activity in parent.activities)

    @property
    def roots(self) -> list[StackProgress]:
        roots = [stack for stack in self.stacks.values() if stack.parent_id is None]
        return sorted(roots, key=lambda one: self._places.get((one.region, one.name), len(self._places)))

    @property
    def started(self) -> float | None:
        """When the first operation began, unix seconds of CloudFormation."""
        return min((stack.started for stack in self.roots if stack.started is not None), default=None)

    @property
    def ended(self) -> float | None:
        """When the last one ended; None while any is in progress."""
        if any(stack.in_progress for stack in self.roots):
            return None
        return max((stack.ended for stack in self.roots if stack.ended is not None), default=None)

    @property
    def activities(self) -> list[Activity]:
        return [activity for stack in self.stacks.values() for activity in stack.activities]

    @property
    def running(self) -> list[Activity]:
        """Activities in progress, longest first; nested stacks are told by what runs inside them."""
        return sorted(
            (a for a in self.activities if a.running and a.resource_type != STACK_TYPE),
            key=lambda a: a.started,
        )

    def done_count(self) -> int:
        """Resources whose deploy phase has ended well; stacks are not counted."""
        return sum(
            a.status.endswith("_COMPLETE") and a.phase is Phase.DEPLOY and a.resource_type != STACK_TYPE
            for a in self.activities
        )
