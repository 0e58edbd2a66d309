"""A start costs one entry: many jobs at once, under the limits that GitHub enforces."""

from __future__ import annotations

import pytest

from tests.clock import START
from tests.fakes.github.server import GitHubServer
from tests.locking.crowd import play
from tests.simulation.scheduler import Scheduler


@pytest.mark.parametrize("jobs", [2, 8, 16, 48])
def test_many_that_start_at_once_write_little_and_all_stand_in_the_queue(jobs: int) -> None:
    scheduler = Scheduler()
    with GitHubServer(now=lambda: START + scheduler.time) as server:
        server.enforce_limits()
        crowd = play(server, scheduler, jobs)
    assert crowd.alone == []
    assert crowd.queued == jobs
    assert crowd.mutations <= 2.5 * jobs
    assert crowd.seconds <= 15.0 + 10.0 * jobs


def test_who_is_refused_by_a_limit_waits_for_it_and_never_goes_on_alone() -> None:
    scheduler = Scheduler()
    with GitHubServer(now=lambda: START + scheduler.time) as server:
        server.enforce_limits()
        assert server.limits is not None
        server.limits.content_a_minute = 6
        crowd = play(server, scheduler, 16)
    assert crowd.refused > 0
    assert crowd.alone == []
    assert crowd.queued == 16
