"""Many real processes contend for one lock on a real store; some are killed, and some stand still.

    python -m tests.locking.contention --store s3 --processes 50 --seed 7

What is killed or stopped when comes from the seed; the machine's own timing does not.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import random
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from deploy_action.errors import LockLost
from deploy_action.locking.codec import decode
from tests.ground.stores import KINDS, ROOT, Store, new_store, session
from tests.locking.contender import Contender, Life, Plan
from tests.locking.referee import Referee

if TYPE_CHECKING:
    from deploy_action.locking.document import Document

SPEED = 75.0
LEASE_SECONDS = 200.0
"""Nearly three real seconds: longer than a busy machine keeps a living process waiting."""
POLL_SECONDS = 12.0
ARRIVALS_SECONDS = 120.0
LATE_SECONDS = 400.0
PATIENCE = 120.0
"""Real seconds for a whole run."""
SLOW_AT_MOST = 0.2
"""Of all, so many may be taken for dead since the machine gave them no time; they must notice."""


def make_plan(store: Store, log: Path, processes: int, seed: int, *, stops: int = 0) -> Plan:
    """One in six is killed: while they hold, while they wait, and at any time. The last one comes late and
    dies while it holds, so that it leaves its ticket to the last client. So many of the rest as `stops` says
    stand still, for up to three leases."""
    draw = random.Random(seed)
    deaths = itertools.cycle(["holding", "waiting", "start", "holding", "start"])
    early = draw.sample(range(1, processes - 1), processes // 6 - 1)
    victims = dict(zip([processes - 1, *early], deaths, strict=False))
    latest = {"start": 600.0, "waiting": 90.0, "holding": 20.0}
    arrivals = sorted(draw.uniform(0, ARRIVALS_SECONDS) for _ in range(processes - 1))
    contenders = [
        Contender(
            f"p{number:02d}",
            arrives,
            # The first holds for longer than a lease, and must not be taken over.
            holds=1.3 * LEASE_SECONDS if not number else LEASE_SECONDS if death else draw.uniform(1, 6),
            dies=death,
            dies_after=draw.uniform(0, latest[death]) if death else 0.0,
        )
        for number, arrives in enumerate([*arrivals, LATE_SECONDS])
        for death in [victims.get(number, "")]
    ]
    living = [number for number in range(1, processes) if number not in victims]
    moments = itertools.cycle(["granted", "fenced", "waiting", "holding"])
    soon = {"granted": 0.0, "fenced": 0.0, "waiting": 30.0, "holding": 4.0}
    for number, moment in zip(draw.sample(living, stops), moments, strict=False):
        contenders[number] = msgspec.structs.replace(
            contenders[number],
            stops=moment,
            stops_after=draw.uniform(0, soon[moment]),
            stands_still=draw.uniform(1.2, 3.0) * LEASE_SECONDS,
        )
    return Plan(store, str(log), f"{time.time()}:{SPEED}", LEASE_SECONDS, POLL_SECONDS, contenders)


@dataclass(frozen=True)
class Run:
    """What came of a plan. `before` and `after` are the document before and after one last client."""

    codes: dict[str, int]
    log: list[dict[str, Any]]
    seconds: float
    before: Document
    after: Document
    record: list[dict[str, object]]
    """What the referee saw begin."""

    def of(self, event: str) -> dict[str, dict[str, Any]]:
        return {line["name"]: line for line in self.log if line["event"] == event}

    @cached_property
    def killed(self) -> set[str]:
        return {name for name, code in self.codes.items() if code == -signal.SIGKILL}

    @cached_property
    def slow(self) -> set[str]:
        """The living that were taken for dead, as a holder or as a waiter."""
        return set(self.of("lost")) | set(self.of("pruned"))

    @cached_property
    def stopped(self) -> set[str]:
        return set(self.of("stopped"))

    @cached_property
    def gaps(self) -> list[float]:
        """Seconds of the scaled clock from giving back to knowing of the grant, where nobody died between."""
        turns = [line for line in self.log if line["event"] in {"begin", "end"}]
        ahead = {name: set(line["ahead"]) for name, line in self.of("arrived").items()}
        dead = self.killed - self.of("begin").keys()
        return [
            after["at"] - before["at"]
            for before, after in itertools.pairwise(turns)
            if (before["event"], after["event"]) == ("end", "begin")
            and not dead & (ahead.get(after["name"], set()) - ahead.get(before["name"], set()))
        ]

    def problems(self) -> list[str]:
        """Everything that must not be; empty for a good run."""
        return [
            *self._of_codes(),
            *self._of_holding(),
            *self._of_order(),
            *self._of_document(),
            *self._of_referee(),
        ]

    def _of_referee(self) -> list[str]:
        """Nothing began on the stack while something else ran there, and epochs rose."""
        found = [
            f"{line['name']} began on a stack that was in progress"
            for line in self.record
            if line["overlaps"]
        ]
        epochs = [int(str(line["epoch"])) for line in self.record]
        return found + [f"epoch {b} began after {a}" for a, b in itertools.pairwise(epochs) if b <= a]

    def _of_codes(self) -> list[str]:
        expected = {0, -signal.SIGKILL, LockLost.exit_code}
        found = [f"{name} ended with {code}" for name, code in self.codes.items() if code not in expected]
        served = self.of("begin")
        found += [
            f"{name} was never served" for name in self.codes if name not in served.keys() | self.killed
        ]
        slow = self.slow - self.stopped
        if len(slow) > SLOW_AT_MOST * len(self.codes):
            found.append(f"too many living were taken for dead: {sorted(slow)}")
        return found

    def _of_holding(self) -> list[str]:
        """Intervals never overlap, epochs rise. Whoever noticed that it was taken over is not counted."""
        found, holder, epoch = [], "", 0
        lost = self.of("lost")
        for line in self.log:
            name, event = line["name"], line["event"]
            if event not in {"begin", "end"} or name in lost:
                continue
            if event == "end":
                if holder != name:
                    found.append(f"{name} ended while {holder or 'nobody'} held the lock")
                holder = ""
                continue
            if holder and holder not in self.killed:
                found.append(f"{name} began while {holder} held the lock")
            if line["epoch"] <= epoch:
                found.append(f"{name} got epoch {line['epoch']} after {epoch}")
            holder, epoch = name, line["epoch"]
        return found

    def _of_order(self) -> list[str]:
        """Whoever stood ahead at an arrival is served first: the order of the document's `tickets`."""
        found = [f"{name} was overtaken" for name in self.of("overtaken")]
        epochs = {name: line["epoch"] for name, line in self.of("begin").items()}
        for name, line in (self.of("arrived") | self.of("pruned")).items():
            first = [other for other in line["ahead"] if other in epochs and other not in self.slow]
            found += [
                f"{name} was served before {other}, who came first"
                for other in first
                if name in epochs and epochs[other] > epochs[name]
            ]
        return found

    def _of_document(self) -> list[str]:
        found = []
        left = {ticket.nonce for ticket in self.before.tickets}
        if left - self.killed:
            found.append(f"the living left tickets: {sorted(left - self.killed)}")
        if self.after.tickets:
            found.append(f"the last client cleared not all: {[t.nonce for t in self.after.tickets]}")
        begins = self.of("begin")
        holders = self.before.locks["prod"].epoch
        if not len(begins) <= holders <= len(begins) + len(self.killed - begins.keys()):
            found.append(f"{holders} epochs for {len(begins)} that began")
        return found

    def figures(self) -> str:
        left = self.of("left").values()
        gaps = sorted(self.gaps)
        p95 = gaps[round(0.95 * (len(gaps) - 1))]
        overlaps = sum(bool(line["overlaps"]) for line in self.record)
        swaps, conflicts = (sum(line[what] for line in left) for what in ("swaps", "conflicts"))
        return (
            f"processes {len(self.codes)}, killed {len(self.killed)}, stopped {len(self.stopped)}, "
            f"served {len(self.of('begin'))}, taken for dead while alive {len(self.slow)}, "
            f"left for the last client "
            f"{len(self.before.tickets)}, {self.seconds:.1f} s\n"
            f"hand-offs {len(gaps)}, gap median {statistics.median(gaps):.1f} s p95 {p95:.1f} s at "
            f"{SPEED:.0f} times the speed (polls every {POLL_SECONDS:.0f} s)\n"
            f"of those who lived: swaps {swaps}, conflicts {conflicts}, "
            f"reads {sum(line['reads'] for line in left)}, faults {sum(line['faults'] for line in left)}\n"
            f"at the referee: {len(self.record)} began, {overlaps} overlapped; the queue is "
            f"{'drained' if not self.after.tickets else 'not drained'}"
        )


