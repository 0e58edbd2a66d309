"""Many jobs that ask for one lock at once, each with its own client of one store, in virtual time."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.common.instants import MonotonicTime, WallTime
from deploy_action.errors import CoordinatorError
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.ports import NO_FILES, Registry, Snapshot
from deploy_action.locking.stores.github import GitHubRegistry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.github.server import GitHubServer
    from tests.simulation.scheduler import Scheduler

START = 1_800_000_000.0
READ_SECONDS, WRITE_SECONDS = 0.3, 0.9
"""GitHub's, as measured; each request takes 0.7 to 1.3 of it."""


@dataclass
class PlannedClock:
    """`ports.Clock` of one actor."""

    real_time = False

    scheduler: Scheduler

    def now(self) -> WallTime:
        return WallTime(START + self.scheduler.time)

    def monotonic(self) -> MonotonicTime:
        return MonotonicTime(self.scheduler.time)

    def sleep(self, seconds: float) -> None:
        self.scheduler.wait(max(0.0, seconds))


@dataclass
class Distant:
    """A registry whose requests take time; a write takes effect in the middle of it."""

    registry: Registry
    clock: PlannedClock
    random: random.Random
    crowd: Crowd
    read_seconds: float = READ_SECONDS
    write_seconds: float = WRITE_SECONDS

    @property
    def location(self) -> str:
        return self.registry.location

    @property
    def advice(self) -> str:
        return self.registry.advice

    def read(self) -> Snapshot:
        self._pass(self.read_seconds)
        return self.registry.read()

    def read_file(self, name: str, version: str) -> bytes | None:
        self._pass(self.read_seconds)
        return self.registry.read_file(name, version)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self._pass(self.write_seconds / 2)
        self.crowd.mutations += 1
        try:
            return self.registry.swap(document, version, message=message, files=files)
        finally:
            self._pass(self.write_seconds / 2)

    def _pass(self, seconds: float) -> None:
        self.clock.sleep(seconds * self.random.uniform(0.7, 1.3))


@dataclass
class Crowd:
    """What came of it: `mutations` until all stood in the queue, `seconds` until then; `alone` are those that
    ended without having stood in it."""

    mutations: int = 0
    seconds: float = 0.0
    refused: int = 0
    requests: int = 0
    alone: list[str] = field(default_factory=list)
    queued: int = 0


def play(server: GitHubServer, scheduler: Scheduler, jobs: int, *, seed: int = 1) -> Crowd:
    """`jobs` start within 5 s; the first holds the lock until all stand there, or two hours have passed."""
    crowd, chance = Crowd(), random.Random(seed)
    registries = [
        GitHubRegistry(
            "token", "org/app", branch="deploy-registry", path=".deployment-registry/deployments.json",
            api_url=server.url, graphql_url=server.graphql_url, read_again=0.0,
        )
        for _ in range(jobs + 1)
    ]  # fmt: skip
    watching = registries.pop()
    watching.swap(encode(Document()), watching.read().version, message="begin")

    def job(number: int) -> None:
        clock = PlannedClock(scheduler)
        ticket = Ticket(
            f"nonce-{number}", f"20270115-080000-{number:06x}", ("prod",), ("eu-west-1/app",), account="1",
            lease_seconds=600.0,
        )  # fmt: skip
        client = LockClient(
            Distant(registries[number], clock, chance, crowd),
            clock,
            ticket,
            stacks_in_progress=lambda _texts: [],
            poll_seconds=13.0,
        )
        try:
            client.acquire(wait=True, timeout_seconds=7200.0, tell=lambda _waiting: None)
        except CoordinatorError as error:
            crowd.alone.append(str(error))
            return
        scheduler.wait(7200.0)

    def look() -> None:
        # The server's own state, not a request: who stands in the queue.
        document = _document(server)
        crowd.queued = document
        if document >= jobs or crowd.alone:
            crowd.seconds = scheduler.time
            scheduler.stop()
        else:
            scheduler.at(scheduler.time + 1.0, look)

    for number in range(jobs):
        scheduler.spawn(chance.uniform(0.0, 5.0), lambda number=number: job(number))  # type: ignore[misc]
    scheduler.at(1.0, look)
    random.seed(seed)
    scheduler.run(7200.0)
    crowd.refused = server.refused
    crowd.requests = server.cost
    for registry in (*registries, watching):
        registry.close()
    return crowd


def _document(server: GitHubServer) -> int:
    content = server.repository.document("deploy-registry", ".deployment-registry/deployments.json")
    return len(decode(content).tickets) if content else 0
