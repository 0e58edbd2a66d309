"""With `newest`, a deployment gives way only to one that deploys the same, and something newer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploy_action.errors import Superseded
from deploy_action.locking import transitions as core
from deploy_action.locking.document import Document, QueuePolicy, Ticket
from deploy_action.locking.superseding import UNTOLD, Compared

AT = "2027-01-15T08:00:00Z"
HOLDER = Ticket("h", "id-h", ("prod",), stacks=("eu-west-1/other",))


def run(number: int, nonce: str = "", **fields: object) -> Ticket:
    """The job `deploy` of a run of `main`."""
    ticket = Ticket(
        nonce or f"n{number}",
        f"id-{nonce or number}",
        ("prod",),
        stacks=("eu-west-1/app",),
        policy=QueuePolicy.NEWEST,
        account="111122223333",
        repository="org/app",
        run_id=str(7000 + number),
        run_attempt="1",
        run_number=str(number),
        workflow_file="org/app/.github/workflows/deploy.yml",
        job_key="deploy",
        ref="refs/heads/main",
        commit=f"{number:040x}",
    )
    return replace(ticket, **fields)  # type: ignore[arg-type]


def untold(*tickets: Ticket) -> Compared:
    """GitHub was asked about all commits, and could not tell."""
    return {(one.commit, other.commit): UNTOLD for one in tickets for other in tickets}


def queue(*tickets: Ticket, compared: Compared | None = None) -> Document:
    document = Document()
    known = untold(*tickets) if compared is None else compared
    for one in (HOLDER, *tickets):
        requested = core.request(document, one, at=AT, enqueue_if_busy=True, compared=known)
        assert requested is not None
        document = requested
    return document


def waiting(document: Document) -> list[str]:
    return [one.nonce for one in document.tickets if not one.holding]


def test_a_newer_run_takes_the_place_of_the_older_ones_that_wait() -> None:
    document = queue(run(1), run(2), run(3))
    assert waiting(document) == ["n3"]
    line = document.farewell("n1")
    assert line is not None
    assert (line.outcome, line.note) == (core.SKIPPED, "Superseded by id-2.")


def test_a_rerun_of_an_old_run_gives_way_to_the_newer_one_that_waits_already() -> None:
    document = queue(run(2))
    with pytest.raises(Superseded, match=r"gave way to a newer one.*by id-2"):
        core.enqueue(
            document, run(1, run_attempt="2"), at=AT, alive=frozenset({"n2"}), compared=untold(run(1), run(2))
        )


def test_a_rerun_of_an_old_run_gives_way_to_the_newer_one_that_is_deployed_now() -> None:
    document = core.request(Document(), run(2), at=AT, enqueue_if_busy=True)
    assert document is not None
    with pytest.raises(Superseded):
        core.enqueue(
            document, run(1, run_attempt="2"), at=AT, alive=frozenset({"n2"}), compared=untold(run(1), run(2))
        )


def test_nobody_gives_way_to_one_that_may_be_dead() -> None:
    assert waiting(queue(run(2), run(1, run_attempt="2"))) == ["n2", "n1"]


def test_a_holder_is_never_superseded() -> None:
    document = core.request(Document(), run(1), at=AT, enqueue_if_busy=True)
    assert document is not None
    assert [one.nonce for one in core.enqueue(document, run(2), at=AT).tickets] == ["n1", "n2"]


@pytest.mark.parametrize(
    "other",
    [
        {"run_id": "7001", "run_number": "1"},
        {"run_id": "7001", "run_number": "1", "run_attempt": "2"},
        {"account": "999988887777"},
        {"repository": "org/fork"},
        {"workflow_file": "org/app/.github/workflows/hotfix.yml"},
        {"job_key": "deploy {1}"},
        {"ref": "refs/heads/feature"},
        {"ref": "refs/tags/main"},
        {"locks": ("prod", "extra")},
        {"stacks": ("eu-west-1/app", "eu-west-1/more")},
        {"stacks": ("us-east-1/app",)},
        {"policy": QueuePolicy.FIFO},
    ],
    ids=lambda other: " ".join(f"{name}={value}" for name, value in other.items()),
)
def test_what_is_not_the_same_deployment_keeps_its_turn(other: dict[str, Any]) -> None:
    """The same run of another leg, account, workflow, branch: nobody else makes that deployment."""
    older, newer = replace(run(1), **other), run(2)
    if other.get("run_id"):
        newer = replace(run(1), nonce="n2", correlation_id="id-2")
    assert waiting(queue(older, newer)) == ["n1", "n2"]


@pytest.mark.parametrize(
    "field",
    ["account", "repository", "commit", "run_number", "workflow_file", "job_key", "ref", "stacks"],
)
def test_what_is_not_known_covers_nothing(field: str) -> None:
    nothing: object = () if field == "stacks" else ""
    unknown: dict[str, Any] = {field: nothing}
    assert waiting(queue(replace(run(1), **unknown), run(2))) == ["n1", "n2"]
    assert waiting(queue(run(1), replace(run(2), **unknown))) == ["n1", "n2"]
    assert waiting(queue(replace(run(1), **unknown), replace(run(2), **unknown))) == ["n1", "n2"]


def test_one_that_comes_back_gives_way_to_a_newer_one_that_lives() -> None:
    document = queue(run(1))
    document = core.evict(document, "n1", at=AT, note="gone")
    document = core.enqueue(document, run(2), at=AT)
    with pytest.raises(Superseded, match="by id-2"):
        core.enqueue(document, run(1), at=AT, alive=frozenset({"n2"}), compared=untold(run(1), run(2)))


def test_a_run_number_that_is_none_covers_nothing() -> None:
    assert waiting(queue(run(1), run(2, run_number="²"))) == ["n1", "n2"]
    assert waiting(queue(run(1), run(2, run_number="1"))) == ["n1", "n2"]


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("ahead", ["n2"]),
        ("identical", ["n2"]),
        ("behind", ["n1", "n2"]),
        (None, ["n1", "n2"]),
        ("diverged", ["n1", "n2"]),
    ],
)
def test_commits_that_say_otherwise_than_the_runs_keep_both(answer: str | None, left: list[str]) -> None:
    """A branch that was set back deploys an older commit in a newer run. Whom nobody compared yet, waits."""
    older, newer = run(1), run(2)
    compared = {} if answer is None else {(older.commit, newer.commit): answer}
    assert waiting(queue(older, newer, compared=compared)) == left


def test_one_commit_deployed_twice_is_deployed_by_the_newer_run() -> None:
    assert waiting(queue(run(1), run(2, commit=run(1).commit))) == ["n2"]


def test_a_document_of_an_earlier_version_is_read_and_covers_nothing() -> None:
    from deploy_action.locking.codec import decode

    old = decode(
        b'{"schema": 1, "arrivals": 1, "tickets": [{"nonce": "old", "correlation_id": "id-old", '
        b'"locks": ["prod"], "stacks": ["eu-west-1/app"], "policy": "newest", "number": 1}]}'
    )
    assert [one.nonce for one in core.enqueue(old, run(5), at=AT).tickets] == ["old", "n5"]