def contend(
    store: Store, folder: Path, *, processes: int, seed: int, faults: float = 0.0, stops: int = 0
) -> Run:
    """`faults`: of the requests to the registry, so many meet one. `stops`: so many stand still."""
    log, place = folder / "log", folder / "referee"
    place.mkdir()
    plan = make_plan(store, log, processes, seed, stops=stops)
    plan = msgspec.structs.replace(plan, referee=str(place), faults=faults)
    started = time.monotonic()
    codes = _launch(plan, folder)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    with ExitStack() as stack:
        registry = store.open(session=session())
        if close := getattr(registry, "close", None):
            stack.callback(close)
        before = decode(registry.read().document)
        record = Referee(str(place)).record()
        plan = msgspec.structs.replace(plan, faults=0.0)
        assert Life(plan, Contender("last", arrives=0.0, holds=0.0), registry).live() == 0
        after = decode(registry.read().document)
    return Run(codes, lines, time.monotonic() - started, before, after, record)


def _launch(plan: Plan, folder: Path) -> dict[str, int]:
    path = folder / "plan.json"
    path.write_bytes(msgspec.json.encode(plan))
    launcher = subprocess.Popen(
        [sys.executable, "-m", "tests.locking.contender", path],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        output, _ = launcher.communicate(timeout=PATIENCE)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(launcher.pid, signal.SIGKILL)
    assert launcher.returncode == 0
    return {str(name): int(code) for name, code in json.loads(output).items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--store", choices=KINDS, default="file")
    parser.add_argument("--processes", type=int, default=50)
    parser.add_argument("--faults", type=float, default=0.0, help="Of the requests, so many get no answer.")
    parser.add_argument("--stops", type=int, default=0, help="So many processes stand still for a while.")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        store = new_store(options.store, Path(name), stack)
        run = contend(
            store,
            Path(name),
            processes=options.processes,
            seed=options.seed,
            faults=options.faults,
            stops=options.stops,
        )
    print(f"{options.store}, seed {options.seed}\n{run.figures()}")
    problems = run.problems()
    print("\n".join(problems))
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(main())
