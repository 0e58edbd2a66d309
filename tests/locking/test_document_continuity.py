"""One registry document is told from another in its place, whatever its revision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.errors import Busy, LockLost
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import Document, Lock, Ticket
from deploy_action.locking.grant import Grant
from tests.clock import VirtualClock
from tests.locking.memory_registry import LOST_ANSWER, MemoryRegistry

LEASE = 300.0


class Place:
    """A registry, and those who use it."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.clock = VirtualClock()

    @property
    def document(self) -> Document:
        return self.registry.document

    def client(self, nonce: str, *locks: str, generation: str = "", **fields: object) -> LockClient:
        ticket = Ticket(
            nonce, f"id-{nonce}", locks or ("prod",), (f"eu-west-1/{nonce}",), lease_seconds=LEASE
        )
        return LockClient(
            self.registry,
            self.clock,
            replace(ticket, account="111122223333", **fields),  # type: ignore[arg-type]
            stacks_in_progress=lambda stacks: [],
            poll_seconds=5.0,
            seen_generation=generation,
        )

    def hold(self, nonce: str, *locks: str) -> LockClient:
        client = self.client(nonce, *locks)
        client.acquire(wait=False, timeout_seconds=0.0, tell=lambda waiting: None)
        return client

    def come_and_go(self, nonce: str, *locks: str, times: int = 1) -> None:
        """Somebody who never saw what was there before."""
        for number in range(times):
            self.hold(f"{nonce}{number}", *locks).release(outcome="succeeded")


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_document_is_named_by_the_write_that_began_it(place: Place) -> None:
    place.come_and_go("x")
    name = place.document.generation
    assert name == place.document.operations[0]
    place.come_and_go("y", times=3)
    assert place.document.generation == name
    place.registry.overwrite(None)
    place.come_and_go("z")
    assert place.document.generation not in {"", name}


def test_one_that_an_earlier_version_wrote_is_named_at_the_next_write(place: Place) -> None:
    nameless = replace(Document(locks={"prod": Lock(epoch=4)}, revision=9), generation="")
    place.registry.overwrite(encode(nameless))
    assert decode(encode(nameless)) == nameless
    assert b"generation" not in encode(nameless)
    waiter = place.client("b")
    place.hold("a")
    assert waiter.join() is not None
    assert place.document.generation != ""
    assert place.document.revision == 11


def test_a_waiter_gives_the_holder_time_although_the_new_document_has_as_many_writes(place: Place) -> None:
    holder, waiter = place.hold("a"), place.client("b")
    seen = place.document.revision

    def replaced() -> None:
        place.registry.overwrite(None)
        place.come_and_go("x", "elsewhere", times=4)
        assert place.document.revision > seen + 1

    place.clock.at(20.0, replaced)
    for at in range(100, 900, 100):
        place.clock.at(float(at), holder.renew)
    place.clock.at(900.0, lambda: holder.release(outcome="succeeded"))
    grant = waiter.acquire(wait=True, timeout_seconds=2000.0, tell=lambda waiting: None)
    assert grant.queue_seconds >= 900.0
    assert grant.ticket.epoch == 2


def test_an_own_beginning_whose_answer_was_lost_is_no_other_document(place: Place) -> None:
    place.hold("a").release(outcome="succeeded")
    client = place.client("b")
    client.find()
    place.registry.overwrite(None)
    place.registry.swap_faults = [LOST_ANSWER]
    grant = client.acquire(wait=True, timeout_seconds=2000.0, tell=lambda waiting: None)
    assert grant.ticket.epoch == 2
    assert place.registry.swap_faults == []
    assert 90.0 <= place.clock.elapsed <= 130.0


def test_who_is_not_the_first_to_come_back_is_waited_for_too(place: Place) -> None:
    first, second, waiter = place.hold("a", "one"), place.hold("c", "two"), place.client("b", "two")
    first.renew()
    second.renew()
    place.clock.at(20.0, lambda: place.registry.overwrite(None))
    place.clock.at(21.0, first.renew)
    for at in range(100, 900, 100):
        place.clock.at(float(at), second.renew)
    place.clock.at(900.0, lambda: second.release(outcome="succeeded"))
    grant = waiter.acquire(wait=True, timeout_seconds=2000.0, tell=lambda waiting: None)
    assert grant.queue_seconds >= 900.0
    assert grant.ticket.epoch == 2
    assert place.document.ticket("a") is not None


def test_an_older_state_that_somebody_wrote_on_is_another_document(place: Place) -> None:
    other = place.hold("a", "one")
    older = place.registry.read().document
    holder, waiter = place.hold("c", "two"), place.client("b", "two")
    other.renew()

    def restored() -> None:
        place.registry.overwrite(older)
        place.clock.sleep(1.0)
        other.renew()

    assert not isinstance(waiter.join(), Grant)
    seen = place.document.generation
    restored()
    assert place.document.generation != seen
    place.clock.at(50.0, holder.renew)
    with pytest.raises(Busy):
        waiter.acquire(wait=True, timeout_seconds=200.0, tell=lambda waiting: None)
    assert place.document.ticket("c") is not None


def test_a_holder_does_not_come_back_where_a_stranger_held_the_lock_since(place: Place) -> None:
    place.come_and_go("x", times=6)
    holder = place.hold("a")
    assert holder.ticket.epoch == 7
    place.registry.overwrite(None)
    place.come_and_go("y")
    assert place.document.locks["prod"].epoch == 1
    with pytest.raises(LockLost):
        holder.renew(patience_seconds=200.0)


def test_a_waiter_that_only_came_and_went_keeps_no_holder_out(place: Place) -> None:
    holder = place.hold("a")
    older = place.registry.read().document
    holder.renew()
    place.registry.overwrite(older)
    waiter = place.client("w")
    waiter.join()
    waiter.release(outcome="withdrawn")
    holder.renew()
    assert place.document.ticket("a") is not None


def test_a_later_step_knows_which_document_it_was(place: Place) -> None:
    holder = place.hold("a")
    waiter = place.client("b")
    waiter.join()
    later = place.client("b", generation=waiter.generation, revision=waiter.ticket.revision)
    place.registry.overwrite(None)
    place.come_and_go("x", "elsewhere", times=4)
    place.clock.at(60.0, holder.renew)
    with pytest.raises(Busy):
        later.acquire(wait=True, timeout_seconds=200.0, tell=lambda waiting: None)
    assert later.generation == place.document.generation
