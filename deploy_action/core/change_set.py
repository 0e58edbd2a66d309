"""Change sets: what is asked for, what would change."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.core.stacks import StackRef

_NO_CHANGES = (
    "didn't contain changes",
    "No updates are to be performed",
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One stack parameter; `value` None keeps the value that the stack already has."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class ChangeSetRequest:
    """What `CreateChangeSet` needs. Exactly one of `template_body` and `template_url` is set.

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
    tags: tuple[tuple[str, str], ...] = ()
    role_arn: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One planned change. `replacement` is CloudFormation's word: True, False, Conditional or empty."""

    action: str
    logical_id: str
    resource_type: str
    physical_id: str = ""
    replacement: str = ""
    scope: tuple[str, ...] = ()


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


def planned_of(changes: tuple[Change, ...] | None) -> int | None:
    """How many resources will be touched; None where a change set does not tell.

    One that only adds is exact. Others over-report: what would change may turn out to be the same.
    """
    if not changes or any(change.action != "Add" for change in changes):
        return None
    return len(changes)


def change_set_prefix(correlation_id: str) -> str:
    """How the names of all change sets of one deployment begin."""
    return f"deploy-{correlation_id}-e"


def change_set_name(correlation_id: str, epoch: int, attempt: int = 1) -> str:
    """Carries who and which turn, so that CloudFormation's own history can be read without us."""
    return f"{change_set_prefix(correlation_id)}{epoch}" + (f"-{attempt}" if attempt > 1 else "")
