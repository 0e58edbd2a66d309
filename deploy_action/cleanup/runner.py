"""Cleans up after a failure, one step at a time: looks, does, and waits until CloudFormation is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from deploy_action.cleanup.plan import Deed, Left, left_by
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.cloudformation.stacks import StackRef, is_in_progress
from deploy_action.common.times import duration
from deploy_action.errors import Cancelled, DeploymentFailed, Overtaken, TimedOut
from deploy_action.monitoring.baseline import operation_start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cleanup.plan import CleanupStep
    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.common.ports import Clock
    from deploy_action.locking.document import Document, Ticket

POLL_SECONDS = 5.0
NESTED_MAX = 50
"""At most this many nested stacks are read for failed resources."""
GOOD_ENDS = {
    Deed.DELETE_STACK: {"", "DELETE_COMPLETE"},
    Deed.CONTINUE_ROLLBACK: {"UPDATE_ROLLBACK_COMPLETE"},
    Deed.ROLL_BACK: {"UPDATE_ROLLBACK_COMPLETE"},
}
"""Statuses that say that it worked; empty for a stack that is gone."""


class Deeds(Protocol):
    """Calls that change CloudFormation. Raises StackSourceError, or CannotStart for a refusal."""

    def delete_stack(self, stack: StackRef, *, token: str, role_arn: str = "") -> None: ...
    def delete_stack_keeping(
        self, stack: StackRef, keep: Sequence[str], *, token: str, role_arn: str = ""
    ) -> None: ...
    def continue_update_rollback(
        self, stack: StackRef, skip: Sequence[str], *, token: str, role_arn: str = ""
    ) -> None: ...
    def roll_back(self, stack: StackRef, *, token: str, role_arn: str = "") -> None: ...


def look(source: StackSource, stack: StackRef) -> tuple[StackState | None, Left | None]:
    """The stack and what its last operation left; None where there is no such stack. Raises
    StackSourceError."""
    state = source.describe(stack)
    if state is None:
        return None, None
    operation = Operation()
    todo = [StackRef(stack.region, state.stack_id)]
    read: set[str] = set()
    while todo and len(read) <= NESTED_MAX:
        ref = todo.pop(0)
        read.add(ref.name)
        for event in source.events(ref, stop=operation_start()):
            operation.apply(event)
            nested = event.nested_stack_id
            if nested and nested not in read and all(nested != one.name for one in todo):
                todo.append(StackRef(stack.region, nested))
    root = operation.stacks.get(state.stack_id)
    if root is None:
        return state, Left(stack.region, state.ref.name, state.stack_id, state.status)
    return state, left_by(operation, root, status=state.status)


def holder_of(document: Document, stack: StackRef, account: str) -> Ticket | None:
    """The holder of a lock for this stack. An account that is not known may be this one."""
    for ticket in document.tickets:
        other = bool(account and ticket.account and account != ticket.account)
        if not ticket.holding or other:
            continue
        for text in ticket.stacks:
            region, _, name = text.partition("/")
            if region == stack.region and StackRef(region, name).matches(stack.short_name):
                return ticket
    return None


def carry_out(
    step: CleanupStep,
    source: StackSource,
    deeds: Deeds,
    clock: Clock,
    *,
    status: str,
    token: str,
    tell: Callable[[str], None],
    cancelled: Callable[[], bool],
    timeout_seconds: float,
    role_arn: str = "",
) -> str:
    """Do it to the very stack that was looked at, and watch it to its end; returns the status then.

    Raises Overtaken where the stack is not what it was, CannotStart for AWS's refusal, DeploymentFailed where
    it ended otherwise than it should, TimedOut, Cancelled, StackSourceError.
    """
    by_id = StackRef(step.region, step.stack_id)
    now = retry_while_unavailable(
        lambda: source.describe(StackRef(step.region, step.stack)), clock, cancelled=cancelled
    )
    if now is None or (now.stack_id, now.status) != (step.stack_id, status):
        raise Overtaken(
            f"Stack {step.stack} is not {status} any more.",
            why="Nothing was changed.",
            remedy="Look at it again: run this command without --yes.",
        )
    if step.deed is Deed.CONTINUE_ROLLBACK:
        deeds.continue_update_rollback(by_id, step.resources, token=token, role_arn=role_arn)
    elif step.deed is Deed.ROLL_BACK:
        deeds.roll_back(by_id, token=token, role_arn=role_arn)
    elif step.resources:
        deeds.delete_stack_keeping(by_id, step.resources, token=token, role_arn=role_arn)
    else:
        deeds.delete_stack(by_id, token=token, role_arn=role_arn)
    end = _wait(by_id, source, clock, status, tell=tell, cancelled=cancelled, seconds=timeout_seconds)
    if end.status not in GOOD_ENDS[step.deed]:
        raise DeploymentFailed(
            f"Stack {step.stack} is {end.status} now. {end.reason}".rstrip(),
            remedy=f"See what failed: deploy-coordinator cleanup {step.region}/{step.stack}",
        )
    return end.status


class _End:
    def __init__(self, state: StackState | None) -> None:
        self.status = state.status if state is not None else ""
        self.reason = state.reason if state is not None else ""


def _wait(
    stack: StackRef,
    source: StackSource,
    clock: Clock,
    before: str,
    *,
    tell: Callable[[str], None],
    cancelled: Callable[[], bool],
    seconds: float,
) -> _End:
    """Until it is at rest. A read may be late: the old status counts only once it had time to change."""
    began, told = clock.monotonic(), before
    while True:
        state = retry_while_unavailable(lambda: source.describe(stack), clock, cancelled=cancelled)
        end, waited = _End(state), clock.monotonic() - began
        if end.status != told:
            told = end.status
            tell(f"{stack}: {told or 'gone'} after {duration(waited)}.")
        moved = end.status != before or waited > 6 * POLL_SECONDS
        if moved and not is_in_progress(end.status):
            return end
        if cancelled():
            raise Cancelled(f"Cancelled while {stack} was {end.status}; CloudFormation goes on.")
        if waited >= seconds:
            raise TimedOut(
                f"Stack {stack} is still {end.status} after {duration(waited)}.",
                why="CloudFormation goes on by itself.",
                remedy="Watch it: deploy-coordinator watch.",
            )
        clock.sleep(POLL_SECONDS)
