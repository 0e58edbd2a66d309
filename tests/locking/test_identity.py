"""What two things must have in common to count as the same: each field by itself makes them two."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from deploy_action.job.lost_state import of_job
from deploy_action.locking.delegation import is_of_job
from deploy_action.locking.document import Document, Finished, Loan, Ticket
from deploy_action.locking.expected_end import usual_seconds

OWN = {"repository": "org/app", "run_id": "7", "run_attempt": "2", "job": "21"}
OTHERS = [
    ("repository", "org/fork"),
    ("run_id", "8"),
    ("run_attempt", "1"),
    ("job", "22"),  # another leg of the matrix has another number
]


def world(check_run_id: str = "21") -> Any:
    run = SimpleNamespace(repository="org/app", run_id="7", run_attempt="2", check_run_id=check_run_id)
    return SimpleNamespace(run=run)


def test_a_job_that_lost_its_state_finds_its_own_ticket() -> None:
    ticket = Ticket("n", "id", ("prod",), **OWN)  # type: ignore[arg-type]
    assert of_job(world(), Document(tickets=(ticket,))) == [ticket]


@pytest.mark.parametrize(("field", "value"), OTHERS, ids=[field for field, _ in OTHERS])
def test_a_job_that_lost_its_state_gives_back_nothing_of_another(field: str, value: str) -> None:
    ticket = Ticket("n", "id", ("prod",), **{**OWN, field: value})  # type: ignore[arg-type]
    assert of_job(world(), Document(tickets=(ticket,))) == []


@pytest.mark.parametrize(
    ("loan", "same"),
    [
        (Loan("id", run_id="7", job="21"), True),
        (Loan("id", run_id="8", job="21"), False),
        (Loan("id", run_id="7", job="22"), False),
    ],
    ids=["same", "other run", "other job"],
)
def test_a_loan_is_of_a_job_by_its_run_and_number(loan: Loan, same: bool) -> None:
    assert is_of_job(loan, "21", "7") is same


def test_a_jobs_key_names_all_legs_of_a_matrix_and_proves_nothing() -> None:
    assert not is_of_job(Loan("id", run_id="7", job="deploy"), "deploy", "7")


@pytest.mark.parametrize(
    ("locks", "stacks"),
    [(("prod", "b"), ("eu-west-1/app",)), (("prod",), ("us-east-1/app",)), (("prod",), ("eu-west-1/app-2",))],
    ids=["other locks", "other region", "other stack"],
)
def test_how_long_others_held_says_nothing(locks: tuple[str, ...], stacks: tuple[str, ...]) -> None:
    ticket = Ticket("n", "id", ("prod",), ("eu-west-1/app",))
    line = Finished("id", ticket.locks, "succeeded", "", stacks=ticket.stacks, held_seconds=60.0)
    assert usual_seconds(Document(finished=(line,)), ticket) == 60.0
    other = replace(line, locks=locks, stacks=stacks)
    assert usual_seconds(Document(finished=(other,)), ticket) is None
