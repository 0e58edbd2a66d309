"""What a deployment does, step by step as `steps/` do it, on the product's own lock, plan and execution."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.core.change_set import ChangeSetRequest, change_set_name
from deploy_action.core.stacks import StackRef
from deploy_action.engine.idle import doubtful, ref_of, revoke, wait_until_idle
from deploy_action.engine.keeper import Keeper
from deploy_action.engine.lock_client import LockClient
from deploy_action.engine.lock_hold import BRIEF_PATIENCE_SECONDS
from deploy_action.engine.native import NativeDeployment
from deploy_action.engine.patience import patiently
from deploy_action.engine.swap import PATIENCE_SECONDS
from deploy_action.errors import (
    Cancelled,
    CannotStart,
    CoordinatorError,
    LockLost,
    Overtaken,
    RegistryError,
    StackSourceError,
    Superseded,
)
from tests.simulation.cloudformation import CloudDouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.core.document import Ticket
    from deploy_action.engine.lock_client import Grant
    from deploy_action.engine.native import Plan
    from deploy_action.ports import Registry
    from tests.simulation.actor import Actor
    from tests.simulation.cloudformation import Cloud
    from tests.simulation.jobs import Jobs

REGION = "eu-west-1"
WATCH_SECONDS = 5.0
FIRST_EVENT_SECONDS = 300.0
ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Turn:
    """One hold of the locks: whose, and under which epochs."""

    nonce: str
    epochs: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a deployment was asked to do."""

    ticket: Ticket
    stack: str
    wait: bool
    timeout_seconds: float
    operation_seconds: float
    watch_seconds: float
    """After so long it leaves what still runs."""
    poll_seconds: float
    cancel_at: float = float("inf")


@dataclass(frozen=True, slots=True)
class Scene:
    """What deployments share."""

    registry: Callable[[Actor], Registry]
    cloud: Cloud
    jobs: Jobs
    granted: Callable[[Actor, Grant], None]
    told_gone: Callable[[Ticket, str], None]
    """The owner of a ticket was told, by what is named, that the registry has it no more."""
    gave_way: Callable[[Actor, Ticket], None]
    """The owner of a ticket leaves, since a newer one deploys the same."""
    compare: Callable[[str, str], str]
    """What GitHub says of two commits."""


