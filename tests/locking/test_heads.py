"""A waiter reads a few bytes in place of the document, and nobody's turn depends on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryUnavailable
from deploy_action.locking import heads
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Document, QueuePolicy, Ticket
from deploy_action.locking.expiry import CLAIM_SECONDS
from deploy_action.locking.heads import READ_SECONDS, changed_heads, heads_of, nothing_new, watched
from deploy_action.locking.ports import NO_FILES, Snapshot
from tests.locking.memory_registry import MemoryRegistry
from tests.locking.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

POLL = 5.0


class WithHeads:
    """`ports.Registry` on one that others share; `heads` False: as a version without them sees it."""

    location, advice = "memory", ""

    def __init__(self, memory: MemoryRegistry, kept: dict[str, bytes], *, heads: bool = True) -> None:
        self.memory, self.kept, self.heads = memory, kept, heads
        self.reads = self.looks = 0
        self.away: list[str] = []

    def read(self) -> Snapshot:
        self.reads += 1
        return self.memory.read()

    def read_file(self, name: str, version: str) -> bytes | None:
        return self.memory.read_file(name, version)

    def read_head(self, name: str) -> bytes | None:
        self.looks += 1
        if self.away:
            raise RegistryUnavailable(self.away.pop())
        return self.kept.get(name)

    def swap(
        self, document: bytes, version: str, *, message: str, files: Mapping[str, bytes] = NO_FILES
    ) -> str:
        done = self.memory.swap(document, version, message=message)
        self.kept.update(files)
        return done


class Play:
    """Who held `prod`, since when and until when, in seconds of one stage."""

    def __init__(self) -> None:
        self.stage, self.memory, self.kept = Stage(), MemoryRegistry(), dict[str, bytes]()
        self.held: list[tuple[str, float, float]] = []

    def registry(self, *, heads: bool = True) -> WithHeads:
        return WithHeads(self.memory, self.kept, heads=heads)

    def deploy(
        self, nonce: str, *locks: str, at: float, seconds: float, heads: bool = True, stack: str = ""
    ) -> WithHeads:
        registry = self.registry(heads=heads)
        ticket = Ticket(
            nonce, f"id-{nonce}", locks or ("prod",), (stack or f"eu-west-1/{nonce}",), account="1" * 12,
            lease_seconds=300.0,
        )  # fmt: skip
        client = LockClient(
            registry, self.stage, ticket, stacks_in_progress=lambda _texts: [], poll_seconds=POLL
        )

        def live() -> None:
            client.acquire(wait=True, timeout_seconds=7200.0, tell=lambda _waiting: None)
            began = self.stage.monotonic()
            for _ in range(int(seconds // 50)):
                self.stage.sleep(50.0)
                client.renew()
            self.stage.sleep(seconds % 50)
            self.held.append((nonce, began, self.stage.monotonic()))
            client.release(outcome="succeeded")

        self.stage.enter(at, live)
        return registry

    def run(self) -> None:
        self.stage.run(patience=60.0)
        for (_, _, end), (_, begin, _) in zip(self.held, self.held[1:], strict=False):
            assert begin >= end

    def pauses(self) -> list[float]:
        return [begin - end for (_, _, end), (_, begin, _) in zip(self.held, self.held[1:], strict=False)]


def test_a_waiter_reads_the_document_once_a_minute_and_takes_its_turn_at_the_next_look() -> None:
    play = Play()
    play.deploy("a", at=0.0, seconds=600.0)
    waiter = play.deploy("b", at=1.0, seconds=10.0)
    play.run()
    # Without heads: 120 reads, one each five seconds.
    assert waiter.reads <= 600 / READ_SECONDS + 8
    assert waiter.looks >= 100
    assert play.pauses() == [pytest.approx(0.0, abs=POLL + 0.1)]


def test_foreign_deployments_cost_a_waiter_nothing() -> None:
    reads = []
    for foreign in (0, 20):
        play = Play()
        play.deploy("a", at=0.0, seconds=600.0)
        waiter = play.deploy("b", at=1.0, seconds=10.0)
        held = play.held
        for number in range(foreign):
            play.deploy(f"f{number}", f"other-{number}", at=20.0 + 25 * number, seconds=15.0)
        play.stage.run(patience=60.0)
        assert [name for name, _, _ in held if name in "ab"] == ["a", "b"]
        reads.append(waiter.reads)
    assert reads[1] <= reads[0] + 2


def test_a_version_without_heads_costs_a_minute_and_nobody_overlaps() -> None:
    play = Play()
    for number in range(6):
        play.deploy(f"n{number}", at=float(number), seconds=40.0, heads=number % 2 == 0)
    play.run()
    assert [name for name, _, _ in play.held] == [f"n{number}" for number in range(6)]
    assert max(play.pauses()) <= READ_SECONDS + 2 * POLL


def test_a_release_that_writes_no_head_is_seen_within_a_minute() -> None:
    play = Play()
    play.deploy("a", at=0.0, seconds=100.0, heads=False)
    play.deploy("b", at=1.0, seconds=10.0)
    play.run()
    assert play.pauses()[0] <= READ_SECONDS + 2 * POLL


@pytest.mark.parametrize("spoil", [b"", b"{half", b"[]", b"null", b'{"prod": 5}', b"\xff" * 40])
def test_a_head_that_says_anything_grants_nothing_and_stops_nobody(spoil: bytes) -> None:
    play = Play()

    def spoiling() -> None:
        for _ in range(20):
            play.stage.sleep(3.0)
            for name in play.kept:
                play.kept[name] = spoil

    play.stage.enter(2.0, spoiling)
    for number in range(3):
        play.deploy(f"n{number}", at=float(number), seconds=30.0)
    play.run()
    assert len(play.held) == 3
    assert max(play.pauses()) <= READ_SECONDS + 2 * POLL


def test_where_heads_cannot_be_read_the_document_is() -> None:
    play = Play()
    play.deploy("a", at=0.0, seconds=50.0)
    waiter = play.deploy("b", at=1.0, seconds=10.0)
    waiter.away = ["no answer"] * 1000
    play.run()
    assert waiter.reads >= 10
    assert play.pauses()[0] <= POLL + 0.1


def test_the_release_of_a_stack_under_another_lock_is_heard_of() -> None:
    play = Play()
    play.deploy("a", "left", at=0.0, seconds=100.0, stack="eu-west-1/shop")
    play.deploy("b", "right", at=1.0, seconds=10.0, stack="eu-west-1/shop")
    play.run()
    assert play.pauses()[0] <= POLL + 0.1


def document(*tickets: Ticket, operations: tuple[str, ...] = ("h1",)) -> Document:
    return Document(tickets=tickets, operations=operations)


def ticket(nonce: str, *locks: str, holding: bool = False, **more: object) -> Ticket:
    epochs = tuple((name, 1) for name in locks or ("prod",)) if holding else ()
    made = Ticket(
        nonce, nonce, locks or ("prod",), (f"eu-west-1/{nonce}",), epochs=epochs, lease_seconds=300.0
    )
    return replace(made, **more)  # type: ignore[arg-type]


QUEUE = (ticket("holder", holding=True), *(ticket(f"w{number}") for number in range(20)))


def is_news(before: Document, after: Document, own: Ticket) -> bool:
    names = watched(before, own)
    now = heads_of(before) | changed_heads(before, after)
    return not nothing_new(before, own, {name: now.get(name) for name in names})


class TestNews:
    def test_a_renewal_is_none(self) -> None:
        renewed = document(replace(QUEUE[0], renewals=7), *QUEUE[1:])
        assert changed_heads(document(*QUEUE), renewed) == {}

    @pytest.mark.parametrize("place", [1, 2, 3])
    def test_a_release_is_for_those_in_front(self, place: int) -> None:
        assert is_news(document(*QUEUE), document(*QUEUE[1:]), QUEUE[place])

    def test_a_grant_to_who_stands_ahead_is_none_for_those_far_behind(self) -> None:
        after = document(replace(QUEUE[1], epochs=(("prod", 2),)), *QUEUE[2:])
        assert not is_news(document(*QUEUE), after, QUEUE[9])

    def test_a_lock_that_becomes_free_is_for_everybody(self) -> None:
        """All that are next may be gone."""
        free = document(*QUEUE[1:])
        assert is_news(document(*QUEUE), free, QUEUE[9])
        assert is_news(free, document(replace(QUEUE[1], epochs=(("prod", 2),)), *QUEUE[2:]), QUEUE[9])

    @pytest.mark.parametrize("who", [QUEUE[12], ticket("stranger")])
    def test_who_passed_is_not_behind_any_more(self, who: Ticket) -> None:
        """Somebody was promoted, or came with a high priority."""
        held = replace(who, epochs=(("prod", 2),))
        after = document(held, *(one for one in QUEUE[1:] if one.nonce != who.nonce))
        assert is_news(document(*QUEUE), after, QUEUE[9])

    def test_who_comes_to_the_front_is_told(self) -> None:
        assert is_news(document(*QUEUE), document(*QUEUE[7:]), QUEUE[9])

    def test_a_waiter_that_only_the_newest_may_be_hears_all(self) -> None:
        own = replace(QUEUE[9], policy=QueuePolicy.NEWEST)
        before = document(*QUEUE[:9], own, *QUEUE[10:])
        assert is_news(before, document(*before.tickets[1:]), own)

    def test_a_reader_hears_all_since_many_may_hold_at_once(self) -> None:
        own = replace(QUEUE[9], shared=("prod",))
        before = document(*QUEUE[:9], own, *QUEUE[10:])
        assert is_news(before, document(*before.tickets[1:]), own)

    def test_a_lock_of_the_own_run_is_heard_of(self) -> None:
        own = replace(QUEUE[9], run_id="7")
        before = document(*QUEUE[:9], own)
        lent = ticket("lender", holding=True, run_id="7")
        assert is_news(before, document(lent, *QUEUE[1:9], own), own)

    def test_the_document_is_read_seldom_only_far_behind_among_those_who_write_heads(self) -> None:
        assert heads.read_seconds(document(*QUEUE), QUEUE[20]) == heads.READ_SECONDS_FAR
        assert heads.read_seconds(document(*QUEUE), QUEUE[3]) == READ_SECONDS
        assert heads.read_seconds(document(*QUEUE, operations=("h1", "0a")), QUEUE[20]) == READ_SECONDS

    def test_where_nobody_holds_the_lock_the_document_is_read_by_all(self) -> None:
        assert heads.read_seconds(document(*QUEUE[1:]), QUEUE[20]) == READ_SECONDS
        assert heads.read_seconds(document(*QUEUE[1:]), QUEUE[20], one_write=True) == READ_SECONDS

    def test_in_a_store_that_writes_both_at_once_all_but_the_front_read_seldom(self) -> None:
        assert heads.read_seconds(document(*QUEUE), QUEUE[4], one_write=True) == 300.0
        assert heads.read_seconds(document(*QUEUE), QUEUE[3], one_write=True) == READ_SECONDS
        old = document(*QUEUE, operations=("h1", "0a"))
        assert heads.read_seconds(old, QUEUE[20], one_write=True) == READ_SECONDS

    def test_a_holder_with_a_short_lease_is_looked_after(self) -> None:
        short = document(replace(QUEUE[0], lease_seconds=60.0), *QUEUE[1:])
        assert heads.read_seconds(short, QUEUE[1]) == 15.0

    def test_who_has_more_heads_to_watch_than_a_document_costs_reads_the_document(self) -> None:
        own = ticket("many", *(f"lock-{number}" for number in range(40)))
        assert watched(document(own), own) == frozenset()
        assert watched(document(), own) == frozenset()


def test_the_document_is_read_more_often_than_a_free_lock_is_kept() -> None:
    assert READ_SECONDS * 2 <= CLAIM_SECONDS
