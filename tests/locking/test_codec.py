"""The document as bytes: what is written comes back, and nothing else than a document is taken for one."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from deploy_action.errors import RegistryUnreadable
from deploy_action.locking import transitions as core
from deploy_action.locking.codec import BYTES_MAX, TICKETS_MAX, decode, encode
from deploy_action.locking.document import (
    LEASE_SECONDS_MIN,
    QUEUE_MAX,
    SCHEMA,
    AuditEntry,
    Document,
    Finished,
    Freeze,
    Loan,
    Lock,
    QueuePolicy,
    Ticket,
)

texts = st.text(max_size=12)
any_text = st.text(st.characters(codec="utf-8"), max_size=12)
names = any_text.map(lambda text: text.rstrip(" ") or "x")
"""Of locks: inputs have no white space at their ends."""
some_names = st.lists(names, max_size=2).map(tuple)
some_texts = st.lists(any_text, max_size=2).map(tuple)
counts = st.integers(0, 2**63)
turns = st.integers(1, 2**63)
seconds = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)
extras = st.dictionaries(texts.map(lambda name: f"x-{name}"), json_values, max_size=2).map(
    lambda found: tuple(found.items())
)


freezes = st.none() | st.builds(Freeze, any_text, any_text, any_text, any_text, allow=some_texts)
lines = st.builds(
    Finished, any_text, some_names, any_text, any_text, any_text, any_text, any_text, some_texts, seconds
)
entries = st.builds(AuditEntry, any_text, any_text, any_text, some_texts, any_text, any_text)


@st.composite
def tickets(draw: st.DrawFn, nonce: str, taken: set[str]) -> Ticket:
    locks = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    holds = taken.isdisjoint(locks) and draw(st.booleans())
    if holds:
        taken.update(locks)
    return Ticket(
        nonce=nonce,
        correlation_id=draw(any_text),
        locks=tuple(locks),
        stacks=tuple(draw(some_texts)),
        policy=draw(st.sampled_from(QueuePolicy)),
        number=draw(counts),
        lease_seconds=draw(st.floats(allow_nan=False, allow_infinity=False)),
        renewals=draw(counts),
        epochs=tuple((name, draw(turns)) for name in locks) if holds else (),
        shared=tuple(name for name in locks if draw(st.booleans())),
        actor=draw(any_text),
        url=draw(any_text),
        job=draw(any_text),
        extra=draw(extras),
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    taken: set[str] = set()
    nonces = draw(st.lists(any_text, max_size=4, unique=True))
    found = [draw(tickets(nonce, taken)) for nonce in nonces]
    locks = draw(st.dictionaries(names, st.builds(Lock, counts, some_texts, freezes, extras), max_size=3))
    for name, epoch in (held for ticket in found for held in ticket.epochs):
        locks[name] = replace(locks.get(name, Lock()), epoch=epoch)
    return Document(
        locks=locks,
        tickets=tuple(found),
        finished=tuple(draw(st.lists(lines, max_size=3))),
        audit=tuple(draw(st.lists(entries, max_size=3))),
        arrivals=draw(counts),
        operations=tuple(draw(st.lists(any_text, max_size=3))),
        generation=draw(any_text),
        extra=draw(extras),
    )


REAL = core.request(
    Document(
        locks={"test": Lock(2, ("eu-west-1/arn:aws:cloudformation:x",))},
        finished=(Finished("20270115-080000-aaaaaa", ("test",), "succeeded", "2027-01-15T08:00:00Z"),),
        operations=("0123456789abcdef",),
    ),
    Ticket("n" * 32, "20270115-080000-bbbbbb", ("prod", "test"), ("eu-west-1/app",), url="https://run/1"),
    at="2027-01-15T08:00:00Z",
    enqueue_if_busy=True,
)
assert REAL is not None
REAL_BYTES = encode(REAL)


def real() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(REAL_BYTES)
    return data


def read(data: object) -> Document:
    return decode(json.dumps(data).encode())


def parses_or_is_refused(content: bytes) -> Document | None:
    """Anything but a document or RegistryUnreadable escapes; a document can be written and read again."""
    try:
        document = decode(content)
    except RegistryUnreadable:
        return None
    assert decode(encode(document)) == document
    return document


@given(documents())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_document_survives_the_way_through_bytes(document: Document) -> None:
    assert decode(encode(document)) == document


def test_a_freeze_keeps_whom_it_admits_and_a_document_its_generation() -> None:
    frozen = Lock(1, freeze=Freeze("ann", "audit", "2027-01-15T08:00:00Z", allow=("bob", "deploy.yml")))
    document = Document(locks={"prod": frozen}, generation="g1")
    assert decode(encode(document)) == document
    stored = json.loads(encode(document))
    assert stored["generation"] == "g1"
    assert stored["locks"]["prod"]["freeze_allow"] == {
        "since": "2027-01-15T08:00:00Z",
        "who": ["bob", "deploy.yml"],
    }


def test_nothing_written_yet_is_an_empty_document() -> None:
    assert decode(None) == Document()


def test_nothing_written_yet_and_an_empty_file_are_different_things() -> None:
    with pytest.raises(RegistryUnreadable):
        decode(b"")


def test_the_document_is_readable_text_that_says_who_wrote_it() -> None:
    text = REAL_BYTES.decode()
    assert "deploy-coordinator" in text.splitlines()[1]
    assert text.endswith("}\n")
    assert real()["schema"] == SCHEMA


def test_unknown_fields_survive_reading_and_writing() -> None:
    data = real()
    data["freeze"] = {"until": [1, None]}
    data["locks"]["prod"]["owner"] = "team"
    data["tickets"][0]["weight"] = 7
    again = json.loads(encode(read(data)))
    assert again["freeze"] == {"until": [1, None]}
    assert again["locks"]["prod"]["owner"] == "team"
    assert again["tickets"][0]["weight"] == 7


def test_a_document_of_the_bare_minimum_is_read() -> None:
    assert read({"schema": 1}) == Document()
    one = read({"schema": 1, "tickets": [{"nonce": "n", "correlation_id": "c", "locks": ["prod"]}]}).tickets[
        0
    ]
    assert not one.holding
    assert one.lease == LEASE_SECONDS_MIN


@given(st.binary(max_size=200))
@settings(deadline=None)
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"schema": ' + b"9" * 5000 + b"}")
@example(b'{"schema": ' + b"9" * 4000 + b"}")
@example(b'{"schema": ' + b"[" * 900 + b"]" * 900 + b"}")
@example(b'{"schema": 1, "x": ' + b"[" * 900 + b"]" * 900 + b"}")
@example(b'{"schema": 1, "locks": {"a": {"epoch": ' + b"[" * 900 + b"]" * 900 + b"}}}")
@example(b'{"schema": 1, "locks": {"a": {"epoch": ' + b"9" * 4300 + b"}}}")
def test_any_bytes_are_a_document_or_unreadable(content: bytes) -> None:
    parses_or_is_refused(content)


@given(json_values)
@settings(deadline=None)
def test_any_json_is_a_document_or_unreadable(value: object) -> None:
    parses_or_is_refused(json.dumps(value).encode())


@given(st.sampled_from(sorted(real())), json_values)
@settings(deadline=None)
def test_any_value_in_place_of_a_part_is_a_document_or_unreadable(part: str, value: object) -> None:
    parses_or_is_refused(json.dumps({**real(), part: value}).encode())


@given(st.sampled_from(sorted(real()["tickets"][0])), json_values | st.integers(10**300, 10**400))
@settings(deadline=None)
@example("lease_seconds", 10**400)
@example("lease_seconds", float("inf"))
@example("lease_seconds", float("nan"))
@example("renewals", True)
def test_any_value_in_place_of_a_tickets_field_is_a_document_or_unreadable(field: str, value: object) -> None:
    data = real()
    data["tickets"][0][field] = value
    parses_or_is_refused(json.dumps(data).encode())


@given(st.integers(0, len(REAL_BYTES)), st.integers(0, 30), st.binary(max_size=6))
@settings(deadline=None)
def test_a_damaged_document_is_a_document_or_unreadable(start: int, cut: int, put: bytes) -> None:
    parses_or_is_refused(REAL_BYTES[:start] + put + REAL_BYTES[start + cut :])


@given(st.integers(0, len(REAL_BYTES) - 3))
@settings(deadline=None)
def test_half_a_document_is_unreadable(length: int) -> None:
    assert parses_or_is_refused(REAL_BYTES[:length]) is None


@pytest.mark.parametrize("schema", [0, -1, "1", 1.0, True, None, [1]])
def test_a_schema_that_is_no_version_is_refused(schema: object) -> None:
    with pytest.raises(RegistryUnreadable, match="its schema is"):
        read({**real(), "schema": schema})


def test_a_newer_schema_is_refused_and_named() -> None:
    with pytest.raises(RegistryUnreadable, match="its schema 2 is newer than the 1") as told:
        read({**real(), "schema": SCHEMA + 1})
    assert told.value.remedy


@pytest.mark.parametrize(
    "foreign", [{}, [], "text", 1, None, {"Resources": {}}, {"locks": {}, "tickets": []}]
)
def test_foreign_json_is_refused(foreign: object) -> None:
    with pytest.raises(RegistryUnreadable, match="not a document of deploy-coordinator"):
        read(foreign)


def test_two_holders_of_one_lock_are_refused() -> None:
    data = real()
    data["tickets"].append({**data["tickets"][0], "nonce": "other"})
    with pytest.raises(RegistryUnreadable, match="two holders"):
        read(data)


def test_one_ticket_standing_there_twice_is_refused() -> None:
    data = real()
    data["tickets"].append({**data["tickets"][0], "epochs": {}})
    with pytest.raises(RegistryUnreadable, match="twice"):
        read(data)


@pytest.mark.parametrize("epochs", [{"prod": 1}, {"prod": 1, "test": 3, "third": 1}, {"third": 1}])
def test_a_ticket_that_holds_other_locks_than_its_own_is_refused(epochs: dict[str, int]) -> None:
    data = real()
    data["tickets"][0]["epochs"] = epochs
    with pytest.raises(RegistryUnreadable, match="some of its locks only"):
        read(data)


@pytest.mark.parametrize("locks", [[], ["prod", "prod"]])
def test_a_ticket_without_a_lock_or_with_one_twice_is_refused(locks: list[str]) -> None:
    data = real()
    data["tickets"][0] |= {"locks": locks, "epochs": {}}
    with pytest.raises(RegistryUnreadable, match="no lock, or one twice"):
        read(data)


def test_an_unknown_field_too_deep_to_be_written_again_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(200):
        deep = [deep]
    with pytest.raises(RegistryUnreadable, match="nested too deeply"):
        read({**real(), "x": deep})


def test_a_refusal_names_the_remedy_and_quotes_no_more_than_needed() -> None:
    with pytest.raises(RegistryUnreadable) as told:
        read({**real(), "schema": "x" * 100_000})
    assert "left as it is" in told.value.why
    assert len(str(told.value)) < 500


def test_a_turn_that_nobody_counted_is_refused() -> None:
    data = real()
    del data["locks"]["prod"]
    data["tickets"][0]["epochs"]["prod"] = 0
    with pytest.raises(RegistryUnreadable, match="epoch 0"):
        read(data)


@pytest.mark.parametrize("counted", [0, 1, 3])
def test_a_turn_that_is_not_the_locks_latest_is_refused(counted: int) -> None:
    data = real()
    data["locks"]["prod"]["epoch"] = counted
    data["tickets"][0]["epochs"]["prod"] = 2
    with pytest.raises(RegistryUnreadable, match="epoch 2"):
        read(data)


def test_a_policy_that_is_not_known_counts_as_fifo_and_is_written_back_as_it_was() -> None:
    data = real()
    data["tickets"][0]["policy"] = "lottery"
    document = read(data)
    assert document.tickets[0].policy is QueuePolicy.FIFO
    assert json.loads(encode(document))["tickets"][0]["policy"] == "lottery"


def test_a_flood_of_tickets_is_refused() -> None:
    data = real()
    one = data["tickets"][0] | {"epochs": {}}
    data["tickets"] = [one | {"nonce": str(number)} for number in range(TICKETS_MAX + 1)]
    with pytest.raises(RegistryUnreadable, match="tickets stand in it"):
        read(data)


def test_half_a_character_is_replaced() -> None:
    """Nothing that writes UTF-8 would take it."""
    data = real()
    data["tickets"][0]["actor"] = "ada \ud800"
    assert read(data).tickets[0].actor == "ada ?"


LINE = {"correlation_id": "x", "locks": ["a"], "outcome": "succeeded"}


@pytest.mark.parametrize(
    "parts",
    [
        {"finished": [LINE] * 50_000},
        {"finished": [LINE] * 2_001},
        {"x": [[1]] * 200_000},
        {"x": "," * 70_000},
        {
            "tickets": [
                {"nonce": str(n), "correlation_id": "x", "locks": ["a"], "stacks": [""] * 2_000}
                for n in range(200)
            ]
        },
        {
            "tickets": [
                {"nonce": str(n), "correlation_id": "x", "locks": ["a"], "loans": [{}] * 2_000}
                for n in range(200)
            ]
        },
        {"locks": {"a": {"settling": [f"eu-west-1/{n}" for n in range(2_001)]}}},
        {"audit": "x" * 5_000_000},
    ],
    ids=["bytes", "list", "values", "commas", "stacks", "loans", "settling", "text"],
)
def test_what_is_too_large_is_refused_before_it_costs_anything(parts: dict[str, object]) -> None:
    content = json.dumps({"schema": 1, **parts}).encode()
    began = time.process_time()
    with pytest.raises(RegistryUnreadable, match="at most"):
        decode(content)
    assert time.process_time() - began < 0.5


def test_a_full_queue_can_be_read_and_written_again() -> None:
    loans = tuple(
        Loan(f"20270115-080000-{n:06x}", "123456789012", "org/shop", "1", "1", str(n), "https://x")
        for n in range(3)
    )
    tickets = tuple(
        Ticket(
            f"{n:032x}",
            f"20270115-080000-{n:06x}",
            ("production",),
            tuple(f"eu-west-1/stack-{m}" for m in range(10)),
            loans=loans,
        )
        for n in range(QUEUE_MAX)
    )
    document = Document(tickets=tickets)
    assert decode(encode(document)) == document


def test_what_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(RegistryUnreadable, match="at most"):
        encode(Document(extra=(("x", "y" * BYTES_MAX),)))


def test_what_is_empty_takes_no_room() -> None:
    """A waiter as a small job enters it: before, each empty field cost its name."""
    waiter = Ticket("ticket-" + "a" * 32, "20270115-080000-aaaaaa", ("production",), ("eu-west-1/shop",))
    empty, one = encode(Document()), encode(Document(tickets=(waiter,)))
    assert len(one) - len(empty) < 320
    line = Finished(waiter.correlation_id, waiter.locks, "succeeded", "2027-01-15T08:00:00Z")
    assert len(encode(Document(finished=(line,)))) - len(empty) < 170


def test_an_earlier_form_with_every_field_written_out_is_read_alike() -> None:
    waiter = Ticket("a", "x", ("production",), lease_seconds=300.0)
    data = json.loads(encode(Document(tickets=(waiter,))))
    texts = ("requested_at", "held_since", "account", "repository", "url", "job", "release_outcome")
    data["tickets"][0] |= {"stacks": [], "loans": [], **dict.fromkeys(texts, "")}
    assert decode(json.dumps(data).encode()).tickets == (waiter,)
