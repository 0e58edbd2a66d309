"""From which state a deployment can start."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.core.stacks import StackState, Verdict, verdict_of
from deploy_action.errors import CannotStart

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.core.stacks import StackRef


class Start(Enum):
    CREATE = "create"
    UPDATE = "update"
    DELETE_THEN_CREATE = "delete, then create"


_ONLY_DELETE = {
    "ROLLBACK_COMPLETE": "its creation failed and was rolled back",
    "ROLLBACK_FAILED": "its creation failed, and rolling back failed too",
    "DELETE_FAILED": "its deletion failed",
}


_WAYS_OUT = {
    "ROLLBACK_COMPLETE": (
        "Correct the cause. The stack can only be deleted now; `delete-rolled-back-stack: true` does that "
        "before the next deployment."
    ),
    "UPDATE_ROLLBACK_COMPLETE": "The stack is as it was before. Correct the cause, then deploy again.",
    "UPDATE_ROLLBACK_FAILED": (
        "Repair what the rollback needs, then run aws cloudformation continue-update-rollback."
    ),
    "CREATE_FAILED": "What was created was kept. Correct the cause, then deploy again.",
    "UPDATE_FAILED": "What was changed was kept. Correct the cause, then deploy again.",
}


WAYS_MAX = 5
"""Of several stacks, so many are told of."""


def way_out(status: str) -> str:
    """What to do with a stack whose deployment ended so; empty where that is no special state."""
    return _WAYS_OUT.get(status, "")


def ways_out(stacks: Sequence[tuple[str, str]]) -> str:
    """The same of several, as (name, status): each is named where there is more than one."""
    if len(stacks) == 1:
        return way_out(stacks[0][1])
    found = [f"{name}: {way}" for name, status in stacks if (way := way_out(status))]
    return " ".join(found[:WAYS_MAX])


def starting_point(ref: StackRef, state: StackState | None, *, delete_rolled_back_stack: bool) -> Start:
    """What a deployment has to do first. Raises CannotStart, with the way out, for states that forbid it.

    Source: the CloudFormation guide's table of stack statuses.
    """
    if state is None or verdict_of(state.status) is Verdict.NONE:
        return Start.CREATE
    if state.status in _ONLY_DELETE:
        if delete_rolled_back_stack and state.status == "ROLLBACK_COMPLETE":
            return Start.DELETE_THEN_CREATE
        raise CannotStart(
            f"Stack {ref} is {state.status}: {_ONLY_DELETE[state.status]}. {state.reason}".rstrip(),
            why="CloudFormation updates no stack in this state; it can only be deleted.",
            remedy=(
                f"Look at its events for the first failure, then delete it: aws cloudformation delete-stack "
                f"--region {ref.region} --stack-name {ref.short_name}"
                + (
                    ". Or set `delete-rolled-back-stack: true` to have this done before each deployment."
                    if state.status == "ROLLBACK_COMPLETE"
                    else ""
                )
            ),
        )
    if state.status == "UPDATE_ROLLBACK_FAILED":
        raise CannotStart(
            f"Stack {ref} is UPDATE_ROLLBACK_FAILED. {state.reason}".rstrip(),
            why="CloudFormation updates no stack in this state; the rollback has to be finished first.",
            remedy=(
                "Repair what the rollback needs, then: aws cloudformation continue-update-rollback "
                f"--region {ref.region} --stack-name {ref.short_name} (with --resources-to-skip if need be)."
            ),
        )
    return Start.UPDATE
