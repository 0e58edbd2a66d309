"""What waiting costs: real clients of the lock in virtual time, in a queue that stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deploy_action.errors import CoordinatorError
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import encode
from deploy_action.locking.compare_and_swap import Swapper
from deploy_action.locking.document import Document, Lock, Ticket
from deploy_action.locking.heads import heads_of
from deploy_action.locking.ports import NO_FILES, Registry, Snapshot
from deploy_action.locking.stores.github import GitHubRegistry
from tests.fakes.github.server import GitHubServer
from tests.locking.crowd import START, PlannedClock
from tests.locking.memory_registry import MemoryRegistry
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fakes.http import Request, Response

WARM_SECONDS, MEASURED_SECONDS = 120.0, 900.0
RENEWAL_SECONDS = 150.0
FIRST_OPERATION = "h0"


@dataclass
class Metered:
    """`ports.Registry` on one that others share: what was read of it. An item that is read consistently costs
    a unit for each 4 KB, a head half of that."""

    registry: MemoryRegistry
    kept: dict[str, bytes]
    heads: bool
    bytes_read: int = 0
    read_units: float = 0.0
    location, advice = "memory", ""

    def read(self) -> Snapshot:
        snapshot = self.registry.read()
        size = len(snapshot.document or b"")
        self.bytes_read += size
        self.read_units += -(-size // 4096)
        return snapshot

    def read_file(self, name: str, version: str) -> bytes | None:
        return self.registry.read_file(name, version)

    def read_head(self, name: str) -> bytes | None:
        content = self.kept.get(name)
        self.bytes_read += len(content or b"")
        self.read_units += 0.5
        return content

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        done = self.registry.swap(document, version, message=message)
        self.kept.update(files)
        return done


def _ticket(number: int, *, lock: str = "prod", holding: bool = False) -> Ticket:
    name = f"20270115-080000-{number:06x}"
    return Ticket(
        f"{lock}-{number:016x}", name, (lock,), (f"eu-west-1/shop-{lock}-service-{number}",),
        account="123456789012", repository="org/app", actor="ada", commit=f"{number:040x}",
        run_id=str(100_000 + number), job="deploy", url=f"https://github.com/org/app/actions/runs/{number}",
        epochs=((lock, 1),) if holding else (),
    )  # fmt: skip


def _standing(waiters: int) -> Document:
    tickets = (_ticket(0, holding=True), *(_ticket(number) for number in range(1, waiters + 1)))
    locks = {"prod": Lock(epoch=1), **{f"foreign-{number}": Lock(epoch=1) for number in range(5)}}
    return Document(locks=locks, tickets=tickets, arrivals=waiters + 1, operations=(FIRST_OPERATION,))


def _play(
    scheduler: Scheduler, registry_of: Callable[[], Registry], waiters: int, *, poll: float, foreign: float
) -> None:
    """The holder renews, `waiters` wait, and others write so often a minute, until the scheduler stops."""

    def wait_in_queue(number: int) -> None:
        client = LockClient(
            registry_of(), PlannedClock(scheduler), _ticket(number),
            stacks_in_progress=lambda _texts: [], poll_seconds=poll,
        )  # fmt: skip
        try:
            client.acquire(wait=True, timeout_seconds=7200.0, tell=lambda _waiting: None)
        except CoordinatorError:
            return

    def hold() -> None:
        held = LockClient(
            registry_of(), PlannedClock(scheduler), _ticket(0, holding=True),
            stacks_in_progress=lambda _texts: [], poll_seconds=poll,
        )  # fmt: skip
        while True:
            scheduler.wait(RENEWAL_SECONDS)
            held.renew()

    def others() -> None:
        swapper, number = Swapper(registry_of(), PlannedClock(scheduler)), 0
        scheduler.wait(7.0)
        while True:
            scheduler.wait(60.0 / foreign)
            number += 1
            own = _ticket(10_000 + number, lock=f"foreign-{number % 5}", holding=True)

            def change(document: Document, own: Ticket = own) -> tuple[Document, None]:
                kept = tuple(one for one in document.tickets if not one.nonce.startswith("foreign"))
                return replace(document, tickets=(*kept, own)), None

            swapper.apply(change, message="foreign")

    scheduler.spawn(0.0, hold)
    if foreign:
        scheduler.spawn(0.0, others)
    for number in range(1, waiters + 1):
        scheduler.spawn(0.1 + poll * number / waiters, lambda number=number: wait_in_queue(number))  # type: ignore[misc]


def bytes_a_minute(waiters: int, *, heads: bool = True, seconds: float = 300.0) -> tuple[float, float]:
    """Of all waiters of one lock in DynamoDB, and read units a second; they look every 2.5 s as there."""
    scheduler, memory = Scheduler(), MemoryRegistry()
    document = _standing(waiters)
    memory.overwrite(encode(document))
    kept = heads_of(document)
    meters: list[Metered] = []

    def open_one() -> Metered:
        meters.append(Metered(memory, kept, heads))
        return meters[-1]

    _play(scheduler, open_one, waiters, poll=2.5, foreign=0.0)
    before: list[tuple[int, float]] = []
    scheduler.at(WARM_SECONDS, lambda: before.extend((one.bytes_read, one.read_units) for one in meters))
    scheduler.run(WARM_SECONDS + seconds)
    read = sum(one.bytes_read for one in meters) - sum(size for size, _ in before)
    units = sum(one.read_units for one in meters) - sum(size for _, size in before)
    return read / seconds * 60.0, units / seconds


def requests_an_hour(waiters: int, foreign: float, *, heads: bool = True) -> float:
    """Charged to the token of so many waiters on GitHub, while others, with tokens of their own, write
    `foreign` times a minute."""
    scheduler = Scheduler()
    with GitHubServer(now=lambda: START + scheduler.time) as server:
        server.state.tokens["other"] = dict(server.state.tokens["token"])
        charged = [0, 0]
        respond = server.respond

        def count(request: Request) -> Response:
            before = server.cost
            response = respond(request)
            token = request.headers.get("authorization", "").rpartition(" ")[2]
            if token == "token" and not request.path.endswith("/graphql"):  # that is another budget
                charged[0] += server.cost - before
            return response

        server.respond = count  # type: ignore[method-assign]
        first = _github(server, "token")
        document = _standing(waiters)
        first.swap(encode(document), first.read().version, message="m", files=heads_of(document))
        opened = [first]

        def open_one() -> Registry:
            # The holder is the first to open, then others if they write; the rest are waiters.
            own = len(opened) > (2 if foreign else 1)
            opened.append(_github(server, "token" if own else "other"))
            opened[-1].heads = heads
            return opened[-1]

        _play(scheduler, open_one, waiters, poll=13.0, foreign=foreign)
        scheduler.at(WARM_SECONDS, lambda: charged.__setitem__(1, charged[0]))
        scheduler.run(WARM_SECONDS + MEASURED_SECONDS)
        for one in opened:
            one.close()
    return (charged[0] - charged[1]) * 3600.0 / MEASURED_SECONDS


def _github(server: GitHubServer, token: str) -> GitHubRegistry:
    return GitHubRegistry(
        token, "org/app", branch="deploy-registry", path=".deployment-registry/deployments.json",
        api_url=server.url, graphql_url=server.graphql_url, read_again=0.0,
    )  # fmt: skip
