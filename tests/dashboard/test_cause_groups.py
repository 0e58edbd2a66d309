"""Failures of one kind are counted together."""

from __future__ import annotations

import pytest

from deploy_action.common.instants import WallTime
from deploy_action.common.times import iso
from deploy_action.dashboard.cause_groups import UNKNOWN, cause_groups, group_of
from deploy_action.dashboard.page import machine_data
from deploy_action.dashboard.page_data import page_data
from deploy_action.dashboard.timeline import Entry, timeline_of
from tests.common.many_story import NOW, records

DENIED = (
    "Table (AWS::DynamoDB::Table): User: arn:aws:sts::123456789012:assumed-role/deploy/x is not authorized "
    "to perform: dynamodb:CreateTable on resource: arn:aws:dynamodb:eu-west-1:123456789012:table/{table}"
)


def failed(*found: tuple[str, str]) -> list[Entry]:
    """(stack, cause) each, an hour apart."""
    rows = [
        {
            **row,
            "correlation_id": f"id-{number}",
            "outcome": "rolled-back",
            "stacks": [stack],
            "root_cause": cause,
            "released_at": iso(NOW - 3600 * (len(found) - number)),
        }
        for number, ((stack, cause), row) in enumerate(zip(found, records(len(found)), strict=True))
    ]
    return list(timeline_of(rows, now=WallTime(NOW)).entries)


def test_one_kind_is_counted_once_with_the_stacks_that_it_is_of() -> None:
    denied = [("shop-api", DENIED.format(table=f"t{number}")) for number in range(5)]
    denied += [("shop-web", "Role (AWS::IAM::Role): Access denied for operation 'iam:CreateRole'.")] * 2
    found = cause_groups(failed(*denied, ("shop-web", "")))
    assert [(one.name, one.count, one.stacks) for one in found] == [
        ("Access denied", 7, (("shop-api", 5), ("shop-web", 2))),
        (UNKNOWN, 1, (("shop-web", 1),)),
    ]
    assert found[0].last.deployment.correlation_id == "id-6"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "A (X::Y::Z): odd thing 4711 (RequestToken: 0a1b-2)",
            "B (X::Y::Z): odd thing 12 (RequestToken: ff)",
        ),
        ("odd arn:aws:x:y:1:z", "odd arn:aws:x:y:2:w"),
    ],
)
def test_ids_tell_no_kinds_apart(one: str, other: str) -> None:
    assert group_of(one) == group_of(other)
    assert group_of(one) != group_of("something else")


def test_what_went_well_has_no_cause_and_machines_are_given_the_groups() -> None:
    entries = failed(("shop", "odd thing 1"), ("shop", "odd thing 2"))
    good = timeline_of(list(records(3)), now=WallTime(NOW)).entries
    good = tuple(one for one in good if not one.bad)
    data = page_data([*good, *entries], {}, {}, now=WallTime(NOW))
    assert data["rows"]["why"] == [None] * len(good) + [0, 0]
    assert data["whys"] == ["odd thing …"]
    told = machine_data(entries, {}, {}, notices=[], now=WallTime(NOW))
    assert told["causes"] == [{"cause": "odd thing …", "failures": 2, "stacks": {"shop": 2}}]
