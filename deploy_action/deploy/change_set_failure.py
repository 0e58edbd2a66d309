"""Why CloudFormation could not make a change set: what early validation and hooks found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from deploy_action.cloudformation.ports import ChangeSetSource, ValidationSource
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.cloudformation.stacks import StackRef

ERRORS_SHOWN = 10
STACKS_MAX = 5
DENIED = (
    "The details need the permission `cloudformation:DescribeEvents`, which the role does not have; the "
    "console shows them under the change set."
)
_DETAILS = ("DescribeEvents", "hook(s)", "validation failed", "hook")
"""In the reason of a change set that has more to tell."""


class RefusalSource(ChangeSetSource, ValidationSource, Protocol):
    """The change sets of a stack, and the findings about them."""


def refused_since(source: RefusalSource, stacks: Iterable[StackRef], since: float | None) -> tuple[str, ...]:
    """Why CloudFormation refused change sets that were made since then (its own unix seconds), a sentence
    each. None of those that their tool has deleted again. Raises StackSourceError.
    """
    if since is None:
        return ()
    found: dict[str, str] = {}
    for stack in [stack for stack in stacks if not stack.is_glob][:STACKS_MAX]:
        for one in source.change_sets(stack):
            if one.refused and not one.nested and one.created_at >= since:
                why = why_failed(source, stack, one.arn, one.reason or one.status)
                found[one.arn] = f"CloudFormation could not make the change set {one.name} of {stack}: {why}"
    return tuple(found.values())


def why_failed(source: ValidationSource, stack: StackRef, arn: str, reason: str) -> str:
    """`reason`: the change set's own. Never raises."""
    try:
        found = source.validation_errors(stack, arn)
    except StackSourceError as error:  # an older endpoint does not know them
        has_more = any(word in reason for word in _DETAILS)
        return f"{reason.rstrip('.')}. {DENIED}" if error.denied and has_more else reason
    if not found:
        return reason
    shown = "; ".join(str(error).rstrip(".") for error in found[:ERRORS_SHOWN])
    more = len(found) - ERRORS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown
