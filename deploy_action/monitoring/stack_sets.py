"""StackSets: operations that change stacks in several accounts and regions, and what became of each.

Source: the CloudFormation API reference, `StackSetOperationSummary` and `StackSetOperationResultSummary`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy_action.cloudformation.stacks import StackRef, Verdict, parse_stack_ref
from deploy_action.diagnosis.causes import Cause

STACK_SET_TYPE = "AWS::CloudFormation::StackSet"
PREFIX = "stack-set:"
DETECT_DRIFT = "DETECT_DRIFT"
"""The action of an operation that changes nothing."""
_ENDED_WELL = frozenset({"SUCCEEDED"})
_RUNNING = {"QUEUED", "RUNNING", "STOPPING"}
_REASON = re.compile(
    r"ResourceLogicalId:\s*(?P<id>[^,]{1,255}),\s*ResourceType:\s*(?P<type>[^,]{1,255}),\s*"
    r"ResourceStatusReason:\s*(?P<reason>.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, order=True)
class StackSetRef:
    """A stack set's address; `region` is where it is administered."""

    region: str
    name: str

    @property
    def place(self) -> StackRef:
        """Among the stacks of a deployment; no stack can be named so."""
        return StackRef(self.region, f"{PREFIX}{self.name}")

    def __str__(self) -> str:
        return f"{self.region}/{self.name}"


@dataclass(frozen=True, slots=True)
class StackSetOperation:
    """`created_at`: unix seconds of CloudFormation. `failed`: instances, where it is told."""

    operation_id: str
    action: str
    status: str
    created_at: float
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        """A status that is not known is a failure, so that a new one can never be shown as green."""
        if self.status in _RUNNING:
            return Verdict.RUNNING
        return Verdict.SUCCEEDED if self.status in _ENDED_WELL else Verdict.FAILED


@dataclass(frozen=True, slots=True)
class StackSetInstance:
    """One account and region of one operation. `status`: PENDING, RUNNING, SUCCEEDED, FAILED or CANCELLED."""

    account: str
    region: str
    status: str
    reason: str = ""
    stack_id: str = ""

    @property
    def place(self) -> str:
        return f"{self.account}/{self.region}"


@dataclass(frozen=True, slots=True)
class StackSetLine:
    """One operation on one stack set and how it ended."""

    region: str
    name: str
    operation: StackSetOperation
    instances: tuple[StackSetInstance, ...] = ()

    @property
    def status(self) -> str:
        return self.operation.status

    @property
    def verdict(self) -> Verdict:
        return self.operation.verdict

    @property
    def failed(self) -> tuple[StackSetInstance, ...]:
        return tuple(one for one in self.instances if one.status == "FAILED")

    @property
    def counts(self) -> str:
        """`2 SUCCEEDED, 1 FAILED`; empty where nothing is known of its instances."""
        statuses = [one.status for one in self.instances]
        return ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))


@dataclass(frozen=True, slots=True)
class Change:
    """News of one operation; `instance` None: of the operation itself."""

    stack_set: StackSetRef
    operation: StackSetOperation
    instance: StackSetInstance | None = None

    @property
    def key(self) -> str:
        where, status = (self.instance.place, self.instance.status) if self.instance else ("", "")
        return f"{self.operation.operation_id}/{where}/{status or self.operation.status}"


def parse_stack_set(text: str, default_region: str) -> StackSetRef:
    """`NAME` or `REGION/NAME`. Raises ValueError with a sentence for people."""
    if ":" in text or any(letter in text for letter in "*?["):
        raise ValueError(f"`{text}` is not the name of one stack set: write `NAME` or `REGION/NAME`.")
    ref = parse_stack_ref(text, default_region)
    return StackSetRef(ref.region, ref.name)


def cause_of(line: StackSetLine, instance: StackSetInstance) -> Cause:
    """Of a failed instance whose stack cannot be read: in the words of the operation's result."""
    told = _REASON.match(instance.reason)
    logical_id = told["id"].strip() if told else instance.place
    return Cause(
        stack_id=instance.stack_id,
        region=instance.region,
        logical_id=logical_id,
        resource_type=told["type"].strip() if told else STACK_SET_TYPE,
        status="FAILED",
        reason=told["reason"].strip() if told else instance.reason or "CloudFormation gives no reason.",
        timestamp=line.operation.created_at,
        label=logical_id if told else "",
        root=root_of(line, instance),
    )


def root_of(line: StackSetLine, instance: StackSetInstance) -> str:
    """How a cause names the stack of an instance."""
    return f"{line.name} in {instance.place}"
