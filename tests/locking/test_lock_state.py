"""The state of a lock for somebody who takes nothing."""

from __future__ import annotations

import json
from dataclasses import replace

from deploy_action.locking.document import Document, Finished, Freeze, Lock, Ticket
from deploy_action.locking.lock_state import AHEAD_MAX, ahead_as_json, lock_state
from deploy_action.locking.transitions import request

AT = "2027-01-15T08:00:00Z"
ACCOUNT = "123456789012"
ASKS = Ticket("x", "id-x", ("prod",), ("eu-west-1/shop",), account=ACCOUNT, run_id="9", repository="org/app")


def holding(*tickets: Ticket) -> Document:
    document = Document()
    for ticket in tickets:
        document = request(document, ticket, at=AT, enqueue_if_busy=True) or document
    return document


def of(name: str, lock: str = "prod", stack: str = "shop", **fields: str) -> Ticket:
    stacks = (f"eu-west-1/{stack}",)
    return replace(Ticket(name, f"id-{name}", (lock,), stacks, account=ACCOUNT, run_id=name), **fields)  # type: ignore[arg-type]


def ends(document: Document, name: str, end: str) -> Document:
    ticket = document.ticket(name)
    assert ticket is not None
    return document.with_ticket(replace(ticket, expected_end=end))


def test_a_lock_that_nobody_holds_is_free() -> None:
    found = lock_state(holding(of("a", lock="other", stack="else")), ASKS, at=AT)
    assert (found.locked, found.holder, found.ahead, found.free_at) == (False, None, (), "")


def test_the_holder_comes_first_and_its_end_is_when_the_lock_is_free() -> None:
    document = ends(holding(of("a")), "a", "2027-01-15T08:05:00Z")
    found = lock_state(document, ASKS, at=AT)
    assert found.locked
    assert found.holder is not None
    assert (found.holder.correlation_id, found.free_at) == ("id-a", "2027-01-15T08:05:00Z")


def test_those_who_wait_add_what_they_usually_take() -> None:
    document = ends(holding(of("a"), of("b")), "a", "2027-01-15T08:05:00Z")
    assert lock_state(document, ASKS, at=AT).free_at == ""
    line = Finished("z", ("prod",), "succeeded", AT, stacks=("eu-west-1/shop",), held_seconds=120.0)
    found = lock_state(replace(document, finished=(line,)), ASKS, at=AT)
    assert [one.nonce for one in found.ahead] == ["a", "b"]
    assert found.free_at == "2027-01-15T08:07:00Z"


def test_a_hotfix_is_told_only_of_those_it_would_not_pass() -> None:
    document = holding(of("a"), of("b"))
    found = lock_state(document, replace(ASKS, priority="high"), at=AT)
    assert [one.nonce for one in found.ahead] == ["a"]


def test_nobody_knows_when_a_holder_is_done_that_is_overdue() -> None:
    assert lock_state(ends(holding(of("a")), "a", "2027-01-15T07:59:00Z"), ASKS, at=AT).free_at == ""


def test_a_holder_of_another_lock_on_the_same_stack_is_ahead() -> None:
    found = lock_state(holding(of("a", lock="elsewhere")), ASKS, at=AT)
    assert found.locked
    assert [one.nonce for one in found.ahead] == ["a"]


def test_a_freeze_locks_though_nobody_holds_and_ends_when_it_says() -> None:
    freeze = Freeze("ada", "migration", AT, until="2027-01-15T09:00:00Z")
    document = Document(locks={"prod": Lock(freeze=freeze)})
    found = lock_state(document, ASKS, at=AT)
    assert (found.locked, found.holder, found.free_at) == (True, None, "2027-01-15T09:00:00Z")
    allowed = replace(document, locks={"prod": Lock(freeze=replace(freeze, allow=("grace",)))})
    assert not lock_state(allowed, replace(ASKS, actor="grace"), at=AT).locked


def test_a_lock_that_is_lent_to_it_is_free_for_it() -> None:
    found = lock_state(holding(of("a")), ASKS, at=AT, own=lambda ticket: ticket.nonce == "a")
    assert not found.locked


def test_asking_reads_the_document_and_leaves_it_as_it_was() -> None:
    document = holding(of("a"))
    before = replace(document)
    lock_state(document, ASKS, at=AT)
    assert document == before


def test_the_list_of_those_ahead_is_bounded() -> None:
    ahead = tuple(of(f"t{number}") for number in range(AHEAD_MAX + 50))
    listed = json.loads(ahead_as_json(ahead))
    assert len(listed) == 100
    assert listed[0]["correlation_id"] == "id-t0"
