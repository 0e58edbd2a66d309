"""Stacks whose end was not seen: what is known of them all the same, so that people can look there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import StackLine, stack_lines

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Operation
    from deploy_action.job.state import JobState

STACKS_MAX = 20


def last_seen(state: JobState, operation: Operation | None = None) -> tuple[StackLine, ...]:
    """As events showed them, else by the change set that was executed, else as they were asked for. A status
    that was not seen is empty; so is an id, which the console's page needs."""
    lines = stack_lines(operation) if operation is not None else ()
    if lines:
        return lines[:STACKS_MAX]
    executed = state.execution.stack_id if state.execution is not None else ""
    marks = state.baseline.marks if state.baseline is not None else ()
    ids = {(ref.region, ref.short_name): seen[-1][0] for ref, seen in marks if seen}
    return tuple(
        StackLine(ref.region, ref.short_name, executed or ids.get((ref.region, ref.short_name), ""), "")
        for ref in state.stacks[:STACKS_MAX]
        if not ref.is_glob
    )
