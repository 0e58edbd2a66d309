"""Many schedules on all cores: `python -m tests.simulation.simulate --schedules 100000 --seed 1`.

With `--trace` one schedule is replayed, and what happened in it is printed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from tests.simulation.schedule import draw, play

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.simulation.schedule import Verdict

CHUNK = 25


def replay_command(seed: int) -> str:
    return f"make simulate SEED={seed} TRACE=1"


def told(verdict: Verdict) -> str:
    """A failure in words, with the way to see it again."""
    sentences = "\n  ".join(verdict.violations)
    return (
        f"Seed {verdict.seed} ({verdict.store}, {verdict.profile}) breaks an invariant:\n  {sentences}\n"
        f"Replay: {replay_command(verdict.seed)}"
    )


def coverage_table(coverage: Counter[str]) -> str:
    return "\n".join(f"{number:10,}  {what}" for what, number in sorted(coverage.items(), key=lambda x: x[0]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    if options.trace:
        return _replay(options.seed)
    return _simulate(range(options.seed, options.seed + options.schedules))


def _replay(seed: int) -> int:
    verdict = play(seed, trace=True)
    print(f"Seed {seed}: {draw(seed)}")
    print("\n".join(verdict.trace))
    print(told(verdict) if verdict.violations else "No invariant was broken.")
    return 1 if verdict.violations else 0


def _simulate(seeds: range) -> int:
    coverage: Counter[str] = Counter()
    began, failed = time.monotonic(), 0
    with multiprocessing.Pool(os.cpu_count(), maxtasksperchild=200) as pool:
        for done, (counts, broken) in enumerate(pool.imap_unordered(_chunk, _chunks(seeds)), start=1):
            coverage.update(counts)
            for sentence in broken:
                failed += 1
                print(f"\n{sentence}")
            _progress(min(done * CHUNK, len(seeds)), len(seeds), began, failed)
    print(f"\n{coverage_table(coverage)}")
    print(f"{len(seeds):,} schedules, {failed} failed, {_speed(len(seeds), began)}")
    return 1 if failed else 0


def _chunks(seeds: range) -> Iterable[range]:
    return (seeds[first : first + CHUNK] for first in range(0, len(seeds), CHUNK))


def _chunk(seeds: range) -> tuple[Counter[str], list[str]]:
    verdicts = [play(seed) for seed in seeds]
    counts: Counter[str] = Counter()
    for verdict in verdicts:
        counts.update(verdict.coverage)
    return counts, [told(verdict) for verdict in verdicts if verdict.violations]


def _progress(done: int, whole: int, began: float, failed: int) -> None:
    end = "\r" if sys.stdout.isatty() else "\n"
    if end == "\r" or done % (CHUNK * 40) == 0:
        print(f"{done:,} of {whole:,} schedules, {failed} failed, {_speed(done, began)}", end=end, flush=True)


def _speed(done: int, began: float) -> str:
    return f"{done / max(time.monotonic() - began, 0.001):.0f} schedules a second"


if __name__ == "__main__":
    sys.exit(main())
