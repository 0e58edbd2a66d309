"""Who passes whom in the queue: by `priority: high`, by promotion, and by a freeze that lets some pass."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deploy_action.common.instants import MonotonicTime
from deploy_action.locking import admin
from deploy_action.locking import transitions as core
from deploy_action.locking.codec import decode, encode
from deploy_action.locking.document import Document, Freeze, Ticket
from deploy_action.locking.expiry import CLAIM_SECONDS, LeaseWatch
from deploy_action.locking.queue_order import passed_by

AT = "2027-01-15T08:00:00Z"
LATER = "2027-01-15T09:00:00Z"
WORKFLOW = "acme/shop/.github/workflows/deploy.yml"


def request(document: Document, nonce: str, *locks: str, **fields: str) -> Document:
    ticket = replace(Ticket(nonce, f"id-{nonce}", locks or ("prod",)), **fields)  # type: ignore[arg-type]
    return core.request(document, ticket, at=AT, enqueue_if_busy=True) or document


def queue(*nonces: str) -> Document:
    document = Document()
    for nonce in nonces:
        document = request(document, nonce)
    return document


def order(document: Document) -> str:
    return "".join(ticket.nonce for ticket in document.tickets)


def holders(document: Document) -> str:
    return "".join(ticket.nonce for ticket in document.tickets if ticket.holding)


def released(document: Document, nonce: str) -> Document:
    holder = document.ticket(nonce)
    assert holder is not None
    return core.release(document, holder, outcome="succeeded", at=AT)


def promoted(document: Document, nonce: str) -> Document:
    return admin.promote(document, nonce, by="ada", reason="login is broken", at=AT)


def frozen(document: Document, *allow: str, until: str = "") -> Document:
    return admin.freeze(document, ("prod",), by="ada", reason="release week", at=AT, until=until, allow=allow)


class TestPriority:
    def test_a_hotfix_is_next_and_does_not_pass_the_holder(self) -> None:
        document = request(queue("a", "b", "c"), "h", priority="high")
        assert order(document) == "ahbc"
        assert holders(document) == "a"
        assert core.grant(document, "h", at=AT) is None
        document = released(document, "a")
        assert core.grant(document, "b", at=AT) is None
        assert holders(core.grant(document, "h", at=AT) or document) == "h"

    def test_two_hotfixes_are_served_in_order_of_arrival(self) -> None:
        document = request(queue("a", "b"), "h", priority="high")
        assert order(request(document, "i", priority="high")) == "ahib"

    def test_a_hotfix_passes_those_of_its_own_locks_only(self) -> None:
        document = request(request(queue("a", "b"), "x", "other"), "y", "other")
        document = request(document, "h", "other", priority="high")
        assert order(document) == "abxhy"

    def test_a_hotfix_for_two_locks_passes_nobody_behind_an_equal(self) -> None:
        document = request(request(queue("a"), "x", "other"), "b")
        document = request(
            request(document, "h", "other", priority="high"), "i", "prod", "other", priority="high"
        )
        assert order(document) == "axbhi"

    def test_those_that_are_passed_read_by_whom_and_why(self) -> None:
        document = request(queue("a", "b"), "h", priority="high", actor="grace")
        waiter = document.ticket("b")
        assert waiter is not None
        told = list(passed_by(waiter, core.ahead_of(document, waiter)))
        assert told == ["deployment id-h came later and goes first, since it has `priority: high`"]
        (entry,) = document.audit
        assert (entry.action, entry.by, entry.locks) == ("priority", "grace", ("prod",))
        assert entry.detail.split() == ["id-h", "passes", "id-b"]

    def test_a_hotfix_that_passes_nobody_is_no_matter_for_the_audit(self) -> None:
        assert request(queue("a"), "h", priority="high").audit == ()

    def test_an_unknown_priority_is_none_and_is_kept(self) -> None:
        document = decode(encode(request(queue("a", "b"), "h", priority="urgent")))
        assert order(document) == "abh"
        assert document.tickets[2].priority == "urgent"


class TestPromotion:
    def test_it_is_next_before_all_that_wait_and_behind_the_holder(self) -> None:
        document = promoted(request(queue("a", "b", "c"), "h", priority="high"), "c")
        assert order(document) == "achb"
        assert core.grant(document, "c", at=AT) is None

    def test_it_is_told_and_audited_with_its_reason(self) -> None:
        document = promoted(queue("a", "b", "c"), "c")
        waiter = document.ticket("b")
        assert waiter is not None
        assert list(passed_by(waiter, core.ahead_of(document, waiter))) == [
            'deployment id-c came later and goes first, since ada promoted it: "login is broken"'
        ]
        (entry,) = document.audit
        assert (entry.action, entry.by, entry.reason) == ("promote", "ada", "login is broken")

    @pytest.mark.parametrize("nonce", ["a", "b", "nobody"])
    def test_a_holder_the_next_one_and_a_stranger_are_left_where_they_are(self, nonce: str) -> None:
        document = queue("a", "b")
        assert promoted(document, nonce) is document

    def test_its_owner_goes_on_renewing_and_keeps_its_number(self) -> None:
        document = queue("a", "b", "c")
        own = document.ticket("c")
        assert own is not None
        document = core.renew(promoted(document, "c"), own)
        assert [ticket.number for ticket in document.tickets] == [1, 3, 2]


class TestFreezeThatLetsSomebodyPass:
    @pytest.mark.parametrize("word", ["ann", "ANN", "deploy.yml", WORKFLOW])
    def test_who_is_allowed_deploys_and_the_freeze_stays_for_the_rest(self, word: str) -> None:
        document = frozen(Document(), word)
        document = request(document, "x", actor="bob", workflow_file="acme/shop/.github/workflows/ci.yml")
        document = request(document, "a", actor="ann", workflow_file=WORKFLOW)
        assert holders(document) == "a"
        document = released(document, "a")
        assert document.lock("prod").freeze is not None
        assert core.grant(document, "x", at=AT) is None
        assert holders(request(document, "b", actor="Ann", workflow_file=WORKFLOW)) == "b"

    @pytest.mark.parametrize("actor", ["", "annie", "deploy.yml.yml"])
    def test_nobody_else_is(self, actor: str) -> None:
        document = request(frozen(Document(), "ann", "deploy.yml"), "a", actor=actor)
        assert holders(document) == ""

    def test_it_waits_for_the_holder(self) -> None:
        document = request(frozen(queue("a"), "ann"), "b", actor="ann")
        assert holders(document) == "a"

    def test_who_waits_already_is_passed_when_the_freeze_is_laid(self) -> None:
        document = request(queue("a", "b"), "c", actor="ann")
        document = released(frozen(document, "ann"), "a")
        assert order(document) == "cb"
        assert holders(core.grant(document, "c", at=AT) or document) == "c"
        waiter = document.ticket("b")
        assert waiter is not None
        assert list(passed_by(waiter, core.ahead_of(document, waiter))) == [
            "deployment id-c came later and goes first, since the freeze by ada lets it pass"
        ]

    def test_a_hotfix_that_the_freeze_holds_does_not_stand_in_its_way(self) -> None:
        document = request(frozen(queue("a"), "ann"), "b", actor="ann")
        assert order(request(document, "h", priority="high")) == "abh"
        assert order(promoted(request(document, "c"), "c")) == "abc"

    def test_every_freeze_on_its_locks_must_let_it_pass(self) -> None:
        document = frozen(Document(), "ann")
        document = admin.freeze(document, ("test",), by="ada", reason="no", at=AT)
        assert holders(request(document, "a", "prod", "test", actor="ann")) == ""

    def test_when_it_is_over_all_are_equal_again(self) -> None:
        document = request(request(frozen(queue("a"), "ann", until=LATER), "b"), "c", actor="ann")
        assert order(document) == "acb"
        late = replace(Ticket("d", "id-d", ("prod",)), actor="ann")
        after = core.request(document, late, at="2027-01-15T09:00:01Z", enqueue_if_busy=True)
        assert after is not None
        assert order(after) == "acbd"
        document = core.grant(released(document, "a"), "c", at="2027-01-15T09:00:01Z") or document
        assert document.lock("prod").freeze is None

    def test_who_may_pass_and_takes_no_free_lock_is_gone_as_anybody(self) -> None:
        watch = LeaseWatch()
        document = request(frozen(queue("a"), "ann"), "b", actor="ann")
        document = released(document, "a")
        for now in range(0, int(CLAIM_SECONDS) + 20, 20):
            watch.observe(document, MonotonicTime(float(now)), at=AT)
        own = document.ticket("b")
        assert own is not None
        assert watch.unclaimed_seconds(own, MonotonicTime(CLAIM_SECONDS)) >= CLAIM_SECONDS


class TestOlderVersions:
    def test_a_document_without_any_of_this_is_read(self) -> None:
        content = json.loads(encode(frozen(queue("a", "b"))))
        assert "freeze_allow" not in content["locks"]["prod"]
        assert not {"priority", "passes_because"} & content["tickets"][0].keys()
        assert decode(json.dumps(content).encode()) == frozen(queue("a", "b"))

    def test_what_an_earlier_version_does_not_know_is_where_it_writes_it_back(self) -> None:
        """It keeps unknown fields of locks and tickets, and none of a freeze."""
        document = request(frozen(Document(), "ann"), "a", priority="high")
        content = json.loads(encode(document))
        assert content["locks"]["prod"].keys() == {"epoch", "settling", "freeze", "freeze_allow"}
        assert content["locks"]["prod"]["freeze"].keys() == {"by", "reason", "since", "until"}
        assert decode(encode(document)) == document

    def test_a_freeze_that_replaced_it_lets_nobody_pass(self) -> None:
        content = json.loads(encode(frozen(Document(), "ann")))
        content["locks"]["prod"]["freeze"] = {"by": "x", "reason": "y", "since": LATER, "until": ""}
        assert decode(json.dumps(content).encode()).lock("prod").freeze == Freeze("x", "y", LATER)

    def test_what_is_left_of_a_freeze_that_was_lifted_goes_with_the_next_write(self) -> None:
        content = json.loads(encode(frozen(Document(), "ann")))
        del content["locks"]["prod"]["freeze"]
        document = decode(json.dumps(content).encode())
        assert document.lock("prod").freeze is None
        assert b"freeze_allow" not in encode(document)
