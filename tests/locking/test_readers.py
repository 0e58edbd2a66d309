"""Several that read under one lock, as the client of each deals with the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import Busy
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.stores.file import FileRegistry
from tests.clock import VirtualClock
from tests.locking.test_client import World, acquire

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from deploy_action.locking.document import Ticket


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FileRegistry(tmp_path), VirtualClock())


def ended(_ticket: Ticket) -> JobStatus:
    return JobStatus.COMPLETED


def test_readers_hold_the_lock_at_once_and_a_writer_finds_it_busy(world: World) -> None:
    world.hold("r1", "network", shared=("network",), stacks=("eu-west-1/one",))
    world.hold("r2", "network", shared=("network",), stacks=("eu-west-1/two",))
    with pytest.raises(Busy):
        acquire(world.client("w", "network"), wait=False)
    assert [one.epochs for one in world.document.tickets] == [(("network", 1),), (("network", 2),)]


def test_each_reader_renews_and_gives_back_its_own(world: World) -> None:
    one = world.hold("r1", "network", shared=("network",), stacks=("eu-west-1/one",))
    other = world.hold("r2", "network", shared=("network",), stacks=("eu-west-1/two",))
    one.renew()
    other.renew()
    assert one.release(outcome="succeeded")
    assert not one.release(outcome="succeeded")
    other.renew()
    assert world.standing() == ["r2"]
    assert other.release(outcome="succeeded")
    assert world.hold("w", "network").ticket.epochs == (("network", 3),)


def test_a_reader_gets_past_a_dead_writer_that_waits_for_a_dead_reader(world: World) -> None:
    world.hold("w0", "network")
    for dying in (world.client("r1", "network", shared=("network",)), world.client("w1", "network")):
        dying._request(wait=True)
    world.rewrite(lambda document: document.without("w0"))
    late = world.client("r2", "network", shared=("network",), life=ended, stacks=("eu-west-1/other",))
    assert acquire(late, timeout=600.0).ticket.holding
    assert world.standing() == ["r2"]


def test_a_writer_takes_every_dead_reader_over_and_looks_at_the_stacks_of_each(world: World) -> None:
    world.hold("r1", "network", shared=("network",), stacks=("eu-west-1/one",))
    world.hold("r2", "network", shared=("network",), stacks=("eu-west-1/two",))
    looked: set[str] = set()

    def look(stacks: Iterable[str]) -> list[str]:
        looked.update(stacks)
        return []

    grant = acquire(world.client("w", "network", look=look, life=ended), wait=False)
    assert looked == {"eu-west-1/one", "eu-west-1/two"}
    assert len(grant.gone) == 2
