"""What watching much costs: `scale.py [--stacks 50] [--resources 500] [--minutes 30]`.

Creates stacks in four regions, each with nested stacks three deep, in virtual time on a server in a process
of its own, and watches all of them to the end. Prints memory, the share of a core that watching takes at
original speed, requests, and how late things were seen.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.sharedctypes import Synchronized

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation

REGIONS = ("eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2")
SHARES = (0.1, 0.15, 0.15)
"""Of a stack's resources, in each stack of a level: 1 root, 2 below it, 4 below those."""
INITIATED = {"reason": "Resource creation Initiated"}
MEMORY_AIM_MB, CORE_AIM = 150, 0.1


def serve(
    connection: Connection, now: Synchronized[float], stacks: int, resources: int, seconds: float
) -> None:
    """The server's process: loads what will happen, tells its address, and serves until it is ended."""
    from tests.fakes.cloudformation import CloudFormationServer

    chance = random.Random(1)
    with CloudFormationServer(lambda: now.value) as server:
        for number in range(stacks):
            name = f"shop{number}"
            rows = sorted(life(name, resources, seconds, chance), key=lambda row: float(row["timestamp"]))
            server.load_recording(REGIONS[number % len(REGIONS)], name, rows, start=now.value + 1.0)
        connection.send(server.endpoint_url)
        connection.recv()


def life(
    name: str, resources: int, seconds: float, chance: random.Random, *, level: int = 0, begin: float = 0.0
) -> Iterator[dict[str, Any]]:
    """The events of one stack's creation and of those nested in it; `begin` and the end are seconds."""

    def row(time: float, logical: str, kind: str, status: str, *, own: bool = False) -> dict[str, Any]:
        return {
            "timestamp": round(time, 3), "stack": name, "logical_id": logical, "type": kind,
            "status": status, "is_stack": own, "reason": "",
        }  # fmt: skip

    nested = "AWS::CloudFormation::Stack"
    end = seconds - 2.0
    yield row(begin, name, nested, "CREATE_IN_PROGRESS", own=True)
    for number in range(max(1, round(resources * SHARES[level]))):
        start = chance.uniform(begin + 2.0, max(begin + 3.0, end - 30.0))
        stop = min(start + chance.lognormvariate(2.0, 1.0), end - 1.0)
        logical = f"Resource{number}"
        yield row(start, logical, "AWS::SNS::Topic", "CREATE_IN_PROGRESS")
        yield {
            **row(start + 0.5, logical, "AWS::SNS::Topic", "CREATE_IN_PROGRESS"),
            "reason": "Resource creation Initiated",
        }
        yield row(max(stop, start + 1.0), logical, "AWS::SNS::Topic", "CREATE_COMPLETE")
    if level < len(SHARES) - 1:
        for letter in ("AB", "CD")[level]:
            start = begin + chance.uniform(2.0, 20.0)
            logical = f"Part{letter}"
            child = f"{name}-{logical}-{chance.randrange(16**10):010X}"
            yield row(start, logical, nested, "CREATE_IN_PROGRESS")
            yield {
                **row(start + 0.5, logical, nested, "CREATE_IN_PROGRESS"),
                "reason": "Resource creation Initiated",
            }
            yield from life(child, resources, end - 5.0, chance, level=level + 1, begin=start + 1.0)
            yield row(end - 1.0, logical, nested, "CREATE_COMPLETE")
    yield row(seconds, name, nested, "CREATE_COMPLETE", own=True)


def watch(endpoint: str, now: Synchronized[float], stacks: int, seconds: float) -> dict[str, float]:
    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.cloudformation.client import CloudFormation
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.monitoring.baseline import Baseline
    from deploy_action.monitoring.event_stream import EventStream
    from deploy_action.monitoring.watch_loop import WatchLoop
    from tests.clock import VirtualClock
    from tests.listener import SilentListener

    class SharedClock(VirtualClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            now.value = self.now()

    class Counting(SilentListener):
        def __init__(self) -> None:
            self.lags: list[float] = []

        def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:  # noqa: ARG002
            self.lags += [clock.now() - event.timestamp for event in events]

        def trouble(self, sentence: str, error: object = None) -> None:  # noqa: ARG002
            print(f"  trouble: {sentence}")

    os.environ.update(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    clock = SharedClock(start=now.value)
    refs = [StackRef(REGIONS[number % len(REGIONS)], f"shop{number}") for number in range(stacks)]
    source = CloudFormation(AwsClients())
    requests = 0
    events = source.events

    def counted(*arguments: Any, **keywords: Any) -> Any:
        nonlocal requests
        requests += 1
        return events(*arguments, **keywords)

    source.events = counted  # type: ignore[method-assign]  # counts looks; pages are the server's business
    watcher = EventStream(source, Baseline(tuple((ref, None) for ref in refs)))
    listener = Counting()
    cpu, began = time.process_time(), clock.now()
    WatchLoop(
        watcher, clock, listener, done=lambda: watcher.at_rest and len(watcher.operation.roots) == stacks,
        cancelled=lambda: False, timeout_seconds=seconds * 3,
    ).run()  # fmt: skip
    passed = clock.now() - began
    return {
        "events": len(listener.lags),
        "stacks": len(watcher.operation.stacks),
        "lag": statistics.median(listener.lags),
        "lag_p95": sorted(listener.lags)[int(len(listener.lags) * 0.95)],
        "late": passed - seconds - 1.0,
        "looks": requests,
        "looks_per_second": requests / passed,
        "core": (time.process_time() - cpu) / passed,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stacks", type=int, default=50)
    parser.add_argument("--resources", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=30.0)
    given = parser.parse_args()
    seconds = given.minutes * 60
    # A fork would count the server's memory as ours.
    spawn = multiprocessing.get_context("spawn")
    now = spawn.Value("d", 1_800_000_000.0)
    ours, theirs = spawn.Pipe()
    server = spawn.Process(target=serve, args=(theirs, now, given.stacks, given.resources, seconds))
    server.start()
    try:
        found = watch(ours.recv(), now, given.stacks, seconds)
    finally:
        ours.send("end")
        server.join(5)
        server.kill()
    print(
        f"{given.stacks} stacks ({found['stacks']:.0f} with nested ones) in {len(REGIONS)} regions, "
        f"{found['events']:.0f} events in {given.minutes:.0f} min\n"
        f"memory at most      {found['mb']:>8.0f} MB   (aim {MEMORY_AIM_MB})\n"
        f"share of a core     {found['core']:>8.1%}      (aim {CORE_AIM:.0%})\n"
        f"looks               {found['looks']:>8.0f}      {found['looks_per_second']:.2f} a second\n"
        f"event seen after    {found['lag']:>8.1f} s    p95 {found['lag_p95']:.1f} s\n"
        f"last end seen after {found['late']:>8.1f} s"
    )
    return 0 if found["mb"] <= MEMORY_AIM_MB and found["core"] <= CORE_AIM else 1


if __name__ == "__main__":
    raise SystemExit(main())
