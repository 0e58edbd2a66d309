"""One deployment's dealings with the registry, alone and among others, in virtual time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.common.times import iso
from deploy_action.errors import (
    Busy,
    Cancelled,
    LockLost,
    RegistryForbidden,
    RegistryUnavailable,
    RegistryUnreadable,
    Superseded,
)
from deploy_action.locking import admin as operators
from deploy_action.locking import expiry as leases
from deploy_action.locking import transitions as core
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.compare_and_swap import BYTES_MAX, PATIENCE_SECONDS, PAUSE_SECONDS_MAX
from deploy_action.locking.document import QUEUE_MAX, Document, Lock, QueuePolicy, Ticket
from deploy_action.locking.expiry import CLAIM_SECONDS, STUCK_LEASES
from deploy_action.locking.grant import Grant
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.locking.takeover import LOOK_SECONDS
from tests.clock import VirtualClock
from tests.locking.memory_registry import LATE_EFFECT, LOST_ANSWER, LOST_REQUEST, REFUSED, MemoryRegistry
from tests.locking.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from deploy_action.common.ports import Clock
    from deploy_action.locking.ports import Registry
    from deploy_action.locking.transitions import Waiting

ACCOUNT = "123456789012"
LEASE = 60.0
POLL = 5.0
HOUR = 3600.0


def is_held(document: Document, ticket: Ticket) -> bool:
    """Whether the ticket still holds its locks under the epochs that its owner knows."""
    current = document.ticket(ticket.nonce)
    return current is not None and current.holding and current.epochs == ticket.epochs


def quiet(stacks: Iterable[str]) -> list[str]:
    return []


def working(stacks: Iterable[str]) -> list[str]:
    return list(stacks)


def unheard(waiting: Waiting) -> None:
    pass


class World:
    """One registry, in a file unless another is given, and whoever deals with it."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self.registry = registry
        self.clock = clock

    @property
    def document(self) -> Document:
        return decode(self.registry.read().document)

    def standing(self) -> list[str]:
        return [ticket.nonce for ticket in self.document.tickets]

    def client(
        self,
        nonce: str,
        *locks: str,
        look: Callable[[Iterable[str]], list[str]] = quiet,
        cancelled: Callable[[], bool] = lambda: False,
        life: Callable[[Ticket], JobStatus] = lambda ticket: JobStatus.UNKNOWN,
        revoke: Callable[[Ticket], bool] = lambda ticket: True,
        **fields: object,
    ) -> LockClient:
        ticket = Ticket(nonce, f"id-{nonce}", locks or ("prod",), ("eu-west-1/app",), lease_seconds=LEASE)
        ticket = replace(ticket, account=ACCOUNT)
        return LockClient(
            self.registry,
            self.clock,
            replace(ticket, **fields),  # type: ignore[arg-type]
            stacks_in_progress=look,
            poll_seconds=POLL,
            life=life,
            revoke=revoke,
            cancelled=cancelled,
        )

    def hold(self, nonce: str, *locks: str, **fields: object) -> LockClient:
        client = self.client(nonce, *locks, **fields)  # type: ignore[arg-type]
        acquire(client)
        return client

    def rewrite(self, change: Callable[[Document], Document]) -> None:
        snapshot = self.registry.read()
        new = change(decode(snapshot.document)).with_operation(f"by-hand-{snapshot.version[:8]}")
        self.registry.swap(encode(new), snapshot.version, message="by hand")


def acquire(
    client: LockClient,
    *,
    wait: bool = True,
    timeout: float = HOUR,
    tell: Callable[[Waiting], None] = unheard,
) -> Grant:
    return client.acquire(wait=wait, timeout_seconds=timeout, tell=tell)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def world(tmp_path: Path, clock: VirtualClock) -> World:
    return World(FileRegistry(tmp_path), clock)


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def staged(tmp_path: Path, stage: Stage) -> World:
    return World(FileRegistry(tmp_path), stage)


@pytest.mark.parametrize("policy", [QueuePolicy.FIFO, QueuePolicy.NEWEST])
def test_who_does_not_wait_looks_again_before_a_stale_read_makes_it_skip(
    clock: VirtualClock, policy: QueuePolicy
) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a").release(outcome="succeeded")
    registry.read_faults = [1] * (1 + (policy is QueuePolicy.NEWEST))
    grant = acquire(world.client("b", policy=policy), wait=False)
    assert grant.ticket.epoch == 2


def test_who_does_not_wait_believes_what_it_read_where_nothing_can_be_written(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a")
    for fault in (LOST_REQUEST, REFUSED):
        registry.swap_faults = [fault] * 9
        with pytest.raises(Busy):
            acquire(world.client("b"), wait=False)
    registry.swap_faults = []
    assert world.standing() == ["a"]


def test_a_free_lock_is_granted_at_once(world: World, clock: VirtualClock) -> None:
    client = world.client("a")
    grant = acquire(client, wait=False)
    assert grant.ticket == client.ticket == world.document.ticket("a")
    assert grant.ticket.epoch == 1
    assert (grant.queue_seconds, grant.waited_for, grant.settling, grant.gone) == (0.0, (), (), ())
    assert clock.elapsed == 0.0


def test_a_lock_that_nobody_shares_is_not_waited_for(world: World) -> None:
    world.hold("a", "prod")
    assert acquire(world.client("b", "test", stacks=()), wait=False).queue_seconds == 0.0


def test_a_busy_lock_is_told_at_once_and_nothing_is_left_in_the_document(world: World) -> None:
    world.hold("a", url="https://run/1", actor="ada", workflow="Deploy", repository="org/app")
    before = world.document
    with pytest.raises(Busy, match=r"deployment id-a by ada holds the lock since 20") as told:
        acquire(world.client("b"), wait=False, timeout=HOUR)
    assert told.value.exit_code == 2
    assert "(org/app, Deploy, eu-west-1/app, https://run/1)." in told.value.what
    after = world.document
    assert replace(after, revision=before.revision, operations=before.operations) == before


def test_waiting_ends_at_the_time_out_to_the_second_and_the_place_is_given_back(
    world: World, clock: VirtualClock
) -> None:
    holder = world.hold("a")
    clock.at(40.0, holder.renew)
    clock.at(80.0, holder.renew)
    heard: list[Waiting] = []
    with pytest.raises(Busy, match="after 1m37s of waiting") as told:
        acquire(world.client("b", look=working), timeout=97.0, tell=heard.append)
    assert told.value.exit_code == 2
    assert clock.elapsed == 97.0
    assert world.standing() == ["a"]
    assert is_held(world.document, holder.ticket)
    assert [waiting.position for waiting in heard] == [2] * 20
    assert heard[1].waited_seconds == POLL


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, LATE_EFFECT])
def test_the_time_out_holds_although_the_registry_takes_no_writes(clock: VirtualClock, fault: str) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")

    def stop_writing() -> None:
        holder.release(outcome="succeeded")
        registry.swap_faults = [fault] * 1000

    clock.at(20.0, stop_writing)
    try:
        acquire(world.client("b"), timeout=40.0)
    except Busy:
        assert 40.0 <= clock.elapsed <= 46.0
    else:
        assert fault != LOST_REQUEST


