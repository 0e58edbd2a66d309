"""What every registry store must do, shown for each of them with its real client over real connections."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import (
    Busy,
    RegistryConflict,
    RegistryError,
    RegistryForbidden,
    RegistryUnavailable,
    RegistryUnreadable,
)
from deploy_action.history import document as history
from deploy_action.locking import codec as lock_codec
from deploy_action.locking.client import LockClient
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.compare_and_swap import BYTES_MAX
from deploy_action.locking.document import QUEUE_MAX, Document, Ticket
from deploy_action.locking.held_lock import HeldLock
from deploy_action.locking.ports import DOCUMENT_BYTES_MAX
from deploy_action.slack import retry_queue as leftovers

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.locking.grant import Grant
    from tests.contract.places import Place
from tests.clock import VirtualClock

FAILURES = pytest.mark.parametrize("kind", ["drop", "status"])


def write(place: Place, document: bytes) -> str:
    registry = place.open()
    return registry.swap(document, registry.read().version, message="test")


def test_an_unwritten_place_reads_as_no_document(place: Place) -> None:
    registry = place.open()
    assert registry.read().document is None
    assert registry.read() == place.open().read()


def test_the_first_swap_creates_the_document(place: Place) -> None:
    registry = place.open()
    version = registry.swap(b"{}", registry.read().version, message="first")
    assert registry.read().document == b"{}"
    assert registry.read().version == version


def test_each_swap_gives_a_new_version(place: Place) -> None:
    registry = place.open()
    versions = [registry.read().version]
    for number in range(3):
        versions.append(registry.swap(b"document %d" % number, versions[-1], message="next"))
    assert len(set(versions)) == 4
    assert registry.read().document == b"document 2"


def test_stores_on_one_place_see_each_other(place: Place) -> None:
    one, other = place.open(), place.open()
    other.read()
    version = one.swap(b"one", one.read().version, message="one")
    assert (other.read().document, other.read().version) == (b"one", version)
    other.swap(b"other", version, message="other")
    assert one.read().document == b"other"


def test_a_stale_swap_conflicts_and_changes_nothing(place: Place) -> None:
    old = write(place, b"old")
    new = write(place, b"new")
    with pytest.raises(RegistryConflict):
        place.open().swap(b"stale", old, message="stale")
    after = place.open().read()
    assert (after.document, after.version) == (b"new", new)


def test_creating_what_exists_conflicts_and_changes_nothing(place: Place) -> None:
    empty = place.open().read()
    write(place, b"there")
    with pytest.raises(RegistryConflict):
        place.open().swap(b"again", empty.version, message="create")
    assert place.open().read().document == b"there"


def test_after_a_conflict_the_same_store_reads_the_truth(place: Place) -> None:
    registry = place.open()
    seen = registry.read()
    version = write(place, b"theirs")
    with pytest.raises(RegistryConflict):
        registry.swap(b"ours", seen.version, message="late")
    assert registry.read().version == version
    registry.swap(b"ours", version, message="again")
    assert place.open().read().document == b"ours"


@pytest.mark.parametrize(
    "document",
    ['{"stack":"größe-日本-🚀"}'.encode(), b"\x00\xff\r\n not text", b"x" * 390_000],
    ids=["unicode", "bytes", "large"],
)
def test_documents_come_back_byte_for_byte(place: Place, document: bytes) -> None:
    write(place, b"{}")
    write(place, document)
    assert place.open().read().document == document


@pytest.mark.parametrize("exists", [False, True], ids=["creating", "updating"])
def test_of_many_writers_exactly_one_wins(place: Place, exists: bool) -> None:
    version = write(place, b"{}") if exists else place.open().read().version
    registries = [place.open() for _ in range(8)]
    start = threading.Barrier(len(registries))
    won: list[bytes] = []
    lost: list[bytes] = []

    def compete(number: int) -> None:
        document = b"writer %d" % number
        start.wait()
        try:
            registries[number].swap(document, version, message=f"writer {number}")
            won.append(document)
        except (RegistryConflict, RegistryUnavailable):
            lost.append(document)

    threads = [threading.Thread(target=compete, args=(number,)) for number in range(len(registries))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 7)
    assert place.open().read().document == won[0]


@FAILURES
@pytest.mark.parametrize("exists", [False, True], ids=["creating", "updating"])
def test_a_write_whose_answer_is_lost_is_told_as_unknown(place: Place, kind: str, exists: bool) -> None:
    version = write(place, b"before") if exists else place.open().read().version
    registry = place.open()
    registry.read()
    place.lose_next_answer(kind)
    with pytest.raises(RegistryUnavailable):
        registry.swap(b"written", version, message="lost")
    assert registry.read().document == b"written"


@FAILURES
def test_a_write_that_fails_before_it_takes_effect_is_told_as_unknown(place: Place, kind: str) -> None:
    version = write(place, b"before")
    registry = place.open()
    place.fail_next_write(kind)
    with pytest.raises(RegistryUnavailable):
        registry.swap(b"never", version, message="fails")
    after = place.open().read()
    assert (after.document, after.version) == (b"before", version)


def test_a_read_that_fails_says_that_trying_again_may_help(place: Place) -> None:
    write(place, b"{}")
    place.fail_next_read()
    with pytest.raises(RegistryUnavailable):
        place.open().read()


def test_what_is_forbidden_says_what_to_do(place: Place) -> None:
    write(place, b"before")
    registry = place.forbidden()
    with pytest.raises(RegistryForbidden) as caught:
        registry.swap(b"after", registry.read().version, message="forbidden")
    assert caught.value.remedy
    assert caught.value.why
    assert place.open().read().document == b"before"


def swap_with(place: Place, document: bytes, **files: bytes) -> str:
    registry = place.open()
    named = {f"{name}.json": content for name, content in files.items()}
    return registry.swap(document, registry.read().version, message="test", files=named)


def files_at(place: Place, version: str, *names: str) -> list[bytes | None]:
    """As a store sees them that has not read the document, and as one that has."""
    fresh, informed = place.open(), place.open()
    informed.read()
    found = [fresh.read_file(f"{name}.json", version) for name in names]
    assert found == [informed.read_file(f"{name}.json", version) for name in names]
    return found


def test_a_file_that_was_never_written_is_none(place: Place) -> None:
    assert files_at(place, place.open().read().version, "a") == [None]
    assert files_at(place, write(place, b"1"), "a") == [None]
    assert files_at(place, swap_with(place, b"2", b=b"other"), "a") == [None]


def test_files_appear_with_the_swap(place: Place) -> None:
    version = swap_with(place, b"1", a=b"first", b=b"\x00\xff\r\n")
    assert files_at(place, version, "a", "b") == [b"first", b"\x00\xff\r\n"]
    assert place.open().read().document == b"1"
    version = swap_with(place, b"2", a=b"second")
    assert files_at(place, version, "a", "b") == [b"second", b"\x00\xff\r\n"]


def test_files_survive_swaps_without_any(place: Place) -> None:
    swap_with(place, b"1", a=b"kept")
    write(place, b"2")
    registry = place.open()
    version = registry.swap(b"3", registry.read().version, message="m")
    version = registry.swap(b"4", version, message="m")
    assert files_at(place, version, "a") == [b"kept"]
    assert files_at(place, place.open().swap(b"5", version, message="m"), "a") == [b"kept"]


def test_many_sealed_files_stay_readable(place: Place) -> None:
    names = [f"deployment-history-2027-01-{number:016x}" for number in range(40)]
    for name in names:
        version = swap_with(place, name.encode(), **{name: name[-2:].encode(), "list": b"1"})
    assert files_at(place, version, *names) == [name[-2:].encode() for name in names]
    assert files_at(place, version, f"none-{0:016x}", "list") == [None, b"1"]


@pytest.mark.parametrize("informed", [False, True])
@pytest.mark.parametrize("exists", [False, True], ids=["creating", "updating"])
def test_files_of_a_swap_that_lost_do_not_appear(place: Place, exists: bool, informed: bool) -> None:
    if exists:
        swap_with(place, b"0", a=b"before")
    loser = place.open()
    old = loser.read().version if informed else place.open().read().version
    new = swap_with(place, b"1", a=b"winner")
    with pytest.raises(RegistryConflict):
        loser.swap(b"2", old, message="late", files={"a.json": b"loser", "b.json": b"loser"})
    assert files_at(place, new, "a", "b") == [b"winner", None]
    version = loser.swap(b"3", loser.read().version, message="again", files={"b.json": b"again"})
    assert files_at(place, version, "a", "b") == [b"winner", b"again"]


def test_a_file_of_an_older_version_is_that_files_or_a_conflict(place: Place) -> None:
    reader = place.open()
    swap_with(place, b"1", a=b"old")
    version = reader.read().version
    swap_with(place, b"2", a=b"new")
    for registry in (reader, place.open()):
        try:
            found = registry.read_file("a.json", version)
        except RegistryConflict:
            continue
        assert found == b"old"


@FAILURES
@pytest.mark.parametrize("exists", [False, True], ids=["creating", "updating"])
def test_files_of_a_swap_whose_answer_was_lost_are_there(place: Place, kind: str, exists: bool) -> None:
    version = swap_with(place, b"0", a=b"before") if exists else place.open().read().version
    registry = place.open()
    place.lose_next_answer(kind)
    with pytest.raises(RegistryUnavailable):
        registry.swap(b"1", version, message="lost", files={"a.json": b"written"})
    assert files_at(place, registry.read().version, "a") == [b"written"]
    with pytest.raises(RegistryConflict):
        registry.swap(b"1", version, message="again", files={"a.json": b"written"})
    assert files_at(place, registry.read().version, "a") == [b"written"]


@FAILURES
def test_files_of_a_swap_that_failed_do_not_appear(place: Place, kind: str) -> None:
    version = swap_with(place, b"0", a=b"before")
    place.fail_next_write(kind)
    with pytest.raises(RegistryUnavailable):
        place.open().swap(b"1", version, message="fails", files={"a.json": b"never"})
    place.heal()
    assert files_at(place, version, "a") == [b"before"]


def test_a_large_file_comes_back_byte_for_byte(place: Place) -> None:
    content = bytes(range(256)) * (390_000 // 256)
    assert files_at(place, swap_with(place, b"{}", a=content), "a") == [content]


def test_what_is_larger_than_any_document_does_not_reach_the_memory(place: Place) -> None:
    """5 MB that somebody left there: refused, or cut where its reader sees that it is too large."""
    huge = b"[" + b"0," * 2_500_000 + b"0]"
    try:
        version = swap_with(place, huge, a=huge)
    except RegistryError:
        pytest.skip("the store itself takes no document of that size")
    store = place.open()
    reads: list[Callable[[], bytes | None]] = [
        lambda: store.read().document,
        lambda: store.read_file("a.json", version),
    ]
    for read in reads:
        try:
            content = read()
        except (RegistryUnreadable, RegistryConflict):
            continue
        assert content is not None
        assert len(content) == DOCUMENT_BYTES_MAX + 1
    assert max(lock_codec.BYTES_MAX, history._READ_BYTES_MAX, leftovers._READ_BYTES_MAX) <= DOCUMENT_BYTES_MAX


def test_reading_a_file_that_fails_says_that_trying_again_may_help(place: Place) -> None:
    version = swap_with(place, b"{}", a=b"1")
    place.fail_next_read()
    with pytest.raises(RegistryUnavailable):
        place.open().read_file("a.json", version)


def test_the_location_names_the_place(place: Place) -> None:
    assert len(place.open().location) > 10


def test_a_holder_writes_itself_back_where_somebody_deletes_the_document(place: Place) -> None:
    registry, clock, told = place.open(), VirtualClock(), list[str]()
    client = LockClient(
        registry, clock, Ticket("a", "id-a", ("prod",)), stacks_in_progress=lambda _: [], poll_seconds=5.0
    )

    def queue() -> Grant:
        raise AssertionError("it holds the lock")

    client.acquire(wait=True, timeout_seconds=0.0, tell=lambda _waiting: None)
    keeper = HeldLock(client, clock, tell=told.append, queue=queue)
    keeper.fence()
    place.delete()
    for _ in range(60):
        clock.sleep(5.0)
        keeper.keep()
    (ticket,) = decode(place.open().read().document).tickets
    assert ticket.epochs == (("prod", 1),)
    (sentence,) = told
    assert f"Somebody deleted the registry while it was in use: {registry.location} was gone." in sentence
    place.delete()
    assert client.release(outcome="succeeded")
    (line,) = decode(place.open().read().document).finished
    assert line.outcome == "succeeded"


def test_no_version_of_before_comes_again_after_a_deletion(place: Place) -> None:
    """Else the swap of somebody who slept meanwhile would land on another document."""
    document, seen = Document(), dict[str, bytes]()
    for number in range(5):
        if number:
            place.delete()
        registry = place.open()
        version = registry.read().version
        for write in range(3):
            document = document.with_operation(f"{number}{write}")
            content = encode(replace(document, revision=write))
            version = registry.swap(content, version, message="m")
            assert version not in seen
            seen[version] = content
    registry = place.open()
    newest = registry.read()
    for version in list(seen)[:-1]:
        with pytest.raises(RegistryConflict):
            registry.swap(b"a sleeper's", version, message="m")
    assert registry.read() == newest


@pytest.mark.parametrize("by", ["count", "bytes"])
def test_a_queue_that_is_full_is_busy(place: Place, by: str) -> None:
    """An item of DynamoDB holds 400 KB; what is refused in one store is refused in all."""
    stacks = () if by == "count" else tuple(f"eu-west-1/{'x' * 60}-{number}" for number in range(50))
    waiters = tuple(Ticket(f"w{number}", f"id-{number}", ("prod",), stacks) for number in range(QUEUE_MAX))
    document = Document(tickets=waiters if by == "count" else waiters[:85])
    assert len(encode(document)) < BYTES_MAX
    registry = place.open()
    registry.swap(encode(document), registry.read().version, message="m")
    ticket = Ticket("late", "id-late", ("prod",), tuple(f"eu-west-1/{'y' * 90}-{n}" for n in range(200)))
    client = LockClient(registry, VirtualClock(), ticket, stacks_in_progress=lambda _: [], poll_seconds=5.0)
    with pytest.raises(Busy, match="The queue is full") as refused:
        client.acquire(wait=True, timeout_seconds=60.0, tell=lambda _waiting: None)
    assert refused.value.exit_code == 2
    assert decode(place.open().read().document) == document


def test_readers_share_a_lock_and_a_writer_waits_for_all_of_them(place: Place) -> None:
    def client(nonce: str, *, reads: bool) -> LockClient:
        shared = ("network",) if reads else ()
        ticket = Ticket(nonce, f"id-{nonce}", ("network",), (f"eu-west-1/{nonce}",), shared=shared)
        return LockClient(
            place.open(), VirtualClock(), ticket, stacks_in_progress=lambda _: [], poll_seconds=5.0
        )

    def take(taker: LockClient) -> Grant:
        return taker.acquire(wait=False, timeout_seconds=0.0, tell=lambda _waiting: None)

    readers = [client("r1", reads=True), client("r2", reads=True)]
    assert [take(one).ticket.epochs for one in readers] == [(("network", 1),), (("network", 2),)]
    writer = client("w", reads=False)
    for one in readers:
        with pytest.raises(Busy):
            take(writer)
        one.renew()
        assert one.release(outcome="succeeded")
    assert take(writer).ticket.epochs == (("network", 3),)
    with pytest.raises(Busy):
        take(client("r3", reads=True))