class Deployment:
    def __init__(self, scene: Scene, actor: Actor, wish: Wish) -> None:
        self._scene = scene
        self._actor = actor
        self._wish = wish
        self._ticket = wish.ticket
        self._guarded = self._queued = False
        self._saw_rest = True
        """Whether the last look at the stacks had an answer. Without one the product goes on, on purpose."""
        self._stacks = CloudDouble(scene.cloud, actor, self._turn, wish.operation_seconds)
        self._keeper = self._new_keeper(self._lock_client(), alone=True)

    def run(self) -> str:
        """Returns how it ended, in one word."""
        client = self._lock_client()
        grant: Grant | None = None
        try:
            grant = self._queue(client)
        except RegistryError:
            self._actor.faults.count("goes on without a registry")
        except CoordinatorError as error:
            self._post(began=False, good=False, outcome="withdrawn")
            return type(error).__name__
        self._keeper = self._new_keeper(client, alone=grant is None)
        try:
            self._wait_for_stacks(grant.settling if grant else ())
        except CoordinatorError as error:
            if grant is not None:
                with suppress(RegistryError):
                    client.release(outcome="withdrawn")
            return type(error).__name__
        self._remember()
        self._actor.sleep(2.0)
        return self._main()

    def _main(self) -> str:
        """The second and the third step of the action: new processes, which know what was handed on."""
        self._keeper = self._new_keeper(self._lock_client(), alone=self._keeper.alone)
        outcome, good = "succeeded", True
        try:
            good = self._deploy()
        except CoordinatorError as error:
            outcome, good = type(error).__name__, False
        self._remember()
        self._actor.sleep(2.0)
        self._post(began=True, good=good, outcome=outcome)
        return outcome

    def _lock_client(self) -> LockClient:
        return LockClient(
            self._scene.registry(self._actor),
            self._actor,
            self._ticket,
            stacks_in_progress=self._doubtful,
            poll_seconds=self._wish.poll_seconds,
            life=lambda ticket: self._scene.jobs.look(self._actor, ticket),
            revoke=lambda holder: revoke(self._stacks, holder),
            compare=self._scene.compare,
            cancelled=self._cancelled,
        )

    def _new_keeper(self, client: LockClient, *, alone: bool) -> Keeper:
        return Keeper(
            client,
            self._actor,
            tell=lambda _: self._actor.faults.count("the fallback begins or ends"),
            queue=lambda: self._queue(client),
            alone=alone,
        )

    def _queue(self, client: LockClient) -> Grant:
        try:
            grant = client.acquire(
                wait=self._wish.wait, timeout_seconds=self._wish.timeout_seconds, tell=lambda _: None
            )
        except Superseded:
            self._scene.gave_way(self._actor, self._ticket)
            raise
        self._queued = True
        self._scene.granted(self._actor, grant)
        return grant

    def _remember(self) -> None:
        self._ticket = self._keeper.ticket

    def _doubtful(self, texts: Iterable[str]) -> list[str]:
        found = doubtful(self._stacks, texts)
        self._actor.faults.count(
            "takeover put off: a stack is in progress" if found else "stacks seen at rest"
        )
        return found

    def _cancelled(self) -> bool:
        return self._actor.scheduler.time >= self._wish.cancel_at

    def _turn(self) -> tuple[Turn, bool]:
        ticket = self._keeper.ticket
        return Turn(ticket.nonce, ticket.epochs), self._guarded and self._saw_rest

    def _wait_for_stacks(self, settling: tuple[str, ...] = ()) -> None:
        try:
            wait_until_idle(
                self._stacks,
                self._actor,
                (StackRef(REGION, self._wish.stack), *(ref_of(text) for text in settling)),
                timeout_seconds=self._wish.timeout_seconds,
                tell=lambda *_: self._actor.faults.count("waits for a stack"),
                cancelled=self._cancelled,
                alive=self._keeper.keep,
            )
            if settling:
                self._actor.faults.count("settled what was left in progress")
                with suppress(RegistryError):
                    self._keeper.settled(settling)
        except StackSourceError:
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
        ticket = self._keeper.ticket
        name = change_set_name(ticket.correlation_id, ticket.epoch, attempt)
        request = ChangeSetRequest(StackRef(REGION, self._wish.stack), name, name, "", template_body="{}")
        native = NativeDeployment(
            self._stacks,
            self._stacks,
            self._actor,
            request,
            cancelled=self._cancelled,
            tell=lambda _: None,
            alive=self._keeper.keep,
            fence=self._fence,
        )
        plan = native.plan(delete_rolled_back_stack=False)
        self._execute(native, plan, name)
        return self._watch(name)

    def _execute(self, native: NativeDeployment, plan: Plan, token: str) -> None:
        try:
            native.execute(plan, token=token, disable_rollback=False)
        except CoordinatorError as error:
            if isinstance(error, LockLost):
                self._actor.faults.count("the fence held a lost holder back")
                self._scene.told_gone(self._keeper.ticket, "the fence")
            if not isinstance(error, CannotStart | Cancelled):
                native.discard(plan)
            raise

    def _fence(self) -> None:
        if self._cancelled():
            raise Cancelled("Cancelled before anything was changed.")
        self._queued = False
        settling = self._keeper.fence()
        if self._queued:
            self._actor.faults.count("queued at the fence: the registry is back")
        if settling or self._queued:
            self._wait_for_stacks(settling)
        self._guarded = self._keeper.ticket.holding and not self._keeper.alone
        if not self._guarded:
            self._actor.faults.count("executes although the registry is away")

    def _watch(self, token: str) -> bool:
        """Until the operation ends; False where it is left to itself or never began."""
        began = self._actor.monotonic()
        while True:
            waited = self._actor.monotonic() - began
            operation = patiently(
                lambda: self._stacks.operation(self._wish.stack, token), self._actor, cancelled=lambda: False
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
                self._keeper.keep()
            except LockLost:
                self._actor.faults.count("lost the lock while its operation ran")
                self._scene.told_gone(self._keeper.ticket, "a renewal")
            self._actor.sleep(WATCH_SECONDS)

    def _post(self, *, began: bool, good: bool, outcome: str) -> None:
        left = f"{REGION}/{self._wish.stack}"
        settling = (left,) if began and not good and doubtful(self._stacks, [left]) else ()
        client = self._lock_client()
        patience = PATIENCE_SECONDS if self._ticket.holding else BRIEF_PATIENCE_SECONDS
        try:
            ours = client.release(outcome=outcome, settling=settling, patience_seconds=patience)
        except RegistryError:
            self._actor.faults.count("could not give the lock back")
            return
        if not ours:
            self._scene.told_gone(self._ticket, "its release")


def rerun_of(ticket: Ticket, nonce: str, job: str, correlation_id: str) -> Ticket:
    """The ticket of the next attempt of the same run, by the same person."""
    attempt = str(int(ticket.run_attempt) + 1)
    return replace(ticket, nonce=nonce, job=job, run_attempt=attempt, correlation_id=correlation_id)
