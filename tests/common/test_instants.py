"""The type checker tells three clocks apart: an instant of one is refused where another is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SNIPPET = """
from deploy_action.cloudformation.operation import Activity
from deploy_action.common.instants import CloudFormationTime, MonotonicTime, WallTime
from deploy_action.common.ports import Clock
from deploy_action.locking.write_backoff import Backoff
from deploy_action.slack.outbox import Outbox, due

def use(clock: Clock, theirs: CloudFormationTime, activity: Activity, backoff: Backoff, box: Outbox) -> None:
    activity.seconds(theirs)
    backoff.lost(clock.monotonic(), revision=1, write_seconds=0.0)
    due(box, now=clock.now())
    {mixed}
"""
MIXED = (
    "activity.seconds(clock.now())",
    "activity.seconds(clock.monotonic())",
    "backoff.lost(clock.now(), revision=1, write_seconds=0.0)",
    "backoff.lost(theirs, revision=1, write_seconds=0.0)",
    "due(box, now=clock.monotonic())",
    "due(box, now=theirs)",
)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of mypy, to all of them at once and to none."""
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "mixed.py").write_text(SNIPPET.format(mixed="\n    ".join(MIXED)))
    (folder / "clean.py").write_text(SNIPPET.format(mixed="pass"))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent"),
            *("--cache-dir", str(folder / "cache")),
            *(str(folder / "mixed.py"), str(folder / "clean.py")),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


def test_the_right_clock_is_accepted(complaints: str) -> None:
    assert "clean.py" not in complaints


@pytest.mark.parametrize("mixed", MIXED)
def test_another_clock_is_refused(complaints: str, mixed: str) -> None:
    first = SNIPPET[: SNIPPET.index("{mixed}")].count("\n") + 1
    line = first + MIXED.index(mixed)
    assert f"mixed.py:{line}: error: Argument" in complaints
