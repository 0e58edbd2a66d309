"""The hold on a lock while a deployment runs, with and without its registry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import (
    Busy,
    LockLost,
    LockUnconfirmed,
    RegistryAway,
    RegistryForbidden,
    RegistryUnavailable,
    Superseded,
)
from deploy_action.locking import admin as operators
from deploy_action.locking import transitions as core
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import encode
from deploy_action.locking.document import QUEUE_MAX, Document, QueuePolicy, Ticket
from deploy_action.locking.document_continuity import LAG_SECONDS_MAX
from deploy_action.locking.held_lock import JOIN_SECONDS, HeldLock
from tests.clock import VirtualClock
from tests.locking.memory_registry import LOST_ANSWER, LOST_REQUEST, REFUSED, MemoryRegistry

if TYPE_CHECKING:
    from collections.abc import Callable

LEASE = 60.0


class Scene:
    """One deployment, the registry that may go away, and what was told."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.clock = VirtualClock()
        self.told: list[str] = []
        self.waits: list[str] = []

    def client(self, nonce: str = "a", *, confirmed_at: float | None = None, **fields: object) -> LockClient:
        ticket = Ticket(nonce, f"id-{nonce}", ("prod",), ("eu-west-1/app",), lease_seconds=LEASE)
        return LockClient(
            self.registry,
            self.clock,
            replace(ticket, **fields),  # type: ignore[arg-type]
            stacks_in_progress=lambda stacks: [],
            poll_seconds=5.0,
            confirmed_at=confirmed_at,
        )

    def holding(self, *, limit_seconds: float = 0.0, **fields: object) -> HeldLock:
        client = self.client(**fields)  # type: ignore[arg-type]
        client.acquire(wait=True, timeout_seconds=0.0, tell=lambda waiting: None)
        return self.keeper(client, limit_seconds=limit_seconds)

    def alone(self, policy: QueuePolicy = QueuePolicy.FIFO, *, limit_seconds: float = 0.0) -> HeldLock:
        return self.keeper(self.client(policy=policy), alone=True, limit_seconds=limit_seconds)

    def keeper(self, client: LockClient, *, alone: bool = False, limit_seconds: float = 0.0) -> HeldLock:
        return HeldLock(
            client,
            self.clock,
            tell=self.told.append,
            queue=lambda: client.acquire(wait=True, timeout_seconds=600.0, tell=lambda waiting: None),
            alone=alone,
            limit_seconds=limit_seconds,
            waits=lambda why, _seconds: self.waits.append(why),
        )

    def somebody_else(self) -> LockClient:
        client = self.client("b")
        client.acquire(wait=True, timeout_seconds=0.0, tell=lambda waiting: None)
        return client

    def go_away(self) -> None:
        self.registry.read_faults = [LOST_REQUEST] * 100_000

    def come_back(self) -> None:
        self.registry.read_faults = []

    def watch(self, keeper: HeldLock, seconds: float) -> None:
        """What a session does while a deployment runs."""
        end = self.clock.elapsed + seconds
        while self.clock.elapsed < end:
            keeper.keep()
            self.clock.sleep(5.0)

    @property
    def document(self) -> Document:
        return self.registry.document


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_lock_is_renewed_and_nothing_is_told(scene: Scene) -> None:
    keeper = scene.holding()
    scene.watch(keeper, 10 * LEASE)
    held = scene.document.ticket("a")
    assert held is not None
    assert held.renewals >= 15
    assert scene.told == []


def test_a_registry_that_is_away_for_a_moment_is_nobodys_business(scene: Scene) -> None:
    keeper = scene.holding()
    scene.go_away()
    scene.watch(keeper, LEASE * 0.8)
    scene.come_back()
    scene.watch(keeper, 2 * LEASE)
    assert scene.told == []
    assert not keeper.alone


def test_one_that_is_away_for_a_lease_is_told_once_and_so_is_its_return(scene: Scene) -> None:
    keeper = scene.holding()
    scene.go_away()
    scene.watch(keeper, 5 * LEASE)
    (sentence,) = scene.told
    assert "CloudFormation's own status alone keeps deployments apart" in sentence
    scene.come_back()
    scene.watch(keeper, 2 * LEASE)
    assert not keeper.alone
    assert scene.told[1:] == ["The registry answers again: this deployment holds the lock prod (epoch 1)."]


