"""Stacks, change sets and operations, as far as they matter to a lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from deploy_action.cloudformation.change_set import ChangeSet, change_set_prefix, made_by
from deploy_action.cloudformation.stacks import StackState
from deploy_action.errors import CannotStart, ChangeSetGone, StackSourceError
from tests.simulation.actor import CALL_FAULTS, READ_FAULTS, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from deploy_action.cloudformation.change_set import ChangeSetRequest, ValidationError
    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.ports import Traffic
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.common.instants import CloudFormationTime
    from tests.simulation.actor import Actor
    from tests.simulation.deployment import Turn
    from tests.simulation.faults import Fault

T = TypeVar("T")

STALE_SECONDS_MAX = 5.0
"""How far `DescribeStacks` may lag behind."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One accepted execution. `turn` is the deployment's hold of its locks when it was fenced."""

    stack: str
    token: str
    turn: Turn
    guarded: bool
    started: float
    ends: float
    tool: bool = False
    """A user's own, which leaves no change set of ours."""
    account: str = ""

    def runs_at(self, time: float) -> bool:
        return self.started <= time < self.ends


@dataclass(slots=True)
class Stack:
    name: str
    operations: list[Operation] = field(default_factory=list)
    change_sets: dict[str, float] = field(default_factory=dict)
    """ARN and when it is ready."""
    last_change_set: str = ""
    """Of the last operation; empty where that was a tool's."""

    def running(self, time: float) -> Operation | None:
        # The next operation begins only after the last one has ended.
        last = self.operations[-2:]
        return next((operation for operation in reversed(last) if operation.runs_at(time)), None)

    def status(self, time: float) -> str:
        return "UPDATE_IN_PROGRESS" if self.running(time) else "UPDATE_COMPLETE"


class Auditor(Protocol):
    def executes(self, operation: Operation, cloud: Cloud) -> None: ...


class Cloud:
    """One account. Executing refuses a stack in progress, and deletes the change set's siblings."""

    def __init__(self, auditor: Auditor, names: tuple[str, ...], account: str) -> None:
        self.account = account
        self.stacks = {name: Stack(name) for name in names}
        self.unrevoked: set[str] = set()
        """Beginnings of names of change sets that a takeover could not take away."""
        self._auditor = auditor

    def running(self, time: float) -> list[Operation]:
        found = (stack.running(time) for stack in self.stacks.values())
        return [operation for operation in found if operation is not None]

    def operation(self, stack: str, token: str) -> Operation | None:
        return next((found for found in self.stacks[stack].operations if found.token == token), None)

    def execute(self, arn: str, operation: Operation) -> None:
        stack = self.stacks[operation.stack]
        _require_rest(stack, operation.started)
        if arn not in stack.change_sets:
            raise ChangeSetGone(f"ChangeSet [{arn}] does not exist", temporary=False)
        self.begin(operation, arn)

    def begin(self, operation: Operation, arn: str = "") -> None:
        """Raises CannotStart for a stack that is in progress."""
        stack = self.stacks[operation.stack]
        _require_rest(stack, operation.started)
        stack.change_sets.clear()
        stack.operations.append(operation)
        stack.last_change_set = arn
        self._auditor.executes(operation, self)


