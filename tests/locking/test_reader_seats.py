"""Readers in the registry document, as it is worked with and as an earlier version finds it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deploy_action.errors import RegistryUnreadable
from deploy_action.locking import transitions as core
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import Document, Lock, Ticket
from deploy_action.locking.reader_seats import with_seats
from tests.locking.test_transitions import AT, queue, reader, ticket


def as_an_earlier_version_reads(document: Document) -> Document:
    """It knows no readers, and compares names as `lock_key` does."""
    stored = with_seats(document)
    return replace(stored, tickets=tuple(replace(one, shared=()) for one in stored.tickets))


def earlier_version_accepts(content: bytes) -> bool:
    """Its checks: each name is held once, under the epoch that the lock of that name counts."""
    data = json.loads(content)
    held = [(name, epoch) for one in data["tickets"] for name, epoch in one["epochs"].items()]
    whole = all(set(one["epochs"]) in (set(), set(one["locks"])) for one in data["tickets"])
    counted = all(data["locks"][name]["epoch"] == epoch for name, epoch in held)
    return whole and counted and len({name for name, _ in held}) == len(held)


THREE = queue(reader("r1", "web"), reader("r2", "shop"), ticket("w", "network"), reader("r3"))


def test_readers_come_back_as_they_were() -> None:
    assert decode(encode(THREE)) == THREE


def test_an_earlier_version_can_read_a_document_with_several_readers() -> None:
    assert earlier_version_accepts(encode(THREE))


def test_an_earlier_version_waits_for_every_reader() -> None:
    document = as_an_earlier_version_reads(THREE)
    newcomer = ticket("old", "network")
    assert {one.nonce for one in core.ahead_of(document, newcomer) if one.holding} == {"r1", "r2"}
    for nonce in ("r1", "r2", "w", "r3"):
        assert core.request(document, newcomer, at=AT, enqueue_if_busy=False) is None
        document = document.without(nonce)
    granted = core.request(document, newcomer, at=AT, enqueue_if_busy=False)
    assert granted is not None
    assert granted.tickets[-1].epochs == (("network", 3),)  # above those of both readers


def test_an_earlier_version_takes_no_reader_that_waits_for_one_that_could_hold() -> None:
    """It evicts a waiter that leaves a free lock alone: a reader may take whatever is free to its eyes."""
    document = as_an_earlier_version_reads(THREE)
    free = [one.nonce for one in document.tickets if not one.holding and not core.ahead_of(document, one)]
    assert free == []


def test_the_lock_is_found_by_its_latest_epoch_where_an_earlier_version_dropped_its_name() -> None:
    document = as_an_earlier_version_reads(queue(reader("r1"), reader("r2")))
    left = {name: document.locks[name] for name in sorted(document.locks) if name != "network"}
    assert replace(document, locks=left).lock("network").epoch == 2


def test_what_an_earlier_version_writes_to_a_seat_belongs_to_the_lock() -> None:
    stored = as_an_earlier_version_reads(queue(reader("r1"), reader("r2")))
    evicted = core.evict(stored, "r2", at=AT, note="gone")
    settling = core.leave_settling(evicted, held_by(evicted, "r1"), ("eu-west-1/app",))
    found = decode(encode(settling))
    assert found.locks == {"network": Lock(epoch=2, settling=("eu-west-1/app",))}
    assert found.finished[0].locks == ("network",)


def held_by(document: Document, nonce: str) -> Ticket:
    found = document.ticket(nonce)
    assert found is not None
    return found


def test_seats_leave_the_document_with_their_readers() -> None:
    document = core.evict(queue(reader("r1"), reader("r2")), "r1", at=AT, note="gone")
    assert sorted(json.loads(encode(document))["locks"]) == ["network", "network "]


def test_a_ticket_with_one_lock_twice_is_no_document() -> None:
    damaged = encode(Document(locks={"a": Lock()}, tickets=(Ticket("n", "id", ("a", "a ")),)))
    with pytest.raises(RegistryUnreadable):
        decode(damaged)