def test_a_refusing_registry_is_told_at_once(scene: Scene) -> None:
    keeper = scene.holding()
    scene.clock.sleep(LEASE / 2)
    scene.registry.swap_faults = [REFUSED] * 100
    keeper.keep()
    assert keeper.alone
    assert "The store refuses" in scene.told[0]


def test_a_document_that_becomes_unreadable_is_told_and_left_alone(scene: Scene) -> None:
    keeper = scene.holding()
    scene.registry.overwrite(b"{half")
    scene.watch(keeper, 4 * LEASE)
    assert len(scene.told) == 1
    assert scene.registry.written[-1] == b"{half"


def test_a_lock_that_was_taken_over_is_told_once_by_an_error(scene: Scene) -> None:
    keeper = scene.holding()
    new = core.evict(scene.document, "a", at="", note="Took over from holder id-a: no sign of life.")
    scene.registry.overwrite(written(new))
    scene.clock.sleep(LEASE)
    with pytest.raises(LockLost, match="Took over from holder id-a"):
        keeper.keep()
    scene.watch(keeper, 5 * LEASE)


def test_the_fence_does_not_hold_for_a_lock_that_was_lost(scene: Scene) -> None:
    keeper = scene.holding()
    scene.registry.overwrite(written(core.evict(scene.document, "a", at="", note="gone")))
    with pytest.raises(LockLost):
        keeper.fence()


def test_the_fence_holds_without_a_registry_while_the_own_lease_does(scene: Scene) -> None:
    keeper = scene.holding()
    scene.go_away()
    before = scene.clock.elapsed
    assert keeper.fence() == ()
    assert scene.clock.elapsed - before <= 10.0
    assert not keeper.alone
    assert scene.told == []


class TestALeaseThatHasEnded:
    """Nobody answers, and others may have taken the lock."""

    def test_the_fence_does_not_hold_and_says_why(self, scene: Scene) -> None:
        keeper = scene.holding()
        scene.go_away()
        scene.clock.sleep(LEASE)
        with pytest.raises(LockUnconfirmed, match="counts as lost: the registry has not confirmed it"):
            keeper.fence()

    def test_the_fence_asks_for_as_long_as_it_may(self, scene: Scene) -> None:
        keeper = scene.holding(limit_seconds=600.0)
        scene.go_away()
        scene.clock.sleep(LEASE)
        scene.clock.at(400.0, scene.come_back)
        assert keeper.fence() == ()
        assert 400.0 <= scene.clock.elapsed <= 440.0
        assert scene.waits

    def test_it_is_lost_where_somebody_took_it_meanwhile(self, scene: Scene) -> None:
        keeper = scene.holding(limit_seconds=600.0)
        scene.go_away()
        scene.clock.sleep(LEASE)
        scene.registry.overwrite(written(core.evict(scene.document, "a", at="", note="Took over.")))
        scene.clock.at(200.0, scene.come_back)
        with pytest.raises(LockLost, match="Took over"):
            keeper.fence()

    def test_a_process_that_slept_between_question_and_answer_asks_again(self, scene: Scene) -> None:
        keeper = scene.holding(limit_seconds=600.0)
        scene.registry.swap_faults = [lambda: scene.clock.sleep(2 * LEASE)]
        assert keeper.fence() == ()
        held = scene.document.ticket("a")
        assert held is not None
        assert held.renewals == 2

    def test_another_step_of_the_job_knows_when_the_lock_was_confirmed(self, scene: Scene) -> None:
        first = scene.holding()
        scene.go_away()
        scene.clock.sleep(LEASE / 4)
        fields = {name: getattr(first.ticket, name) for name in ("epochs", "revision")}
        assert scene.keeper(scene.client(confirmed_at=first.confirmed_at, **fields)).fence() == ()
        with pytest.raises(LockUnconfirmed):
            scene.keeper(scene.client(**fields)).fence()


