"""What is done without a registry, or with one that was replaced, is judged by what whoever did it knew."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.simulation.kinds import play_kind
from tests.simulation.troubles import TROUBLES

SCHEDULES = int(os.environ.get("SCHEDULES_A_KIND", "60"))
"""More by night."""
AT_LEAST = {"outage": 90, "one stack": 150, "priorities": 150}
MUST_FIRE = {
    "outage": ("execution without a lock", "went on past one of whom nothing could be known"),
    "one is blind": ("execution without a lock",),
    "limit": ("rate limit with a time",),
    "refused": ("registry refused", "execution without a lock"),
    "restored": ("document restored",),
    "deleted": ("document deleted",),
    "begun anew": ("document restored", "holder wrote itself back"),
    "tools": ("a tool stops between two stacks", "execution without a lock"),
    "two accounts": (
        "a dead holder in another account waits for an operator",
        "went on beside what was left in another account",
    ),
    "priorities": (
        "a newcomer passes by its priority",
        "a freeze lets a newcomer pass",
        "a freeze let somebody deploy",
        "somebody was promoted, or let pass by a freeze",
    ),
    "one stack": ("somebody under another lock names the same stack",),
    "version skew": ("deployment by an older version", "two readers hold one lock"),
    "heads": ("look at a head", "deployment by an older version"),
    "readers": ("two readers hold one lock", "writer was granted a lock before readers that wait"),
}


@pytest.mark.parametrize("kind", TROUBLES)
def test_nobody_does_what_he_knew_better_than_to_do(kind: str) -> None:
    coverage: Counter[str] = Counter()
    for seed in range(max(SCHEDULES, AT_LEAST.get(kind, 0))):
        verdict = play_kind(kind, seed)
        if verdict.violations:
            trace = "\n".join(play_kind(kind, seed, trace=True).trace[-80:])
            pytest.fail(f"{trace}\nSeed {seed} of {kind}: {verdict.violations}", pytrace=False)
        coverage.update(verdict.coverage)
    assert [what for what in MUST_FIRE[kind] if not coverage[what]] == []
