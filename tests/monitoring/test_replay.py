"""Real event logs, streamed by the real client: nothing lost, nothing twice, nothing out of order.

The folder comes from `CFN_LOGS`, or is `shared/cfn-logs` beside the repository; without it they are skipped.
"""

from __future__ import annotations

import random
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef, StackState
from deploy_action.monitoring.baseline import Baseline, attach_to
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.poll_scheduler import Schedule
from deploy_action.monitoring.watch_loop import End, WatchLoop
from tests.clock import VirtualClock
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.recording import moment_of
from tests.listener import SilentListener
from tests.replay import Recorded, logs_folder, operations_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation

REGION = "eu-west-1"
RECORDED = [recorded for file in sorted(logs_folder().glob("*.jsonl")) for recorded in operations_of(file)]
pytestmark = pytest.mark.skipif(not RECORDED, reason="no real event logs at hand (set CFN_LOGS)")
AFTER_SECONDS = 60.0
ATTEMPTS_SECONDS = 120.0
"""So long after its end a stack is watched at most while requests fail."""


@dataclass
class Stream(SilentListener):
    looks: list[tuple[StackEvent, ...]] = field(default_factory=list)

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:
        self.looks.append(events)


@dataclass
class Ground:
    server: CloudFormationServer
    clock: VirtualClock

    def served(self, root: str) -> dict[str, list[tuple[float, str]]]:
        """Time and id of every event of the root and of the stacks below it, by stack id, in order."""
        region = self.server.world.region(REGION)
        root_id = self.server.stack(REGION, root).stack_id
        found = {}
        for stack in region.every(self.clock.now() + 1e6):
            if root_id in {stack.stack_id, stack.root_id}:
                found[stack.stack_id] = [(event.time, event.event_id) for event in stack.events]
        return found

    def stream(self, watcher: EventStream, seconds: float) -> list[tuple[StackEvent, ...]]:
        listener = Stream()
        end = WatchLoop(
            watcher,
            self.clock,
            listener,
            done=lambda: watcher.at_rest,
            cancelled=lambda: False,
            timeout_seconds=seconds,
        ).run()
        if end is End.TIMED_OUT:
            # The log ends before its stack does: one last look at all of it.
            listener.events(watcher.poll(self.clock.monotonic(), complete=True).events, watcher.operation)
        return listener.looks


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    clock = VirtualClock()
    with pytest.MonkeyPatch.context() as patch, CloudFormationServer(clock.now) as server:
        patch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield Ground(server, clock)


def page_size(recorded: Recorded, chance: random.Random) -> int:
    return chance.choice([1, 2, 7, 33, 100] if len(recorded.rows) < 60 else [10, 33, 100])


def break_things(server: CloudFormationServer, chance: random.Random) -> None:
    share = chance.uniform(0.05, 0.15)
    server.faults.add("throttle", operation="DescribeStackEvents", probability=share)
    server.faults.add("error", operation="DescribeStackEvents", probability=share, status=503)
    server.faults.add("reset_after", operation="DescribeStackEvents", probability=0.05)
    server.faults.add("stale", operation="DescribeStackEvents", probability=share, seconds=5.0)


def holds(served: dict[str, list[tuple[float, str]]], looks: list[tuple[StackEvent, ...]]) -> None:
    """Only the last look, which reads all again, may show what stale reads hid behind newer events."""
    streamed = [event for look in looks for event in look]
    ids = [event.event_id for event in streamed]
    assert len(ids) == len(set(ids)), "told twice"
    for part in ([event for look in looks[:-1] for event in look], looks[-1] if looks else ()):
        moments: dict[str, list[float]] = defaultdict(list)
        for event in part:
            moments[event.stack_id].append(event.timestamp)
        assert all(own == sorted(own) for own in moments.values()), "out of order"
    told: dict[str, set[str]] = defaultdict(set)
    for event in streamed:
        told[event.stack_id].add(event.event_id)
    for stack_id, own in served.items():
        expected = {event_id for _, event_id in own}
        assert (expected - told[stack_id], told[stack_id] - expected) == (set(), set())


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
@pytest.mark.parametrize("broken", [False, True], ids=["", "under fire"])
def test_from_the_first_event(recorded: Recorded, broken: bool, ground: Ground) -> None:
    chance = random.Random(zlib.crc32(recorded.name.encode()) + broken)
    ground.server.reset()
    start = ground.clock.now() + chance.uniform(0.0, 5.0)
    ground.server.load_recording(REGION, recorded.root, list(recorded.rows), start=start)
    ground.server.faults.add("page_size", size=33 if broken else page_size(recorded, chance))
    if broken:
        break_things(ground.server, chance)
    stack = StackRef(REGION, recorded.root)
    watcher = EventStream(
        CloudFormation(AwsClients()), Baseline(((stack, None),)), schedule=Schedule(random=chance)
    )
    streamed = ground.stream(watcher, recorded.seconds + AFTER_SECONDS + broken * ATTEMPTS_SECONDS)
    if not watcher.at_rest:
        ground.server.faults.clear()
        streamed.append(watcher.poll(ground.clock.monotonic(), complete=True).events)
    holds(ground.served(recorded.root), streamed)


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: recorded.name)
def test_attached_midway(recorded: Recorded, ground: Ground) -> None:
    """What happened before belongs to the operation too, back to its start."""
    chance = random.Random(zlib.crc32(recorded.name.encode()))
    ground.server.reset()
    ground.server.load_recording(
        REGION,
        recorded.root,
        list(recorded.rows),
        start=ground.clock.now(),
        skip_seconds=recorded.seconds * chance.uniform(0.3, 0.9),
    )
    ground.server.faults.add("page_size", size=page_size(recorded, chance))
    stack = ground.server.stack(REGION, recorded.root)
    state = StackState(StackRef(REGION, recorded.root), stack.stack_id, "UPDATE_IN_PROGRESS")
    watcher = EventStream(CloudFormation(AwsClients()), attach_to([state]), schedule=Schedule(random=chance))
    streamed = ground.stream(watcher, recorded.seconds + AFTER_SECONDS)
    expected = ground.served(recorded.root)
    reviewed = [row for row in recorded.rows if row["status"] == "REVIEW_IN_PROGRESS"]
    if reviewed:
        own = expected[stack.stack_id]
        expected[stack.stack_id] = own[len(reviewed) :]
        assert moment_of(reviewed[0]) == recorded.began
    holds(expected, streamed)
