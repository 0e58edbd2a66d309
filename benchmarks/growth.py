"""How cost grows with work: `growth.py [ROW ...]` or `growth.py --only ROW`. Each row ends with its law.

Each row is measured at four sizes; its law is the power of a straight line through the logarithms. In virtual
time, with real clients over real HTTP.

starts   writes of N jobs that start within 5 s, one lock, GitHub. The server refuses more than 80
         content-creating requests a minute, 500 and 1,000 requests of all kinds an hour, as GitHub documents;
         a look takes 0.3 s and a write 0.9 s (measured once, assumed here).
leave    N waiters that are cancelled within a second while the holder releases its lock: until the release is
         written, until the next one has the lock, and one that stands behind them all; a look and a write
         take 0.3 and 0.9 s (GitHub), 0.03 and 0.05 s (DynamoDB), assumed.
lists    ListStacks of a one-minute command that is watched by a glob, by stacks in the account, a hundred a
         page.
branch   bytes of the registry's branch in a full clone after N deployments of ten resources each, five
         commits a deployment, packed by git; it is squashed as the product does it.
bytes    read a minute by N waiters of one lock in DynamoDB; a consistent read costs a unit for each 4 KB.
requests charged an hour to the token of N waiters on GitHub, with 0, 2 and 8 foreign writes a minute.
queue    tickets of S stacks each that fit a document of the size that one item of DynamoDB may have.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.registry_branch import packed_bytes
from benchmarks.waiter_costs import bytes_a_minute, requests_an_hour
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import Busy, CoordinatorError
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Ticket
from deploy_action.monitoring.baseline import take_baseline
from deploy_action.monitoring.event_stream import SPACED_SECONDS, EventStream
from deploy_action.monitoring.watch_loop import WatchLoop
from tests.clock import START, VirtualClock
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import client
from tests.fakes.github.server import GitHubServer
from tests.listener import SilentListener
from tests.locking import leavers
from tests.locking.crowd import play
from tests.locking.memory_registry import MemoryRegistry
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND_SECONDS = 60.0


def law(sizes: list[int], values: list[float]) -> str:
    points = [(math.log(size), math.log(value)) for size, value in zip(sizes, values, strict=True)]
    x, y = (sum(axis) / len(points) for axis in zip(*points, strict=True))
    power = sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)
    return f"{math.exp(y - power * x):.2f} N^{power:.2f}"


def starts() -> bool:
    sizes, writes, met = [8, 16, 32, 48], [], True
    for jobs in sizes:
        scheduler = Scheduler()
        with GitHubServer(now=lambda scheduler=scheduler: START + scheduler.time) as server:  # type: ignore[misc]
            server.enforce_limits()
            crowd = play(server, scheduler, jobs)
        writes.append(float(crowd.mutations))
        met = met and crowd.mutations <= 2.5 * jobs and not crowd.alone
        print(
            f"{jobs:>6} jobs   {crowd.mutations:>4} writes  {crowd.mutations / jobs:.2f} a job (aim 2.5)"
            f"   {crowd.refused:>3} refused   {len(crowd.alone):>3} without the lock (aim 0)"
            f"   all in the queue after {crowd.seconds:.0f} s   {crowd.requests} requests"
        )
    print(f"writes grow by {law(sizes, writes)}")
    return met


def leave() -> bool:
    """Waiters that are cancelled within a second, the holder's release in the middle of it."""
    sizes, met = [10, 40, 100, 195], True
    for name, store in (("GitHub", leavers.GITHUB), ("DynamoDB", leavers.DYNAMODB)):
        writes = []
        for waiters in sizes:
            front, back = (leavers.play(waiters, store, next_lives=lives) for lives in (True, False))
            writes.append(float(back.writes))
            met = met and back.released <= 5.0 and front.granted <= store.poll_seconds + 5.0
            print(
                f"{waiters:>6} leave, {name:<8}   released after {back.released:.1f} s (aim 5)   the next has"
                f" the lock after {front.granted:.1f} s (aim {store.poll_seconds + 5.0:.1f}), one behind all"
                f" after {back.granted:.0f} s   {back.writes / waiters:.1f} writes each"
            )
        print(f"writes grow by {law(sizes, writes)}")
    return met


