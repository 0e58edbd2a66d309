"""From which state a deployment can start."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackState, Verdict, verdict_of
from deploy_action.errors import CannotStart, StackNeedsRepair

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy_action.cloudformation.change_set import Change
    from deploy_action.cloudformation.stacks import StackRef


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
    "CREATE_FAILED": (
        "Created resources were kept. Correct the cause, then deploy again with rollback disabled; or "
        "delete the stack."
    ),
    "UPDATE_FAILED": (
        "Changed resources were kept. Correct the cause, then deploy again with rollback disabled; or go "
        "back to the last good state: aws cloudformation rollback-stack."
    ),
}
HALF_DONE = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})
"""An operation failed while rollback was disabled, and what it had done was kept."""


NAMED_MAX = 5
WAYS_MAX = 5
"""Of several stacks, so many are told of."""


def way_out(status: str) -> str:
    """The next step for a stack whose deployment ended so; empty where that is no special state."""
    return _WAYS_OUT.get(status, "")


def ways_out(stacks: Sequence[tuple[str, str]]) -> str:
    """The same of several, as (name, status): each is named where there is more than one."""
    if len(stacks) == 1:
        return way_out(stacks[0][1])
    found = [f"{name}: {way}" for name, status in stacks if (way := way_out(status))]
    return " ".join(found[:WAYS_MAX])


def starting_point(
    ref: StackRef,
    state: StackState | None,
    *,
    delete_rolled_back_stack: bool,
    disable_rollback: bool = False,
) -> Start:
    """The first step of a deployment. Raises StackNeedsRepair, with the way out, for states that forbid it.

    Source: the CloudFormation guide's table of stack statuses.
    """
    if state is None or verdict_of(state.status) is Verdict.NONE:
        return Start.CREATE
    if state.status in _ONLY_DELETE:
        if delete_rolled_back_stack and state.status == "ROLLBACK_COMPLETE":
            return Start.DELETE_THEN_CREATE
        raise StackNeedsRepair(
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
        raise StackNeedsRepair(
            f"Stack {ref} is UPDATE_ROLLBACK_FAILED. {state.reason}".rstrip(),
            why="CloudFormation updates no stack in this state; the rollback has to be finished first.",
            remedy=(
                "Repair what the rollback needs, then: aws cloudformation continue-update-rollback "
                f"--region {ref.region} --stack-name {ref.short_name} (with --resources-to-skip if need be)."
            ),
        )
    if state.status in HALF_DONE and not disable_rollback:
        raise _half_done(ref, state)
    return Start.UPDATE


def _half_done(ref: StackRef, state: StackState) -> StackNeedsRepair:
    deed = "delete-stack" if state.status == "CREATE_FAILED" else "rollback-stack"
    back = "delete it" if state.status == "CREATE_FAILED" else "go back to its last good state"
    return StackNeedsRepair(
        f"Stack {ref} is {state.status}: it failed while rollback was disabled. {state.reason}".rstrip(),
        why="CloudFormation updates a stack in this state only with rollback disabled.",
        remedy=(
            f"Deploy again with `disable-rollback: true`; or {back}: aws cloudformation {deed} "
            f"--region {ref.region} --stack-name {ref.short_name}"
        ),
    )


def replaced_without_rollback(changes: Iterable[Change]) -> CannotStart | None:
    """Why a change set cannot be executed while rollback is disabled: it replaces resources.

    Source: CloudFormation's "Replacement type updates not supported on stack with disable-rollback."
    """
    names = [change.logical_id for change in changes if change.replacement == "True"]
    if not names:
        return None
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return CannotStart(
        f"The change set replaces {', '.join(names[:NAMED_MAX])}{more}, and `disable-rollback` is set.",
        why="CloudFormation replaces nothing while rollback is disabled: the update would fail midway. "
        "Nothing was changed.",
        remedy="Deploy this change without `disable-rollback`. A stack that is UPDATE_FAILED has to go back "
        "to its last good state first: aws cloudformation rollback-stack.",
    )
