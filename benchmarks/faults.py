"""The fault table: a good and a failing deployment under each fault, through the real launcher, in real time.

    python benchmarks/faults.py [--jobs 4] [--only PATTERN] [--keep FOLDER] [--minutes N]

A run that is cut, or that `--minutes` ends early, goes on with the same `--keep`. To play a cell again,
remove its folder there.

Rows are faults of Slack, the registry, GitHub, CloudFormation, the disk, the processes, the clock and the
network; columns are the two ways to deploy and the two ends that a deployment can have. Each cell shows the
verdict, the seconds that the fault added beside a run without one, what became of the lock, and where the
fault was reported. The table ends with the number of cells that break a law:

- a deployment that failed, or that never began, is green;
- a deployment that succeeded is red although neither it nor what is known of it was at fault;
- the job never ends, or takes longer than the fault itself plus 60 seconds;
- the lock stays held although the registry can be reached, or nobody is told that it stays held;
- something degraded and neither log nor summary says so.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.fault_rig import Result, Rig, empty, small_disk, unmount  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

ALLOWED_SECONDS = 60
FINISHED = "result.json"
"""Stands in the folder of a cell that was played to its end."""
NOTHING: Callable[[Rig], None] = lambda _rig: None  # noqa: E731
WAYS = [(way, good) for way in ("command", "template") for good in (True, False)]
REGISTRY = r"graphql|/contents|/git/|/commits"
READS = ("DescribeStacks", "DescribeStackEvents", "ListStacks", "DescribeStackResource*", "DescribeChangeSet")


@dataclass(frozen=True)
class Fault:
    """One row. `seconds` is how long the fault itself lasts where a deployment has to wait it out.

    A hook runs `before` the step pre, `between` pre and main, `midway` once the stack's first event is in
    main's log, `late` before post; `heal` puts things right before the cell is read. `green`: whether a good
    deployment must be green (None where its end cannot be known, or where it cannot begin). `says` is
    searched in log and summary; empty where nothing degrades.
    """

    name: str
    says: str = ""
    seconds: float = 0.0
    before: Callable[[Rig], None] = NOTHING
    between: Callable[[Rig], None] = NOTHING
    midway: Callable[[Rig], None] = NOTHING
    late: Callable[[Rig], None] = NOTHING
    heal: Callable[[Rig], None] = NOTHING
    green: bool | None = True
    lock_free: bool = True


def slack(**fault: Any) -> Callable[[Rig], None]:
    return lambda rig: void(rig.slack.fail("", times=None, **fault))


def github(match: str, **fault: Any) -> Callable[[Rig], None]:
    return lambda rig: void(rig.github.fail(match, **{"times": None, **fault}))


def cloud(kind: str, *operations: str, lasting: float | None = None, **fault: Any) -> Callable[[Rig], None]:
    def add(rig: Rig) -> None:
        until = None if lasting is None else rig.cloud.now() + lasting
        for operation in operations or ("*",):
            rig.cloud.faults.add(kind, operation=operation, until=until, **fault)

    return add


def void(_: object) -> None:
    return


def heal(rig: Rig) -> None:
    rig.github.clear_faults()


def after(seconds: float, deed: Callable[[Rig], None]) -> Callable[[Rig], None]:
    def wait(rig: Rig) -> None:
        time.sleep(seconds)
        deed(rig)

    return wait


def together(*deeds: Callable[[Rig], None]) -> Callable[[Rig], None]:
    return lambda rig: void([deed(rig) for deed in deeds])


def once_ended(deed: Callable[[Rig], None]) -> Callable[[Rig], None]:
    """As soon as main has seen the stack's end, while it still looks."""

    def wait(rig: Rig) -> None:
        while not rig.end_was_seen():
            time.sleep(0.02)
        deed(rig)

    return wait


def kill(times: int, pause: float) -> Callable[[Rig], None]:
    def do(rig: Rig) -> None:
        for _ in range(times):
            rig.kill_coordinator()
            time.sleep(pause)

    return do


def rate_limit(rig: Rig) -> None:
    """A secondary limit that announces a minute and keeps its word."""
    rig.github.limit_rate(REGISTRY, secondary=True, seconds=60)
    threading.Timer(60, rig.github.clear_faults).start()


def lag(seconds: float) -> Callable[[Rig], None]:
    return lambda rig: setattr(rig.github.state, "lag", seconds)


def delete_branch(rig: Rig) -> None:
    with rig.github.lock:
        rig.github.repository.history.pop("refs/heads/deploy-registry", None)


