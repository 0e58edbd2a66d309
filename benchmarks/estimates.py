"""How good the estimates are on real event logs.

    estimates.py FOLDER [--leave-out] [--verbose] [--deploy-phase-only] [--apart GLOB]

Walks forward in time: each operation is predicted from what ended before it in the same stack, and the
prior table. What it will touch is taken from its events, as a change set would tell: the root stack's own
resources, removals included (`--deploy-phase-only` leaves those out).

Some of the prior's medians were measured on logs like these, which flatters a cold start. `--leave-out` is
the fair test, and the figure to quote: the prior knows the typical durations, and medians measured in the
folder's other files, never the file that it is judged by. `--apart GLOB` scores the files whose name matches,
and the rest, also on their own.

Each predictor is scored where it can predict at all. The live estimate is asked at 25, 50 and 75 % of each
phase; of a rollback the time that is left is scored, elsewhere the whole.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from statistics import mean, median

from deploy_action.common.instants import CloudFormationTime

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from typing import TYPE_CHECKING

from benchmarks.event_logs import Logged, read_log
from deploy_action.cloudformation.operation import Operation, Phase
from deploy_action.estimation.critical_path import structure
from deploy_action.estimation.estimator import before, same_set
from deploy_action.estimation.history_forecast import LearnedForecast
from deploy_action.estimation.planned_changes import Planned, PlannedChanges
from deploy_action.estimation.published_durations import blended, parse_samples, parse_table
from deploy_action.history.deployments import Deployment, DeploymentHistory
from deploy_action.history.estimate import holds
from deploy_action.history.operations import OperationRecord, runs_of, stable_name, touched_of
from deploy_action.history.resource_order import Order

if TYPE_CHECKING:
    from deploy_action.history.estimate import Estimate

TABLE = Path(__file__).resolve().parents[1] / "deploy_action" / "data" / "resource-durations.tsv"
SPLITS = ("same set seen before", "other with history", "cold start")
SHARES = (0.25, 0.5, 0.75)
FAR = 3.0
"""An estimate that is off by more than this factor misleads."""


@dataclass(slots=True)
class Scores:
    """(mid, low, high, actual) seconds of each prediction of one predictor; a point has no low and high."""

    rows: list[tuple[float, float | None, float | None, float]] = field(default_factory=list)

    def add(self, estimate: Estimate, actual: float) -> None:
        self.rows.append((estimate.mid_seconds, estimate.low_seconds, estimate.high_seconds, actual))

    def point(self, mid: float, actual: float) -> None:
        self.rows.append((mid, None, None, actual))

    def line(self) -> str:
        if not self.rows:
            return f"{'-':>5}"
        errors = [abs(mid - actual) for mid, _, _, actual in self.rows]
        shares = [abs(mid - actual) / actual for mid, _, _, actual in self.rows if actual]
        text = f"{len(self.rows):5} {median(errors):9.1f} s {median(shares):8.1%}"
        far = sum(
            max(mid, 0.1) / actual > FAR or actual / max(mid, 0.1) > FAR
            for mid, *_, actual in self.rows
            if actual
        )
        text += f" {far:8}"
        ranges = [
            (low, high, actual) for _, low, high, actual in self.rows if low is not None and high is not None
        ]
        if ranges:
            inside = mean(low <= actual <= high for low, high, actual in ranges)
            text += f" {inside:9.0%} {median(high - low for low, high, _ in ranges):9.1f} s"
            text += f" {median((high - low) / actual for low, high, actual in ranges if actual):8.0%}"
        return text


def plan_of(logged: Logged, run: OperationRecord, *, removals: bool) -> PlannedChanges:
    """What a change set would have said."""
    root = logged.operation.roots[0]
    own = root.activities
    touched = touched_of(logged.operation, root, removals=removals)
    types = {stable_name(a.logical_id, a.resource_type): a.resource_type for a in own}
    deleted = {a.logical_id for a in own if a.phase is Phase.CLEANUP and a.action == "DELETE"}
    replaced = {
        stable_name(a.logical_id, a.resource_type)
        for a in own
        if a.phase is Phase.DEPLOY and a.action == "UPDATE" and a.logical_id in deleted
    }
    changes = tuple(
        Planned(name, types[name], action, action == "UPDATE" and name in replaced)
        for action, name in sorted(touched)
    )
    return PlannedChanges(run.stack, run.kind, changes)


def fixed_averages() -> dict[tuple[str, str], float]:
    """The typical durations alone, without what was measured; zero where there is none."""
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]
    return {
        (row["type"], action.upper()): float(row[f"avg_{action}"] or 0)
        for row in csv.DictReader(lines, delimiter="\t")
        for action in ("create", "update", "delete")
    }


def longest_path(plan: PlannedChanges, averages: dict[tuple[str, str], float]) -> float:
    """Fixed averages on the longest way through, dependencies by type as in our own cold start."""
    changes = plan.changes or ()
    waits = structure(
        [(one.label, one.resource_type) for one in changes], order=Order(), reverse=plan.kind == "delete"
    )
    seconds = {one.label: averages.get((one.resource_type, one.action), 0.0) for one in changes}
    ends: dict[str, float] = {}

    def end(label: str, above: frozenset[str]) -> float:
        if label not in ends:
            others = [end(other, above | {label}) for other in waits[label] if other not in above]
            ends[label] = seconds[label] + max(others, default=0.0)
        return ends[label]

    return max((end(label, frozenset()) for label in seconds), default=0.0)


class Backtest:
    def __init__(self, *, removals: bool, verbose: bool, leave_out: bool, apart: str = "") -> None:
        self.averages = fixed_averages()
        self.leave_out = leave_out
        self.apart = apart
        self.measured: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
        self.removals = removals
        self.verbose = verbose
        self.scores: dict[tuple[str, str], Scores] = defaultdict(Scores)
        self.live: dict[tuple[str, str, float], Scores] = defaultdict(Scores)
        self.left: list[str] = []

    def prior(self, file: str) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], int]]:
        """Seconds and numbers of measurements by (type, action), for an operation of this file."""
        if not self.leave_out:
            table = TABLE.read_text("utf-8")
            return parse_table(table), parse_samples(table)
        seconds = {key: one for key, one in self.averages.items() if one > 1}
        samples: dict[tuple[str, str], int] = {}
        for key, all_of_it in self.measured.items():
            others = [one for name, one in all_of_it if name != file]
            if others:
                middle, count = median(others), len(others)
                seconds[key], samples[key] = blended(seconds.get(key, 0.0), middle, count)
        return seconds, samples

    def measure(self, logs: list[Logged]) -> None:
        """What each resource of the folder took, also in operations that are not whole."""
        for logged in logs:
            for one in logged.operation.activities:
                if one.status.endswith("_COMPLETE") and one.seconds() > 0:
                    self.measured[one.resource_type, one.action].append((logged.file, one.seconds()))

    def groups(self, file: str) -> tuple[str, ...]:
        if not self.apart:
            return ("all files",)
        return ("all files", self.apart if fnmatch(file, self.apart) else f"not {self.apart}")

    def walk(self, logs: list[Logged]) -> None:
        if self.leave_out:
            self.measure(logs)
        whole: list[Logged] = []
        for logged in logs:
            if logged.trouble or len(runs_of(logged.operation)) != 1:
                name = logged.operation.roots[0].name
                self.left.append(f"{logged.file} {name}: {logged.trouble or 'not one whole run'}")
            else:
                whole.append(logged)
        ends: list[tuple[float, str, Deployment]] = []
        for logged in sorted(whole, key=lambda one: one.operation.roots[0].started or 0.0):
            root = logged.operation.roots[0]
            (run,) = runs_of(logged.operation, removals=self.removals)
            known = [one for end, stack, one in ends if stack == run.stack and end <= (root.started or 0.0)]
            past = DeploymentHistory(tuple(known), *self.prior(logged.file))
            plan = plan_of(logged, run, removals=self.removals)
            estimate = before(plan, past)
            if run.good:
                self._score(logged.file, run, plan, past, estimate)
            self._watch(logged, run, plan, past)
            done = Deployment(str(len(ends)), run.outcome, (run.stack,), run.seconds, 0.0, (run,), estimate)
            ends.append((root.ended or 0.0, run.stack, done))

    def _score(
        self,
        file: str,
        run: OperationRecord,
        plan: PlannedChanges,
        past: DeploymentHistory,
        estimate: Estimate,
    ) -> None:
        earlier = past.good(run.stack, run.kind)
        split = (
            SPLITS[0] if same_set(plan.touched, earlier) else SPLITS[1] if past.of(run.stack) else SPLITS[2]
        )
        seconds = [one.seconds for one in earlier]
        points = {"fixed averages": longest_path(plan, self.averages)}
        if seconds:
            points |= {
                "last": seconds[-1],
                "mean of three": mean(seconds[-3:]),
                "median of all": median(seconds),
            }
        for files in self.groups(file):
            for group in (split, "all"):
                self.scores["this", f"{group}, {files}"].add(estimate, run.seconds)
                for name, point in points.items():
                    self.scores[name, f"{group}, {files}"].point(point, run.seconds)
        if self.verbose:
            off = (estimate.mid_seconds - run.seconds) / run.seconds
            held = "in " if holds(estimate, run.seconds) else "OUT"
            print(
                f"{file[:24]:24} {run.kind:6} {run.seconds:7.1f} s, told {estimate.low_seconds:7.1f} "
                f"{estimate.mid_seconds:7.1f} {estimate.high_seconds:7.1f} {off:+6.0%} {held} "
                f"{points['fixed averages']:7.1f} {split[:5]} {estimate.basis} ({estimate.samples})"
            )

    def _watch(
        self, logged: Logged, run: OperationRecord, plan: PlannedChanges, past: DeploymentHistory
    ) -> None:
        """The live estimate at shares of the deploy phase of good runs, and of the rollback of others."""
        root = logged.operation.roots[0]
        started, ended = root.started or 0.0, root.ended or 0.0
        begin, name = (started, "to the end") if run.good else (ended - run.rollback_seconds, "rollback")
        if not run.good and not run.rollback_seconds:
            return
        forecast = LearnedForecast(past, (plan,))
        for share in SHARES:
            now = begin + share * (ended - begin)
            operation = Operation()
            for event in logged.events:
                if event.timestamp <= now:
                    operation.apply(event)
            left = forecast.remaining(operation, now=CloudFormationTime(now))
            if left is None:
                continue
            whole = now - begin if run.good else 0.0
            told = replace(
                left,
                low_seconds=whole + left.low_seconds,
                mid_seconds=whole + left.mid_seconds,
                high_seconds=whole + left.high_seconds,
            )
            for files in self.groups(logged.file):
                self.live[files, name, share].add(told, whole + ended - now)
            if self.verbose and not run.good:
                print(
                    f"   {logged.file[:24]} rollback at {share:.0%}: {ended - now:.0f} s left, told "
                    f"{left.low_seconds:.0f} {left.mid_seconds:.0f} {left.high_seconds:.0f} {left.basis}"
                )

    def tell(self) -> None:
        for files in ("all files", self.apart, f"not {self.apart}") if self.apart else ("all files",):
            self._tell(files)
        if self.left:
            print("\nLeft out:\n  " + "\n  ".join(self.left))

    def _tell(self, files: str) -> None:
        head = f"{'':24}{'n':>5} {'median error':>21} {f'{FAR:g}x off':>8} {'coverage':>9} "
        head += f"{'interval, of actual':>20}"
        for group in ("all", *SPLITS):
            print(f"\nBefore, {group}, {files}\n{head}")
            for name in ("this", "last", "mean of three", "median of all", "fixed averages"):
                print(f"  {name:22}{self.scores[name, f'{group}, {files}'].line()}")
        print(f"\nLive, {files}: of the whole (elapsed and left); of a rollback, what is left\n{head}")
        for name in ("to the end", "rollback"):
            for share in SHARES:
                print(f"  {f'{name}, at {share:.0%}':22}{self.live[files, name, share].line()}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--deploy-phase-only", action="store_true")
    parser.add_argument("--leave-out", action="store_true")
    parser.add_argument("--apart", default="", metavar="GLOB")
    options = parser.parse_args()
    test = Backtest(
        removals=not options.deploy_phase_only,
        verbose=options.verbose,
        leave_out=options.leave_out,
        apart=options.apart,
    )
    logs: list[Logged] = []
    paths = sorted(options.folder.glob("*.jsonl"))
    if not paths:
        parser.error(f"no *.jsonl in {options.folder}")
    for path in paths:
        found, left = read_log(path)
        logs += found
        test.left += left
    test.walk(logs)
    test.tell()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
