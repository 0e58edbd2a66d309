"""Watches by the status of stacks alone: where their events may not be read, or nobody is left to tell them.

`DescribeStacks` may show a state of some time ago, and says of an end neither whose it is nor why it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from deploy_action.cloudformation.stacks import StackRef, Verdict, verdict_of
from deploy_action.common.heartbeat import Heartbeat
from deploy_action.errors import LockLost, StackSourceError
from deploy_action.monitoring.watch_loop import BLIND_AFTER, NAP_SECONDS, End

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.ports import StackDeployer, StackSource
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.common.ports import Clock
    from deploy_action.errors import CoordinatorError

POLL_SECONDS = 15.0
"""An account may ask for about 5 stacks a second, together with everybody in it."""


class Telling(Protocol):
    def trouble(self, sentence: str, error: CoordinatorError | None = None) -> None: ...

    def line(self, text: str) -> None: ...


@dataclass(slots=True)
class OwnEnd:
    """How the end of one change set's execution is told from the end of any other operation on the stack.

    `changed_at`: when the operation before it began, unix seconds of CloudFormation: what is not newer is
    the state of before, read late.
    """

    source: StackSource
    deployer: StackDeployer
    stack: StackRef
    arn: str
    changed_at: float
    state: StackState | None = None
    """The stack when it was last seen with our operation; still in progress, or at its end."""

    def look(self) -> bool:
        """Whether it has ended. Raises StackSourceError."""
        now = self.source.describe(self.stack)
        if now is None or verdict_of(now.status) is Verdict.NONE or now.changed_at <= self.changed_at:
            return False
        if now.change_set_arn == self.arn:
            self.state = now
            return not now.in_progress
        # Somebody has begun something else since, so ours has ended, and how is not seen any more.
        self.state = None
        return True

    def seen(self) -> StackState | None:
        """The stack at our end; None where that cannot be told for certain. Never raises."""
        state = self.state
        if state is None or state.in_progress:
            return None
        if verdict_of(state.status) is not Verdict.SUCCEEDED or state.status.startswith("DELETE_"):
            return state
        try:
            execution = self.deployer.change_set(self.stack, self.arn).execution_status
        except StackSourceError:
            return None
        return state if execution == "EXECUTE_COMPLETE" else None


def wait_by_status(
    look: Callable[[], bool],
    clock: Clock,
    reporter: Telling,
    *,
    cancelled: Callable[[], bool],
    keep_lock: Callable[[], None],
    timeout_seconds: float | None,
    elapsed_seconds: float,
    gives_up: bool,
    began: Callable[[], bool],
    first_sign_seconds: float,
) -> End:
    """Ask `look`, which may raise StackSourceError, until it says that all has ended.

    The arguments mean what they mean to a Session; `first_sign_seconds` is how long `began` may stay false.
    """
    started = clock.monotonic()
    told: set[str] = set()
    refused = 0
    heartbeat = Heartbeat(
        clock, reporter.line, "Watching the stack's status, since its events cannot be read"
    )
    while True:
        readable = False
        try:
            if look():
                return End.DONE
            refused, readable = 0, True
        except StackSourceError as error:
            refused = 0 if error.temporary else refused + 1
            _tell(reporter, told, str(error), error)
        if gives_up and refused >= BLIND_AFTER:
            return End.BLIND
        heartbeat.beat("It has not ended." if readable else "CloudFormation does not answer.")
        try:
            keep_lock()
        except LockLost as error:
            _tell(
                reporter, told, f"{error.what} What is running goes on, and others under this lock may begin."
            )
        if cancelled():
            return End.CANCELLED
        waited = clock.monotonic() - started
        if timeout_seconds is not None and waited + elapsed_seconds >= timeout_seconds:
            return End.TIMED_OUT
        if readable and waited >= first_sign_seconds and not began():
            return End.NEVER_BEGAN
        end = clock.monotonic() + POLL_SECONDS
        while (left := end - clock.monotonic()) > 0 and not cancelled():
            clock.sleep(min(NAP_SECONDS, left))


def _tell(reporter: Telling, told: set[str], sentence: str, error: CoordinatorError | None = None) -> None:
    if sentence not in told:
        told.add(sentence)
        reporter.trouble(sentence, error)
