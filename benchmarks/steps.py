"""CPU seconds of `pre`, `main` and `post` with default settings, and how soon `main` changes something.

    python benchmarks/steps.py [--runs 5] [--way command|template] [--profile FOLDER]

A whole job through the launcher: registry on GitHub, Slack, preflight, a stack that takes two seconds. CPU
seconds are those of the launcher and of all that it waited for; `first change` runs from the start of `main`
to the start of the command, or to the first call that changes the stack. `--profile` also writes a cProfile
file a step, which takes longer.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import fault_rig
from benchmarks.fault_rig import ROOT, Rig
from benchmarks.faults import Fault

STEPS = ("pre", "main", "post")
AIM = {"pre": 1.3, "main": 1.2, "post": 0.8, "first change": 1.2}
CHANGES = {"CreateChangeSet", "ExecuteChangeSet", "CreateStack", "UpdateStack", "DeleteStack"}
PROFILED = """
import atexit, cProfile
_profile = cProfile.Profile()
_profile.enable()
atexit.register(lambda: _profile.dump_stats({folder!r} + "/" + sys.argv[1] + ".prof"))
"""


def profiled_action(folder: Path, results: Path) -> Path:
    """A copy of the checkout whose coordinator profiles itself."""
    for name in ("launcher", "deploy_action"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("requirements.txt", "Dockerfile"):
        shutil.copy(ROOT / name, folder / name)
    text = (ROOT / "entrypoint.py").read_text("utf-8")
    before, found, after = text.partition("from pathlib import Path\n")
    (folder / "entrypoint.py").write_text(before + found + PROFILED.format(folder=str(results)) + after)
    return folder


class Measured(Rig):
    """A job whose steps are counted: `cpu_seconds` by step."""

    cpu_seconds: dict[str, float]
    main_began = 0.0

    def play_steps(self) -> dict[str, float]:
        self.cpu_seconds = {}
        result = fault_rig.Result()
        for step in STEPS:
            before = _children()
            if step == "main":
                self.main_began = time.time()
                self._main(Fault("none"), result)
            else:
                self._step(step, result)
            self.cpu_seconds[step] = _children() - before
        self._read(result)
        if any(result.codes.values()) or result.outcome != "succeeded":
            raise SystemExit(f"{result.codes} {result.outcome}\n{result.log}")
        return {**self.cpu_seconds, "first change": self._first_change() - self.main_began}

    def _first_change(self) -> float:
        begun = self.folder / "go"
        if begun.exists():
            return begun.stat().st_mtime
        return min(float(call["time"]) for call in self.cloud.log if call["operation"] in CHANGES)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--way", choices=("command", "template"), default="command")
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    fault_rig.DEPLOYMENT_SECONDS = 2
    rows: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="deploy-coordinator-steps-") as name:
        folder = Path(name)
        action = ROOT
        if options.profile:
            options.profile.mkdir(parents=True, exist_ok=True)
            action = profiled_action(folder / "action", options.profile.resolve())
        # The first, which makes the environment and the byte code, does not count.
        for number in range(options.runs + 1):
            rig = Measured(folder / str(number), way=options.way, good=True)
            with rig:
                rig.job.action = action
                rig.job.environment["GITHUB_ACTION_PATH"] = str(action)
                row = rig.play_steps()
            if number:
                rows.append(row)
    print(f"{options.way}, median of {options.runs} runs: CPU seconds of a step, seconds to the first change")
    for what in (*STEPS, "first change"):
        values = sorted(row[what] for row in rows)
        spread = f"({values[0]:.2f} to {values[-1]:.2f})"
        print(f"{what:13}{statistics.median(values):6.2f}  {spread}  aim {AIM[what]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