def test_a_time_out_of_nothing_is_busy_at_once(world: World, clock: VirtualClock) -> None:
    world.hold("a")
    with pytest.raises(Busy):
        acquire(world.client("b"), timeout=0.0)
    assert clock.elapsed == 0.0
    assert world.standing() == ["a"]


def test_a_waiter_takes_over_within_one_poll_of_the_release(world: World, clock: VirtualClock) -> None:
    holder = world.hold("a")
    clock.at(12.0, lambda: holder.release(outcome="succeeded"))
    grant = acquire(world.client("b"))
    assert grant.queue_seconds == clock.elapsed == 15.0
    assert grant.ticket.epoch == 2
    assert grant.waited_for == ("id-a",)
    assert grant.gone == ()


def test_a_release_at_the_very_end_of_the_time_out_still_counts(world: World, clock: VirtualClock) -> None:
    holder = world.hold("a")
    clock.at(12.0, lambda: holder.release(outcome="succeeded"))
    assert acquire(world.client("b"), timeout=12.0).queue_seconds == 12.0


def test_three_waiters_are_served_in_order_of_arrival_and_never_together(staged: World, stage: Stage) -> None:
    turns: list[tuple[str, float, float]] = []
    told: dict[str, tuple[str, ...]] = {}

    def actor(name: str) -> None:
        client = staged.client(name)
        grant = acquire(client)
        begin = stage.elapsed
        stage.sleep(17.0)
        turns.append((name, begin, stage.elapsed))
        told[name] = grant.waited_for
        assert client.release(outcome="succeeded")

    for name, arrival in {"c": 3.0, "a": 0.0, "d": 4.0, "b": 2.0}.items():
        stage.enter(arrival, lambda name=name: actor(name))  # type: ignore[misc]
    stage.run()
    assert [name for name, _, _ in turns] == ["a", "b", "c", "d"]
    assert all(end <= begin for (_, _, end), (_, begin, _) in itertools.pairwise(turns))
    assert told["d"] == ("id-a", "id-b", "id-c")
    assert staged.document.locks["prod"].epoch == 4


def test_a_waiter_for_two_locks_waits_for_both_and_takes_both(world: World, clock: VirtualClock) -> None:
    one, two = world.hold("a", "one", stacks=()), world.hold("b", "two", stacks=())
    clock.at(10.0, lambda: one.release(outcome="succeeded"))
    clock.at(30.0, lambda: two.release(outcome="succeeded"))
    grant = acquire(world.client("c", "one", "two"))
    assert grant.queue_seconds == 30.0
    assert grant.ticket.epochs == (("one", 2), ("two", 2))


def test_a_dead_waiter_ahead_is_pruned_and_told(staged: World, stage: Stage) -> None:
    def holder() -> None:
        client = staged.client("a")
        acquire(client)
        for _ in range(20):
            stage.sleep(10.0)
            client.renew_if_due()
        client.release(outcome="succeeded")

    def dead(waiting: Waiting) -> None:
        raise SystemExit

    def dies() -> None:
        client = staged.client("b")
        client._withdraw = lambda outcome: None  # type: ignore[method-assign]
        with pytest.raises(SystemExit):
            acquire(client, tell=dead)

    grants: list[Grant] = []
    stage.enter(0.0, holder)
    stage.enter(1.0, dies)
    stage.enter(2.0, lambda: grants.append(acquire(staged.client("c", look=working))))
    stage.run()
    (grant,) = grants
    assert 200.0 + CLAIM_SECONDS <= grant.queue_seconds + 2.0 <= 203.0 + CLAIM_SECONDS + POLL
    assert len(grant.gone) == 1
    assert "waiter id-b" in grant.gone[0].note
    assert not grant.gone[0].lock_taken_over
    assert [line.outcome for line in staged.document.finished] == ["succeeded", "abandoned"]


def test_a_dead_holder_is_taken_over_after_its_lease_and_told(world: World, clock: VirtualClock) -> None:
    world.hold("a", url="https://run/1")
    looked: list[list[str]] = []

    def look(stacks: Iterable[str]) -> list[str]:
        looked.append(list(stacks))
        return []

    grant = acquire(world.client("b", look=look))
    assert grant.queue_seconds == LEASE
    assert looked == [["eu-west-1/app"]] * 2
    (gone,) = grant.gone
    sentence = gone.note
    assert gone.lock_taken_over
    assert "id-a (https://run/1)" in sentence
    assert "no stack of it is in progress" in sentence
    assert world.document.finished[-1].note.startswith(sentence)
    assert "By id-b." in world.document.finished[-1].note
    assert grant.ticket.epoch == 2


def test_a_dead_holder_is_not_taken_over_while_a_stack_of_it_is_in_progress(
    world: World, clock: VirtualClock
) -> None:
    world.hold("a")
    grant = acquire(
        world.client("b", look=lambda stacks: list(stacks) if clock.elapsed < 500.0 else []), timeout=HOUR
    )
    assert 500.0 <= grant.queue_seconds <= 500.0 + LOOK_SECONDS
    with pytest.raises(Busy):
        acquire(world.client("c", look=working), timeout=10 * LEASE)
    assert world.document.holder_of("prod") == grant.ticket


def test_only_the_locks_in_question_are_cleared(world: World) -> None:
    world.hold("other", "test", stacks=())
    world.hold("a")
    acquire(world.client("b"))
    assert world.standing() == ["other", "b"]


def test_a_living_holder_that_renews_is_never_taken_over_however_long(staged: World, stage: Stage) -> None:
    def holder() -> None:
        client = staged.client("a")
        acquire(client)
        while stage.elapsed < HOUR / 2:
            stage.sleep(7.0)
            client.renew_if_due()
        assert client.release(outcome="succeeded")

    grants: list[Grant] = []
    stage.enter(0.0, holder)
    stage.enter(1.0, lambda: grants.append(acquire(staged.client("b"), timeout=HOUR)))
    stage.run()
    assert grants[0].queue_seconds >= HOUR / 2 - 1
    assert grants[0].gone == ()


