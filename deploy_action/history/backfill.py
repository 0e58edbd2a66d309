"""Seeds the history from the events that CloudFormation still has: 90 days of each stack.

Reads only. What it costs is bounded in events, of which an answer holds about a hundred.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import StackSourceError
from deploy_action.history.document import KEPT_PER_STACK, records_from_events
from deploy_action.history.split_operations import operations_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.history.deployments import DeploymentHistory

PAGE_EVENTS = 100
"""Of one answer of `DescribeStackEvents`."""
EVENTS_MAX = 20_000
"""Of one root stack and all that is nested in it."""
NESTED_MAX = 100
GLOB_MAX = 500


@dataclass(frozen=True, slots=True)
class Found:
    """The past of one root stack (`REGION/NAME`): whole operations, and those not known before."""

    stack: str
    operations: int
    new: int
    trouble: str = ""
    exists: bool = True
    """False where CloudFormation knows no such stack."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Records for `history.seeded`, and where they come from."""

    records: tuple[dict[str, Any], ...] = ()
    found: tuple[Found, ...] = ()


@dataclass(slots=True)
class _Budget:
    """Counts events of one root stack; `pause` is called between two answers."""

    left: int
    pause: Callable[[], None]
    taken: int = 0

    def take(self) -> bool:
        self.taken += 1
        if self.taken % PAGE_EVENTS == 0:
            self.pause()
        self.left -= 1
        return self.left >= 0


@dataclass(slots=True)
class _Newest:
    """Accepts, going back in time, the first event before the start of the last operation that is wanted."""

    operations: int
    budget: _Budget
    seen: int = field(default=0)

    def __call__(self, event: StackEvent) -> bool:
        if self.seen >= self.operations or not self.budget.take():
            return True
        self.seen += event.starts_operation
        return False


def collect(
    source: StackSource,
    stacks: Iterable[StackRef],
    *,
    known: DeploymentHistory | None = None,
    operations_max: int = KEPT_PER_STACK,
    events_max: int = EVENTS_MAX,
    pause: Callable[[], None] = lambda: None,
) -> Collected:
    """The newest operations of each stack, what is nested in it included. Never raises StackSourceError: what
    could not be read is told in `found`.

    The same operation gives the same record each time. `pause` is called after each answer of CloudFormation.
    """
    records: list[dict[str, Any]] = []
    found: list[Found] = []
    for stack in stacks:
        try:
            roots = _expanded(source, stack)
        except StackSourceError as error:
            found.append(Found(str(stack), 0, 0, str(error)))
            continue
        if len(roots) > GLOB_MAX:
            found.append(Found(str(stack), 0, 0, f"Of {len(roots)} stacks only {GLOB_MAX} are read."))
        for root in roots[:GLOB_MAX]:
            own, told = _of_root(source, root, _Budget(events_max, pause), operations_max, known)
            pause()
            records += own
            found.append(told)
    records.sort(key=lambda record: str(record["held_since"]))
    return Collected(tuple(records), tuple(found))


def _expanded(source: StackSource, stack: StackRef) -> list[StackRef]:
    if not stack.is_glob:
        return [stack]
    return [StackRef(stack.region, state.stack_id) for state in source.matching(stack)]


def _of_root(
    source: StackSource, root: StackRef, budget: _Budget, operations_max: int, known: DeploymentHistory | None
) -> tuple[list[dict[str, Any]], Found]:
    try:
        own = list(source.events(root, stop=_Newest(operations_max, budget)))
    except StackSourceError as error:
        return [], Found(str(root), 0, 0, str(error))
    if not own:
        return [], Found(str(root), 0, 0, exists=False)
    root_id = own[-1].stack_id
    nested, trouble = _nested(source, root.region, own, budget)
    if budget.left < 0:
        trouble = trouble or "There are more events than are read at once; the oldest were left out."
    operations = operations_of([*own, *nested], root_id)
    everything = records_from_events(operations, account=_account(root_id))
    new = everything
    if known is not None:
        new = records_from_events(operations, account=_account(root_id), known=known)
    return new, Found(str(root), len(everything), len(new), trouble)


def _nested(
    source: StackSource, region: str, own: list[StackEvent], budget: _Budget
) -> tuple[list[StackEvent], str]:
    """Events of nested stacks, theirs included, since the root's first one; and why some are missing."""
    since = own[0].timestamp
    todo = _children(own)
    seen: set[str] = set()
    found: list[StackEvent] = []
    while todo and budget.left > 0:
        child = todo.pop(0)
        if child in seen:
            continue
        seen.add(child)
        if len(seen) > NESTED_MAX:
            return found, f"Of the nested stacks only {NESTED_MAX} were read."
        try:
            events = source.events(
                StackRef(region, child),
                stop=lambda event: event.timestamp < since or not budget.take(),
            )
        except StackSourceError as error:
            return found, f"Not all nested stacks could be read: {error}"
        found += events
        todo += _children(events)
    return found, ""


def _children(events: Iterable[StackEvent]) -> list[str]:
    ids = (event.nested_stack_id for event in events)
    return list(dict.fromkeys(one for one in ids if one is not None))


def _account(stack_id: str) -> str:
    parts = stack_id.split(":")
    return parts[4] if len(parts) > 5 and parts[0] == "arn" else ""
