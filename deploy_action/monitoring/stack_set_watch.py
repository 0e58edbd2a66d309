"""Watches the operations of stack sets, and explains those that failed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import StackRef, Verdict
from deploy_action.diagnosis.causes import causes_of
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.baseline import operation_start
from deploy_action.monitoring.stack_sets import DETECT_DRIFT, Change, StackSetLine, cause_of, root_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.common.instants import MonotonicTime
    from deploy_action.diagnosis.causes import Cause
    from deploy_action.monitoring.stack_sets import StackSetInstance, StackSetOperation, StackSetRef

POLL_SECONDS = 10.0
CAUSES_MAX = 10
"""At most this many failed accounts and regions are explained."""


def known_operations(
    source: StackSetSource, stack_sets: Iterable[StackSetRef], *, ended_only: bool = False
) -> dict[str, list[str]]:
    """The ids that each set (`REGION/NAME`) has by now; with `ended_only`, without those in progress. Raises
    StackSourceError."""
    return {
        str(ref): [
            one.operation_id
            for one in source.operations(ref, ())
            if not (ended_only and one.verdict is Verdict.RUNNING)
        ]
        for ref in stack_sets
    }


class StackSetSource(Protocol):
    """Read-only view of StackSets. Every method raises StackSourceError and nothing else."""

    def operations(self, stack_set: StackSetRef, known: Collection[str]) -> Sequence[StackSetOperation]:
        """Its operations whose ids are not known; () where there is no such stack set."""
        ...

    def instances(self, stack_set: StackSetRef, operation_id: str) -> Sequence[StackSetInstance]:
        """The state of each account and region in an operation, without the ids of their stacks."""
        ...

    def stack_ids(self, stack_set: StackSetRef, operation_id: str) -> Mapping[tuple[str, str], str]:
        """By (account, region), of the stacks that the operation was the last to work on."""
        ...


class StackSetWatch:
    """Operations of stack sets that are not `known`. Errors are collected, never raised."""

    def __init__(
        self, source: StackSetSource, stack_sets: Iterable[StackSetRef], known: Mapping[str, Collection[str]]
    ) -> None:
        self._source = source
        self._known = {ref: frozenset(known.get(str(ref), ())) for ref in stack_sets}
        self._lines: dict[str, tuple[StackSetRef, StackSetLine]] = {}
        self._due = 0.0
        self.readable = True

    def __bool__(self) -> bool:
        return bool(self._known)

    @property
    def lines(self) -> tuple[StackSetLine, ...]:
        return tuple(line for _, line in self._lines.values())

    @property
    def working(self) -> bool:
        return any(line.verdict is Verdict.RUNNING for line in self.lines)

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """(region, name) of the sets on which an operation was seen."""
        refs = (ref.place for ref, _ in self._lines.values())
        return frozenset((place.region, place.name) for place in refs)

    def poll(
        self, now: MonotonicTime, *, at_once: bool = False
    ) -> tuple[list[Change], list[StackSourceError]]:
        """News since the last look, once it is time for one. `now`: seconds of a monotonic clock."""
        changes: list[Change] = []
        errors: list[StackSourceError] = []
        if not self._known or (now < self._due and not at_once):
            return changes, errors
        self._due = now + POLL_SECONDS
        for ref, known in self._known.items():
            try:
                operations = self._source.operations(ref, known)
                for operation in reversed(operations):
                    if operation.action != DETECT_DRIFT:
                        changes += self._look(ref, operation)
            except StackSourceError as error:
                errors.append(error)
        self.readable = not errors
        return changes, errors

    def _look(self, ref: StackSetRef, operation: StackSetOperation) -> list[Change]:
        found = self._lines.get(operation.operation_id)
        before = found[1] if found else None
        if before is not None and before.verdict is not Verdict.RUNNING:
            return []
        instances = tuple(self._source.instances(ref, operation.operation_id))
        line = StackSetLine(ref.region, ref.name, operation, instances)
        self._lines[operation.operation_id] = ref, line
        known = {(one.place, one.status) for one in before.instances} if before else set()
        changes = [] if before else [Change(ref, replace(operation, status="RUNNING"))]
        changes += [
            Change(ref, operation, one)
            for one in instances
            if (one.place, one.status) not in known and one.status != "PENDING"
        ]
        if line.verdict is not Verdict.RUNNING:
            changes.append(Change(ref, operation))
        return changes

    def explain(self, stacks: StackSource, *, stop: Callable[[], bool]) -> tuple[Cause, ...]:
        """Why operations failed: by the events of the failed stacks where they can be read, else by the words
        of the results. Failures that an operation tolerated are no causes."""
        causes: list[Cause] = []
        for ref, line in self._lines.values():
            if line.verdict is not Verdict.FAILED:
                continue
            ids: Mapping[tuple[str, str], str] = {}
            try:
                if not stop():
                    ids = self._source.stack_ids(ref, line.operation.operation_id)
            except StackSourceError:
                ids = {}
            for one in line.failed[: CAUSES_MAX - len(causes)]:
                instance = replace(one, stack_id=ids.get((one.account, one.region), ""))
                own = () if stop() else _of_stack(stacks, line, instance)
                causes += own or (cause_of(line, instance),)
        return tuple(causes[:CAUSES_MAX])


def _of_stack(stacks: StackSource, line: StackSetLine, instance: StackSetInstance) -> tuple[Cause, ...]:
    """By the stack's own events; () where they cannot be read, as in another account, or tell nothing."""
    if not instance.stack_id:
        return ()
    ref = StackRef(instance.region, instance.stack_id)
    try:
        events = stacks.events(ref, stop=operation_start())
    except StackSourceError:
        return ()
    operation = Operation((ref,))
    for event in events:
        operation.apply(event)
    return tuple(replace(cause, root=root_of(line, instance)) for cause in causes_of(operation))