def test_a_holder_that_renews_while_it_is_about_to_be_taken_over_keeps_the_lock(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")

    def look(stacks: Iterable[str]) -> list[str]:
        holder.renew()
        return []

    with pytest.raises(Busy):
        acquire(world.client("b", look=look), timeout=LEASE + POLL)
    assert is_held(world.document, holder.ticket)
    clock.at(clock.elapsed + 20.0, lambda: holder.release(outcome="succeeded"))
    assert acquire(world.client("c", look=look)).gone == ()


def test_a_takeover_that_did_not_happen_is_not_told(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")
    clock.at(90.0, lambda: holder.release(outcome="succeeded"))

    def look(stacks: Iterable[str]) -> list[str]:
        holder.renew()
        return []

    assert acquire(world.client("b", look=look)).gone == ()


def test_a_waiter_that_wakes_and_is_granted_while_being_pruned_keeps_the_lock(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")
    world.rewrite(lambda document: core.enqueue(document, world.client("b").ticket, at=""))
    holder.release(outcome="succeeded")

    def wakes() -> None:
        world.rewrite(lambda document: core.grant(document, "b", at="") or document)

    clock.at(CLAIM_SECONDS - 1, lambda: setattr(registry, "swap_faults", [wakes]))
    with pytest.raises(Busy):
        acquire(world.client("c"), timeout=CLAIM_SECONDS + POLL)
    b = world.document.ticket("b")
    assert b is not None
    assert b.holding


def test_a_waiter_for_one_lock_writes_nothing_while_it_waits(world: World, clock: VirtualClock) -> None:
    holder = world.hold("a")
    clock.at(LEASE / 2, lambda: holder.release(outcome="succeeded"))
    written: list[str] = []
    acquire(world.client("b"), tell=lambda _: written.append(world.registry.read().version))
    assert len(written) > 3
    assert len(set(written)) == 1


def test_a_waiter_for_several_locks_shows_life_while_it_waits(world: World, clock: VirtualClock) -> None:
    holder = world.hold("a")
    for time in range(20, 400, 20):
        clock.at(time, holder.renew)
    clock.at(390.0, lambda: holder.release(outcome="succeeded"))
    renewals: list[int] = []

    def tell(waiting: Waiting) -> None:
        mine = world.document.ticket("b")
        assert mine is not None
        renewals.append(mine.renewals)

    acquire(world.client("b", "prod", "test"), tell=tell)
    assert renewals[-1] >= 390.0 / (LEASE * 1.5)
    assert all(later - earlier in {0, 1} for earlier, later in itertools.pairwise(renewals))


def test_a_registry_that_is_away_lets_no_waiter_pass_before_a_whole_lease(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a")
    client = world.client("b")
    clock.at(4.0, lambda: setattr(registry, "read_faults", [away_until(9e9, registry, clock)] * 5000))
    before = clock.elapsed
    with pytest.raises(RegistryUnavailable):
        acquire(client)
    assert clock.elapsed - before >= LEASE


def test_a_waiter_that_was_pruned_while_paused_stands_in_the_queue_again(staged: World, stage: Stage) -> None:
    served: list[str] = []

    def holder() -> None:
        client = staged.client("a")
        acquire(client)
        for _ in range(40):
            stage.sleep(10.0)
            client.renew_if_due()
        client.release(outcome="succeeded")

    def waiter(name: str, pause: float) -> None:
        pauses = [pause]
        client = staged.client(name)
        acquire(client, tell=lambda _: stage.sleep(pauses.pop() if pauses else 0.0))
        served.append(name)
        stage.sleep(1.0)
        assert client.release(outcome="succeeded")

    stage.enter(0.0, holder)
    stage.enter(1.0, lambda: waiter("paused", 10 * LEASE))
    stage.enter(2.0, lambda: waiter("awake", 0.0))
    stage.run()
    assert served == ["awake", "paused"]
    assert [line.outcome for line in staged.document.finished].count("abandoned") == 1


def test_a_waiter_that_finds_itself_pruned_queues_again(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a")
    client = world.client("b")

    def prune() -> None:
        world.rewrite(lambda document: core.evict(document, "b", at=iso(clock.now()), note=""))

    clock.at(20.0, lambda: registry.read_faults.extend([0, prune]))
    with pytest.raises(Busy):
        acquire(client, timeout=40.0, tell=lambda waiting: None)
    assert world.standing() == ["a"]
    assert [line.outcome for line in world.document.finished] == ["abandoned", "withdrawn"]


def test_a_holder_that_wakes_up_after_a_takeover_is_fenced_and_frees_nobodys_lock(world: World) -> None:
    old = world.hold("a")
    new = world.client("b")
    acquire(new)
    with pytest.raises(LockLost) as told:
        old.renew()
    assert told.value.exit_code == 5
    assert not old.release(outcome="succeeded", settling=("eu-west-1/late",))
    assert is_held(world.document, new.ticket)
    assert world.document.locks["prod"].settling == (f"{ACCOUNT}/eu-west-1/app",)
    new.renew()
    assert new.release(outcome="succeeded")


def test_a_holder_renews_at_half_of_its_lease_and_not_before(world: World, clock: VirtualClock) -> None:
    client = world.hold("a")

    def renewals() -> int:
        mine = world.document.ticket("a")
        assert mine is not None
        return mine.renewals

    clock.sleep(LEASE / 2 - 1)
    client.renew_if_due()
    assert renewals() == 0
    clock.sleep(1)
    client.renew_if_due()
    client.renew_if_due()
    assert renewals() == 1


def test_release_is_idempotent_and_says_whether_the_lock_was_ours(world: World) -> None:
    client = world.hold("a")
    assert client.release(outcome="succeeded")
    assert not client.release(outcome="succeeded")
    assert [line.outcome for line in world.document.finished] == ["succeeded"]


def test_another_process_of_the_same_deployment_releases_with_the_remembered_ticket(world: World) -> None:
    remembered = world.hold("a").ticket
    client = LockClient(world.registry, world.clock, remembered, stacks_in_progress=quiet, poll_seconds=POLL)
    client.renew()
    assert client.release(outcome="failed", settling=("eu-west-1/arn:x",))
    grant = acquire(world.client("b"))
    assert grant.settling == ("eu-west-1/arn:x",)


def test_what_settles_is_handed_on_until_somebody_has_seen_it_end(world: World) -> None:
    world.hold("a").release(outcome="timed-out", settling=("r/one",))
    second = world.client("b")
    assert acquire(second).settling == ("r/one",)
    second.release(outcome="timed-out", settling=("r/two",))
    third = world.client("c")
    assert acquire(third).settling == ("r/one", "r/two")
    third.settled(("r/one", "r/two"))
    third.release(outcome="succeeded")
    assert acquire(world.client("d")).settling == ()


def test_cancellation_while_waiting_gives_the_place_back(world: World, clock: VirtualClock) -> None:
    holder = world.hold("a")
    with pytest.raises(Cancelled) as told:
        acquire(world.client("b", cancelled=lambda: clock.elapsed >= 20.0))
    assert told.value.exit_code == 130
    assert clock.elapsed == 20.0
    assert world.standing() == ["a"]
    assert is_held(world.document, holder.ticket)


def test_an_interrupt_while_waiting_gives_the_place_back(world: World) -> None:
    world.hold("a")

    def interrupt(waiting: Waiting) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acquire(world.client("b"), tell=interrupt)
    assert world.standing() == ["a"]


def away_until(elapsed: float, registry: MemoryRegistry, clock: VirtualClock) -> Callable[[], None]:
    """A read fault: no answer, up to and with the first request at that time."""

    def no_answer() -> None:
        if clock.elapsed >= elapsed:
            registry.read_faults.clear()
        raise RegistryUnavailable("No answer.")

    return no_answer


def test_a_grant_of_which_nobody_heard_is_found_when_the_registry_is_back(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")

    def release() -> None:
        holder.release(outcome="succeeded")
        registry.swap_faults = [LOST_ANSWER]
        registry.read_faults = [0, 0, *[away_until(POLL + PATIENCE_SECONDS, registry, clock)] * 500]

    clock.at(4.0, release)
    granted = acquire(world.client("b"))
    assert granted.ticket.epoch == world.document.locks["prod"].epoch == 2


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, LATE_EFFECT])
def test_a_request_with_an_ambiguous_answer_is_granted_once(clock: VirtualClock, fault: str) -> None:
    registry = MemoryRegistry()
    registry.swap_faults = [fault, fault]
    client = World(registry, clock).client("a")
    assert acquire(client).ticket.epoch == 1
    registry.swap_faults = [fault]
    assert client.release(outcome="succeeded")
    assert registry.document.locks["prod"].epoch == 1


def test_a_request_whose_answer_never_came_is_withdrawn_as_soon_as_the_registry_is_back(
    clock: VirtualClock,
) -> None:
    registry = MemoryRegistry()
    registry.swap_faults = [LOST_ANSWER]
    registry.read_faults = [0, *[away_until(PATIENCE_SECONDS, registry, clock)] * 500]
    world = World(registry, clock)
    with pytest.raises(RegistryUnavailable):
        acquire(world.client("a"))
    assert len(registry.written) == 3
    assert world.standing() == []


def test_a_registry_that_is_away_is_told_after_the_patience_and_not_before(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    registry.read_faults = [LOST_REQUEST] * 1000
    with pytest.raises(RegistryUnavailable):
        acquire(World(registry, clock).client("a"))
    assert PATIENCE_SECONDS <= clock.elapsed <= PATIENCE_SECONDS + 3.0 + 2 * PAUSE_SECONDS_MAX


def test_a_registry_that_goes_away_while_waiting_is_told_after_the_patience(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a")
    clock.at(18.0, lambda: registry.read_faults.extend([LOST_REQUEST] * 1000))
    with pytest.raises(RegistryUnavailable):
        acquire(world.client("b"))
    assert clock.elapsed >= 20.0 + PATIENCE_SECONDS


def test_a_registry_that_is_away_for_a_moment_costs_nobody_the_place(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")
    clock.at(18.0, lambda: registry.read_faults.extend([LOST_REQUEST] * 4))
    clock.at(50.0, lambda: holder.release(outcome="succeeded"))
    assert acquire(world.client("b")).ticket.epoch == 2


def test_an_outage_for_everybody_kills_no_holder(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a", lease_seconds=150.0)
    clock.at(70.0, holder.renew)
    clock.at(80.0, lambda: setattr(registry, "read_faults", [away_until(225.0, registry, clock)] * 5000))
    clock.at(245.0, holder.renew)
    clock.at(250.0, lambda: holder.release(outcome="succeeded"))
    assert acquire(world.client("b", lease_seconds=300.0)).gone == ()


def test_a_rate_limit_is_honoured_while_waiting(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a", lease_seconds=300.0)
    clock.at(150.0, lambda: holder.release(outcome="succeeded"))

    def limit() -> None:
        raise RegistryUnavailable("The rate limit is used up.", retry_seconds=40.0)

    clock.at(4.0, lambda: setattr(registry, "read_faults", [limit] * 3))
    before = registry.reads
    assert 150.0 <= acquire(world.client("b", lease_seconds=300.0)).queue_seconds <= 165.0
    assert registry.reads - before < 20


def test_a_refusing_registry_is_told_at_once(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    registry.swap_faults = [REFUSED]
    with pytest.raises(RegistryForbidden):
        acquire(World(registry, clock).client("a"))
    assert clock.elapsed == 0.0


def test_one_that_becomes_unreadable_lets_no_waiter_pass_before_a_whole_lease(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a")
    clock.at(18.0, lambda: registry.overwrite(b"{half"))
    heard: list[Waiting] = []
    with pytest.raises(RegistryUnreadable):
        acquire(world.client("b"), tell=heard.append)
    assert clock.elapsed >= 20.0 + LEASE
    assert heard[0].away_seconds is None
    assert heard[-1].away_seconds is not None


def test_an_unreadable_registry_is_told_at_once_and_left_as_it_is(world: World, tmp_path: Path) -> None:
    file = tmp_path / "deployments.json"
    file.write_bytes(b'{"schema": 2}')
    with pytest.raises(RegistryUnreadable):
        acquire(world.client("a"))
    assert file.read_bytes() == b'{"schema": 2}'


class TestTheLifeOfJobs:
    def test_a_holder_whose_job_has_ended_is_taken_over_at_once(
        self, world: World, clock: VirtualClock
    ) -> None:
        world.hold("a", url="https://run/1")
        grant = acquire(world.client("b", life=lambda ticket: JobStatus.COMPLETED))
        assert clock.elapsed == 0.0
        (gone,) = grant.gone
        assert gone.lock_taken_over
        sentence = gone.note
        assert "its job has ended, and no stack of it is in progress" in sentence

    def test_who_does_not_want_to_wait_can_tell_a_dead_holder_from_a_living_one(self, world: World) -> None:
        world.hold("a")
        with pytest.raises(Busy):
            acquire(world.client("b", life=lambda ticket: JobStatus.RUNNING), wait=False)
        assert world.standing() == ["a"]
        grant = acquire(world.client("b", life=lambda ticket: JobStatus.COMPLETED), wait=False)
        assert grant.ticket.epoch == 2
        assert world.standing() == ["b"]

    def test_a_dead_holder_is_not_taken_over_while_its_stacks_work(self, world: World) -> None:
        world.hold("a")
        with pytest.raises(Busy):
            acquire(world.client("b", life=lambda ticket: JobStatus.COMPLETED, look=working), timeout=90.0)

    def test_a_silent_holder_whose_job_runs_keeps_the_lock_for_six_leases(
        self, world: World, clock: VirtualClock
    ) -> None:
        world.hold("a")
        grant = acquire(world.client("b", life=lambda ticket: JobStatus.RUNNING))
        assert grant.queue_seconds == STUCK_LEASES * LEASE
        assert "although GitHub reports its job as running" in grant.gone[0].note
        assert grant.gone[0].lock_taken_over

    def test_what_a_paused_holder_could_still_execute_is_taken_away_before_the_last_look(
        self, world: World
    ) -> None:
        world.hold("a")
        deeds: list[str] = []

        def look(stacks: Iterable[str]) -> list[str]:
            deeds.append("look")
            return []

        def revoke(ticket: Ticket) -> bool:
            deeds.append(f"revoke {ticket.nonce}")
            return True

        acquire(world.client("b", look=look, revoke=revoke))
        assert deeds == ["look", "revoke a", "look"]

    def test_one_lost_answer_is_no_news_about_a_job_that_ran(self, world: World, clock: VirtualClock) -> None:
        world.hold("a")

        def life(ticket: Ticket) -> JobStatus:
            return JobStatus.UNKNOWN if 100.0 <= clock.elapsed < 130.0 else JobStatus.RUNNING

        assert acquire(world.client("b", life=life)).queue_seconds == STUCK_LEASES * LEASE

    def test_a_job_of_which_nothing_is_heard_any_more_is_judged_by_its_silence(
        self, world: World, clock: VirtualClock
    ) -> None:
        world.hold("a")

        def life(ticket: Ticket) -> JobStatus:
            return JobStatus.UNKNOWN if clock.elapsed >= 100.0 else JobStatus.RUNNING

        assert acquire(world.client("b", life=life)).queue_seconds < 3 * LEASE

    def test_stacks_of_another_account_are_never_known_to_be_at_rest(self, world: World) -> None:
        world.hold("a", account="111111111111")
        with pytest.raises(Busy):
            acquire(
                world.client("b", account="222222222222", life=lambda ticket: JobStatus.COMPLETED),
                timeout=20 * LEASE,
            )
        assert acquire(world.client("c", account="111111111111")).ticket.epoch == 2

    def test_a_revocation_without_an_answer_is_doubt(self, world: World, clock: VirtualClock) -> None:
        world.hold("a")
        grant = acquire(world.client("b", revoke=lambda ticket: clock.elapsed >= 200.0))
        assert 200.0 <= grant.queue_seconds <= 200.0 + LOOK_SECONDS

    def test_nothing_is_taken_away_from_a_holder_whose_stacks_work(self, world: World) -> None:
        world.hold("a")
        revoked: list[str] = []

        def revoke(ticket: Ticket) -> bool:
            revoked.append(ticket.nonce)
            return True

        client = world.client("b", look=working, revoke=revoke)
        with pytest.raises(Busy):
            acquire(client, timeout=3 * LEASE)
        assert revoked == []

    def test_a_living_holder_costs_few_questions(self, world: World, clock: VirtualClock) -> None:
        holder = world.hold("a")
        for time in range(10, 600, 10):
            clock.at(time, holder.renew)
        clock.at(600.0, lambda: holder.release(outcome="succeeded"))
        asked: list[float] = []

        def life(ticket: Ticket) -> JobStatus:
            asked.append(clock.elapsed)
            return JobStatus.RUNNING

        acquire(world.client("b", life=life))
        assert asked == [0.0, 120.0, 240.0, 360.0, 480.0]

    def test_a_waiter_whose_job_has_ended_is_passed_soon_after_the_lock_is_free(
        self, world: World, clock: VirtualClock
    ) -> None:
        holder = world.hold("a")
        clock.at(20.0, lambda: holder.release(outcome="succeeded"))
        world.rewrite(lambda document: core.enqueue(document, world.client("b").ticket, at=""))
        completed = {"b": JobStatus.COMPLETED}
        grant = acquire(world.client("c", life=lambda ticket: completed.get(ticket.nonce, JobStatus.RUNNING)))
        assert grant.queue_seconds == 20.0
        assert [gone.note for gone in grant.gone] == ["Passed over waiter id-b (no link): its job has ended."]

    def test_a_waiter_is_told_why_it_waits_for_one_that_seems_to_be_gone(self, world: World) -> None:
        world.hold("a")
        heard: list[Waiting] = []
        with pytest.raises(Busy):
            acquire(world.client("b", look=working), timeout=2 * LEASE, tell=heard.append)
        assert heard[0].remarks == ()
        (remark,) = heard[-1].remarks
        assert "id-a seems to be gone (no sign of life for 1m00s), but eu-west-1/app is in progress" in remark


def of_run(number: int) -> dict[str, object]:
    """The same job of a run: what a ticket says of it."""
    return {
        "policy": QueuePolicy.NEWEST,
        "account": "111122223333",
        "repository": "org/app",
        "run_id": str(7000 + number),
        "run_number": str(number),
        "workflow_file": "org/app/.github/workflows/deploy.yml",
        "job_key": "deploy",
        "ref": "refs/heads/main",
        "commit": f"{number:040x}",
    }


class TestTheNewestOnly:
    def test_an_older_waiter_is_superseded_and_told_by_whom(self, staged: World, stage: Stage) -> None:
        ends: list[str] = []

        def holder() -> None:
            client = staged.client("a")
            acquire(client)
            stage.sleep(40.0)
            client.release(outcome="succeeded")

        def waiter(name: str, number: int) -> None:
            client = staged.client(name, **of_run(number))  # type: ignore[arg-type]
            try:
                acquire(client)
                ends.append(f"{name} served")
                client.release(outcome="succeeded")
            except Superseded:
                ends.append(f"{name} superseded")

        stage.enter(0.0, holder)
        for number, name in enumerate("bcd", start=1):
            stage.enter(float(number), lambda name=name, number=number: waiter(name, number))  # type: ignore[misc]
        stage.run()
        assert sorted(ends) == ["b superseded", "c superseded", "d served"]
        skipped = [line for line in staged.document.finished if line.outcome == core.SKIPPED]
        assert [line.note for line in skipped] == ["Superseded by id-c.", "Superseded by id-d."]

    def test_a_superseded_one_that_was_paused_does_not_come_back(self, world: World) -> None:
        world.hold("a")
        late = world.client("b", **of_run(1))  # type: ignore[arg-type]
        newer = world.client("c", **of_run(2))  # type: ignore[arg-type]

        def meanwhile(waiting: Waiting) -> None:
            with pytest.raises(Busy):
                acquire(newer, timeout=0.0)

        with pytest.raises(Superseded) as told:
            acquire(late, tell=meanwhile)
        assert told.value.exit_code == 0

    def test_one_that_was_taken_for_dead_gives_way_to_a_newer_one_when_it_wakes(self, world: World) -> None:
        world.hold("a")
        newer = world.client("c", **of_run(2)).ticket  # type: ignore[arg-type]

        def meanwhile(waiting: Waiting) -> None:
            world.rewrite(lambda document: core.evict(document, "b", at="", note=""))
            world.rewrite(lambda document: core.enqueue(document, newer, at=""))

        older = world.client("b", life=lambda _: JobStatus.RUNNING, **of_run(1))  # type: ignore[arg-type]
        with pytest.raises(Superseded, match="by id-c"):
            acquire(older, tell=meanwhile)
        assert world.standing() == ["a", "c"]

    def older(self, world: World, life: JobStatus, **fields: object) -> LockClient:
        """A re-run of an old run, where a newer one waits already."""
        world.hold("a")
        waiter = world.client("c", **of_run(2)).ticket  # type: ignore[arg-type]
        world.rewrite(lambda document: core.enqueue(document, waiter, at=""))
        return world.client("b", life=lambda _: life, **{**of_run(1), **fields})  # type: ignore[arg-type]

    def test_the_older_gives_way_although_it_came_later(self, world: World) -> None:
        with pytest.raises(Superseded, match="by id-c"):
            acquire(self.older(world, JobStatus.RUNNING))
        assert world.standing() == ["a", "c"]

    def test_it_does_so_too_where_it_would_not_wait(self, world: World) -> None:
        with pytest.raises(Superseded):
            acquire(self.older(world, JobStatus.RUNNING), wait=False)

    def test_one_that_nobody_knows_to_live_is_waited_for_and_gives_proof_by_taking_the_lock(
        self, world: World, clock: VirtualClock
    ) -> None:
        older = self.older(world, JobStatus.UNKNOWN)

        def served() -> None:
            world.rewrite(lambda document: core.evict(document, "a", at="", note=""))
            world.rewrite(lambda document: core.grant(document, "c", at="") or document)

        clock.at(20.0, served)
        with pytest.raises(Superseded, match="by id-c"):
            acquire(older)
        line = world.document.farewell("b")
        assert line is not None
        assert line.outcome == core.SKIPPED

    def test_one_that_was_deployed_between_two_looks_makes_it_pointless(
        self, world: World, clock: VirtualClock
    ) -> None:
        older = self.older(world, JobStatus.UNKNOWN)

        def deployed() -> None:
            ticket = world.document.ticket("c")
            assert ticket is not None
            world.rewrite(lambda document: core.finish(document, ticket, outcome="succeeded", at=""))

        clock.at(20.0, deployed)
        with pytest.raises(Superseded, match="by id-c"):
            acquire(older)

    @pytest.mark.parametrize("outcome", ["failed", "withdrawn", core.ABANDONED, core.FORCED])
    def test_one_that_left_without_a_deployment_makes_nothing_pointless(
        self, world: World, clock: VirtualClock, outcome: str
    ) -> None:
        older = self.older(world, JobStatus.UNKNOWN)

        def leaves() -> None:
            for nonce in "ac":
                ticket = world.document.ticket(nonce)
                assert ticket is not None
                world.rewrite(lambda document, one=ticket: core.finish(document, one, outcome=outcome, at=""))  # type: ignore[misc]

        clock.at(20.0, leaves)
        assert acquire(older).ticket.nonce == "b"

    def test_a_dead_one_is_passed_and_the_older_one_deployed(self, world: World) -> None:
        lives = {"c": JobStatus.COMPLETED}
        older = self.older(world, JobStatus.UNKNOWN)
        world.rewrite(lambda document: core.evict(document, "a", at="", note=""))
        older = world.client(
            "b",
            life=lambda ticket: lives.get(ticket.nonce, JobStatus.RUNNING),
            **of_run(1),  # type: ignore[arg-type]
        )
        assert acquire(older).ticket.nonce == "b"

    def test_commits_are_compared_once_a_pair(self, world: World) -> None:
        asked: list[tuple[str, str]] = []

        def compare(base: str, head: str) -> str:
            asked.append((base, head))
            return "behind"

        older = self.older(world, JobStatus.RUNNING)
        older._rivals._compare = compare
        with pytest.raises(Busy):
            acquire(older, timeout=60.0)
        assert asked == [(f"{1:040x}", f"{2:040x}")]


class TestATokenThatDies:
    """It worked, and is refused now: that says nothing about those ahead."""

    @pytest.fixture
    def registry(self) -> MemoryRegistry:
        return MemoryRegistry()

    @pytest.fixture
    def world(self, registry: MemoryRegistry, clock: VirtualClock) -> World:
        return World(registry, clock)

    def refuse(self, registry: MemoryRegistry) -> None:
        def refusal() -> None:
            raise RegistryForbidden(
                "GitHub does not accept the token (401).", remedy="Hand in a valid token."
            )

        registry.read_faults = [refusal] * 10_000

    def test_a_waiter_ends_as_busy_and_never_passes_a_living_holder(
        self, world: World, registry: MemoryRegistry, clock: VirtualClock
    ) -> None:
        world.hold("a")
        clock.at(20.0, lambda: self.refuse(registry))
        with pytest.raises(Busy) as told:
            acquire(world.client("b"))
        assert 20.0 <= clock.elapsed < 20.0 + LEASE
        assert "the queue cannot be seen any more: GitHub does not accept the token (401)." in told.value.what
        assert "id-a was ahead" in told.value.what
        assert "must outlive the wait" in told.value.remedy

    def test_a_refusal_that_passes_ends_nothing(
        self, world: World, registry: MemoryRegistry, clock: VirtualClock
    ) -> None:
        holder = world.hold("a")
        clock.at(20.0, lambda: self.refuse(registry))
        clock.at(30.0, lambda: setattr(registry, "read_faults", []))
        clock.at(50.0, lambda: holder.release(outcome="succeeded"))
        assert acquire(world.client("b")).ticket.nonce == "b"


class TestOperators:
    def by_hand(self, world: World, deed: Callable[..., Document], *arguments: object, **more: str) -> None:
        world.rewrite(
            lambda document: deed(document, *arguments, by="ada", reason="month end", at="", **more)
        )

    def test_a_frozen_lock_is_waited_for_and_told(self, world: World, clock: VirtualClock) -> None:
        until = iso(clock.now() + 60.0)
        self.by_hand(world, operators.freeze, ("prod",), until=until)
        heard: list[Waiting] = []
        grant = acquire(world.client("b"), tell=heard.append)
        assert grant.queue_seconds == 60.0
        assert heard[0].ahead == ()
        assert heard[0].freeze is not None
        assert (heard[0].freeze.reason, heard[0].freeze.until) == ("month end", until)

    def test_a_waiter_reads_who_was_promoted_past_it_and_why(self, world: World) -> None:
        world.hold("a")
        heard: list[tuple[int, tuple[str, ...]]] = []

        def tell(waiting: Waiting) -> None:
            heard.append((waiting.position, waiting.remarks))
            late = Ticket("h", "id-h", ("prod",), account=ACCOUNT)
            world.rewrite(lambda document: core.enqueue(document, late, at=""))
            self.by_hand(world, operators.promote, "h")

        with pytest.raises(Busy):
            acquire(world.client("b"), timeout=2 * POLL, tell=tell)
        assert heard[0] == (2, ())
        assert heard[1] == (
            3,
            ('deployment id-h came later and goes first, since ada promoted it: "month end"',),
        )

    def test_a_frozen_lock_is_busy_for_who_does_not_wait(self, world: World) -> None:
        self.by_hand(world, operators.freeze, ("prod",))
        with pytest.raises(Busy, match="frozen, by ada") as told:
            acquire(world.client("b"), wait=False)
        assert told.value.exit_code == 2
        assert world.standing() == []

    def test_a_waiter_that_an_operator_removed_is_told_who_it_was(self, world: World) -> None:
        world.hold("a")
        with pytest.raises(Busy, match='Released by force by ada: "month end"'):
            acquire(world.client("b"), tell=lambda _: self.by_hand(world, operators.force_release, "b"))
        assert world.standing() == ["a"]


class TestReadsThatLagBehind:
    """GitHub's replicas may show a state of a minute ago."""

    def late(self, registry: MemoryRegistry, writes: int) -> None:
        registry.read_faults = [writes] * 3

    def test_a_fence_concludes_nothing_from_a_state_before_the_grant(self, clock: VirtualClock) -> None:
        registry = MemoryRegistry()
        client = World(registry, clock).hold("a")
        self.late(registry, 1)
        client.renew()
        assert registry.document.tickets[0].renewals == 1

    def test_a_release_is_not_taken_for_done(self, clock: VirtualClock) -> None:
        registry = MemoryRegistry()
        world = World(registry, clock)
        client = world.hold("a")
        self.late(registry, 1)
        assert client.release(outcome="succeeded")
        assert world.standing() == []

    def test_a_waiter_does_not_take_itself_for_pruned(self, clock: VirtualClock) -> None:
        registry = MemoryRegistry()
        world = World(registry, clock)
        world.hold("a")
        clock.at(4.0, lambda: self.late(registry, 1))
        with pytest.raises(Busy):
            acquire(world.client("b"), timeout=20.0)
        assert len(registry.written) == 4

    def test_another_step_knows_it_by_the_ticket_alone(self, clock: VirtualClock) -> None:
        registry = MemoryRegistry()
        world = World(registry, clock)
        remembered = world.hold("a").ticket
        self.late(registry, 1)
        client = LockClient(registry, clock, remembered, stacks_in_progress=quiet, poll_seconds=POLL)
        client.renew()

    def test_one_that_lags_for_too_long_is_no_answer(self, clock: VirtualClock) -> None:
        registry = MemoryRegistry()
        client = World(registry, clock).hold("a")
        client.renew()
        registry.read_faults = [1] * 1000
        with pytest.raises(RegistryUnavailable, match="reads as before"):
            client.renew()


def test_a_state_that_somebody_restored_is_believed_in_the_end(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    holder = world.hold("a")
    restored = registry.written[-1]
    assert restored is not None
    clock.at(4.0, lambda: registry.overwrite(restored))
    for time in range(20, 300, 20):
        clock.at(time, holder.renew)
    clock.at(300.0, lambda: holder.release(outcome="succeeded"))
    grant = acquire(world.client("b", lease_seconds=300.0))
    assert grant.queue_seconds >= 300.0
    assert grant.gone == ()


def test_a_fence_that_landed_before_a_takeover_does_not_hold_after_it(clock: VirtualClock) -> None:
    """The write was found again, and so was who took over since."""
    registry = MemoryRegistry()
    world = World(registry, clock)
    client = world.hold("a")

    def taken_over() -> None:
        world.rewrite(lambda document: core.evict(document, "a", at="", note="Took over from holder id-a."))

    registry.swap_faults = [LOST_ANSWER]
    registry.read_faults = [0, taken_over]
    with pytest.raises(LockLost, match="Took over"):
        client.renew()


class TestJoiningLate:
    def test_a_free_lock_is_taken(self, world: World) -> None:
        client = world.client("a")
        for _ in range(2):
            grant = client.join()
            assert isinstance(grant, Grant)
            assert grant.ticket.holding
        assert world.document.locks["prod"].epoch == 1

    def test_behind_a_holder_it_stands_in_the_queue_until_it_is_its_turn(self, world: World) -> None:
        holder, late = world.hold("a"), world.client("b")
        waiting = late.join()
        assert not isinstance(waiting, Grant)
        assert [ticket.nonce for ticket in waiting.ahead] == ["a"]
        holder.release(outcome="succeeded", settling=("r/one",))
        grant = late.join()
        assert isinstance(grant, Grant)
        assert grant.settling == ("r/one",)
        assert late.release(outcome="succeeded")


def test_how_long_a_lock_is_usually_held_tells_when_it_will_be_free(
    world: World, clock: VirtualClock
) -> None:
    for seconds in (100.0, 400.0, 120.0):
        holder = world.hold(f"h{seconds}")
        clock.sleep(seconds)
        holder.release(outcome="succeeded")
    failed = world.hold("failed")
    clock.sleep(3.0)
    failed.release(outcome="failed")
    now = clock.now()
    assert world.hold("a").ticket.expected_end == iso(now + 120.0)


def test_one_that_comes_back_is_not_the_silent_one_of_before(world: World, clock: VirtualClock) -> None:
    """Whoever missed its absence would go on counting the silence of the ticket that was evicted."""
    world.hold("a")
    waiter = world.client("b")
    clock.at(20.0, lambda: world.rewrite(lambda document: core.evict(document, "b", at="", note="gone")))
    with pytest.raises(Busy):
        acquire(waiter, timeout=40.0)
    lives = [leases.life_of(ticket) for ticket in (waiter.ticket, replace(waiter.ticket, renewals=0))]
    assert lives[0] != lives[1]


def test_who_re_creates_a_document_goes_on_from_the_epochs_that_it_saw(clock: VirtualClock) -> None:
    registry = MemoryRegistry()
    world = World(registry, clock)
    for nonce in ("a", "b"):
        world.hold(nonce).release(outcome="succeeded")
    world.hold("c", lease_seconds=300.0)
    clock.at(20.0, lambda: registry.overwrite(None))
    assert acquire(world.client("d", lease_seconds=300.0)).ticket.epoch == 4


def test_who_waits_in_a_restored_document_goes_on_from_the_epochs_that_it_saw(clock: VirtualClock) -> None:
    """Turn 3 was given, and the document that somebody puts back knows of turn 1 only."""
    registry = MemoryRegistry()
    world = World(registry, clock)
    world.hold("a").release(outcome="succeeded")
    old = registry.read().document
    for nonce in ("b", "c"):
        world.hold(nonce).release(outcome="succeeded")
    holder, waiter = world.hold("d", lease_seconds=300.0), world.client("e", lease_seconds=300.0)
    waiter.join()
    holder.release(outcome="succeeded")
    registry.overwrite(old)
    assert acquire(waiter, timeout=HOUR).ticket.epoch == 5


class TestAFullDocument:
    """An item of DynamoDB holds 400 KB: by bytes the queue is full before it is by count."""

    STACKS = tuple(f"eu-west-1/{'x' * 60}-{number}" for number in range(50))

    def full(self, registry: MemoryRegistry, clock: VirtualClock) -> World:
        world = World(registry, clock)
        world.hold("holder")
        waiters = [
            Ticket(f"w{number}", f"id-{number}", ("prod",), self.STACKS, lease_seconds=LEASE)
            for number in range(90)
        ]
        document = registry.document
        while len(encode(document)) < BYTES_MAX - 2_000:
            document = replace(document, tickets=(*document.tickets, waiters.pop()))
        registry.overwrite(encode(document))
        return world

    @pytest.mark.parametrize("wait", [True, False])
    def test_one_more_ticket_is_busy_and_nobody_goes_on_alone(self, clock: VirtualClock, wait: bool) -> None:
        registry = MemoryRegistry()
        world = self.full(registry, clock)
        before = world.standing()
        assert len(before) < QUEUE_MAX
        with pytest.raises(Busy) as refused:
            acquire(world.client("late", stacks=self.STACKS), wait=wait)
        assert refused.value.exit_code == 2
        assert world.standing() == before
        assert clock.elapsed == 0.0

    def test_who_stands_in_it_can_still_write(self, clock: VirtualClock) -> None:
        registry = MemoryRegistry()
        world = self.full(registry, clock)
        holder = world.client("holder")
        ticket = registry.document.ticket("holder")
        assert ticket is not None
        holder.ticket = ticket
        holder.renew()
        assert holder.release(outcome="succeeded")
        assert len(registry.written[-1] or b"") < 400_000


def test_two_holders_whose_globs_overlap_are_both_told_once(world: World) -> None:
    account = {"account": "123456789012"}
    first = world.hold("a", "prod", stacks=("eu-west-1/app-*",), **account)
    assert first.take_overlaps() == []
    second = world.hold("b", "web", stacks=("eu-west-1/app-web",), **account)
    first.renew()
    assert ["id-b" in sentence for sentence in first.take_overlaps()] == [True]
    assert ["id-a" in sentence for sentence in second.take_overlaps()] == [True]
    first.renew()
    second.renew()
    assert first.take_overlaps() == second.take_overlaps() == []


@pytest.mark.parametrize("others", [5, 12, 40])
def test_a_grant_whose_answer_was_lost_does_not_stay_behind_a_cancellation(others: int) -> None:
    """However many stand in the document: they wait for other locks, and this one holds its own."""
    clock = VirtualClock()
    standing = tuple(
        Ticket(f"n{number}", f"id-{number}", ("other",), number=number + 1) for number in range(others)
    )
    registry = MemoryRegistry(encode(Document(revision=5, tickets=standing, arrivals=others)))
    registry.swap_faults = [LOST_ANSWER]
    client = World(registry, clock).client("me", cancelled=lambda: True)
    with pytest.raises(Cancelled):
        acquire(client)
    assert registry.document.ticket("me") is None


def test_a_holder_that_did_not_hear_of_its_grant_gives_it_back_at_once() -> None:
    clock = VirtualClock()
    waiting = tuple(Ticket(f"n{n}", f"id-{n}", ("prod",), number=n + 2) for n in range(20))
    own = Ticket("me", "id-me", ("prod",), number=1, lease_seconds=LEASE)
    held = replace(own, epochs=(("prod", 1),))
    document = Document(revision=5, tickets=(held, *waiting), locks={"prod": Lock(epoch=1)}, arrivals=21)
    registry = MemoryRegistry(encode(document))
    client = LockClient(registry, clock, own, stacks_in_progress=quiet, poll_seconds=POLL)
    assert client.release(outcome="withdrawn")
    assert registry.document.ticket("me") is None
    assert clock.elapsed < 1.0
