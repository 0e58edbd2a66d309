"""Why an operation failed: the set of independent causes, most telling first.

What is not a cause (27 real failed operations): cancelled siblings, the wrapper that a parent says of a
nested stack, the summary that names the failed resources, and deletions that fail during clean-up or
rollback (unless the rollback itself fails by them). A cause can be told of a stack only ("Attribute 'X' does
not exist"), so nothing else found means: the stack's own reason.

Most telling first: a service's own words, then words that fit anything ("Internal Failure", "did not
stabilize") and wrappers whose leaf could not be read; among equals the earliest, since what fails later is
more often a consequence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.events import _CANCELLED, USER_INITIATED
from deploy_action.cloudformation.stacks import STACK_TYPE, Verdict, stack_name_of
from deploy_action.diagnosis.remedies import Remedy, remedy_for

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation, StackProgress

_WRAPPER = re.compile(r"Embedded stack (?P<stack>\S+) was not successfully", re.IGNORECASE)
_SUMMARY = re.compile(r"The following resource\(s\) failed to \w+: \[", re.IGNORECASE)
_NAMED = re.compile(r"The following resource\(s\) failed to \w+: \[(?P<names>[^\]]*)\]", re.IGNORECASE)
_HOOKS = re.compile(r"The following hook\(s\) failed", re.IGNORECASE)
_GENERIC = re.compile(
    r"^\W*(internal (failure|error)|null|unknown|GeneralServiceException)\b"
    r"|did not stabilize|failed to stabilize|Exceeded attempts to wait|InternalFailure|ServiceInternalError",
    re.IGNORECASE,
)
_TROUBLE = re.compile(
    r"\bfail(ed|ure)|\binvalid|denied|not authorized|exceeded|throttl|\bcannot\b|\bunable\b|\berror\b",
    re.IGNORECASE,
)
NAMED_MAX = 5
"""At most this many of the resources that a summary names stand in a cause's name."""
_SEARCHED = 4096
"""Patterns look at so many characters of a reason."""
_NOBODY_ASKED = re.compile(r"[. \n]*(rollback|delete) requested by user\Z", re.IGNORECASE)
_ONE_TRY = re.compile(r"Request ?(?:ID|Token): ?[^\s,;)]+", re.IGNORECASE)
_HANDLER_CODE = re.compile(r"HandlerErrorCode: (?P<code>\w{1,60})\)[\s.]*\Z")
_HANDLER, _HANDLER_END = 'Resource handler returned message: "', '" (RequestToken: '


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
    """The logical id after those of the nested stacks it lies in; empty for a cause told of a root stack."""
    root: str = ""
    """The root stack's name where there is more than one, with the region where that differs."""

    @property
    def name(self) -> str:
        """Where it lies, `shop-api/Table` where there are several stacks; where only a list of names is known
        of it, they follow: `shop: Bucket, Queue`."""
        if self.label:
            name = f"{self.root}/{self.label}" if self.root else self.label
        else:
            name = self.root or self.logical_id
        named = self.named
        if not named:
            return name
        more = f" and {len(named) - NAMED_MAX} more" if len(named) > NAMED_MAX else ""
        return f"{name}: {', '.join(named[:NAMED_MAX])}{more}"

    @property
    def named(self) -> tuple[str, ...]:
        """Logical ids that a wrapper's or summary's own text names as failed."""
        match = _NAMED.search(self.reason, 0, _SEARCHED) if self.resource_type == STACK_TYPE else None
        return tuple(name.strip() for name in match["names"].split(",") if name.strip()) if match else ()

    @property
    def remedy(self) -> Remedy | None:
        """The next step; looked up when asked for, so that nothing is read where nothing failed."""
        return remedy_for(
            self.message,
            resource_type=self.resource_type,
            status=self.status,
            handler_code=self.handler_code,
        )

    @property
    def handler_code(self) -> str:
        """The error code of the resource's handler (`InvalidRequest`); empty where there is none."""
        match = _HANDLER_CODE.search(self.reason, max(0, len(self.reason) - 200))
        return match["code"] if match else ""

    @property
    def message(self) -> str:
        """The reason without what CloudFormation wraps around the service's own words."""
        if self.reason == USER_INITIATED:
            asked = "deletion" if self.status.startswith("DELETE_") else "rollback"
            return f"A user asked for this {asked} (User Initiated)."
        message, end, _ = self.reason.rpartition(_HANDLER_END)
        return message[len(_HANDLER) :] if end and message.startswith(_HANDLER) else self.reason


def causes_of(operation: Operation) -> tuple[Cause, ...]:
    """Independent causes, most telling first; empty where nothing failed."""
    found = _of_events(operation)
    explained = {operation.root_of(operation.stacks[cause.stack_id]).stack_id for cause in found}
    for root in operation.roots:
        if root.stack_id not in explained and root.verdict is not Verdict.SUCCEEDED:
            found += _last_resort(operation, root)
    return _ranked(found)


def early_warnings(operation: Operation) -> tuple[Cause, ...]:
    """Failures that show while a stack is still in progress, in causes' order; empty at rest.

    Beside failures: a resource in progress whose reason already speaks of trouble, such as "Resource template
    validation failed". It may still end well. The caller tells each once, by `warning_key`.
    """
    if not any(root.in_progress for root in operation.roots):
        return ()
    found = _of_events(operation)
    told = {(cause.stack_id, cause.logical_id) for cause in found}
    for stack in operation.stacks.values():
        for activity in stack.activities:
            troubled = activity.running and _TROUBLE.search(activity.reason, 0, _SEARCHED)
            if troubled and (activity.stack_id, activity.logical_id) not in told:
                found.append(
                    Cause(
                        stack_id=stack.stack_id,
                        region=stack.region,
                        logical_id=activity.logical_id,
                        resource_type=activity.resource_type,
                        status=activity.status,
                        reason=activity.reason,
                        timestamp=activity.started,
                        label=stack.label(activity.logical_id),
                        root=operation.root_name(stack),
                    )
                )
    return _ranked(found)


