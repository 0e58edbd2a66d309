"""Every process is crashed at every one of its await points, before and after what it does there."""

from __future__ import annotations

import pytest

from deploy_action.locking.document import QueuePolicy
from tests.simulation.faults import Profile
from tests.simulation.schedule import STORES, Plot, play

LAGGING = Profile("crashes alone", job_lag=200.0)
STUCK = Profile("crashes alone, and jobs that run for ever", stuck_jobs=1.0)
UNKNOWN = Profile("crashes alone, and jobs that nobody can see", unknown_jobs=1.0)
PROFILES = (LAGGING, STUCK, UNKNOWN)
SEED = 7


def plot(store: str, profile: Profile, *, stacks: int) -> Plot:
    return Plot(
        store=store,
        profile=profile,
        actors=2,
        stacks=stacks,
        two_locks=False,
        lease_seconds=60.0,
        policies=(QueuePolicy.FIFO,),
        timed_freezes=False,
    )


@pytest.mark.parametrize(
    "profile", [LAGGING, STUCK, UNKNOWN], ids=lambda profile: profile.name.replace(" ", "-")
)
@pytest.mark.parametrize("stacks", [1, 2])
@pytest.mark.parametrize("store", STORES)
def test_a_crash_at_any_await_point_keeps_nobody_from_the_lock(
    store: str, stacks: int, profile: Profile
) -> None:
    """A point before a request is one without its effect, the point after it one with it."""
    scene = plot(store, profile, stacks=stacks)
    healthy = play(SEED, plot=scene)
    assert healthy.violations == ()
    deaths = 0
    for name in ("d0", "d1"):
        for point in range(healthy.points[name]):
            verdict = play(SEED, plot=scene, crash=(name, point))
            assert verdict.violations == (), f"{name} crashed at its await point {point}"
            deaths += verdict.coverage["crash"]
    assert deaths == healthy.points["d0"] + healthy.points["d1"]
    assert deaths > 40
