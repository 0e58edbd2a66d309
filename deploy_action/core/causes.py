"""Why an operation failed: the set of independent causes, most telling first.

What is not a cause (27 real failed operations): cancelled siblings, the wrapper that a parent says of a
nested stack, the summary that names the failed resources, and deletions that fail during clean-up or
rollback. A cause can be told of a stack only ("Attribute 'X' does not exist"), so nothing else found means:
the stack's own reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.core.stacks import STACK_TYPE

if TYPE_CHECKING:
    from deploy_action.core.events import Operation, StackEvent, StackProgress

_CANCELLED = re.compile(r"^Resource (creation|update|deletion|import) cancelled", re.IGNORECASE)
_WRAPPER = re.compile(r"^Embedded stack \S+ was not successfully", re.IGNORECASE)
_SUMMARY = re.compile(r"^The following resource\(s\) failed to \w+: \[", re.IGNORECASE)
_NOBODY_ASKED = re.compile(r"[\s.]*Rollback requested by user\.?\s*$")
_HANDLER = re.compile(
    r'^Resource handler returned message: "(?P<message>.*)" \(RequestToken: [^)]*\)$', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason. `reason` is CloudFormation's text, unescaped; `timestamp` unix seconds."""

    stack_id: str
    region: str
    logical_id: str
    resource_type: str
    status: str
    reason: str
    timestamp: float

    @property
    def message(self) -> str:
        """The reason without what CloudFormation wraps around the service's own words."""
        match = _HANDLER.match(self.reason)
        return match["message"] if match else self.reason


def causes_of(operation: Operation) -> tuple[Cause, ...]:
    """Independent causes in the order in which they happened; empty where nothing failed."""
    found = [
        _cause(stack, event)
        for stack in operation.stacks.values()
        for event in stack.failures
        if _is_cause(operation, event)
    ]
    if not found:
        found = [cause for root in operation.roots for cause in _last_resort(root)]
    unique = {(cause.stack_id, cause.logical_id, cause.reason): cause for cause in reversed(found)}
    return tuple(sorted(unique.values(), key=lambda cause: cause.timestamp))


def _is_cause(operation: Operation, event: StackEvent) -> bool:
    if event.is_stack or not event.failed:
        return False
    if not event.reason or _CANCELLED.match(event.reason):
        return False
    if _WRAPPER.match(event.reason):
        # Only the leaf tells why; a wrapper stands in where the leaf's events could not be read.
        nested = operation.stacks.get(event.nested_stack_id or "")
        return nested is None or not any(_is_cause(operation, e) for e in nested.failures)
    return not (event.status == "DELETE_FAILED" and _is_noise_of(operation.stacks[event.stack_id], event))


def _is_noise_of(stack: StackProgress, event: StackEvent) -> bool:
    """A deletion that fails is a cause only where deleting was the purpose."""
    before = [e for e in stack.failures if e.timestamp <= event.timestamp and e is not event]
    rolled_back = any("ROLLBACK" in e.status or e.status != "DELETE_FAILED" for e in before)
    return rolled_back or "CLEANUP" in stack.status or stack.status.startswith(("UPDATE_", "CREATE_"))


def _last_resort(root: StackProgress) -> list[Cause]:
    """The stack's own words: first those that say more than a list of names."""
    told = [event for event in root.failures if event.is_stack and event.reason]
    better = [event for event in told if not _SUMMARY.match(event.reason)]
    # A cancelled update or a rollback somebody asked for has this sentence alone, and then it is the cause.
    return [_cause(root, event) for event in (better or told)[:1]]


def _cause(stack: StackProgress, event: StackEvent) -> Cause:
    reason = event.reason
    if _SUMMARY.match(reason):
        reason = _NOBODY_ASKED.sub(".", reason)
    is_stack = event.is_stack
    return Cause(
        stack_id=stack.stack_id,
        region=stack.region,
        logical_id=stack.name if is_stack else event.logical_id,
        resource_type=STACK_TYPE if is_stack else event.resource_type,
        status=event.status,
        reason=reason,
        timestamp=event.timestamp,
    )
