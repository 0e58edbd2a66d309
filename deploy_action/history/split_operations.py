"""A stack's events as operations: where one ends and the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.cloudformation.events import StackEvent


def split_operations(events: Iterable[StackEvent], root_id: str) -> list[list[StackEvent]]:
    """The events of one root stack and of those nested in it, in order of time, one list an operation.

    Of the first list the beginning may be missing, of the last the end.
    """
    pieces: list[list[StackEvent]] = []
    fold = Operation()
    for event in sorted(events, key=lambda event: event.timestamp):
        own = event.stack_id == root_id
        if own and event.status == "REVIEW_IN_PROGRESS":
            continue
        root = fold.stacks.get(root_id)
        at_rest = root is not None and root.ended is not None
        first = pieces[-1][0] if pieces else None
        begins = own and event.starts_operation
        goes_on = root is not None and not at_rest and root.undoes_creation(event)
        if first is None or (begins and (at_rest or (event.action != first.action and not goes_on))):
            pieces.append([])
            fold = Operation()
        pieces[-1].append(event)
        fold.apply(event)
    return pieces


def operations_of(events: Iterable[StackEvent], root_id: str) -> list[Operation]:
    """The same, folded; those alone whose beginning is there, the oldest first."""
    found: list[Operation] = []
    for piece in split_operations(events, root_id):
        if not any(event.starts_operation and event.stack_id == root_id for event in piece):
            continue
        operation = Operation()
        for event in piece:
            operation.apply(event)
        found.append(operation)
    return found
