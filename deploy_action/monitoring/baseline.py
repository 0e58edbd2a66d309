"""Where the events of a deployment begin: what had happened before, and the tests for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.events import USER_INITIATED
from deploy_action.cloudformation.stacks import StackRef, Verdict, is_in_progress, verdict_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackState

    Stop = Callable[[StackEvent], bool]
    """Accepts the first event, going back in time, that is not part of the deployment."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The events before the deployment began: only what comes after it belongs to the deployment.

    `newest` maps stacks to their newest event id then (None: no such stack), `glob_seen` globs to
    (stack id, unix seconds of its last change).
    """

    newest: tuple[tuple[StackRef, str | None], ...] = ()
    glob_seen: tuple[tuple[StackRef, tuple[tuple[str, float], ...]], ...] = ()
    taken_at: float | None = None
    """When it was taken, unix seconds of CloudFormation, whole ones; None where that was not told."""
    marks: tuple[tuple[StackRef, tuple[tuple[str, float], ...]], ...] = ()
    """The content of `glob_seen`, of stacks that were asked for by name: for when their events cannot be
    read. A stack that does not exist has none; one that could not be looked at is not there."""
    attach: bool = False
    """Begin at the start of the operation that is in progress, instead of after `newest`."""


def take_baseline(
    source: StackSource, stacks: tuple[StackRef, ...], *, between: Callable[[], object] = lambda: None
) -> Baseline:
    """Where a deployment that is about to begin will begin. `between` is called between the pages of a list
    of stacks. Raises StackSourceError."""
    newest: list[tuple[StackRef, str | None]] = []
    globs: list[tuple[StackRef, tuple[tuple[str, float], ...]]] = []
    for stack in stacks:
        if stack.is_glob:
            seen = tuple(
                (state.stack_id, change_mark(state))
                for state in source.matching(stack, between_pages=between)
            )
            globs.append((stack, seen))
        else:
            newest.append(_newest_event(source, stack))
    return Baseline(tuple(newest), tuple(globs), source.their_time())


def change_mark(state: StackState) -> float:
    """Differs once an operation begins on the stack; one under review has had none."""
    return -1.0 if verdict_of(state.status) is Verdict.NONE else state.changed_at


def lived_since(baseline: Baseline, state: StackState) -> bool:
    """Whether a deleted stack was created, too, after the baseline was taken.

    False where CloudFormation's clock is not known: without it, nothing tells last month's stacks from ours.
    """
    return baseline.taken_at is not None and state.created_at >= baseline.taken_at


def attach_to(stacks: Iterable[StackState]) -> Baseline:
    """The start of the operations that are in progress."""
    refs = (StackRef(state.ref.region, state.stack_id) for state in stacks)
    return Baseline(tuple((ref, None) for ref in refs), attach=True)


def _newest_event(source: StackSource, stack: StackRef) -> tuple[StackRef, str | None]:
    """A stack that exists by its id, since it answers to nothing else once it is deleted."""
    found: list[StackEvent] = []

    def stop(event: StackEvent) -> bool:
        found.append(event)
        return True

    source.events(stack, stop=stop)
    if not found:
        return stack, None
    return StackRef(stack.region, found[0].stack_id), found[0].event_id


@dataclass(slots=True)
class OwnOperation:
    """Of a root stack's events, those from the first with our token to the end of that operation.

    What somebody else does to the stack meanwhile (a deletion, a cancelled update) belongs to its story; what
    they begin after its end does not. Times are unix seconds of CloudFormation.
    """

    token: str
    began: float | None = None
    over: float | None = None

    def part_of(self, events: Iterable[StackEvent]) -> list[StackEvent]:
        taken = []
        for event in events:
            if event.token == self.token:
                self.began = min(self.began or event.timestamp, event.timestamp)
            if self.began is None or event.timestamp < self.began:
                continue
            if self.over is None or event.timestamp <= self.over:
                taken.append(event)
            if self.over is None and event.is_stack and not is_in_progress(event.status):
                self.over = event.timestamp
        return taken


def after(newest: str | None) -> Callable[[], Stop]:
    """Of what came before an event, by its id."""
    return lambda: lambda event: event.event_id == newest


def before(timestamp: float) -> Callable[[], Stop]:
    """Of what came before a time, unix seconds of CloudFormation."""
    return lambda: lambda event: event.timestamp < timestamp


def never() -> Stop:
    """All of a stack's events belong to the deployment."""
    return lambda _event: False


def operation_start() -> Stop:
    """Accepts the first event before the start of the newest operation, going back in time.

    A deletion that began while the stack was being created belongs to that creation, which has failed.
    """
    start: StackEvent | None = None
    creating = False

    def stop(event: StackEvent) -> bool:
        nonlocal start, creating
        if start is None or creating:
            if event.starts_operation:
                creating, start = False, event
            return False
        if start.status != "DELETE_IN_PROGRESS":
            return True
        if not _leads_to(event, start):
            return True
        creating, start = not event.starts_operation, event
        return False

    return stop


def _leads_to(event: StackEvent, deletion: StackEvent) -> bool:
    """Whether the last event before the start of a deletion is part of a creation that it undoes."""
    if not event.is_stack:
        return event.action == "CREATE"
    failed = event.status == "CREATE_FAILED" and deletion.reason != USER_INITIATED
    return failed or event.status == "CREATE_IN_PROGRESS"
