"""What a deployment does, step by step as `steps/` do it, on the product's own lock, plan and execution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.change_set import ChangeSetRequest, change_set_name, epoch_in
from deploy_action.cloudformation.retry import retry_while_unavailable
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.deploy.change_set import NativeDeployment
from deploy_action.errors import (
    Cancelled,
    CannotStart,
    CoordinatorError,
    LockLost,
    LockUnconfirmed,
    Overtaken,
    RegistryError,
    Superseded,
)
from deploy_action.job.coordination import Coordination
from deploy_action.job.state import JobState
from deploy_action.locking.compare_and_swap import PATIENCE_SECONDS
from deploy_action.locking.stack_activity import doubtful, look_at
from deploy_action.locking.ticket import BRIEF_PATIENCE_SECONDS
from deploy_action.reporting.report import Report
from tests.simulation.cloudformation import CloudDouble
from tests.simulation.wiring_double import MemoryFolder, WiringDouble, settings_of, world_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.deploy.change_set import PreparedChangeSet
    from deploy_action.locking.client import LockClient
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.grant import Grant
    from deploy_action.locking.ports import Registry
    from tests.simulation.actor import Actor
    from tests.simulation.cloudformation import Cloud
    from tests.simulation.jobs import Jobs

REGION = "eu-west-1"
WATCH_SECONDS = 5.0
FIRST_EVENT_SECONDS = 300.0
ATTEMPTS = 5
BLIND = "Could not check whether the stacks are idle"


@dataclass(frozen=True, slots=True)
class Turn:
    """One hold of the locks: whose, and under which epochs."""

    nonce: str
    epochs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a deployment was asked to do."""

    ticket: Ticket
    stacks: tuple[str, ...]
    wait: bool
    timeout_seconds: float
    operation_seconds: float
    watch_seconds: float
    """After so long it leaves what still runs."""
    poll_seconds: float
    cancel_at: float = float("inf")
    command: bool = False
    """Its own tool deploys the stacks, one after the other."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What deployments share."""

    registry: Callable[[Actor], Registry]
    clouds: Mapping[str, Cloud]
    """By account."""
    jobs: Jobs
    granted: Callable[[Actor, Grant], None]
    told_gone: Callable[[Ticket, str], None]
    """The owner of a ticket was told, by what is named, that the registry has it no more."""
    gave_way: Callable[[Actor, Ticket], None]
    """The owner of a ticket leaves, since a newer one deploys the same."""
    compare: Callable[[str, str], str]
    """What GitHub says of two commits."""


class PlayedCoordination(Coordination):
    """The product's own, with a ticket that the schedule drew; the audit hears of each grant."""

    def __init__(self, scene: Scene, actor: Actor, wish: Wish, *parts: Any, known_epoch: int | None) -> None:
        super().__init__(*parts, known_epoch=known_epoch)
        self._scene = scene
        self._actor = actor
        self._wish = wish

    def _ticket(self) -> Ticket:
        return self._wish.ticket

    def wait_for_stacks(self, settling: tuple[str, ...] = (), *, timeout_seconds: float) -> None:
        super().wait_for_stacks(settling, timeout_seconds=timeout_seconds)
        if settling:
            self._actor.faults.count("settled what was left in progress")

    def _queue(self, client: LockClient, timeout_seconds: float) -> Grant:
        try:
            grant = super()._queue(client, timeout_seconds)
        except Superseded:
            self._scene.gave_way(self._actor, client.ticket)
            raise
        self._scene.granted(self._actor, grant)
        return grant


