"""Change sets: made in the background, executed once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fakes.cloudformation.stacks import ResourceState, Stack
    from tests.fakes.cloudformation.versions import Version

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)
_PENDING_SECONDS = 0.4


@dataclass
class ChangeSet:
    """A change set as it will be once `ready` (unix seconds) has come."""

    change_set_id: str
    name: str
    stack_id: str
    stack_name: str
    created: float
    ready: float
    kind: str
    version: Version
    changes: list[dict[str, Any]]
    failure: str | None = None
    description: str | None = None
    on_stack_failure: str | None = None
    client_token: str | None = None
    operation_id: str | None = None
    include_nested: bool = False
    imports: dict[str, str] = field(default_factory=dict)
    validation_errors: list[dict[str, str]] = field(default_factory=list)
    before: Version | None = None
    states: dict[str, ResourceState] = field(default_factory=dict)
    """What was there, by logical id, when it was made."""
    deployment_mode: str | None = None
    parent: str | None = None
    root: str | None = None
    children: list[tuple[Stack, ChangeSet]] = field(default_factory=list)
    """Those of nested stacks. A nested stack that is still to be made is in no list (assumed: the model tells
    only that its change set has an id of its own)."""
    executed: float | None = None
    deleted: float | None = None

    def status(self, now: float) -> str:
        if self.deleted is not None and self.deleted <= now:
            return "DELETE_COMPLETE"
        if now < self.ready:
            return (
                "CREATE_PENDING"
                if now < min(self.created + _PENDING_SECONDS, self.ready)
                else "CREATE_IN_PROGRESS"
            )
        return "FAILED" if self.failure else "CREATE_COMPLETE"

    def execution_status(self, stack: Stack, now: float) -> str:
        if self.executed is not None and self.executed <= now:
            status = stack.status(now)
            if status.endswith("_IN_PROGRESS") and "CLEANUP" not in status and "ROLLBACK" not in status:
                return "EXECUTE_IN_PROGRESS"
            return (
                "EXECUTE_FAILED" if "ROLLBACK" in status or status.endswith("FAILED") else "EXECUTE_COMPLETE"
            )
        if self.status(now) != "CREATE_COMPLETE":
            return "UNAVAILABLE"
        later = any(self.created < operation.started <= now for operation in stack.operations)
        # Assumed: while that operation runs the stack itself refuses, and the change set looks as before.
        return "OBSOLETE" if later and not stack.in_progress(now) else "AVAILABLE"
