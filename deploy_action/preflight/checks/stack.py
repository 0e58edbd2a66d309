"""Whether a deployment can start from the state that the stack is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.deployability import HALF_DONE
from deploy_action.cloudformation.stacks import is_in_progress, stack_name_of
from deploy_action.preflight.finding import Finding, finding

if TYPE_CHECKING:
    from deploy_action.preflight.facts import StackFacts

_STUCK = {
    "ROLLBACK_COMPLETE": "stack-rollback-complete",
    "ROLLBACK_FAILED": "stack-rollback-failed",
    "DELETE_FAILED": "stack-delete-failed",
    "UPDATE_ROLLBACK_FAILED": "stack-update-rollback-failed",
    "CREATE_FAILED": "stack-create-failed",
    "UPDATE_FAILED": "stack-update-failed",
}


def stack_findings(
    stack: StackFacts,
    *,
    delete_rolled_back_stack: bool,
    disable_rollback: bool,
    deploys: bool,
    by_command: bool,
) -> list[Finding]:
    """`deploys`: false where nothing but watching was asked for. A command may disable rollback by itself."""
    name, found = str(stack.ref), []
    if stack.parent_id and deploys:
        parent = stack_name_of(stack.parent_id)
        found.append(finding("stack-nested", f"Stack {name} is nested in {parent}.", resource=name))
    if is_in_progress(stack.status) and deploys:
        found.append(finding("stack-in-progress", f"Stack {name} is {stack.status}.", resource=name))
    if stack.status == "REVIEW_IN_PROGRESS":
        found.append(
            finding("stack-under-review", f"Stack {name} is REVIEW_IN_PROGRESS and empty.", resource=name)
        )
    code = _STUCK.get(stack.status)
    if code is None or not deploys or (stack.status in HALF_DONE and disable_rollback):
        return found
    if stack.status == "ROLLBACK_COMPLETE" and delete_rolled_back_stack:
        if stack.protected:
            what = f"Stack {name} is ROLLBACK_COMPLETE and protected from termination."
            found.append(finding("stack-protected", what, resource=name))
        else:
            what = f"Stack {name} is ROLLBACK_COMPLETE."
            found.append(
                finding(
                    code,
                    what,
                    remedy="It is deleted first, as `delete-rolled-back-stack` asks.",
                    resource=name,
                    note=True,
                )
            )
        return found
    protected = (
        " It is protected from termination." if stack.protected and "UPDATE" not in code.upper() else ""
    )
    what = f"Stack {name} is {stack.status}. {stack.reason}".rstrip()
    certain = not (by_command and stack.status in HALF_DONE)
    found.append(finding(code, what + protected, resource=name, certain=certain))
    return found
