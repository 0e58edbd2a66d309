"""How an operation ended: the words for it, and one line a stack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import Verdict, console_url, operation_verdict

if TYPE_CHECKING:
    from deploy_action.cloudformation.operation import Operation, StackProgress


class Outcome(Enum):
    """How the deployment ended. Only the first two are good; `unknown` is never success."""

    SUCCEEDED = "succeeded"
    NO_CHANGES = "no-changes"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    BUSY = "busy"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def good(self) -> bool:
        return self in {Outcome.SUCCEEDED, Outcome.NO_CHANGES}


@dataclass(frozen=True, slots=True)
class StackLine:
    """One root stack and how it ended."""

    region: str
    name: str
    stack_id: str
    status: str
    reason: str = ""
    begun: str = ""
    """The action that its operation began with: CREATE, UPDATE, DELETE or IMPORT; empty where that was not
    seen."""

    @property
    def verdict(self) -> Verdict:
        return operation_verdict(self.begun, self.status)

    @property
    def console(self) -> str:
        return console_url(self.region, self.stack_id) if self.stack_id else ""


def stack_lines(operation: Operation) -> tuple[StackLine, ...]:
    """A line a root stack. Of a stack that was deleted and created anew, only the new one counts."""
    newest: dict[tuple[str, str], StackProgress] = {}
    for stack in sorted(operation.roots, key=lambda stack: stack.started or 0.0):
        if stack.verdict is not Verdict.NONE:
            newest[stack.region, stack.name] = stack
    return tuple(
        StackLine(stack.region, stack.name, stack.stack_id, stack.status, stack.reason, stack.begun)
        for stack in newest.values()
    )


def outcome_of(lines: tuple[StackLine, ...]) -> Outcome:
    """The worst of what the stacks say; unknown while any is in progress, or where nothing is known."""
    if not lines:
        return Outcome.UNKNOWN
    verdicts = {line.verdict for line in lines}
    for verdict, outcome in (
        (Verdict.FAILED, Outcome.FAILED),
        (Verdict.ROLLED_BACK, Outcome.ROLLED_BACK),
        (Verdict.RUNNING, Outcome.UNKNOWN),
        (Verdict.NONE, Outcome.UNKNOWN),
    ):
        if verdict in verdicts:
            return outcome
    return Outcome.SUCCEEDED
