"""What watching costs, and how soon an end is noticed: `polling.py FOLDER [--runs 5] [--seeds 1,2,3]`.

Plays every operation of a folder of event logs at its original speed, in virtual time, from a server over
real HTTP, to two watchers: ours, and one that reads the stack and each nested stack in progress every two
seconds, as the CDK's monitor does. A request takes no virtual time: on a network, add its own. Ours knows no
history here, only the table of typical durations; with `--leave-out` the table without what was measured in
the file that is played. Figures by seed show what is chance; those by length, whom it serves.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.estimates import Backtest
from benchmarks.event_logs import read_log
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.data import read_table
from deploy_action.estimation.history_forecast import LearnedForecast
from deploy_action.estimation.published_durations import parse_samples, parse_table
from deploy_action.history import document as history
from deploy_action.monitoring.baseline import Baseline
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.poll_scheduler import Schedule
from deploy_action.monitoring.watch_loop import WatchLoop
from tests.clock import VirtualClock
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.event_bridge import VirtualDoorbell
from tests.listener import SilentListener
from tests.replay import Recorded, operations_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.operation import Operation

REGION = "eu-west-1"
FIXED_SECONDS = 2.0
LATE_AIM_SECONDS, SHARE_AIM = 1.0, 0.6
LENGTHS = ((60.0, "below 60 s"), (180.0, "60 to 180 s"), (float("inf"), "above 180 s"))
AFTER_SECONDS = 30.0
"""A log that ends before its stack does is watched for so long beyond its last event."""


@dataclass
class Seen:
    """`late`: seconds from the stack's end to its being noticed; None where the log has no end."""

    requests: int
    late: float | None
    lags: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """How long the operation took."""
    seed: int = 0


@dataclass
class Listener(SilentListener):
    """Notes how old each event is when it is seen."""

    clock: VirtualClock
    lags: list[float] = field(default_factory=list)

    def events(self, events: tuple[StackEvent, ...], operation: Operation) -> None:  # noqa: ARG002
        self.lags += [self.clock.now() - event.timestamp for event in events]


class Ground:
    """One server for all runs."""

    def __init__(self, server: CloudFormationServer, clock: VirtualClock) -> None:
        self.server, self.clock = server, clock
        self.source = CloudFormation(AwsClients())
        table = read_table("resource-durations.tsv")
        self.forecast = LearnedForecast(history.read(None, parse_table(table), parse_samples(table)))

        self.doorbell = False
        """Ours has one, whose messages come 0.3 to 1.5 s after their events."""

    def know(self, durations: dict[tuple[str, str], float], samples: dict[tuple[str, str], int]) -> None:
        """The typical durations of the operations to come."""
        self.forecast = LearnedForecast(history.read(None, durations, samples))

    def play(self, recorded: Recorded, offset: float) -> tuple[StackRef, float | None, float]:
        """Begins `offset` seconds from now; gives the stack, its end and when to stop, on the clock."""
        self.server.reset()
        start = self.clock.now() + offset
        self.server.load_recording(REGION, recorded.root, list(recorded.rows), start=start)
        end = None if recorded.ended is None else start + recorded.ended - recorded.began
        return StackRef(REGION, recorded.root), end, start + recorded.seconds + AFTER_SECONDS

    def requests(self) -> int:
        return self.server.requests.total()

    def ours(self, recorded: Recorded, offset: float, seed: int) -> Seen:
        stack, end, stop = self.play(recorded, offset)
        watcher = EventStream(
            self.source,
            Baseline(((stack, None),)),
            forecast=self.forecast,
            schedule=Schedule(random=random.Random(seed)),
        )
        if self.doorbell:
            watcher.bell.doorbell = VirtualDoorbell(self.server, REGION, chance=random.Random(seed))
        listener = Listener(self.clock)
        WatchLoop(
            watcher,
            self.clock,
            listener,
            done=lambda: watcher.at_rest,
            cancelled=lambda: False,
            timeout_seconds=stop - self.clock.now(),
        ).run()
        late = None if end is None or not watcher.at_rest else self.clock.now() - end
        return Seen(self.requests(), late, listener.lags)

    def fixed(self, recorded: Recorded, offset: float) -> Seen:
        stack, end, stop = self.play(recorded, offset)
        seen: set[str] = set()
        lags: list[float] = []
        nested: dict[str, bool] = {}
        at_rest = False
        while self.clock.now() < stop and not at_rest:
            self.clock.sleep(FIXED_SECONDS)
            pending = [stack.name]
            while pending:
                name = pending.pop(0)
                ref = StackRef(REGION, name)
                for event in self.source.events(ref, stop=lambda event: event.event_id in seen):
                    seen.add(event.event_id)
                    lags.append(self.clock.now() - event.timestamp)
                    running = event.status.endswith("_IN_PROGRESS")
                    if event.nested_stack_id is not None:
                        nested[event.nested_stack_id] = running
                    if event.is_stack and name == stack.name and event.status != "REVIEW_IN_PROGRESS":
                        at_rest = not running
                if name == stack.name:
                    pending += [child for child, running in nested.items() if running]
        return Seen(self.requests(), None if end is None or not at_rest else self.clock.now() - end, lags)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--runs", type=int, default=5, help="of each operation and seed, at different offsets"
    )
    parser.add_argument(
        "--seeds", default="1", metavar="N[,N...]", help="of the offsets and the watcher's pauses"
    )
    parser.add_argument(
        "--leave-out", action="store_true", help="the played file teaches no typical duration"
    )
    parser.add_argument("--doorbell", action="store_true", help="messages announce the events to ours")
    arguments = parser.parse_args()
    clock = VirtualClock()
    every: dict[str, list[Seen]] = {"ours": [], "fixed": []}
    priors = Backtest(removals=True, verbose=False, leave_out=True)
    files = sorted(arguments.folder.glob("*.jsonl"))
    if arguments.leave_out:
        for file in files:
            priors.measure(read_log(file)[0])
    print(
        f"{'operation':<48} {'seconds':>8}  {'ours':>7} {'fixed':>7} {'share':>6}  {'late p50':>8} {'max':>6}"
    )
    with CloudFormationServer(clock.now) as server:
        os.environ.update(AWS_ENDPOINT_URL=server.endpoint_url, AWS_MAX_ATTEMPTS="1")
        os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
        ground = Ground(server, clock)
        ground.doorbell = arguments.doorbell
        for file in files:
            if arguments.leave_out:
                ground.know(*priors.prior(file.name))
            for recorded in operations_of(file):
                ours: list[Seen] = []
                fixed: list[Seen] = []
                for seed in map(int, arguments.seeds.split(",")):
                    chance = random.Random(f"{seed} {recorded.name}")
                    for offset in [chance.uniform(0.0, FIXED_SECONDS) for _ in range(arguments.runs)]:
                        for runs, seen in (
                            (ours, ground.ours(recorded, offset, seed)),
                            (fixed, ground.fixed(recorded, offset)),
                        ):
                            runs.append(replace(seen, seconds=recorded.seconds, seed=seed))
                every["ours"] += ours
                every["fixed"] += fixed
                tell(recorded, ours, fixed)
    return conclude(every["ours"], every["fixed"])


