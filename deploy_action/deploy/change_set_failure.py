"""Why CloudFormation could not make a change set: what early validation and hooks found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from deploy_action.cloudformation.ports import StackDeployer
    from deploy_action.cloudformation.stacks import StackRef

ERRORS_SHOWN = 10
DENIED = (
    "The details need the permission `cloudformation:DescribeEvents`, which the role does not have; the "
    "console shows them under the change set."
)
_DETAILS = ("DescribeEvents", "hook(s)", "validation failed", "hook")
"""In the reason of a change set that has more to tell."""


def why_failed(deployer: StackDeployer, stack: StackRef, arn: str, reason: str) -> str:
    """`reason`: the change set's own. Never raises."""
    try:
        found = deployer.validation_errors(stack, arn)
    except StackSourceError as error:  # an older endpoint does not know them
        has_more = any(word in reason for word in _DETAILS)
        return f"{reason.rstrip('.')}. {DENIED}" if error.denied and has_more else reason
    if not found:
        return reason
    shown = "; ".join(str(error).rstrip(".") for error in found[:ERRORS_SHOWN])
    more = len(found) - ERRORS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