def foreign_document(rig: Rig) -> None:
    with rig.github.lock:
        repository = rig.github.repository
        blob = repository.add_blob(b'{"what": "is this"')
        tree = repository.add_tree({".deployment-registry/deployments.json": blob})
        now = time.time()
        repository.move("refs/heads/deploy-registry", repository.add_commit(tree, (), "x", now), now)


def token_dies(rig: Rig) -> None:
    rig.github.state.tokens.clear()


def token_lives(rig: Rig) -> None:
    rig.github.state.tokens["token"] = {"metadata": "read", "contents": "write", "actions": "read"}


def full_output(rig: Rig) -> None:
    """No byte can be written: what `/dev/full` does to a file."""
    output = rig.folder / "temp" / "output"
    output.unlink(missing_ok=True)
    output.symlink_to("/dev/full")


def full_summary(rig: Rig) -> None:
    (rig.folder / "temp" / "summary.md").symlink_to("/dev/full")


def tiny_temp(rig: Rig) -> None:
    if not small_disk(rig.folder / "temp", 512):
        raise SkipCell("this machine mounts no tmpfs")


def fill_temp(rig: Rig) -> None:
    try:
        with (rig.folder / "temp" / "filler").open("wb") as filler:
            while True:
                filler.write(b"x" * 4096)
                filler.flush()
    except OSError:
        return


def free_temp(rig: Rig) -> None:
    (rig.folder / "temp" / "filler").unlink(missing_ok=True)


def keep_temp(rig: Rig) -> None:
    """Copy what the cell reads out of the small disk, then take the disk away."""
    free_temp(rig)
    temp = rig.folder / "temp"
    kept = {file.name: file.read_bytes() for file in temp.iterdir() if file.is_file()}
    unmount(temp)
    for name, content in kept.items():
        (temp / name).write_bytes(content)


def empty_state(rig: Rig) -> None:
    state = Path(rig.state())
    if state.is_dir():
        empty(state)


def remove_state(rig: Rig) -> None:
    shutil.rmtree(rig.state(), ignore_errors=True)


def faketime() -> str:
    found = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    return str(found[0]) if found else ""


