"""One operation of one root stack: what it touched, how long each part took."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.operation import Phase
from deploy_action.cloudformation.stacks import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deploy_action.cloudformation.operation import Activity, Operation, StackProgress

STEPS_MAX = 120
"""Resources kept of one operation, the longest ones."""
ATTEMPTED_MAX = 40
FAILED = "_FAILED"

_RENAMED_TYPES = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGatewayV2::Deployment",
    "AWS::Lambda::Version",
    "AWS::Lambda::LayerVersion",
}
_HASH = re.compile(r"(?<=.)[0-9a-fA-F]{8,}$")


@dataclass(frozen=True, slots=True)
class ResourceTiming:
    """One good step of one resource. Seconds; `start` counts from the start of the operation."""

    label: str
    resource_type: str
    action: str
    start: float
    seconds: float

    @property
    def end(self) -> float:
        return self.start + self.seconds


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One operation of a root stack that has come to its end. All times in seconds.

    `stack`: `REGION/NAME`. `kind`: create, update, delete or import. `touched`, `planned`: fingerprints of
    what was touched, and of what the change set said, empty where there was none; `count` resources.
    """

    stack: str
    kind: str
    outcome: str
    seconds: float
    deploy_seconds: float
    cleanup_seconds: float = 0.0
    rollback_seconds: float = 0.0
    touched: str = ""
    planned: str = ""
    count: int = 0
    steps: tuple[ResourceTiming, ...] = ()
    cleanup: tuple[ResourceTiming, ...] = ()
    attempted: tuple[ResourceTiming, ...] = ()
    """Of one that did not end well, for people: its resources until the rollback. Estimates learn nothing
    from them. The action of one that failed is such as `CREATE_FAILED`."""

    @property
    def good(self) -> bool:
        return self.outcome == Verdict.SUCCEEDED.value


def stable_name(label: str, resource_type: str) -> str:
    """The name without the hash of its contents that tools give to resources that are never updated.

    SAM and CDK do so: `ApiDeployment34ef3df2e3`, `HandlerVersion1f0c2b7a9d`.
    """
    return _HASH.sub("", label) if resource_type in _RENAMED_TYPES else label


def fingerprint(touched: Iterable[tuple[str, str]]) -> str:
    """Of a set of (action, stable name): the same for the same set, short enough to stand in a history."""
    text = "\n".join(sorted({f"{action} {name}" for action, name in touched}))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12] if text else ""


def touched_of(operation: Operation, root: StackProgress, *, removals: bool = True) -> set[tuple[str, str]]:
    """(action, stable name) of the root's own resources, as a change set would say: what the deploy phase
    did, and what is removed in the clean-up without having been replaced."""
    own = operation.stacks[root.stack_id].activities
    found = {(a.action, stable_name(a.logical_id, a.resource_type)) for a in own if a.phase is Phase.DEPLOY}
    if removals:
        raw = {a.logical_id for a in own if a.phase is Phase.DEPLOY}
        found |= {
            ("DELETE", stable_name(a.logical_id, a.resource_type))
            for a in own
            if a.phase is Phase.CLEANUP and a.action == "DELETE" and a.logical_id not in raw
        }
    return found


def runs_of(
    operation: Operation, *, planned: dict[str, str] | None = None, removals: bool = True
) -> tuple[OperationRecord, ...]:
    """Of each root stack whose beginning and end were both seen, in the order in which they began.

    `planned` maps `REGION/NAME` to the fingerprint of its change set.
    """
    whole = [
        root
        for root in operation.roots
        if root.started is not None
        and root.ended is not None
        and root.ended > root.started
        and root.phase_at(root.started) is Phase.DEPLOY
        and root.verdict not in {Verdict.RUNNING, Verdict.NONE}
        and kind_of(root)
    ]
    return tuple(
        _run(operation, root, (planned or {}).get(f"{root.region}/{root.name}", ""), removals=removals)
        for root in sorted(whole, key=lambda root: root.started or 0.0)
    )