class CloudDouble:
    """Implements ports.StackSource and ports.StackDeployer for one process."""

    def __init__(
        self, cloud: Cloud, actor: Actor, turn: Callable[[], tuple[Turn, bool]], seconds: float
    ) -> None:
        """`turn` tells under which hold an execution is sent and whether its fence held; an execution takes
        `seconds`."""
        self._cloud = cloud
        self._actor = actor
        self._turn = turn
        self._seconds = seconds

    def describe(self, stack: StackRef) -> StackState | None:
        return self._ask("describe", lambda: self._state(stack))

    def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
        raise AssertionError("nobody asked for events")

    def their_time(self) -> CloudFormationTime | None:
        return None

    def deleted(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        raise AssertionError("nobody asked for deleted stacks")

    def matching(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        raise AssertionError("nobody asked for a glob")

    def in_progress(self, pattern: StackRef) -> Sequence[StackState]:
        raise AssertionError("nobody asked for a glob")

    def traffic(self) -> Traffic:
        raise AssertionError("nobody asked how much was sent")

    def operation(self, stack: str, token: str) -> Operation | None:
        """What the events of the stack tell of one token."""
        return self._ask("events", lambda: self._cloud.operation(stack, token))

    def validation_errors(self, stack: StackRef, arn: str) -> tuple[ValidationError, ...]:
        return ()

    def cancel_update(self, stack: StackRef, *, token: str) -> None:
        raise AssertionError("nobody asked for a roll-back")

    def template_parameters(self, request: ChangeSetRequest) -> frozenset[str]:
        return frozenset()

    def create_change_set(self, request: ChangeSetRequest) -> str:
        arn = f"arn:aws:cloudformation:eu-west-1:123456789012:changeSet/{request.name}/1"

        def effect() -> str:
            stack = self._cloud.stacks[request.stack.short_name]
            _require_rest(stack, self._time)
            stack.change_sets.setdefault(arn, self._time + 2.0)
            return arn

        return self._ask("create change set", effect, kinds=CALL_FAULTS)

    def change_set(self, stack: StackRef, arn: str) -> ChangeSet:
        return self._ask("describe change set", lambda: self._describe_change_set(stack.short_name, arn))

    def execute_change_set(self, stack: StackRef, arn: str, *, token: str, disable_rollback: bool) -> None:
        turn, guarded = self._turn()
        if self._actor.faults.happens(self._actor.faults.profile.pause_at_fence, self._time):
            self._actor.faults.count("pause between the fence and the execution")
            self._actor.pause("after its fence")

        def effect() -> None:
            name = stack.short_name
            operation = self._operation(name, token, turn, guarded)
            self._cloud.execute(arn, operation)
            self._actor.trace.add(self._actor.name, "EXECUTES on {} for {:.0f} s", name, self._seconds)

        self._ask("execute", effect, kinds=CALL_FAULTS)

    def run_tool(self, stack: StackRef, token: str) -> None:
        """What a user's own tool does: no change set of ours, and asked again until there is an answer."""
        turn, guarded = self._turn()
        name = stack.short_name

        def effect() -> None:
            if self._cloud.operation(name, token) is None:
                self._cloud.begin(self._operation(name, token, turn, guarded, tool=True))
                self._actor.trace.add(self._actor.name, "its tool EXECUTES on {}", name)

        while True:
            try:
                self._ask("update", effect, kinds=CALL_FAULTS)
            except StackSourceError:
                self._actor.sleep(5.0)
            else:
                return

    def delete_change_set(self, stack: StackRef, arn: str) -> None:
        self._ask(
            "delete change set",
            lambda: self._cloud.stacks[stack.short_name].change_sets.pop(arn, None),
            kinds=CALL_FAULTS,
        )

    def delete_stack(self, stack: StackRef, *, token: str, role_arn: str = "") -> None:
        raise AssertionError("nobody deletes a stack")

    def delete_unexecuted_change_sets(self, stack: StackRef, correlation_ids: Collection[str]) -> None:
        try:
            self._delete_unexecuted(self._cloud.stacks[stack.short_name].change_sets, correlation_ids)
        except StackSourceError:
            self._cloud.unrevoked.update(map(change_set_prefix, correlation_ids))
            self._actor.faults.count("revocation without an answer")
            raise

    def _delete_unexecuted(self, change_sets: dict[str, float], correlation_ids: Collection[str]) -> None:
        for arn in self._ask("list change sets", lambda: list(change_sets)):
            if made_by(arn.split("/")[1]) in correlation_ids:
                self._ask("revoke", partial(change_sets.pop, arn, None))
                self._actor.faults.count("change set revoked")

    def _operation(
        self, stack: str, token: str, turn: Turn, guarded: bool, *, tool: bool = False
    ) -> Operation:
        begin, account = self._time, self._cloud.account
        return Operation(stack, token, turn, guarded, begin, begin + self._seconds, tool, account)

    @property
    def _time(self) -> float:
        return self._actor.scheduler.time

    def _ask(self, what: str, effect: Callable[[], T], *, kinds: tuple[Fault, ...] = READ_FAULTS) -> T:
        return self._actor.request(
            what, effect, lambda: StackSourceError("Throttling"), kinds=kinds, service=Service.CLOUDFORMATION
        )

    def _state(self, ref: StackRef) -> StackState | None:
        stack = self._cloud.stacks[ref.short_name]
        staleness = min(self._actor.faults.staleness(self._time), STALE_SECONDS_MAX)
        status = stack.status(self._time - staleness)
        if status != stack.status(self._time):
            self._actor.faults.count("stale description of a stack")
        arn = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{stack.name}/1"
        return StackState(ref, arn, status, change_set_arn=stack.last_change_set)

    def _describe_change_set(self, name: str, arn: str) -> ChangeSet:
        stack = self._cloud.stacks[name]
        short = arn.split("/")[1]
        if any(operation.token == short for operation in stack.operations):
            return ChangeSet(arn, short, name, "CREATE_COMPLETE", "EXECUTE_COMPLETE")
        if arn not in stack.change_sets:
            raise ChangeSetGone(f"ChangeSet [{arn}] does not exist", temporary=False)
        if self._time < stack.change_sets[arn]:
            return ChangeSet(arn, short, name, "CREATE_IN_PROGRESS", "UNAVAILABLE")
        return ChangeSet(arn, short, name, "CREATE_COMPLETE", "AVAILABLE")


def _require_rest(stack: Stack, time: float) -> None:
    if stack.running(time):
        raise CannotStart(f"Stack {stack.name} is in UPDATE_IN_PROGRESS state and can not be updated.")
