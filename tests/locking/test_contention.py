"""Real processes contend on each store; some are killed at random moments. Fifty at a time each night."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.ground.stores import KINDS, ON_AWS, new_store
from tests.locking.contention import contend

if TYPE_CHECKING:
    from pathlib import Path

PROCESSES = int(os.environ.get("CONTENDERS", "24"))
"""More by night."""
SEED = int(os.environ.get("CONTENTION_SEED") or secrets.randbelow(1_000_000))


@pytest.mark.parametrize("kind", KINDS)
def test_processes_of_which_some_are_killed_hold_the_lock_one_after_another(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    aws_url = request.getfixturevalue("ministack_url") if kind in ON_AWS else ""
    print(f"CONTENTION_SEED={SEED}")
    with ExitStack() as stack:
        run = contend(new_store(kind, tmp_path, stack, aws_url), tmp_path, processes=PROCESSES, seed=SEED)
    print(run.figures())
    assert not run.problems()
    assert len(run.killed) >= PROCESSES // 12


@pytest.mark.parametrize("kind", KINDS)
def test_processes_that_stand_still_change_nothing_that_others_hold(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    aws_url = request.getfixturevalue("ministack_url") if kind in ON_AWS else ""
    print(f"CONTENTION_SEED={SEED}")
    with ExitStack() as stack:
        store = new_store(kind, tmp_path, stack, aws_url)
        run = contend(
            store, tmp_path, processes=PROCESSES // 2, seed=SEED, faults=0.03, stops=max(4, PROCESSES // 8)
        )
    print(run.figures())
    assert not run.problems()
    assert len(run.stopped) >= 2