def warning_key(cause: Cause) -> tuple[str, ...]:
    """Equal for all tries and states of the same trouble, so that a caller can tell it once."""
    return (cause.stack_id, cause.logical_id, _ONE_TRY.sub("", cause.message))


def _of_events(operation: Operation) -> list[Cause]:
    return [
        _cause(operation, stack, event)
        for stack in operation.stacks.values()
        for event in stack.failures
        if _is_cause(operation, stack, event)
    ] + [
        _cause(operation, stack, event)
        for stack in operation.stacks.values()
        for event in stack.foretold
        if any(e.logical_id == event.logical_id and _CANCELLED.match(e.reason) for e in stack.failures)
    ]


def _ranked(found: list[Cause]) -> tuple[Cause, ...]:
    found.sort(key=lambda cause: cause.timestamp)
    # Of several tries that failed alike, the first is told.
    unique: dict[tuple[str, ...], Cause] = {}
    for cause in found:
        unique.setdefault(_identity(cause), cause)
    return tuple(sorted(unique.values(), key=_vagueness))


def _vagueness(cause: Cause) -> int:
    if _WRAPPER.match(cause.reason):
        return 2
    foretold = cause.status.endswith("_IN_PROGRESS") and not cause.reason.startswith("Hook ")
    return 1 if foretold or _GENERIC.search(cause.message, 0, _SEARCHED) else 0


def _identity(cause: Cause) -> tuple[str, ...]:
    return (cause.stack_id, cause.logical_id, cause.status, _ONE_TRY.sub("", cause.message))


def _is_cause(operation: Operation, stack: StackProgress, event: StackEvent) -> bool:
    if event.hook_failed:
        return True
    if event.is_stack or not event.reason or _CANCELLED.match(event.reason):
        return False
    told_by_hook = _HOOKS.match(event.reason) and _hook_has_told(stack, event)
    if told_by_hook or (event.status == "DELETE_FAILED" and _is_noise(operation, stack, event)):
        return False
    if not _WRAPPER.match(event.reason):
        return True
    # Only the leaf tells why; a wrapper stands in where the leaf's events could not be read.
    nested = _nested(operation, event)
    if nested is None:
        return True
    return not any(_is_cause(operation, nested, e) or _CANCELLED.match(e.reason) for e in nested.failures)


def _hook_has_told(stack: StackProgress, event: StackEvent) -> bool:
    return any(e.hook_failed and e.logical_id == event.logical_id for e in stack.failures)


def _nested(operation: Operation, wrapper: StackEvent) -> StackProgress | None:
    """The stack that a wrapper speaks of; logs of tools may have neither ids nor what is nested where."""
    match = _WRAPPER.match(wrapper.reason)
    told = wrapper.nested_stack_id or (match["stack"] if match else "")
    known = operation.stacks.get(told)
    return known if known is not None else operation.stacks.get(stack_name_of(told))


def _is_noise(operation: Operation, stack: StackProgress, event: StackEvent) -> bool:
    """A deletion that fails is a cause where deleting was the purpose, or where a rollback failed by it."""
    root = operation.root_of(stack)
    if root.status.endswith("ROLLBACK_FAILED") or (root.begun == "CREATE" and root.status == "DELETE_FAILED"):
        return False
    before = stack.failures[: stack.failures.index(event)]
    return event.event_id in stack.afterwards or any(e.status != "DELETE_FAILED" for e in before)


def _last_resort(operation: Operation, root: StackProgress) -> list[Cause]:
    """The stack's own words, else a wrapper around something cancelled, else a failure without a reason.

    A list of names says least. Of failures without reasons only the first is told: its siblings may be
    cancelled ones.
    """
    wrappers = [e for e in root.failures if not e.is_stack and _WRAPPER.match(e.reason)]
    told = [event for event in root.failures if event.is_stack and event.reason]
    better = [event for event in told if not _SUMMARY.match(event.reason)]
    silent = [
        e for e in root.failures if not e.is_stack and not e.reason and e.event_id not in root.afterwards
    ]
    # A cancelled update or a rollback somebody asked for has this sentence alone, and then it is the cause.
    return [_cause(operation, root, event) for event in (better or wrappers or told or silent)[:1]]


def _cause(operation: Operation, stack: StackProgress, event: StackEvent) -> Cause:
    is_stack = event.is_stack
    return Cause(
        stack_id=stack.stack_id,
        region=stack.region,
        logical_id=stack.name if is_stack else event.logical_id,
        resource_type=STACK_TYPE if is_stack else event.resource_type,
        status=event.status,
        reason=_reason(event),
        timestamp=event.timestamp,
        label="/".join(stack.path) if is_stack else stack.label(event.logical_id),
        root=operation.root_name(stack),
    )


def _reason(event: StackEvent) -> str:
    if event.hook_failed:
        return f"Hook {event.hook_type} failed: {event.hook_reason or event.reason}"
    text = event.reason.rstrip(" .\n")
    asked = _NOBODY_ASKED.search(text, max(0, len(text) - 100))
    before = text[: asked.start()].rstrip(" .\n") if asked else ""
    return f"{before}." if before else event.reason
