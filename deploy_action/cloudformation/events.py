"""CloudFormation's events, and the fold of them into what is known of an operation.

Facts this rests on (27 real failed operations): a rollback has a new operation id but keeps the client
token, so operation ids are phases; events of one instant exist, so identity is the event id alone; status
comes from the stack-level events of a stack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy_action.cloudformation.stacks import (
    STACK_TYPE,
    stack_name_of,
)

USER_INITIATED = "User Initiated"
"""CloudFormation's reason for what somebody asked for."""


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One event. `timestamp` is unix seconds on CloudFormation's clock."""

    event_id: str
    region: str
    stack_id: str
    logical_id: str
    physical_id: str
    resource_type: str
    status: str
    timestamp: float
    reason: str = ""
    token: str = ""
    operation_id: str = ""
    detailed_status: str = ""
    hook_type: str = ""
    """Of an event about a CloudFormation Hook; its status such as `HOOK_COMPLETE_FAILED`, its failure mode
    `FAIL` or `WARN`."""
    hook_status: str = ""
    hook_reason: str = ""
    hook_failure_mode: str = ""

    @property
    def stack_name(self) -> str:
        return stack_name_of(self.stack_id)

    @property
    def is_stack(self) -> bool:
        """About the stack itself, not about a resource of it (a nested stack is a resource of its parent)."""
        return self.resource_type == STACK_TYPE and self.physical_id == self.stack_id

    @property
    def starts_operation(self) -> bool:
        return self.is_stack and self.status in {
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            "IMPORT_IN_PROGRESS",
        }

    @property
    def nested_stack_id(self) -> str | None:
        """The id of the nested stack that this event of its parent is about, once CloudFormation tells it."""
        if self.resource_type != STACK_TYPE or self.is_stack or not self.physical_id.startswith("arn:"):
            return None
        return self.physical_id

    @property
    def action(self) -> str:
        """CREATE, UPDATE, DELETE, IMPORT or ROLLBACK."""
        return self.status.partition("_")[0]

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")

    @property
    def hook_failed(self) -> bool:
        """A CloudFormation Hook forbids it; the status of such an event is still one in progress."""
        return self.hook_status == "HOOK_COMPLETE_FAILED" and self.hook_failure_mode != "WARN"

    @property
    def foretells(self) -> bool:
        """Of a resource in progress: its properties were found wrong, moments before it fails or, where
        another one fails first, is cancelled."""
        return self.status.endswith("_IN_PROGRESS") and "validation failed" in self.reason[:1000].lower()


_CANCELLED = re.compile(r"(Resource|The) (\w+ )?(was |has been )?cancell?ed", re.IGNORECASE)


def was_cancelled(reason: str) -> bool:
    """It did not fail itself: another one did, and this one was given up for it."""
    return _CANCELLED.match(reason) is not None
