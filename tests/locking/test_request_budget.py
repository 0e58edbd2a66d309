"""A waiter against GitHub's hourly budget, as its answers tell it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import Busy
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Ticket
from deploy_action.locking.stores.github import STORE, GitHubRegistry
from deploy_action.locking.stores.guarded import GuardedRegistry
from tests.clock import START, VirtualClock
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.locking.transitions import Waiting


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[GitHubServer]:
    with GitHubServer(now=lambda: START + clock.elapsed) as server:
        server.enforce_limits()
        yield server


def pauses_of_a_waiter(server: GitHubServer, clock: VirtualClock) -> list[float]:
    """Seconds between its looks within ten minutes behind a holder."""
    looks: list[float] = []

    def client(nonce: str) -> LockClient:
        registry = GuardedRegistry(
            GitHubRegistry("token", "org/app", api_url=server.url, graphql_url=server.graphql_url)
        )
        return LockClient(
            registry,
            clock,
            Ticket(nonce, f"id-{nonce}", ("prod",), ("eu-west-1/app",)),
            stacks_in_progress=list,
            poll_seconds=STORE.poll_seconds,
            strain=lambda: registry.strain,
        )

    def tell(_waiting: Waiting) -> None:
        looks.append(clock.elapsed)

    client("holder").acquire(wait=True, timeout_seconds=60.0, tell=tell)
    with pytest.raises(Busy):
        client("waiter").acquire(wait=True, timeout_seconds=600.0, tell=tell)
    return [later - earlier for earlier, later in itertools.pairwise(looks)]


def test_a_waiter_looks_as_often_as_ever_while_the_budget_lasts(
    server: GitHubServer, clock: VirtualClock
) -> None:
    assert set(pauses_of_a_waiter(server, clock)) == {STORE.poll_seconds}


def test_a_waiter_looks_more_seldom_where_the_budget_runs_out(
    server: GitHubServer, clock: VirtualClock
) -> None:
    assert server.limits is not None
    server.limits.sent += [(START - 1200.0, False)] * 750
    pauses = pauses_of_a_waiter(server, clock)
    assert min(pauses) > 2 * STORE.poll_seconds
    assert server.refused == 0