def test_a_limit_that_names_its_end_is_waited_for_at_the_fence(scene: Scene) -> None:
    keeper = scene.alone(limit_seconds=600.0)
    scene.registry.read_faults = [limited(100.0)]
    assert keeper.fence() == ()
    assert keeper.ticket.holding
    assert scene.clock.elapsed >= 100.0


def test_a_limit_longer_than_anybody_waits_keeps_the_fence_from_passing(scene: Scene) -> None:
    keeper = scene.alone(limit_seconds=600.0)
    scene.registry.read_faults = [limited(1800.0)]
    with pytest.raises(RegistryAway, match="asks to be left alone"):
        keeper.fence()


def test_an_older_state_at_the_fence_is_doubt_that_is_waited_out(scene: Scene) -> None:
    keeper = scene.holding()
    keeper.fence()
    held = core.request(Document(), Ticket("b", "id-b", ("prod",)), at="", enqueue_if_busy=True)
    assert held is not None
    scene.registry.overwrite(written(held))
    with pytest.raises(LockLost) as raised:
        keeper.fence()
    assert not isinstance(raised.value, LockUnconfirmed)
    assert scene.clock.elapsed >= LAG_SECONDS_MAX


def limited(seconds: float) -> Callable[[], None]:
    def limit() -> None:
        raise RegistryUnavailable("The rate limit is used up.", retry_seconds=seconds)

    return limit


def test_who_began_without_a_registry_joins_it_when_it_is_back(scene: Scene) -> None:
    keeper = scene.alone()
    scene.go_away()
    scene.watch(keeper, 3 * JOIN_SECONDS)
    assert scene.told == []
    scene.come_back()
    scene.watch(keeper, 2 * JOIN_SECONDS)
    assert scene.told == ["The registry answers again: this deployment holds the lock prod (epoch 1)."]
    assert keeper.ticket.holding
    assert not keeper.alone


def test_who_finds_somebody_else_there_says_so_once_and_takes_the_lock_after_them(scene: Scene) -> None:
    other = scene.somebody_else()
    keeper = scene.alone()
    scene.watch(keeper, 3 * JOIN_SECONDS)
    (sentence,) = scene.told
    assert "deployment id-b has the lock meanwhile" in sentence
    assert keeper.alone
    assert other.release(outcome="succeeded")
    scene.watch(keeper, 2 * JOIN_SECONDS)
    assert keeper.ticket.epoch == 2
    assert len(scene.told) == 2


def test_before_anything_is_changed_it_queues_behind_somebody_else(scene: Scene) -> None:
    other = scene.somebody_else()
    keeper = scene.alone()
    scene.clock.at(40.0, lambda: other.release(outcome="timed-out", settling=("r/one",)))
    assert keeper.fence() == ("r/one",)
    assert 40.0 <= scene.clock.elapsed <= 46.0
    assert not keeper.alone


def test_what_settles_is_waited_for_also_by_one_that_joined_while_it_prepared(scene: Scene) -> None:
    scene.somebody_else().release(outcome="timed-out", settling=("r/one",))
    keeper = scene.alone()
    scene.watch(keeper, 2 * JOIN_SECONDS)
    assert keeper.ticket.holding
    assert keeper.fence() == ("r/one",)
    keeper.settled(("r/one",))
    assert keeper.fence() == ()


def test_a_queue_that_takes_too_long_keeps_it_from_changing_anything(scene: Scene) -> None:
    other = scene.somebody_else()
    for time in range(20, 700, 20):
        scene.clock.at(time, other.renew)
    with pytest.raises(Busy):
        scene.alone().fence()
    assert [ticket.nonce for ticket in scene.document.tickets] == ["b"]


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER])
def test_a_fence_in_a_registry_that_is_back_takes_the_lock(scene: Scene, fault: str) -> None:
    scene.registry.swap_faults = [fault]
    keeper = scene.alone()
    assert keeper.fence() == ()
    assert keeper.ticket.epoch == scene.document.locks["prod"].epoch == 1


