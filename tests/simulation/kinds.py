"""Schedules of one kind each, for what a deployment may do without its registry."""

from __future__ import annotations

import random
from dataclasses import replace

from deploy_action.locking.document import QueuePolicy
from tests.simulation.faults import Profile
from tests.simulation.schedule import STORES, Plot, Verdict, play

KNOWN = Profile("jobs can be seen", job_lag=30.0)
UNKNOWN = Profile("some jobs cannot be seen", unknown_jobs=0.5, job_lag=120.0, trouble=0.03, stale=0.05)
PAUSED = replace(UNKNOWN, name="some processes sleep", pause=0.01, pause_at_fence=0.1)
PROFILES = (KNOWN, UNKNOWN, PAUSED)


def draw(kind: str, seed: int) -> Plot:
    dice = random.Random(f"{kind} {seed}")
    return Plot(
        store=STORES[seed % len(STORES)],
        profile=dice.choice(PROFILES),
        actors=dice.choice((3, 4, 4, 5, 5, 5, 6, 14)) if kind == "heads" else dice.choice((3, 4, 5)),
        stacks=dice.choice((1, 1, 2, 3)),
        two_locks=dice.random() < 0.2 or kind == "one stack",
        lease_seconds=dice.choice((60.0, 300.0)),
        policies=(QueuePolicy.FIFO,),
        timed_freezes=False,
        trouble=kind,
        faults_end=6000.0,
        command=dice.random() < 0.2 or kind == "tools",
    )


def play_kind(kind: str, seed: int, *, trace: bool = False) -> Verdict:
    return play(seed, plot=draw(kind, seed), trace=trace)
