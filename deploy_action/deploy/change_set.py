"""A deployment by change set, step by step. Each step changes one thing and says what it found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from deploy_action.cloudformation.change_set import ChangeSet, ChangeSetRequest, Parameter
from deploy_action.cloudformation.deployability import Start, replaced_without_rollback, starting_point
from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.cloudformation.stacks import StackRef, StackState, Verdict, verdict_of
from deploy_action.common.heartbeat import Heartbeat
from deploy_action.deploy.change_set_failure import why_failed
from deploy_action.errors import (
    Cancelled,
    CannotStart,
    ChangeSetGone,
    CoordinatorError,
    Overtaken,
    StackSourceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.cloudformation.ports import StackDeployer, StackSource
    from deploy_action.common.ports import Clock

T = TypeVar("T")

POLL_SECONDS = 1.0
STALE_SECONDS = 30.0
"""So long a change set that CloudFormation has just confirmed may be missing from what it shows."""


@dataclass(frozen=True, slots=True)
class PreparedChangeSet:
    """A change set, ready or empty. `created_stack`: the stack exists only because of this change set.
    `changed_at`: when the operation before it began (CloudFormation's unix seconds); 0 where there was none.
    """

    change_set: ChangeSet
    created_stack: bool
    changed_at: float = 0.0


class NativeDeployment:
    """One stack, one template. Nothing here waits for the end: that is the watcher's business.

    `alive` is called while something takes long: it renews the lock, and raises what ends the wait (LockLost,
    TimedOut). `fence` is called
    immediately before something is deleted or executed: it makes sure that the lock is still held.
    """

    def __init__(
        self,
        source: StackSource,
        deployer: StackDeployer,
        clock: Clock,
        request: ChangeSetRequest,
        *,
        cancelled: Callable[[], bool],
        tell: Callable[[str], None],
        alive: Callable[[], None] = lambda: None,
        fence: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._deployer = deployer
        self._clock = clock
        self._request = request
        self._role = request.role_arn or ""
        self._cancelled = cancelled
        self._tell = tell
        self._alive = alive
        self._fence = fence

    def plan(self, *, delete_rolled_back_stack: bool, disable_rollback: bool = False) -> PreparedChangeSet:
        """Create the change set and wait for it.

        Raises Overtaken where somebody else works on the stack, CannotStart, StackSourceError, Cancelled, and
        what `alive` raises.
        """
        stack = self._request.stack
        state = self._patiently(lambda: self._source.describe(stack))
        if state is not None and state.in_progress:
            raise Overtaken(f"Stack {stack} is {state.status}.")
        start = starting_point(
            stack,
            state,
            delete_rolled_back_stack=delete_rolled_back_stack,
            disable_rollback=disable_rollback,
        )
        if start is Start.DELETE_THEN_CREATE and state is not None:
            self._delete(state)
            state = None
        creates = start is not Start.UPDATE
        request = replace(
            self._request,
            creates_stack=creates,
            parameters=self._with_previous_values(None if creates else state),
        )
        if creates and state is None:
            self._require_reading(request)
        try:
            arn = self._patiently(lambda: self._deployer.create_change_set(request))
        except CannotStart as error:
            raise _named(error) from error
        created_stack = creates and state is None
        try:
            change_set = self._wait_for(arn)
        except ChangeSetGone as error:
            raise Overtaken(f"Somebody else changed the stack: {error.what}") from error
        except CoordinatorError:
            unfinished = ChangeSet(arn, request.name, stack_id="", status="", execution_status="")
            self.discard(PreparedChangeSet(unfinished, created_stack))
            raise
        changed_at = state.changed_at if state is not None and not creates else 0.0
        plan = PreparedChangeSet(change_set, created_stack, changed_at)
        if change_set.is_empty:
            self.discard(plan)
        elif not change_set.executable:
            reason = change_set.reason or change_set.status
            why_not = why_failed(self._deployer, stack, change_set.arn, reason)
            self.discard(plan)
            raise CannotStart(
                f"CloudFormation could not make the change set: {why_not}",
                why="Nothing was changed.",
                remedy="Correct the template or its parameters.",
            )
        elif disable_rollback and (refusal := replaced_without_rollback(change_set.changes)):
            self.discard(plan)
            raise refusal
        return plan

    def execute(
        self,
        plan: PreparedChangeSet,
        *,
        token: str,
        disable_rollback: bool,
        about_to: Callable[[], None] = lambda: None,
    ) -> None:
        """Fence, then start it; returns where it has begun, or may have: the events will tell.

        `about_to` is called in between, to write down that the execution may have been asked for.

        An answer can be lost after CloudFormation took the request, and a second try be refused for that very
        reason. So whatever goes wrong, the change set itself is asked, and only one that could still be
        deleted, or that somebody else's execution has removed, has certainly not been executed. In that case
        raises Overtaken, CannotStart or Cancelled; and LockLost where the fence does not hold.
        """
        self._fence()
        about_to()
        try:
            self._without_alive(
                lambda: self._deployer.execute_change_set(
                    self._request.stack, plan.change_set.arn, token=token, disable_rollback=disable_rollback
                )
            )
        except (StackSourceError, CannotStart, Cancelled) as error:
            if not self._withdrawn(plan, error):
                self._tell(f"CloudFormation's answer was unclear, so the stack's events decide. {error.what}")
                return
            if isinstance(error, Cancelled):
                raise
            refusal = CannotStart(error.what, why="The change set was not executed.", remedy=error.remedy)
            raise _named(refusal) from error

    def _withdrawn(self, plan: PreparedChangeSet, error: CoordinatorError) -> bool:
        """Whether the change set has not been executed and now cannot be any more.

        Raises Overtaken where somebody else's execution took it away.
        """
        stack, arn = self._request.stack, plan.change_set.arn
        try:
            if self._cancelled():
                now = self._deployer.change_set(stack, arn)
            else:
                now = self._without_alive(lambda: self._deployer.change_set(stack, arn))
        except ChangeSetGone:
            raise Overtaken(f"Somebody else changed the stack: {error.what}") from error
        except (StackSourceError, Cancelled):
            return False
        if now.never_executed:
            self.discard(plan)
            raise Overtaken(f"Somebody else changed the stack: {error.what}") from error
        return now.execution_status == "AVAILABLE" and self.discard(plan)

    def may_have_been_executed(self, plan: PreparedChangeSet) -> bool:
        """The fate of a change set whose execution was about to be requested when the coordinator died.

        Only one that can never be executed, or could still be deleted, has certainly not been executed.
        """
        stack, arn = self._request.stack, plan.change_set.arn
        try:
            now = self._without_alive(lambda: self._deployer.change_set(stack, arn))
        except StackSourceError:
            return True
        if now.never_executed:
            self.discard(plan)
            return False
        return not (now.execution_status == "AVAILABLE" and self.discard(plan))

    def discard(self, plan: PreparedChangeSet) -> bool:
        """Remove a change set that will not be executed, and the empty stack that it brought along.

        False where the change set is still there.
        """
        stack = self._request.stack
        try:
            self._deployer.delete_change_set(stack, plan.change_set.arn)
        except (StackSourceError, CannotStart) as error:
            self._tell(f"The unused change set {plan.change_set.name} could not be removed: {error}")
            return False
        try:
            state = self._source.describe(stack) if plan.created_stack else None
            if state is not None and verdict_of(state.status) is Verdict.NONE:
                self._deployer.delete_stack(stack, token=self._request.token, role_arn=self._role)
        except (StackSourceError, CannotStart) as error:
            self._tell(f"The empty stack {stack} could not be removed: {error}")
        return True

    def _require_reading(self, request: ChangeSetRequest) -> None:
        """A change set that may not be read can neither be deployed nor, perhaps, removed, and would leave an
        empty stack behind."""
        try:
            self._deployer.change_set(request.stack, request.name)
        except StackSourceError as error:
            if error.denied:
                raise CannotStart(error.what, why="Nothing was changed.", remedy=error.remedy) from error

    def _with_previous_values(self, state: StackState | None) -> tuple[Parameter, ...]:
        given = self._request.parameters
        if state is None:
            return given
        names = {parameter.name for parameter in given}
        declared = self._patiently(lambda: self._deployer.template_parameters(self._request))
        kept = sorted((declared & state.parameters.keys()) - names)
        return (*given, *(Parameter(name, None) for name in kept))

    def _wait_for(self, arn: str) -> ChangeSet:
        def alive() -> None:
            if self._cancelled():
                raise Cancelled("Cancelled while the change set was being made.", why="Nothing was changed.")
            self._alive()

        return until_made(
            lambda: self._patiently(lambda: self._deployer.change_set(self._request.stack, arn)),
            self._clock,
            Heartbeat(self._clock, self._tell, "CloudFormation still creates the change set"),
            alive=alive,
        )

    def _delete(self, state: StackState) -> None:
        self._tell(f"Deleting {state.ref}, which is {state.status}, as `delete-rolled-back-stack` asks.")
        self._fence()
        # The fence may have waited for others; by its id, no stack is deleted but the one that was looked at.
        by_id = StackRef(state.ref.region, state.stack_id)
        now = self._patiently(lambda: self._source.describe(state.ref))
        if now is None or (now.stack_id, now.status) != (state.stack_id, state.status):
            raise Overtaken(f"Stack {state.ref} is not {state.status} any more.")
        self._patiently(
            lambda: self._deployer.delete_stack(by_id, token=self._request.token, role_arn=self._role)
        )
        heartbeat = Heartbeat(self._clock, self._tell, f"CloudFormation still deletes stack {state.ref}")
        while True:
            now = self._patiently(lambda: self._source.describe(by_id))
            if now is None or now.status == "DELETE_COMPLETE":
                return
            if not now.in_progress and now.status != state.status:
                raise CannotStart(
                    f"Deleting stack {state.ref} ended as {now.status}: {now.reason}",
                    why="It cannot be created anew while it exists.",
                    remedy="Look at its events, remove what keeps it, then run this again.",
                )
            if self._cancelled():
                raise Cancelled("Cancelled while the rolled-back stack was being deleted.")
            heartbeat.beat()
            self._alive()
            self._clock.sleep(POLL_SECONDS)

    def _patiently(self, call: Callable[[], T]) -> T:
        return retry_while_unavailable(
            call, self._clock, cancelled=self._cancelled, alive=self._alive, tell=self._tell
        )

    def _without_alive(self, call: Callable[[], T]) -> T:
        """Where an execution may have been taken: that the lock or the time is lost would not tell."""
        return retry_while_unavailable(call, self._clock, cancelled=self._cancelled)


def until_made(
    read: Callable[[], ChangeSet], clock: Clock, heartbeat: Heartbeat, *, alive: Callable[[], object]
) -> ChangeSet:
    """The change set, once CloudFormation has made it or failed to. `alive` is called after each look, and
    ends the wait by raising. Raises ChangeSetGone for one that is not there: what is read can be some seconds
    old, and then it does not know a change set of just now."""
    began = clock.monotonic()
    while True:
        try:
            change_set = read()
        except ChangeSetGone:
            if clock.monotonic() - began >= STALE_SECONDS:
                raise
        else:
            if not change_set.pending:
                return change_set
            heartbeat.beat()
        alive()
        clock.sleep(POLL_SECONDS)


def _named(refusal: CannotStart) -> CannotStart:
    """The refusal of a stack that is in progress by its own name. Only AWS's words tell it from others."""
    if "_IN_PROGRESS state" in refusal.what:
        return Overtaken(refusal.what, why=refusal.why, remedy=refusal.remedy)
    return refusal
