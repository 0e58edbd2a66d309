"""How it ended: read at the source, and `unknown` where it cannot be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import StackLine, stack_lines
from deploy_action.cloudformation.stacks import StackRef, StackState, is_in_progress, stack_name_of
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.monitoring.closing_budget import Closing

CONFIRM_TRIES = 10
CONFIRM_PAUSE_SECONDS = 2.0


def confirmed(
    source: StackSource, closing: Closing, operation: Operation, *, ours_only: bool
) -> tuple[tuple[StackLine, ...], dict[str, str], list[str]]:
    """The end of each root stack, their outputs, and what could not be confirmed.

    Events tell the status; `DescribeStacks` confirms it, several times while it may be a stale read. Where
    the two differ for good: with `ours_only` (events filtered by our token) the events are right, since
    somebody else may have begun since; otherwise `DescribeStacks` is, since an event may have been missed.
    What is not confirmed when `closing` is over stays as the events tell it.
    """
    lines: list[StackLine] = []
    notes: list[str] = []
    outputs: dict[str, str] = {}
    closing.begin()
    for line in stack_lines(operation):
        state, note = _describe(source, closing, line)
        notes += [note] if note else []
        if state is not None:
            outputs |= outputs_of(state, operation)
        if state is None or state.status == line.status or ours_only:
            lines.append(line)
        elif state.in_progress and not is_in_progress(line.status):
            notes.append(f"{line.name} was seen to end as {line.status}, and now is {state.status} again.")
            lines.append(line)
        else:
            # What was at rest before has begun something else since.
            known = line.begun if is_in_progress(line.status) else ""
            lines.append(replace(line, status=state.status, reason=state.reason, begun=known))
    return tuple(lines), outputs, notes


def outputs_of(state: StackState, operation: Operation) -> dict[str, str]:
    """A stack's outputs, with its name before theirs where there are several stacks."""
    name = operation.told_as(state.ref.region, stack_name_of(state.stack_id))
    return {f"{name}/{key}" if name else key: value for key, value in state.outputs.items()}


def _describe(source: StackSource, closing: Closing, line: StackLine) -> tuple[StackState | None, str]:
    ref = StackRef(line.region, line.stack_id)
    state: StackState | None = None
    if closing.over():
        return None, f"The end of {line.name} could not be confirmed: CloudFormation answers too slowly."
    note = ""
    for attempt in range(CONFIRM_TRIES):
        if attempt and not closing.pause(CONFIRM_PAUSE_SECONDS):
            break
        try:
            state, note = source.describe(ref), ""
        except StackSourceError as error:
            note = f"The end of {line.name} could not be confirmed: {error}"
            if not error.temporary:
                break
            continue
        if state is None or state.status == line.status:
            break
    return state, note