def kind_of(root: StackProgress) -> str:
    """create, update, delete or import, also once it rolls back; empty where it cannot be told."""
    if root.begun:
        return root.begun.lower()
    status = root.status
    for word in ("CREATE", "UPDATE", "DELETE", "IMPORT"):
        if status.startswith(word):
            return word.lower()
    return "create" if status.startswith("ROLLBACK") else ""


def phase_begins(root: StackProgress, phase: Phase, *, until: float) -> float | None:
    """When the stack entered a phase, unix seconds; None where it had not before `until`."""
    begin, end = root.started, until - 0.001
    if begin is None or end <= begin or root.phase_at(end) is not phase:
        return None
    for _ in range(64):
        if end - begin <= 0.001:
            break
        middle = (begin + end) / 2
        begin, end = (begin, middle) if root.phase_at(middle) is phase else (middle, end)
    return end


def _run(operation: Operation, root: StackProgress, planned: str, *, removals: bool) -> OperationRecord:
    started, ended = root.started or 0.0, root.ended or 0.0
    cleanup = phase_begins(root, Phase.CLEANUP, until=ended)
    rollback = phase_begins(root, Phase.ROLLBACK, until=ended)
    deploy_end = min(moment for moment in (cleanup, rollback, ended) if moment is not None)
    touched = touched_of(operation, root, removals=removals)
    good = root.verdict is Verdict.SUCCEEDED
    steps = _steps(operation, root, Phase.DEPLOY) if good else ()
    return OperationRecord(
        stack=f"{root.region}/{root.name}",
        kind=kind_of(root),
        outcome=root.verdict.value,
        seconds=_round(ended - started),
        deploy_seconds=_round(deploy_end - started),
        cleanup_seconds=_round(ended - cleanup) if cleanup is not None else 0.0,
        rollback_seconds=_round(ended - rollback) if rollback is not None else 0.0,
        touched=fingerprint(touched),
        planned=planned,
        count=len(touched),
        steps=steps,
        cleanup=_steps(operation, root, Phase.CLEANUP)[: STEPS_MAX // 2] if good else (),
        attempted=() if good else _attempted(operation, root),
    )


def _attempted(operation: Operation, root: StackProgress) -> tuple[ResourceTiming, ...]:
    """Those that failed, and the longest of the others."""
    failed = [
        replace(step, action=f"{step.action}{FAILED}")
        for activity in _activities(operation, root, Phase.DEPLOY)
        if activity.status.endswith(FAILED)
        for step in [_step(operation, activity, root.started or 0.0)]
    ]
    good = sorted(_steps(operation, root, Phase.DEPLOY), key=lambda step: -step.seconds)
    kept = (*failed, *good)[:ATTEMPTED_MAX]
    return tuple(sorted(kept, key=lambda step: (step.start, step.label)))


def _steps(operation: Operation, root: StackProgress, phase: Phase) -> tuple[ResourceTiming, ...]:
    found = [
        _step(operation, activity, root.started or 0.0)
        for activity in _activities(operation, root, phase)
        if activity.status.endswith("_COMPLETE") and activity.seconds() > 0
    ]
    longest = sorted(found, key=lambda step: -step.seconds)[:STEPS_MAX]
    return tuple(sorted(longest, key=lambda step: (step.start, step.label)))


def _activities(operation: Operation, root: StackProgress, phase: Phase) -> Iterator[Activity]:
    for stack in operation.stacks.values():
        if operation.root_of(stack) is root:
            yield from (activity for activity in stack.activities if activity.phase is phase)


def _step(operation: Operation, activity: Activity, started: float) -> ResourceTiming:
    return ResourceTiming(
        label=stable_name(operation.label_of(activity), activity.resource_type),
        resource_type=activity.resource_type,
        action=activity.action,
        start=_round(max(0.0, activity.started - started)),
        seconds=_round(activity.seconds()),
    )


def _round(seconds: float) -> float:
    return round(seconds, 1)