def settable_clock(rig: Rig) -> None:
    if not faketime():
        raise SkipCell("libfaketime is not installed")
    (rig.folder / "offset").write_text("+0")
    rig.job.environment |= {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(rig.folder / "offset"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def clock_step(offset: str) -> Callable[[Rig], None]:
    return lambda rig: void((rig.folder / "offset").write_text(offset))


def stop_and_go(seconds: float) -> Callable[[Rig], None]:
    def do(rig: Rig) -> None:
        pids = rig.coordinator_pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    return do


def hole(seconds: float) -> Callable[[Rig], None]:
    """Nothing answers for so long."""

    def do(rig: Rig) -> None:
        cloud("delay", lasting=seconds, seconds=seconds)(rig)
        github("", kind="hang", seconds=seconds)(rig)
        slack(kind="hang", seconds=seconds)(rig)
        time.sleep(seconds)
        rig.github.clear_faults()
        rig.slack.clear_faults()

    return do


class SkipCell(Exception):
    """This machine cannot play the fault."""


AWAY = r"(?i)registry|without a lock"
SLACK = "(?i)slack"
SILENT = {"kind": "hang", "seconds": 60}
LONG = {"seconds": 600.0}
SEEN = r"(?i)no answer|throttl|CloudFormation .*(fail|not)|could not|unknown"
FAULTS = [
    Fault("Slack: silent", SLACK, 30, before=slack(kind="hang", seconds=60)),
    Fault("Slack: 500", SLACK, before=slack(status=500)),
    Fault("Slack: 429, 30 s", SLACK, 30, before=slack(status=429, headers={"retry-after": "30"})),
    Fault(
        "Slack: invalid_auth", SLACK, before=slack(status=200, body={"ok": False, "error": "invalid_auth"})
    ),
    Fault("Slack: breaks off", SLACK, before=slack(kind="drop")),
    Fault("registry: 502 all the time", AWAY, before=github(REGISTRY), heal=heal),
    Fault("registry: 502 from main on", AWAY, between=github(REGISTRY), heal=heal, lock_free=False),
    Fault("registry: silent all the time", AWAY, 60, before=github(REGISTRY, **SILENT), heal=heal),
    Fault(
        "registry: silent from main on",
        AWAY,
        30,
        between=github(REGISTRY, **SILENT),
        heal=heal,
        lock_free=False,
    ),
    Fault("registry: two answers lost", before=github("graphql", kind="drop", when="after", times=2)),
    Fault("registry: rate limit of 60 s", "(?i)rate limit", 60, before=rate_limit),
    Fault("registry: branch deleted in main", "(?i)branch|registry", midway=delete_branch),
    Fault("registry: reads lag by 5 s", "", 10, before=lag(5.0)),
    Fault("registry: unreadable document", AWAY, before=foreign_document, green=None, lock_free=False),
    Fault(
        "GitHub: token dies in main", "(?i)token|401", midway=token_dies, heal=token_lives, lock_free=False
    ),
    Fault("GitHub: jobs and deployments 500", "", 20, before=github("/actions/|app/deployments", status=500)),
    Fault("CloudFormation: throttled for 30 s", SEEN, 30, midway=cloud("throttle", *READS, lasting=30)),
    Fault("CloudFormation: 500 for 20 s", SEEN, 20, midway=cloud("error", lasting=20)),
    Fault(
        "CloudFormation: silent after the end", SEEN, midway=once_ended(cloud("delay", **LONG)), green=None
    ),
    Fault(
        "CloudFormation: events denied", "(?i)events", before=cloud("access_denied", "DescribeStackEvents")
    ),
    Fault("CloudFormation: credentials expire", "(?i)credential", midway=cloud("expired_token"), green=None),
    Fault("CloudFormation: stale by 4 s", "", 10, between=cloud("stale", *READS, seconds=4.0)),
    Fault("CloudFormation: answers cut, 1 of 3", "", 20, between=cloud("garbage", *READS, probability=0.33)),
    Fault("CloudFormation: answers lost, 1 of 3", "", 20, between=cloud("reset_after", probability=0.33)),
    Fault("disk: outputs cannot be written", "(?i)output|disk|space", before=full_output, green=None),
    Fault("disk: summary cannot be written", "(?i)summary", before=full_summary),
    Fault(
        "disk: full while main runs",
        "(?i)space|disk|state|could not",
        before=tiny_temp,
        midway=fill_temp,
        late=free_temp,
        heal=keep_temp,
        green=None,
    ),
    Fault("disk: state folder emptied in main", "", midway=empty_state),
    Fault("kill: coordinator once", "(?i)restart", midway=kill(1, 0)),
    Fault("kill: coordinator eight times", "(?i)restart", 60, midway=kill(8, 2.0)),
    Fault("pause: coordinator for 20 s", "", 20, midway=stop_and_go(20)),
    Fault("clock: an hour ahead in main", "", before=settable_clock, midway=clock_step("+3600")),
    Fault("clock: an hour back in main", "", before=settable_clock, midway=clock_step("-3600")),
    Fault("network: hole of 30 s in main", SEEN, 30, midway=hole(30)),
    Fault(
        "network: registry and Slack silent",
        AWAY,
        60,
        before=together(github("", **SILENT), slack(**SILENT)),
        heal=heal,
        lock_free=False,
    ),
]
NONE = Fault("no fault")


@dataclass(frozen=True)
class Cell:
    fault: str
    way: str
    good: bool

    @property
    def words(self) -> str:
        return f"{self.way} {'good' if self.good else 'bad'}"


def play(cell: Cell, folder: Path) -> Result:
    fault = next(fault for fault in [NONE, *FAULTS] if fault.name == cell.fault)
    with Rig(folder, way=cell.way, good=cell.good) as rig:
        try:
            return rig.play(fault)
        except SkipCell as skipped:
            return Result(note=str(skipped))
        finally:
            unmount(folder / "temp")


def play_apart(cell: Cell, folder: Path) -> Result:
    """In a process of its own, so that one cell's servers do not slow another's. A cell that was played to
    its end in this folder before is read from there."""
    finished = folder / FINISHED
    if finished.is_file():
        return Result(**json.loads(finished.read_text("utf-8")))
    unmount(folder / "temp")
    shutil.rmtree(folder, ignore_errors=True)
    arguments = [json.dumps([cell.fault, cell.way, cell.good]), str(folder)]
    done = subprocess.run(
        [sys.executable, __file__, "--cell", *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return Result(note=f"the rig failed with {done.returncode}: {done.stderr.strip()[-300:]}")
    if "still alive" in done.stderr:
        print(done.stderr, file=sys.stderr, flush=True)
    result = Result(**json.loads(done.stdout.splitlines()[-1]))
    finished.write_text(result.json(), "utf-8")
    return result


def broken_laws(fault: Fault, cell: Cell, result: Result, plain_seconds: float) -> list[str]:
    """The laws that this cell breaks, in words."""
    ended_well = result.stack == "CREATE_COMPLETE"
    laws = {
        "never ends": result.hung,
        "green though it failed": not cell.good and not result.red,
        "green though nothing was deployed": cell.good and not ended_well and not result.red,
        # The step of a command ends with the command's own exit code.
        "green though unknown": cell.way == "template" and result.outcome == "unknown" and not result.red,
        "red without reason": cell.good and ended_well and fault.green is True and result.red,
        "outcome is wrong": cell.good is False and result.outcome in {"succeeded", "unchanged"},
        "too slow": result.seconds - plain_seconds > fault.seconds + ALLOWED_SECONDS,
        "lock held": fault.lock_free and result.registry_seen and result.tickets > 0,
        "silent about it": bool(fault.says) and not re.search(fault.says, result.log + result.summary),
        "nobody told that the lock stays held": result.tickets > 0
        and "deploy-coordinator release" not in result.log,
    }
    return [law for law, broken in laws.items() if broken]


def reported(fault: Fault, result: Result) -> str:
    if not fault.says:
        return "-"
    places = {"log": result.log, "summary": result.summary, "Slack": result.slack}
    return ", ".join(name for name, text in places.items() if re.search(fault.says, text)) or "nowhere"


def verdict(result: Result) -> str:
    if result.hung:
        return "never ends"
    codes = "/".join(str(result.codes.get(step, "-")) for step in ("pre", "main", "post"))
    return f"{'red' if result.red else 'green'} {codes} {result.outcome or '-'}"


def row(fault: Fault, cell: Cell, result: Result, plain_seconds: float) -> str:
    """What is printed of a cell."""
    if result.note:
        return f"{cell.fault:38} {cell.words:14} skipped: {result.note}"
    laws = broken_laws(fault, cell, result, plain_seconds)
    lock = f"{result.tickets} held" if result.tickets else "free" if result.registry_seen else "unread"
    breaks = f"  BREAKS: {'; '.join(laws)}" if laws else ""
    added = result.seconds - plain_seconds
    words = f"{cell.fault:38} {cell.words:14} {verdict(result):34} {added:6.1f} {lock:8} "
    return words + reported(fault, result) + breaks


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=4, help="cells at a time")
    parser.add_argument("--only", default="", help="a regular expression on the names of faults")
    parser.add_argument(
        "--keep",
        type=Path,
        help="leave each cell's folder here; a cell that is finished there is not repeated",
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no cell after so long")
    parser.add_argument("--cell", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cell:
        fault, way, good = json.loads(options.cell[0])
        print(play(Cell(fault, way, good), Path(options.cell[1])).json())
        return 0
    faults = [fault for fault in FAULTS if re.search(options.only, fault.name)]
    end = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory(prefix="deploy-coordinator-faults-") as name:
        folder = (options.keep or Path(name)).resolve()
        return Table(folder, end).play(faults, options.jobs)


class Table:
    """Plays cells into folders below `folder`, prints each as it ends, and begins none after `end`, seconds
    of the monotonic clock."""

    def __init__(self, folder: Path, end: float) -> None:
        self._folder = folder
        self._end = end
        self._plain: dict[tuple[str, bool], float] = {}

    def play(self, faults: list[Fault], jobs: int) -> int:
        """How many cells break a law, as an exit code: 0 none, 1 some, 2 not all were played."""
        for way, good in WAYS:
            result = self._result(Cell(NONE.name, way, good))
            self._plain[way, good] = result.seconds
            words = f"{way:8} {'good' if good else 'bad':4} {result.seconds:5.1f} s  {verdict(result)}"
            print(f"without fault: {words}", flush=True)
        print(f"\n{'fault':38} {'deployment':14} {'verdict':34} {'added':>6} {'lock':8} reported", flush=True)
        cells = [(fault, Cell(fault.name, way, good)) for fault in faults for way, good in WAYS]
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            results = list(pool.map(lambda pair: self._told(*pair), cells))
        played = [laws for laws in results if laws is not None]
        broken = sum(bool(laws) for laws in played)
        left = f", {len(cells) - len(played)} not played" if len(played) < len(cells) else ""
        print(f"\ncells that break a law: {broken} of {len(played)}{left}", flush=True)
        return 1 if broken else 2 if left else 0

    def _told(self, fault: Fault, cell: Cell) -> list[str] | None:
        """The laws that it breaks; None where it was not played."""
        if time.monotonic() > self._end and not (self._folder_of(cell) / FINISHED).is_file():
            return None
        result = self._result(cell)
        plain_seconds = self._plain[cell.way, cell.good]
        print(row(fault, cell, result, plain_seconds), flush=True)
        return None if result.note else broken_laws(fault, cell, result, plain_seconds)

    def _result(self, cell: Cell) -> Result:
        return play_apart(cell, self._folder_of(cell))

    def _folder_of(self, cell: Cell) -> Path:
        return self._folder / re.sub(r"\W+", "-", f"{cell.fault} {cell.words}")


if __name__ == "__main__":
    raise SystemExit(main())