def tell(recorded: Recorded, ours: list[Seen], fixed: list[Seen]) -> None:
    mine, theirs = (statistics.mean(seen.requests for seen in runs) for runs in (ours, fixed))
    late = [seen.late for seen in ours if seen.late is not None]
    noticed = f"{percentile(late, 0.5):>8.2f} {max(late):>6.2f}" if late else f"{'no end':>8}"
    share = f"{mine:>7.1f} {theirs:>7.1f} {mine / theirs:>6.0%}"
    print(f"{recorded.name:<48} {recorded.seconds:>8.0f}  {share}  {noticed}")


def line(group: str, ours: list[Seen], fixed: list[Seen]) -> None:
    whole = sum(seen.requests for seen in fixed)
    for name, runs in (("ours", ours), (f"fixed, {FIXED_SECONDS:g} s", fixed)):
        if not runs:
            continue
        late = [seen.late for seen in runs if seen.late is not None]
        lags = [lag for seen in runs for lag in seen.lags]
        figures = "".join(f" {percentile(late, share):>6.2f}" for share in (0.9, 0.95, 0.99))
        requests = sum(seen.requests for seen in runs)
        print(
            f"{f'{group}, {name}':<26} {requests:>9} {requests / whole:>6.0%} {percentile(late, 0.5):>16.2f}"
            f"{figures}"
            f" {percentile(lags, 0.5):>10.2f} {percentile(lags, 0.95):>6.2f}"
        )


def conclude(ours: list[Seen], fixed: list[Seen]) -> int:
    print(
        f"\n{'':<26} {'requests':>9} {'share':>6} {'end noticed p50':>16} {'p90':>6} {'p95':>6} {'p99':>6}"
        f" {'event p50':>10} {'p95':>6}  (seconds)"
    )
    shorter = 0.0
    line("all operations", ours, fixed)
    for longest, name in LENGTHS:
        line(name, *([one for one in runs if shorter <= one.seconds < longest] for runs in (ours, fixed)))
        shorter = longest
    for seed in sorted({one.seed for one in ours}):
        line(f"seed {seed}", *([one for one in runs if one.seed == seed] for runs in (ours, fixed)))
    share = sum(seen.requests for seen in ours) / sum(seen.requests for seen in fixed)
    late_p95 = percentile([seen.late for seen in ours if seen.late is not None], 0.95)
    met = late_p95 <= LATE_AIM_SECONDS and share <= SHARE_AIM
    print(
        f"\n{share:.0%} of the requests (aim {SHARE_AIM:.0%}), the end noticed within {late_p95:.2f} s "
        f"at p95 (aim {LATE_AIM_SECONDS:.1f} s): {'met' if met else 'NOT met'}"
    )
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