def test_a_fence_where_the_registry_still_refuses_lets_the_deployment_go_on(scene: Scene) -> None:
    scene.registry.swap_faults = [REFUSED] * 10
    keeper = scene.alone()
    assert keeper.fence() == ()
    assert keeper.alone
    with pytest.raises(RegistryForbidden):
        scene.client("c").acquire(wait=False, timeout_seconds=0.0, tell=lambda waiting: None)


def test_a_watch_that_was_restarted_renews_at_once(scene: Scene) -> None:
    first = scene.holding()
    ticket = first.ticket
    for _ in range(4):
        scene.clock.sleep(LEASE / 2 - 2.0)
        scene.keeper(scene.client(**{name: getattr(ticket, name) for name in ("epochs", "revision")})).keep()
    held = scene.document.ticket("a")
    assert held is not None
    assert held.renewals == 4


def test_one_that_joined_for_several_locks_is_not_passed_over_while_it_deploys(scene: Scene) -> None:
    other = scene.somebody_else()
    keeper = scene.keeper(scene.client(locks=("prod", "test")), alone=True)
    scene.watch(keeper, 2 * JOIN_SECONDS)
    before = scene.document.ticket("a")
    assert before is not None
    scene.watch(keeper, 2 * JOIN_SECONDS)
    after = scene.document.ticket("a")
    assert after is not None
    assert after.renewals > before.renewals
    other.release(outcome="succeeded")


def test_a_full_queue_ends_nothing_that_runs(scene: Scene) -> None:
    full = tuple(Ticket(str(number), "x", ("other",)) for number in range(QUEUE_MAX))
    scene.registry.overwrite(written(Document(tickets=full)))
    keeper = scene.alone()
    scene.watch(keeper, 3 * JOIN_SECONDS)
    assert keeper.alone
    with pytest.raises(Busy, match="queue is full"):
        keeper.fence()


def test_one_that_was_superseded_meanwhile_changes_nothing_any_more(scene: Scene) -> None:
    ticket = scene.client(policy=QueuePolicy.NEWEST).ticket
    gone = core.finish(Document(), ticket, outcome=core.SKIPPED, at="", note="Superseded by id-z.")
    scene.registry.overwrite(written(gone))
    with pytest.raises(Superseded, match="by id-z"):
        scene.alone(QueuePolicy.NEWEST).fence()


def test_a_join_that_landed_before_a_takeover_does_not_hold_after_it(scene: Scene) -> None:
    def taken_over() -> None:
        scene.registry.overwrite(written(core.evict(scene.document, "a", at="", note="Took over.")))

    scene.registry.swap_faults = [LOST_ANSWER]
    scene.registry.read_faults = [0, taken_over]
    with pytest.raises(LockLost):
        scene.alone().fence()


def test_a_holder_whose_token_dies_says_who_waits_and_for_how_long(scene: Scene) -> None:
    def refusal() -> None:
        raise RegistryForbidden("The token is not accepted (401).")

    keeper = scene.holding()
    scene.client("b").join()
    scene.client("c").join()
    scene.watch(keeper, LEASE)
    scene.registry.read_faults = [refusal] * 1000
    scene.watch(keeper, LEASE)
    (told,) = scene.told
    assert "can neither be renewed nor given back: The token is not accepted (401)." in told
    assert "id-b, id-c waited for it. " in told
    assert "1m00s after its last sign of life" in told
    assert "`deploy-coordinator release prod --force --reason ...`" in told
    assert "must outlive the wait" in told


def test_who_deploys_already_supersedes_nobody_by_joining(scene: Scene) -> None:
    scene.somebody_else()
    waiting = scene.client("c", policy=QueuePolicy.NEWEST)
    waiting.join()
    scene.watch(scene.alone(policy=QueuePolicy.NEWEST), 2 * JOIN_SECONDS)
    assert [ticket.nonce for ticket in scene.document.tickets] == ["b", "c", "a"]


def written(document: Document) -> bytes:
    return encode(document.with_operation("by hand"))


