"""Change sets: what is asked for, what would change."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set_options import NO_OPTIONS, ChangeSetOptions

if TYPE_CHECKING:
    from deploy_action.cloudformation.stacks import StackRef

_NO_CHANGES = (
    "didn't contain changes",
    "No updates are to be performed",
)
_OURS = re.compile(
    r"deploy-(\d{8}-\d{6}-[0-9a-f]{1,16})-e(\d{1,18})(?:-\d{1,9}(?:-[A-Za-z0-9-]{1,60})?)?\Z", re.ASCII
)
NAME_MAX = 60
"""Characters of the part that people choose."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One stack parameter; `value` None keeps the value that the stack already has."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class ChangeSetRequest:
    """The arguments of `CreateChangeSet`. Exactly one of `template_body` and `template_url` is set.

    The deployment's identity goes into `name`, `token` and `description`: a stack tag would propagate to
    every resource and turn each deployment into an update of everything.
    """

    stack: StackRef
    name: str
    token: str
    description: str
    creates_stack: bool = False
    template_body: str | None = None
    template_url: str | None = None
    parameters: tuple[Parameter, ...] = ()
    capabilities: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] | None = None
    """None leaves the stack's tags as they are, an empty one removes them all."""
    role_arn: str | None = None
    options: ChangeSetOptions = NO_OPTIONS


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """The change of one property, as far as CloudFormation describes it. Values are texts, None where there
    is none or it was not asked for; secrets are hidden in them."""

    path: str
    """Such as `/Properties/KeySchema`."""
    before: str | None = None
    after: str | None = None
    recreation: str = ""
    """CloudFormation's word: Never, Conditionally, Always."""
    source: str = ""
    """CloudFormation's word for why it changes, such as `ParameterReference`."""
    cause: str = ""
    """The source of the change: a parameter, or a resource's attribute."""
    actual: str | None = None
    """The present value of the property, where it was changed outside of CloudFormation."""


@dataclass(frozen=True, slots=True)
class Change:
    """One planned change. `replacement` is CloudFormation's word: True, False, Conditional or empty."""

    action: str
    """CloudFormation's word: Add, Modify, Remove, Import, Dynamic or SyncWithActual."""
    logical_id: str
    resource_type: str
    physical_id: str = ""
    replacement: str = ""
    scope: tuple[str, ...] = ()
    policy_action: str = ""
    """The fate of the physical resource: Delete, Retain, Snapshot, or these behind `ReplaceAnd`."""
    nested_arn: str = ""
    """Of the change set of a nested stack."""
    drift: str = ""
    """CloudFormation's word, in drift-aware change sets only: IN_SYNC, MODIFIED, DELETED and others."""
    properties: tuple[PropertyChange, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set as `DescribeChangeSet` tells it, all pages together."""

    arn: str
    name: str
    stack_id: str
    status: str
    execution_status: str
    reason: str = ""
    changes: tuple[Change, ...] = field(default_factory=tuple)
    stack_name: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    """Names and values; those that are NoEcho as `****`."""
    tags: tuple[tuple[str, str], ...] = ()
    capabilities: tuple[str, ...] = ()
    notification_arns: tuple[str, ...] = ()
    rollback_triggers: tuple[str, ...] = ()
    """ARNs of the alarms."""
    monitoring_minutes: int = 0
    include_nested: bool = False
    """The change sets of nested stacks belong to it."""
    drift: str = ""
    """Of the stack, in drift-aware change sets only: DRIFTED, IN_SYNC or UNKNOWN."""
    created_at: float = 0.0
    """CloudFormation's unix seconds."""

    @property
    def pending(self) -> bool:
        return self.status in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}

    @property
    def is_empty(self) -> bool:
        """It failed only because there is nothing to change: that is a success."""
        return self.status == "FAILED" and any(words in self.reason for words in _NO_CHANGES)

    @property
    def executable(self) -> bool:
        return self.status == "CREATE_COMPLETE" and self.execution_status in {"AVAILABLE", ""}

    @property
    def never_executed(self) -> bool:
        """It was not executed, and cannot be any more."""
        return self.execution_status in {"OBSOLETE", "UNAVAILABLE"}


@dataclass(frozen=True, slots=True)
class ListedChangeSet:
    """A change set as the list of its stack shows it. `nested`: it is part of another one."""

    arn: str
    name: str
    stack_id: str
    stack_name: str
    status: str
    execution_status: str
    nested: bool = False
    reason: str = ""
    created_at: float = 0.0
    """CloudFormation's unix seconds."""

    @property
    def refused(self) -> bool:
        """CloudFormation could not make it, for another reason than that there is nothing to change."""
        return self.status == "FAILED" and not any(words in self.reason for words in _NO_CHANGES)


@dataclass(frozen=True, slots=True)
class ValidationError:
    """Why CloudFormation refuses to make a change set. `path` leads to the property; empty where none is
    named."""

    logical_id: str
    path: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.logical_id} ({self.path})" if self.path else self.logical_id
        return f"{where}: {self.reason}" if where else self.reason


def change_set_prefix(correlation_id: str) -> str:
    """How the names of all change sets of one deployment begin."""
    return f"deploy-{correlation_id}-e"


def change_set_name(correlation_id: str, epoch: int, attempt: int = 1, given: str = "") -> str:
    """Carries who and which turn, so that CloudFormation's own history can be read without us; behind that
    what people call it."""
    turn = f"-{attempt}" if attempt > 1 or given else ""
    return f"{change_set_prefix(correlation_id)}{epoch}{turn}" + (f"-{given}" if given else "")


def epoch_in(name: str) -> int:
    """The epoch in the name of a change set of ours; 0 in any other."""
    found = _OURS.match(name)
    return int(found[2]) if found else 0


def made_by(name: str) -> str:
    """The correlation id of the deployment that made the change set; empty where its name is not of our exact
    shape, whatever an id in the registry looks like."""
    found = _OURS.match(name)
    return found[1] if found else ""
