"""Calls of CloudFormation and STS. `client` implements these; tests hand in their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from deploy_action.cloudformation.change_set import (
        ChangeSet,
        ChangeSetRequest,
        ListedChangeSet,
        ValidationError,
    )
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.stacks import StackRef, StackState
    from deploy_action.common.instants import CloudFormationTime


@dataclass(frozen=True, slots=True)
class Traffic:
    """`requests` counts pages and tries, `throttled` those of them that were refused as too many."""

    requests: int = 0
    throttled: int = 0


class StackSource(Protocol):
    """Read-only view of CloudFormation. Every method raises StackSourceError and nothing else."""

    def describe(self, stack: StackRef) -> StackState | None:
        """The stack's state, or None where there is no such stack."""
        ...

    def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
        """Events newer than the first one that `stop` accepts, oldest first; () where there is no such stack.

        Pages from the newest event back until `stop` says so: a fetch capped at one page loses the cause of
        a failure.
        """
        ...

    def their_time(self) -> CloudFormationTime | None:
        """CloudFormation's clock at its last answer, unix seconds, whole ones; None where it was not told."""
        ...

    def matching(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = ...
    ) -> Sequence[StackState]:
        """Stacks whose name matches the glob of `pattern.name`, deleted ones left out. Reads all stacks of
        the account, a hundred a page; `between_pages` may wait."""
        ...

    def in_progress(self, pattern: StackRef) -> Sequence[StackState]:
        """Those of `matching` that CloudFormation is working on: one page, however many stacks there are."""
        ...

    def deleted(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = ...
    ) -> Sequence[StackState]:
        """Deleted stacks, which CloudFormation lists for 90 days, whose name is or matches `pattern.name`."""
        ...

    def traffic(self) -> Traffic:
        """Requests that this process has sent to CloudFormation so far."""
        ...


class TemplateSource(Protocol):
    def template(self, stack: StackRef, change_set: str = "") -> object:
        """The processed template of a change set (ARN), else of the stack: a text, or parsed JSON. Raises
        StackSourceError."""
        ...


class ChangeSetSource(Protocol):
    """Read-only view of change sets. Every method raises StackSourceError."""

    def change_set(self, stack: StackRef, arn: str, *, values: bool = ...) -> ChangeSet:
        """With all pages of its changes; with `values`, also what properties are before and after. The
        stack's name may be empty where `arn` is one."""
        ...

    def change_sets(self, stack: StackRef) -> tuple[ListedChangeSet, ...]:
        """All of a stack; () where there is no such stack."""
        ...


class ValidationSource(Protocol):
    def validation_errors(self, stack: StackRef, arn: str) -> tuple[ValidationError, ...]:
        """Findings of early validation and hooks about a change set; () where nothing is told. Raises
        StackSourceError."""
        ...


class StackDeployer(ValidationSource, Protocol):
    """Calls that change CloudFormation. Every method raises StackSourceError, or CannotStart for a
    refusal."""

    def template_parameters(self, request: ChangeSetRequest) -> frozenset[str]:
        """Names of the parameters that the template declares."""
        ...

    def create_change_set(self, request: ChangeSetRequest) -> str:
        """Start to create a change set; returns its ARN. Idempotent by `request.token`."""
        ...

    def change_set(self, stack: StackRef, arn: str) -> ChangeSet:
        """The change set with all pages of its changes."""
        ...

    def execute_change_set(self, stack: StackRef, arn: str, *, token: str, disable_rollback: bool) -> None:
        """Start the update. CloudFormation itself refuses a stack that is in progress."""
        ...

    def delete_change_set(self, stack: StackRef, arn: str) -> None: ...

    def delete_unexecuted_change_sets(self, stack: StackRef, correlation_ids: Collection[str]) -> None:
        """Delete those that these deployments made and nobody has executed. Others stay, whatever the ids
        look like."""
        ...

    def delete_stack(self, stack: StackRef, *, token: str, role_arn: str = "") -> None: ...

    def cancel_update(self, stack: StackRef, *, token: str) -> None:
        """Ask for the roll-back of the update that runs. Idempotent by `token`; CannotStart where there is
        none."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials these are. `account` has 12 digits."""

    account: str
    arn: str


class IdentitySource(Protocol):
    def whoami(self) -> Identity:
        """Raises StackSourceError."""
        ...
