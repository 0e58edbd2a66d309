"""The queue while its registry is away: who goes on, when, and who does not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.change_set import change_set_name
from deploy_action.errors import RegistryAway, RegistryTooNew, RegistryUnavailable
from deploy_action.locking.admin import freeze
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Ticket
from deploy_action.locking.held_lock import HeldLock
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.stack_activity import Look
from deploy_action.locking.without_registry import BLIND_LEASES, WhenAway
from tests.clock import VirtualClock
from tests.locking.memory_registry import LOST_REQUEST, MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.locking.compare_and_swap import Swapper
    from deploy_action.locking.grant import Grant

LEASE = 60.0
STACK = "eu-west-1/app"


class Scene:
    """A holder, a waiter behind it, and what GitHub and CloudFormation say of the holder."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.clock = VirtualClock()
        self.life = JobStatus.UNKNOWN
        self.looks = Look()
        self.client("holder").acquire(wait=True, timeout_seconds=0.0, tell=lambda _: None)

    def client(self, nonce: str, *, when_away: WhenAway = WhenAway.GO_ON, **fields: object) -> LockClient:
        ticket = Ticket(
            nonce, f"20270115-080000-{nonce}", ("prod",), (STACK,), account="1", lease_seconds=LEASE
        )

        def look(_texts: Iterable[str]) -> Look:
            return self.looks

        return LockClient(
            self.registry,
            self.clock,
            replace(ticket, **fields),  # type: ignore[arg-type]
            stacks_in_progress=lambda texts: list(self.looks.in_progress),
            poll_seconds=5.0,
            life=lambda _ticket: self.life,
            look=look,
            when_away=when_away,
        )

    def go_away_at(self, seconds: float, fault: str | Callable[[], object] = LOST_REQUEST) -> None:
        self.clock.at(seconds, lambda: setattr(self.registry, "read_faults", [fault] * 100_000))

    def wait(self, client: LockClient, *, timeout_seconds: float = 3600.0) -> Grant:
        return client.acquire(wait=True, timeout_seconds=timeout_seconds, tell=lambda _: None)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_holder_whose_job_runs_is_waited_for_until_the_time_out(scene: Scene) -> None:
    scene.life = JobStatus.RUNNING
    scene.go_away_at(20.0)
    with pytest.raises(RegistryAway, match="its job still runs"):
        scene.wait(scene.client("waiter"))
    assert scene.clock.elapsed >= 3600.0


def test_one_whose_job_has_ended_is_passed_after_a_lease_once_its_stacks_are_at_rest(scene: Scene) -> None:
    scene.life = JobStatus.RUNNING
    scene.go_away_at(20.0)
    scene.clock.at(200.0, lambda: setattr(scene, "life", JobStatus.COMPLETED))
    scene.looks = Look(in_progress=(STACK,))
    scene.clock.at(500.0, lambda: setattr(scene, "looks", Look()))
    with pytest.raises(RegistryUnavailable):
        scene.wait(scene.client("waiter"))
    assert 500.0 <= scene.clock.elapsed <= 530.0


@pytest.mark.parametrize("fields", [{}, {"account": "2"}, {"account": ""}, {"stacks": ()}])
def test_one_of_whom_nothing_can_be_known_is_waited_for_with_a_bound(
    scene: Scene, fields: dict[str, object]
) -> None:
    scene.go_away_at(20.0)
    waiter = scene.client("waiter", **fields)  # type: ignore[arg-type]
    with pytest.raises(RegistryUnavailable):
        scene.wait(waiter)
    assert 20.0 + BLIND_LEASES * LEASE <= scene.clock.elapsed <= 50.0 + BLIND_LEASES * LEASE


def test_two_unknown_accounts_are_not_one(scene: Scene) -> None:
    """Its job has ended; but that its stacks are at rest is known in the own account only."""
    scene.registry = MemoryRegistry()
    scene.client("holder", account="").acquire(wait=True, timeout_seconds=0.0, tell=lambda _: None)
    scene.life = JobStatus.RUNNING
    scene.clock.at(100.0, lambda: setattr(scene, "life", JobStatus.COMPLETED))
    scene.go_away_at(20.0)
    with pytest.raises(RegistryUnavailable):
        scene.wait(scene.client("waiter", account=""))
    assert scene.clock.elapsed >= 20.0 + BLIND_LEASES * LEASE


