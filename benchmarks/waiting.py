"""What waiting costs, and how soon a hand-off is noticed, on each store: `waiting.py [--hand-offs 40]`.

Some deployments wait behind one that holds the lock for half an hour and renews it. Then each holds it for a
short while and stands in the queue again. The stores are the real ones, over HTTP, polled as the product
polls them, and on GitHub the job of the holder is asked about; time is virtual, so a request takes none: on a
network, add its time.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Ticket
from deploy_action.locking.github_jobs import GitHubRuns
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.ports import NO_FILES
from deploy_action.locking.stores import store_of
from tests.fakes.github.server import GitHubServer
from tests.fakes.github.state import WORKFLOW_TOKEN
from tests.ground.ministack import ministack, missing
from tests.ground.stores import KINDS, ON_AWS, Store, new_store, session
from tests.locking.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy_action.locking.ports import Registry, Snapshot

QUEUES = (1, 5, 10)
SETTLED_SECONDS = 60.0
"""By then all have arrived, and counting begins."""
HOLD_SECONDS = SETTLED_SECONDS + 30 * 60.0
LOOK_SECONDS = 5.0
"""So often a holder sees whether to renew."""
REQUESTS_AIM = {"github": 6.0}
"""A minute, a waiter."""
HAND_OFF_AIM = {"file": 3.0, "github": 15.0, "s3": 3.0, "dynamodb": 3.0}
SEED = 1


class Counted:
    """A store whose requests are its reads and swaps."""

    def __init__(self, store: Registry) -> None:
        self._store = store
        self.location, self.advice = store.location, store.advice
        self.requests = 0

    def read(self) -> Snapshot:
        self.requests += 1
        return self._store.read()

    def read_file(self, name: str, version: str) -> bytes | None:
        self.requests += 1
        return self._store.read_file(name, version)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        self.requests += 1
        return self._store.swap(document, version, message=message, files=files)


class Place:
    """A new place, and how many requests each actor has sent to it: all, and those that count."""

    def __init__(self, kind: str, folder: Path, stack: ExitStack, stage: Stage, aws_url: str) -> None:
        self._stack = stack
        self._meters: list[Callable[[], tuple[int, int]]] = []
        self._github: GitHubServer | None = None
        if kind == "github":
            self._github = stack.enter_context(GitHubServer(now=stage.now))
            self._store = Store(kind, "org/app", self._github.url)
        else:
            self._store = new_store(kind, folder, stack, aws_url)

    def life(self) -> Callable[[Ticket], JobStatus]:
        """What the actor that was opened last asks GitHub about the jobs of others."""
        if self._github is None:
            return lambda _: JobStatus.UNKNOWN
        runs = GitHubRuns(self._token(len(self._meters) - 1), "org/app", api_url=self._github.url)
        self._stack.callback(runs.close)
        return runs.life

    def ticket(self, name: str, number: int) -> Ticket:
        """The ticket of a job that runs."""
        run = number + 1
        if self._github:
            self._github.state.jobs["org/app", run] = {"id": run, "run_id": run, "status": "in_progress"}
        return Ticket(
            name,
            name,
            ("prod",),
            repository="org/app",
            run_id=str(run),
            run_attempt="1",
            job=str(run),
            url=f"https://github.com/org/app/actions/runs/{run}",
        )

    def open(self) -> Registry:
        """For one more actor."""
        if self._store.kind == "file":
            counted = Counted(self._store.open())
            self._meters.append(lambda: (counted.requests, counted.requests))
            return counted
        if self._github:
            return self._open_github(self._github)
        sent: list[object] = []
        aws = session()
        aws.events.register("before-send", lambda request, **_: sent.append(request.url))
        self._meters.append(lambda: (len(sent), len(sent)))
        registry = self._store.open(session=aws)
        self._stack.callback(registry.close)  # type: ignore[attr-defined]
        return registry

    def _open_github(self, server: GitHubServer) -> Registry:
        token = self._token(len(self._meters))
        server.state.tokens[token] = dict(WORKFLOW_TOKEN)

        def count() -> tuple[int, int]:
            statuses = [
                response.status
                for request, response in server.exchanges
                if request.headers["authorization"].endswith(f" {token}")
            ]
            return len(statuses), len(statuses) - statuses.count(304)

        self._meters.append(count)
        registry = self._store.open(token=token)
        self._stack.callback(registry.close)  # type: ignore[attr-defined]
        return registry

    @staticmethod
    def _token(number: int) -> str:
        return f"token-{number}"

    def sent_by_waiters(self) -> tuple[int, int]:
        counts = [meter() for meter in self._meters[1:]]
        return sum(all_ for all_, _ in counts), sum(counted for _, counted in counts)


@dataclass
class Scene:
    """One store, one length of the queue."""

    kind: str
    waiters: int
    hand_offs: int
    stage: Stage = field(default_factory=Stage)
    requests: float = 0.0
    counted: float = 0.0
    latencies: list[float] = field(default_factory=list)
    _released_at: float | None = None
    _draw: random.Random = field(default_factory=lambda: random.Random(SEED))

    def play(self, place: Place) -> None:
        for number in range(self.waiters + 1):
            arrival = self._draw.uniform(1.0, SETTLED_SECONDS / 2) if number else 0.0
            self.stage.enter(arrival, self._actor(place, number))
        self.stage.run(patience=1800.0)

    def _actor(self, place: Place, number: int) -> Callable[[], None]:
        registry, life = place.open(), place.life()

        def act() -> None:
            turn = 0
            while len(self.latencies) < self.hand_offs:
                name = f"{number}-{turn}"
                client = LockClient(
                    registry,
                    self.stage,
                    place.ticket(name, number),
                    stacks_in_progress=lambda _: [],
                    poll_seconds=store_of(self.kind).poll_seconds,
                    life=life,
                )
                client.acquire(wait=True, timeout_seconds=float("inf"), tell=lambda _: None)
                if self._released_at is None:
                    self._hold_and_count(client, place)
                else:
                    self.latencies.append(self.stage.elapsed - self._released_at)
                    self._hold(client, store_of(self.kind).poll_seconds * self._draw.uniform(3.0, 8.0))
                self._released_at = self.stage.elapsed
                client.release(outcome="succeeded")
                turn += 1

        return act

    def _hold(self, client: LockClient, seconds: float) -> None:
        until = self.stage.elapsed + seconds
        while (left := until - self.stage.elapsed) > 0:
            self.stage.sleep(min(LOOK_SECONDS, left))
            client.renew_if_due()

    def _hold_and_count(self, client: LockClient, place: Place) -> None:
        self._hold(client, SETTLED_SECONDS)
        before = place.sent_by_waiters()
        self._hold(client, HOLD_SECONDS - SETTLED_SECONDS)
        after = place.sent_by_waiters()
        minutes = (HOLD_SECONDS - SETTLED_SECONDS) / 60 * self.waiters
        self.requests, self.counted = (
            (late - early) / minutes for early, late in zip(before, after, strict=True)
        )

    def row(self) -> str:
        ordered = sorted(self.latencies[: self.hand_offs])
        p95 = ordered[round(0.95 * (len(ordered) - 1))]
        aim = f"{REQUESTS_AIM[self.kind]:.0f}" if self.kind in REQUESTS_AIM else "-"
        return (
            f"{self.kind:9}{store_of(self.kind).poll_seconds:6.1f}{self.waiters:9}{self.requests:11.1f}{aim:>5}"
            f"{self.counted:9.1f}{statistics.median(ordered):10.1f}{p95:7.1f}{ordered[-1]:7.1f}"
            f"{HAND_OFF_AIM[self.kind]:6.0f}{len(ordered):11}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hand-offs", type=int, default=40)
    parser.add_argument("--store", choices=KINDS, action="append", help="only this one; may be repeated")
    options = parser.parse_args()
    print(f"{'':24}{'requests a minute a waiter':>25}{'seconds from release to grant':>40}")
    print(
        f"{'store':9}{'poll s':>6}{'waiting':>9}{'all':>11}{'aim':>5}{'counted':>9}"
        f"{'median':>10}{'p95':>7}{'max':>7}{'aim':>6}{'hand-offs':>11}"
    )
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        aws_url = "" if missing() else stack.enter_context(ministack(Path(name)))
        for kind in options.store or KINDS:
            if kind in ON_AWS and not aws_url:
                print(f"{kind:9} not measured: {missing()}")
                continue
            for waiters in QUEUES:
                scene = Scene(kind, waiters, options.hand_offs)
                folder = Path(name) / f"{kind}-{waiters}"
                folder.mkdir()
                with ExitStack() as servers:
                    scene.play(Place(kind, folder, servers, scene.stage, aws_url))
                print(scene.row(), flush=True)
    print("counted: what GitHub's rate limit counts; an unchanged branch is answered 304 and costs nothing")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
