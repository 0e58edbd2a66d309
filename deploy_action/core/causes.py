"""Why an operation failed: the set of independent causes, most telling first.

What is not a cause (27 real failed operations): cancelled siblings, the wrapper that a parent says of a
nested stack, the summary that names the failed resources, and deletions that fail during clean-up or
rollback (unless the rollback itself fails by them). A cause can be told of a stack only ("Attribute 'X' does
not exist"), so nothing else found means: the stack's own reason.
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
_NOBODY_ASKED = re.compile(r"(?<=\S)[\s.]*Rollback requested by user\.?\s*$")
_ONE_TRY = re.compile(r"Request ?(?:ID|Token): ?[^\s,;)]+", re.IGNORECASE)
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
    label: str = ""
    """The logical id after those of the nested stacks it lies in; empty for a cause told of a stack."""

    @property
    def name(self) -> str:
        return self.label or self.logical_id

    @property
    def message(self) -> str:
        """The reason without what CloudFormation wraps around the service's own words."""
        if self.reason == "User Initiated":
            return "A user asked for this rollback (User Initiated)."
        match = _HANDLER.match(self.reason)
        return match["message"] if match else self.reason


def causes_of(operation: Operation) -> tuple[Cause, ...]:
    """Independent causes in the order in which they happened; empty where nothing failed."""
    found = [
        _cause(stack, event)
        for stack in operation.stacks.values()
        for event in stack.failures
        if _is_cause(operation, stack, event)
    ]
    if not found:
        found = [cause for root in operation.roots for cause in _last_resort(root)]
    found.sort(key=lambda cause: cause.timestamp)
    # Of several tries that failed alike, the first is told.
    unique = {_identity(cause): cause for cause in reversed(found)}
    return tuple(reversed(unique.values()))


def _identity(cause: Cause) -> tuple[str, ...]:
    return (cause.stack_id, cause.logical_id, cause.status, _ONE_TRY.sub("", cause.message))


def _is_cause(operation: Operation, stack: StackProgress, event: StackEvent) -> bool:
    if event.is_stack or not event.reason or _CANCELLED.match(event.reason):
        return False
    if event.status == "DELETE_FAILED" and _is_noise(operation, stack, event):
        return False
    if not _WRAPPER.match(event.reason):
        return True
    # Only the leaf tells why; a wrapper stands in where the leaf's events could not be read.
    nested = operation.stacks.get(event.nested_stack_id or "")
    if nested is None:
        return True
    return not any(_is_cause(operation, nested, e) or _CANCELLED.match(e.reason) for e in nested.failures)


def _is_noise(operation: Operation, stack: StackProgress, event: StackEvent) -> bool:
    """A deletion that fails is a cause where deleting was the purpose, or where a rollback failed by it."""
    if operation.root_of(stack).status.endswith("ROLLBACK_FAILED"):
        return False
    before = stack.failures[: stack.failures.index(event)]
    return event.event_id in stack.afterwards or any(e.status != "DELETE_FAILED" for e in before)


def _last_resort(root: StackProgress) -> list[Cause]:
    """A wrapper around something cancelled, else the stack's own words: a list of names says least."""
    wrappers = [e for e in root.failures if not e.is_stack and _WRAPPER.match(e.reason)]
    told = [event for event in root.failures if event.is_stack and event.reason]
    better = [event for event in told if not _SUMMARY.match(event.reason)]
    # A cancelled update or a rollback somebody asked for has this sentence alone, and then it is the cause.
    return [_cause(root, event) for event in (better or wrappers or told)[:1]]


def _cause(stack: StackProgress, event: StackEvent) -> Cause:
    is_stack = event.is_stack
    return Cause(
        stack_id=stack.stack_id,
        region=stack.region,
        logical_id=stack.name if is_stack else event.logical_id,
        resource_type=STACK_TYPE if is_stack else event.resource_type,
        status=event.status,
        reason=_NOBODY_ASKED.sub(".", event.reason),
        timestamp=event.timestamp,
        label="" if is_stack else stack.label(event.logical_id),
    )