def test_each_place_further_back_leaves_the_queue_later(scene: Scene) -> None:
    scene.client("first").join()
    scene.client("second").join()
    scene.go_away_at(20.0)
    with pytest.raises(RegistryUnavailable):
        scene.wait(scene.client("third"))
    assert scene.clock.elapsed >= 15.0 + 6 * LEASE + 2 * 120.0


def test_a_freeze_is_not_lifted_by_an_outage(scene: Scene) -> None:
    scene.life = JobStatus.COMPLETED
    swapper: Swapper = scene.client("operator")._swapper
    swapper.apply(
        lambda old: (freeze(old, ("prod",), by="ann", reason="audit", at=""), None), message="freeze"
    )
    scene.go_away_at(20.0)
    with pytest.raises(RegistryAway, match='frozen when the registry was last seen, by ann: "audit"'):
        scene.wait(scene.client("waiter"), timeout_seconds=900.0)


def test_an_older_one_does_not_go_after_a_newer_one_that_has_deployed(scene: Scene) -> None:
    waiter = scene.client("waiter")
    waiter.join()
    scene.client("newer").join()
    scene.life = JobStatus.COMPLETED
    scene.looks = Look(in_progress=(STACK,))
    name = change_set_name("20270115-080000-newer", 0)
    scene.clock.at(300.0, lambda: setattr(scene, "looks", Look(change_sets=(name,))))
    scene.go_away_at(20.0)
    with pytest.raises(
        RegistryAway, match="080000-newer, which stood behind this one, has deployed meanwhile"
    ):
        scene.wait(waiter, timeout_seconds=900.0)


def test_a_holder_that_waited_for_its_stack_looks_who_deployed_it_meanwhile(scene: Scene) -> None:
    """One that found no registry went on alone, and came back to stand behind."""
    older = scene.client("older", locks=("other",), stacks=("eu-west-1/web",))
    scene.wait(older)
    keeper = HeldLock(older, scene.clock, tell=lambda _: None, queue=lambda: scene.wait(older))
    keeper.fence()
    scene.client("newer", locks=("other",), stacks=("eu-west-1/web",)).join()
    scene.looks = Look(change_sets=(change_set_name("20270115-080000-newer", 0),))
    with pytest.raises(RegistryAway, match="080000-newer, which stood behind this one, has deployed"):
        keeper.fence()


@pytest.mark.parametrize("unanswered", [1, 3])
def test_a_look_without_an_answer_does_not_tell_that_no_newer_one_deployed(
    scene: Scene, unanswered: int
) -> None:
    older = scene.client("older", locks=("other",), stacks=("eu-west-1/web", "eu-west-1/api"))
    scene.wait(older)
    scene.client("newer", locks=("other",), stacks=("eu-west-1/web",)).join()
    name, asked = change_set_name("20270115-080000-newer", 0), []

    def look(texts: Iterable[str]) -> Look:
        asked.append(tuple(texts))
        if len(asked) <= unanswered:
            return Look(unseen=("eu-west-1/web",))
        return Look(change_sets=(name,))

    older.outage._look = look
    keeper = HeldLock(older, scene.clock, tell=lambda _: None, queue=lambda: scene.wait(older))
    with pytest.raises(RegistryAway, match="080000-newer, which stood behind this one, has deployed"):
        keeper.fence()
    assert asked[1:] == [("eu-west-1/web",)] * unanswered


def test_stacks_that_cannot_be_seen_at_all_keep_nobody_waiting(scene: Scene) -> None:
    older = scene.client("older", locks=("other",), stacks=("eu-west-1/web",))
    scene.wait(older)
    scene.client("newer", locks=("other",), stacks=("eu-west-1/web",)).join()
    older.outage._look = lambda texts: Look(unseen=tuple(texts))
    began = scene.clock.elapsed
    HeldLock(older, scene.clock, tell=lambda _: None, queue=lambda: scene.wait(older)).fence()
    assert scene.clock.elapsed - began <= 10.0


