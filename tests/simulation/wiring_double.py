"""What `Coordination` is given in the simulation: settings, a silent teller, adapters on the simulated
servers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from deploy_action.github.run_context import RunContext
from deploy_action.inputs.settings import Settings, WhenBusy, parse_inputs
from deploy_action.job.notifier import Notifier
from deploy_action.locking.client import LockClient
from deploy_action.locking.stack_activity import doubtful, look_at, revoke

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.job.state import JobState
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.job_status import JobStatus
    from deploy_action.locking.transitions import Waiting
    from tests.simulation.actor import Actor
    from tests.simulation.cloudformation import CloudDouble
    from tests.simulation.deployment import Scene


@dataclass
class SilentTeller:
    """Stands for `Teller`: counts what is told, and keeps the sentences of what degraded for the trace."""

    actor: Actor
    notes: list[str] = field(default_factory=list)
    channel: Notifier = field(default_factory=Notifier)

    def line(self, text: str) -> None:
        self.actor.trace.add(self.actor.name, "says: {}", text)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)
        self.actor.trace.add(self.actor.name, "notes: {}", sentence)

    def waiting(self, waiting: Waiting) -> None:
        pass

    def waiting_for_registry(self, why: str, waited_seconds: float) -> None:
        self.actor.faults.count("waits for the registry at the fence")

    def waiting_for_stacks(self, *_: object) -> None:
        self.actor.faults.count("waits for a stack")


class MemoryFolder:
    """Stands for `StateFolder`: one deployment's, on the disk of its own job."""

    def __init__(self) -> None:
        self._state: JobState | None = None

    def save(self, state: JobState) -> None:
        self._state = replace(state)

    def load(self) -> JobState | None:
        return self._state


class WiringDouble:
    """Stands for `Wiring`."""

    def __init__(self, scene: Scene, actor: Actor, stacks: CloudDouble, poll_seconds: float) -> None:
        self._scene = scene
        self._actor = actor
        self._poll_seconds = poll_seconds
        self.cloudformation = stacks
        self.runs = SimpleNamespace(trouble="", life=self._life)

    def lock_client(self, ticket: Ticket, clock: Any, **options: Any) -> LockClient:
        return LockClient(
            self._scene.registry(self._actor),
            clock,
            ticket,
            stacks_in_progress=self._doubtful,
            poll_seconds=self._poll_seconds,
            life=self._life,
            revoke=lambda holder: revoke(self.cloudformation, holder),
            compare=self._scene.compare,
            look=lambda texts: look_at(self.cloudformation, texts),
            **options,
        )

    def _life(self, ticket: Ticket) -> JobStatus:
        return self._scene.jobs.look(self._actor, ticket)

    def _doubtful(self, texts: Iterable[str]) -> list[str]:
        found = doubtful(self.cloudformation, texts)
        self._actor.faults.count(
            "takeover put off: a stack is in progress" if found else "stacks seen at rest"
        )
        return found


@cache
def _settings() -> Settings:
    inputs = {"stack-name": "app-0", "lock": "prod", "command": "true", "github-token": "t"}
    environ = {"AWS_REGION": "eu-west-1", "DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs)}
    return parse_inputs(environ)


def settings_of(
    stacks: tuple[StackRef, ...], ticket: Ticket, *, wait: bool, timeout_seconds: float, **more: Any
) -> Settings:
    return replace(
        _settings(),
        stacks=stacks,
        locks=ticket.locks,
        queue_policy=ticket.policy,
        when_busy=WhenBusy.WAIT if wait else WhenBusy.FAIL,
        wait_timeout_seconds=timeout_seconds,
        **more,
    )


def world_of(actor: Actor, folder: MemoryFolder, cancelled: Callable[[], bool]) -> Any:
    """Stands for `World`, as far as `Coordination` uses it."""
    return SimpleNamespace(
        environ={},
        run=RunContext(repository="org/app"),
        clock=actor,
        cancelled=cancelled,
        reporter=SilentTeller(actor),
        folder=folder,
        keep=folder.save,
    )
