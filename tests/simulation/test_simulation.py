"""The lock in virtual time: seeded schedules with faults, on the store code of all hosted stores."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.faults import Fault
from tests.simulation.schedule import STORES, play
from tests.simulation.simulate import told

ROOT = Path(__file__).parents[2]
CHUNKS = 3
CHUNK = 300
MUST_FIRE = (
    *(fault.value for fault in Fault),
    *("crash", "pause longer than a lease", "outage", "stale read", "wall clock off by hours"),
    *("takeover of a dead holder", "takeover of a paused holder", "takeover of a dead waiter"),
    *("takeover put off: a stack is in progress", "the fence held a lost holder back"),
    *(
        "superseded by a newer one",
        "gave way to a newer one",
        "re-run of an old run",
        "operator: forced release",
        "operator: freeze",
    ),
    *("operator: freeze with an end", "change set revoked", "re-run of a crashed job"),
    *("settled what was left in progress", "ticket queued again after an eviction"),
    *("job said to be completed", "job said to be running", "job said to be unknown"),
)
"""A fault that never happens proves nothing."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_schedule_breaks_an_invariant(chunk: int) -> None:
    coverage: Counter[str] = Counter()
    stores: Counter[str] = Counter()
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        verdict = play(seed)
        if verdict.violations:
            trace = "\n".join(play(seed, trace=True).trace[-80:])
            pytest.fail(f"{trace}\n{told(verdict)}", pytrace=False)
        coverage.update(verdict.coverage)
        stores[verdict.store] += 1
    assert set(stores) == set(STORES)
    assert [what for what in MUST_FIRE if not coverage[what]] == []


def test_a_schedule_is_the_same_each_time_whatever_the_order_of_hashes() -> None:
    seeds = "range(40)"
    program = (
        "import hashlib; from tests.simulation.schedule import play; "
        f"print(hashlib.sha256(repr([play(s, trace=True).trace for s in {seeds}]).encode()).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hashes, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(answers) == 1
