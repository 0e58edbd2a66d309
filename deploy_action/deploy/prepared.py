"""Change sets that were made to be looked at, and perhaps to be executed later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef, Verdict, verdict_of
from deploy_action.errors import CannotStart, StackSourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.cloudformation.change_set import ChangeSet, ListedChangeSet
    from deploy_action.deploy.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Prepared:
    """A change set that was made for a plan. `new`: its stack exists only for it."""

    ref: StackRef
    change_set: ChangeSet
    new: bool


def places_of(stacks: Iterable[StackRef]) -> tuple[str, ...]:
    """By which a plan and its application know that they are about the same."""
    return tuple(sorted(f"{ref.region}/{ref.short_name}" for ref in stacks))


def remove(deployment: Deployment, ref: StackRef, arn: str, *, empty_stack: bool) -> str:
    """Delete a change set that nobody is to execute, and the empty stack that it brought along, unless
    another change set waits there. Returns a sentence where that failed."""
    source = deployment.cloudformation
    try:
        source.delete_change_set(ref, arn)
        state = source.describe(ref) if empty_stack else None
        empty = state is not None and verdict_of(state.status) is Verdict.NONE
        others = [one for one in source.change_sets(ref) if one.arn != arn and _waits(one)] if empty else []
        if state is not None and empty and not others:
            token = f"plan-{deployment.state.report.correlation_id}"
            source.delete_stack(StackRef(ref.region, state.stack_id), token=token)
    except (StackSourceError, CannotStart) as error:
        return f"The change set of stack {ref}, which nobody is to execute, could not be removed: {error}"
    return ""


def _waits(one: ListedChangeSet) -> bool:
    """It can be executed, or still be made."""
    return one.execution_status == "AVAILABLE" or one.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}