class Deployment:
    def __init__(self, scene: Scene, actor: Actor, wish: Wish) -> None:
        self._scene = scene
        self._actor = actor
        self._wish = wish
        self._guarded = False
        self._saw_rest = True
        """Whether the last look at the stacks had an answer. Without one the product goes on, on purpose."""
        self._folder = MemoryFolder()
        self._state = JobState(Report(correlation_id=wish.ticket.correlation_id, locks=wish.ticket.locks))
        self._stacks = CloudDouble(
            scene.clouds[wish.ticket.account], actor, self._turn, wish.operation_seconds
        )
        self._world = world_of(actor, self._folder, self._cancelled)
        self._wiring = WiringDouble(scene, actor, self._stacks, wish.poll_seconds)
        self._settings = settings_of(
            tuple(StackRef(REGION, name) for name in wish.stacks),
            wish.ticket,
            wait=wish.wait,
            timeout_seconds=wish.timeout_seconds,
        )
        self._coordination: Coordination = self._new_coordination()

    def run(self) -> str:
        """Returns how it ended, in one word. `pre`, then the steps after it."""
        try:
            self._coordination = self._new_coordination(known_epoch=self._look())
            self._coordination.begin()
        except CoordinatorError as error:
            if self._state.ticket is not None and not isinstance(error, LockLost):
                self._post(began=False, good=False, outcome="withdrawn")
            return type(error).__name__
        if self._coordination.keeper is None or self._coordination.keeper.alone:
            self._actor.faults.count("goes on without a registry")
        self._actor.sleep(2.0)
        return self._main()

    def _main(self) -> str:
        """The second and the third step of the action: new processes, which know what was handed on."""
        self._coordination = self._new_coordination()
        self._coordination.resume()
        outcome, good = "succeeded", True
        try:
            good = self._command() if self._wish.command else self._deploy()
        except CoordinatorError as error:
            outcome, good = type(error).__name__, False
        self._coordination.remember()
        self._actor.sleep(2.0)
        self._post(began=True, good=good, outcome=outcome)
        return outcome

    def _look(self) -> int | None:
        """As `pre` does, before the lock."""
        found = look_at(self._stacks, self._wish.ticket.stacks)
        return None if found.unseen else max((epoch_in(name) for name in found.change_sets), default=0)

    def _new_coordination(self, *, known_epoch: int | None = None) -> Coordination:
        parts = (self._world, self._wiring, self._settings, self._state)
        return PlayedCoordination(self._scene, self._actor, self._wish, *parts, known_epoch=known_epoch)

    @property
    def _ticket(self) -> Ticket:
        """The hold under which it deploys; its own wish where there is no registry at all."""
        keeper = self._coordination.keeper
        return keeper.ticket if keeper is not None else self._state.ticket or self._wish.ticket

    def _cancelled(self) -> bool:
        return self._actor.scheduler.time >= self._wish.cancel_at

    def _turn(self) -> tuple[Turn, bool]:
        ticket = self._ticket
        return Turn(ticket.nonce, ticket.epochs), self._guarded and self._saw_rest

    def _wait_for_stacks(self) -> None:
        before = len(self._world.reporter.notes)
        self._coordination.wait_for_stacks(timeout_seconds=self._wish.timeout_seconds)
        self._note_blindness(before)

    def _note_blindness(self, before: int) -> None:
        if any(BLIND in note for note in self._world.reporter.notes[before:]):
            self._actor.faults.count("goes on without a look at the stacks")
            self._saw_rest = False

    def _deploy(self) -> bool:
        attempt = 1
        while True:
            try:
                return self._attempt(attempt)
            except Overtaken:
                self._actor.faults.count("overtaken: plans anew")
                if attempt == ATTEMPTS:
                    raise
            self._actor.sleep(3.0)
            self._wait_for_stacks()
            attempt += 1

    def _attempt(self, attempt: int) -> bool:
        ticket = self._ticket
        name = change_set_name(ticket.correlation_id, ticket.epoch, attempt)
        request = ChangeSetRequest(StackRef(REGION, self._wish.stacks[0]), name, name, "", template_body="{}")
        native = NativeDeployment(
            self._stacks,
            self._stacks,
            self._actor,
            request,
            cancelled=self._cancelled,
            tell=lambda _: None,
            alive=self._coordination.keep,
            fence=self._fence,
        )
        plan = native.plan(delete_rolled_back_stack=False)
        self._execute(native, plan, name)
        return self._watch(name)

    def _execute(self, native: NativeDeployment, plan: PreparedChangeSet, token: str) -> None:
        try:
            native.execute(plan, token=token, disable_rollback=False)
        except CoordinatorError as error:
            if isinstance(error, LockLost) and not isinstance(error, LockUnconfirmed):
                self._actor.faults.count("the fence held a lost holder back")
                self._scene.told_gone(self._ticket, "the fence")
            if not isinstance(error, CannotStart | Cancelled):
                native.discard(plan)
            raise

    def _fence(self) -> None:
        if self._cancelled():
            raise Cancelled("Cancelled before anything was changed.")
        before = len(self._world.reporter.notes)
        if self._coordination.fence():
            self._actor.faults.count("waited at the fence")
        self._note_blindness(before)
        self._actor.fenced_at = self._actor.scheduler.time
        keeper = self._coordination.keeper
        self._guarded = keeper is not None and keeper.ticket.holding and not keeper.alone
        if not self._guarded:
            self._actor.faults.count("executes although the registry is away")

    def _command(self) -> bool:
        """Its own tool deploys one stack after the other, and asks in between whether the lock is held."""
        self._fence()
        for number, stack in enumerate(self._wish.stacks):
            if number and not self._is_told_that_it_holds():
                self._actor.faults.count("a tool stops between two stacks")
                return False
            self._stacks.run_tool(StackRef(REGION, stack), f"{self._ticket.correlation_id}-{number}")
            if not self._watch(f"{self._ticket.correlation_id}-{number}", stack):
                return False
        return True

    def _is_told_that_it_holds(self) -> bool:
        """As `deploy-coordinator fence` answers: without an answer nobody can say."""
        ticket = self._ticket
        try:
            found, _ = self._wiring.lock_client(ticket, self._actor).find(patience_seconds=PATIENCE_SECONDS)
        except RegistryError:
            return False
        return found is not None and found.holding and found.epochs == ticket.epochs

    def _watch(self, token: str, stack: str = "") -> bool:
        """Until the operation ends; False where it is left to itself or never began."""
        began = self._actor.monotonic()
        while True:
            waited = self._actor.monotonic() - began
            operation = retry_while_unavailable(
                lambda: self._stacks.operation(stack or self._wish.stacks[0], token),
                self._actor,
                cancelled=lambda: False,
            )
            if operation is not None and self._actor.scheduler.time >= operation.ends:
                return True
            if operation is None and waited >= FIRST_EVENT_SECONDS:
                self._actor.faults.count("an execution that never began")
                return False
            if self._cancelled() or waited >= self._wish.watch_seconds:
                self._actor.faults.count("leaves its operation in progress")
                return False
            try:
                self._coordination.keep()
            except LockLost:
                self._actor.faults.count("lost the lock while its operation ran")
                self._scene.told_gone(self._ticket, "a renewal")
            self._actor.sleep(WATCH_SECONDS)

    def _post(self, *, began: bool, good: bool, outcome: str) -> None:
        ticket = self._state.ticket
        if ticket is None:
            return
        left = [f"{self._wish.ticket.account}/{REGION}/{stack}" for stack in self._wish.stacks]
        settling = tuple(doubtful(self._stacks, left)) if began and not good else ()
        client = self._wiring.lock_client(ticket, self._actor)
        patience = PATIENCE_SECONDS if ticket.holding else BRIEF_PATIENCE_SECONDS
        try:
            ours = client.release(outcome=outcome, settling=settling, patience_seconds=patience)
        except RegistryError:
            self._actor.faults.count("could not give the lock back")
            return
        if not ours and began:
            self._scene.told_gone(ticket, "its release")


def rerun_of(ticket: Ticket, nonce: str, job: str, correlation_id: str) -> Ticket:
    """The ticket of the next attempt of the same run, by the same person."""
    attempt = str(int(ticket.run_attempt) + 1)
    return replace(ticket, nonce=nonce, job=job, run_attempt=attempt, correlation_id=correlation_id)