class TestTheDocumentIsDeleted:
    """By somebody, while deployments hold and wait."""

    def delete(self, scene: Scene) -> None:
        scene.registry.written.append(None)

    def freeze(self, scene: Scene, name: str) -> None:
        frozen = operators.freeze(scene.document, (name,), by="ann", reason="month end", at="")
        scene.registry.overwrite(written(frozen))

    def test_the_holder_writes_itself_back_at_its_next_renewal(self, scene: Scene) -> None:
        keeper = scene.holding()
        scene.watch(keeper, LEASE)
        self.delete(scene)
        scene.watch(keeper, LEASE / 2 + 5.0)
        assert scene.document.tickets[0].epochs == (("prod", 1),)
        scene.watch(keeper, 4 * LEASE)
        keeper.fence()
        (sentence,) = scene.told
        assert "Somebody deleted the registry while it was in use: memory was gone." in sentence
        assert not keeper.alone

    def test_a_short_deployment_that_never_renews_tells_it_at_its_end(self, scene: Scene) -> None:
        keeper = scene.holding()
        keeper.fence()
        self.delete(scene)
        keeper.confirm()
        (sentence,) = scene.told
        assert "Somebody deleted the registry while it was in use: memory was gone." in sentence

    def test_freezes_that_were_seen_lie_there_again(self, scene: Scene) -> None:
        keeper = scene.holding()
        self.freeze(scene, "shop")
        keeper.fence()
        self.delete(scene)
        keeper.fence()
        freeze = scene.document.locks["shop"].freeze
        assert freeze is not None
        assert freeze.by == "ann"
        assert 'Frozen again, as it was: shop (by ann since : "month end")' in scene.told[0]

    def test_freezes_that_somebody_elses_document_lacks_are_told(self, scene: Scene) -> None:
        keeper = scene.holding()
        self.freeze(scene, "shop")
        keeper.fence()
        scene.registry.overwrite(written(Document()))
        keeper.fence()
        assert "Somebody put an older state of the registry back" in scene.told[0]
        assert (
            'These freezes were lost, so set them again: shop (by ann since : "month end")' in scene.told[0]
        )

    def test_a_waiter_gives_the_holder_time_to_come_back(self, scene: Scene) -> None:
        keeper = scene.holding(lease_seconds=4 * LAG_SECONDS_MAX)
        waiter, told = scene.client("b"), list[str]()
        at = 10.0
        while at < 900.0:
            scene.clock.at(at, keeper.keep)
            at += 5.0
        scene.clock.at(20.0, lambda: self.delete(scene))
        scene.clock.at(850.0, lambda: keeper.let_go("id-a"))

        grant = waiter.acquire(
            wait=True, timeout_seconds=2000.0, tell=lambda waiting: told.extend(waiting.remarks)
        )
        assert grant.queue_seconds >= 850.0
        assert grant.ticket.epoch == 2
        assert "The registry is gone: memory was there before." in told

    def test_after_the_holders_lease_the_waiter_goes_on(self, scene: Scene) -> None:
        scene.holding(lease_seconds=300.0)
        waiter = scene.client("b")
        scene.clock.at(20.0, lambda: self.delete(scene))
        grant = waiter.acquire(wait=True, timeout_seconds=2000.0, tell=lambda waiting: None)
        assert 300.0 <= grant.queue_seconds <= 340.0
        assert grant.ticket.epoch == 2

    def test_a_freeze_that_a_waiter_had_seen_keeps_it_waiting(self, scene: Scene) -> None:
        self.freeze(scene, "prod")
        waiter = scene.client("b")
        scene.clock.at(20.0, lambda: self.delete(scene))
        with pytest.raises(Busy, match="frozen"):
            waiter.acquire(wait=True, timeout_seconds=600.0, tell=lambda waiting: None)

    def test_who_may_have_been_taken_over_does_not_write_itself_back(self, scene: Scene) -> None:
        keeper = scene.holding()
        scene.clock.sleep(LEASE)
        self.delete(scene)
        with pytest.raises(LockLost):
            keeper.fence()

    def test_the_end_leaves_its_line_and_epoch_behind(self, scene: Scene) -> None:
        keeper = scene.holding()
        self.delete(scene)
        keeper.let_go("id-a")
        assert scene.document.tickets == ()
        assert scene.document.locks["prod"].epoch == 1
        assert [line.outcome for line in scene.document.finished] == ["withdrawn"]
