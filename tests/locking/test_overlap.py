"""Globs of two holders that overlap."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.overlap import globs_meet, overlaps_of
from deploy_action.locking.transitions import request

AT = "2027-01-15T08:00:00Z"
ACCOUNT = "123456789012"
ALL = Ticket("a", "id-a", ("prod",), ("eu-west-1/app-*",), account=ACCOUNT, run_id="1")
ONE = Ticket("b", "id-b", ("web",), ("eu-west-1/app-web",), account=ACCOUNT, run_id="2", url="https://run/2")


def holding(*tickets: Ticket) -> Document:
    document = Document()
    for ticket in tickets:
        document = request(document, ticket, at=AT, enqueue_if_busy=True) or document
    return document


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("r/app-*", "r/app-web", True),
        ("r/app-*", "r/shop-web", False),
        ("r/app-*", "q/app-web", False),
        ("r/*-prod", "r/app-*", True),
        ("r/app-?", "r/app-[12]", True),
        ("r/app-?", "r/app-12", False),
        ("r/app", "r/app", False),
    ],
)
def test_two_globs_meet_where_one_name_matches_both(one: str, other: str, meet: bool) -> None:
    assert globs_meet(one, other) is globs_meet(other, one) is meet


globs = st.text("ab*?", max_size=5)


@given(globs, globs, st.text("ab", max_size=6))
def test_no_overlap_is_missed(one: str, other: str, name: str) -> None:
    if fnmatchcase(name, one) and fnmatchcase(name, other) and set("*?") & set(one + other):
        assert globs_meet(one, other)


def test_both_holders_are_told() -> None:
    document = holding(ALL, ONE)
    (to_all,) = overlaps_of(document, ALL)
    (to_one,) = overlaps_of(document, ONE)
    assert "id-b (https://run/2) holds `web`" in to_all
    assert "id-a (no link) holds `prod`" in to_one
    assert "its eu-west-1/app-* and the eu-west-1/app-web of this deployment overlap" in to_one


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, account="210987654321"),
        replace(ONE, account=""),
        replace(ONE, run_id="1"),
        replace(ONE, locks=("prod",)),
        replace(ONE, stacks=("eu-central-1/app-web",)),
    ],
    ids=["other account", "unknown account", "same run", "waits for the same lock", "other region"],
)
def test_nobody_is_told_of_what_cannot_meet(other: Ticket) -> None:
    document = holding(ALL, other)
    assert not list(overlaps_of(document, ALL))
    assert not list(overlaps_of(document, other))