def test_a_process_that_slept_at_its_look_asks_again_whether_it_holds(scene: Scene) -> None:
    older = scene.client("older", locks=("other",), stacks=("eu-west-1/web",))
    scene.wait(older)
    scene.client("newer", locks=("other",), stacks=("eu-west-1/web",)).join()
    looks: list[float] = []

    def look(_texts: Iterable[str]) -> Look:
        if not looks:
            scene.clock.sleep(2 * LEASE)
        looks.append(scene.clock.elapsed)
        return Look()

    older.outage._look = look
    HeldLock(older, scene.clock, tell=lambda _: None, queue=lambda: scene.wait(older)).fence()
    assert older.holds_by_lease()
    assert len(looks) == 2


def test_nobody_goes_on_because_of_a_limit_that_names_its_end(scene: Scene) -> None:
    def limited() -> None:
        raise RegistryUnavailable("The rate limit is used up.", retry_seconds=1800.0)

    scene.registry.read_faults = [limited]
    holder = scene.client("other", locks=("other",))
    grant = scene.wait(holder)
    assert grant.ticket.epoch == 1
    assert scene.clock.elapsed >= 1800.0


def test_a_limit_longer_than_the_time_out_ends_as_busy(scene: Scene) -> None:
    def limited() -> None:
        raise RegistryUnavailable("The rate limit is used up.", retry_seconds=3600.0)

    scene.registry.read_faults = [limited]
    with pytest.raises(RegistryAway, match="asks to be left alone") as raised:
        scene.wait(scene.client("newcomer"), timeout_seconds=900.0)
    assert raised.value.exit_code == 2
    assert scene.clock.elapsed < 60.0


def test_a_newcomer_waits_or_fails_where_that_is_wished(scene: Scene) -> None:
    scene.go_away_at(0.0)
    scene.clock.sleep(1.0)
    with pytest.raises(RegistryAway, match="cannot be used"):
        scene.wait(scene.client("a", when_away=WhenAway.FAIL))
    assert scene.clock.elapsed < 60.0
    with pytest.raises(RegistryAway, match="cannot be used"):
        scene.wait(scene.client("b", when_away=WhenAway.WAIT), timeout_seconds=900.0)
    assert scene.clock.elapsed >= 900.0


def test_a_waiter_waits_on_where_that_is_wished(scene: Scene) -> None:
    scene.life = JobStatus.COMPLETED
    scene.looks = Look(in_progress=(STACK,))
    scene.go_away_at(20.0)
    scene.clock.at(30.0, lambda: setattr(scene, "looks", Look()))
    with pytest.raises(RegistryAway, match="when-registry-away: wait"):
        scene.wait(scene.client("b", when_away=WhenAway.WAIT), timeout_seconds=900.0)


def test_a_newer_schema_keeps_everybody_from_going_on(scene: Scene) -> None:
    scene.registry.overwrite(b'{"schema": 99}')
    with pytest.raises(RegistryTooNew, match="Use a version that knows it"):
        scene.wait(scene.client("newcomer"))


def test_heads_that_tell_of_nothing_new_leave_nobody_blind(scene: Scene) -> None:
    waiter = scene.client("waiter")
    waiter.join()
    for _ in range(30):
        scene.clock.sleep(13.0)
        waiter.outage.heard()
    waiter.outage.noticed(waiter.outage.seen)
    assert not waiter.outage.seen.was_blind
    scene.clock.sleep(LEASE)
    waiter.outage.noticed(waiter.outage.seen)
    assert waiter.outage.seen.was_blind


def test_a_fence_ends_although_each_look_takes_as_long_as_a_lease(scene: Scene) -> None:
    older = scene.client("older", locks=("other",), stacks=("eu-west-1/web",))
    scene.wait(older)
    scene.client("newer", locks=("other",), stacks=("eu-west-1/web",)).join()

    def look(texts: Iterable[str]) -> Look:
        scene.clock.sleep(1.5 * LEASE)
        return Look(unseen=tuple(texts))

    older.outage._look = look
    began = scene.clock.elapsed
    HeldLock(older, scene.clock, tell=lambda _: None, queue=lambda: scene.wait(older)).fence()
    assert scene.clock.elapsed - began <= 4 * LEASE
