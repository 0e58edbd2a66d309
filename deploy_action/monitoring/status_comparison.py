"""The verdict on stacks whose events cannot be read: by their status before and after, which `DescribeStacks`
tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import StackLine
from deploy_action.cloudformation.stacks import StackRef, Verdict, verdict_of
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.baseline import change_mark, lived_since

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.monitoring.baseline import Baseline

DELETION_REFUSED = "Delete canceled"
"""How CloudFormation begins the reason of a stack that went back to the status from before its deletion."""


@dataclass(frozen=True, slots=True)
class Ends:
    """`lines`: stacks that an operation has changed since, `states` the same as they are. `still`: those at
    rest that none changed, unless the read was late. `complete`: all could be asked."""

    lines: tuple[StackLine, ...]
    states: tuple[StackState, ...]
    still: tuple[str, ...]
    complete: bool


def marks_of(source: StackSource, stack: StackRef) -> tuple[tuple[str, float], ...]:
    """(stack id, mark) of a named stack; nothing where it does not exist. Raises StackSourceError."""
    state = source.describe(stack)
    return () if state is None else ((state.stack_id, change_mark(state)),)


def ends_since(
    source: StackSource,
    stacks: tuple[StackRef, ...],
    baseline: Baseline,
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Ends:
    """Never raises: what cannot be asked before `stop` says so, or has no mark from before, makes it
    incomplete."""
    lines: list[StackLine] = []
    seen: list[StackState] = []
    still: list[str] = []
    complete = True
    before = {**dict(baseline.glob_seen), **dict(baseline.marks)}
    for stack in stacks:
        marks = before.get(stack)
        if marks is None or stop():
            complete = False
            continue
        try:
            states = _now(source, stack, dict(marks), baseline)
        except StackSourceError:
            complete = False
            continue
        for state in states:
            mark = dict(marks).get(state.stack_id)
            if mark == change_mark(state) and not state.in_progress:
                still.append(str(stack))
                continue
            seen.append(state)
            lines.append(_line(state, existed=mark is not None and mark >= 0))
        if not states:
            still.append(str(stack))
            # Without CloudFormation's clock a stack that was created and deleted since is not seen.
            complete = complete and (bool(marks) or baseline.taken_at is not None)
    return Ends(tuple(lines), tuple(seen), tuple(still), complete)


def _now(
    source: StackSource, stack: StackRef, marks: dict[str, float], baseline: Baseline
) -> list[StackState]:
    """The stack, or all that its glob matches, with those that were deleted since."""
    if stack.is_glob:
        states = list(source.matching(stack))
    else:
        state = source.describe(stack)
        states = [] if state is None else [state]
    living = {state.stack_id for state in states}
    for stack_id in marks.keys() - living:
        # A deleted stack answers to its id only. One that was created anew under its name stands for both.
        gone = source.describe(StackRef(stack.region, stack_id)) if stack.is_glob or not living else None
        states += [gone] if gone is not None else []
    if stack.is_glob or not states:
        known = {state.stack_id for state in states}
        deleted = (state for state in source.deleted(stack) if state.stack_id not in known)
        states += [state for state in deleted if lived_since(baseline, state)]
    return [state for state in states if verdict_of(state.status) is not Verdict.NONE]


def _line(state: StackState, *, existed: bool) -> StackLine:
    """`existed`: before the operation, which is no creation then."""
    if not existed:
        begun = "IMPORT" if state.status.startswith("IMPORT_") else "CREATE"
    elif state.status.startswith("DELETE_") or state.reason.startswith(DELETION_REFUSED):
        begun = "DELETE"
    else:
        begun = "IMPORT" if state.status.startswith("IMPORT_") else "UPDATE"
    return StackLine(state.ref.region, state.ref.name, state.stack_id, state.status, state.reason, begun)