def lists() -> bool:
    sizes, found, met = [100, 500, 1000, 2000], [], True
    for stacks in sizes:
        clock = VirtualClock()
        with CloudFormationServer(clock.now) as server:
            os.environ.update(server.environment)
            cloudformation = client(server)
            template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
            for number in range(stacks):
                cloudformation.create_stack(StackName=f"other-{number}", TemplateBody=template)
            clock.sleep(100.0)
            server.requests.clear()
            late = _watched(clock)
            requests = sum(n for (action, _), n in server.requests.items() if action == "ListStacks")
        found.append(float(requests))
        aim = 10 + 2 * math.ceil(stacks / 100) + 2
        met = met and requests <= aim
        print(f"{stacks:>6} stacks   {requests:>4} ListStacks (aim {aim})   the end after {late:.1f} s")
    print(f"requests grow by {law(sizes, found)}")
    return met


def _watched(clock: VirtualClock) -> float:
    source = CloudFormation(AwsClients(), one_try=True)
    glob = (StackRef("eu-west-1", "shop-*"),)
    watcher = EventStream(source, take_baseline(source, glob, between=lambda: clock.sleep(SPACED_SECONDS)))
    end = clock.monotonic() + COMMAND_SECONDS

    def over() -> bool:
        return clock.monotonic() >= end

    WatchLoop(
        watcher,
        clock,
        SilentListener(),
        done=over,
        cancelled=lambda: False,
        timeout_seconds=600.0,
        hurry=over,
    ).run()
    return clock.monotonic() - end


def queue() -> bool:
    sizes, found, met = [1, 10, 50, 200], [], True
    for stacks in sizes:
        registry, clock, standing, how = MemoryRegistry(), VirtualClock(), 0, "nothing"
        names = tuple(f"eu-west-1/shop-production-service-{number}" for number in range(stacks))
        while how == "nothing":
            ticket = Ticket(f"n{standing}", f"20270115-080000-{standing:06x}", ("prod",), names, account="1")
            waiter = LockClient(
                registry, clock, ticket, stacks_in_progress=lambda _texts: [], poll_seconds=13.0
            )
            try:
                waiter.join()
                standing += 1
            except Busy:
                how = "busy"
            except CoordinatorError as error:
                how = type(error).__name__
        found.append(float(standing))
        met = met and how == "busy"
        print(f"{stacks:>6} stacks each   {standing:>4} stand in the queue; the next: {how} (aim busy)")
    print(f"room shrinks by {law(sizes, found)}")
    return met


def branch() -> bool:
    sizes, found, met = [250, 500, 1000, 2000], [], True
    for deployments in sizes:
        size, commits = packed_bytes(deployments)
        found.append(float(size))
        print(
            f"{deployments:>6} deployments   {commits:>6} commits   {size / 1e6:.1f} MB in a clone"
            f"   {size / deployments:.0f} bytes a deployment",
            flush=True,
        )
    # What more of them add, once the branch is squashed: 50 a day for a year.
    grown = max(found[-1] - found[-2], 0.0) / (sizes[-1] - sizes[-2])
    year = (found[-1] + grown * (18_250 - sizes[-1])) / 1e6
    met = year <= 20.0 and grown <= 1_000
    print(f"bytes grow by {law(sizes, found)}; {grown:.0f} a deployment more; a year: {year:.0f} MB (aim 20)")
    return met


def read_bytes() -> bool:
    sizes, found = [25, 50, 100, 200], []
    for waiters in sizes:
        size, units = bytes_a_minute(waiters)
        found.append(size)
        print(
            f"{waiters:>6} waiters   {size / 1e6:.1f} MB a minute   {units:.0f} read units a second",
            flush=True,
        )
    print(f"bytes grow by {law(sizes, found)} (aim 1 MB and 30 units for 200)")
    return found[-1] <= 1e6


def requests() -> bool:
    sizes, met = [5, 10, 20, 40], True
    for foreign in (0, 2, 8):
        found = [requests_an_hour(waiters, float(foreign)) for waiters in sizes]
        each = (found[-1] - found[0]) / (sizes[-1] - sizes[0])
        most = sizes[-1] + (1000 - found[-1]) / max(each, 1.0)
        met = met and most >= 40
        print(
            f"{foreign:>6} foreign writes a minute   {' '.join(f'{one:.0f}' for one in found)} an hour"
            f"   1,000 are used up by {most:.0f} waiters (aim 40)",
            flush=True,
        )
    return met


ROWS: dict[str, Callable[[], bool]] = {
    "starts": starts,
    "leave": leave,
    "lists": lists,
    "queue": queue,
    "branch": branch,
    "bytes": read_bytes,
    "requests": requests,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--only", action="append", default=[], choices=ROWS, metavar="ROW")
    given = parser.parse_args()
    chosen = [*given.rows, *given.only] or list(ROWS)
    met = True
    for name in chosen:
        print(f"\n{name}", flush=True)
        met = ROWS[name]() and met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
