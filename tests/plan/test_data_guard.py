"""Which resources with data a plan takes away, and what stops it."""

from __future__ import annotations

import re

import pytest

from deploy_action.cloudformation.change_set import Change
from deploy_action.data import read_table
from deploy_action.plan.data_guard import TABLE, at_risk, at_risk_in, judge, parse_data_types, refusal

TYPES = parse_data_types(read_table(TABLE))
TABLE_TYPE = "AWS::DynamoDB::Table"


def removed(**more: str) -> Change:
    return Change("Remove", "Table", TABLE_TYPE, **more)  # type: ignore[arg-type]  # texts only


def modified(replacement: str, policy: str = "") -> Change:
    return Change("Modify", "Table", TABLE_TYPE, replacement=replacement, policy_action=policy)


def test_the_table_names_each_type_once_and_what_it_holds() -> None:
    lines = [line for line in read_table(TABLE).splitlines() if not line.startswith("#")]
    assert len(lines) == len(TYPES)
    assert lines == sorted(lines)
    assert all(re.fullmatch(r"AWS::\w+::\w+\t[\w' ,]+", line) for line in lines)
    asked = {"RDS::DBInstance", "DynamoDB::Table", "S3::Bucket", "EFS::FileSystem", "Cognito::UserPool"}
    asked |= {"KMS::Key", "Logs::LogGroup", "Kinesis::Stream", "SQS::Queue", "SecretsManager::Secret"}
    assert {f"AWS::{name}" for name in asked} <= set(TYPES)


@pytest.mark.parametrize(
    ("change", "deed"),
    [
        (removed(), "is deleted"),
        (removed(policy_action="Delete"), "is deleted"),
        (modified("True"), "is replaced"),
        (modified("True", "ReplaceAndDelete"), "is replaced"),
        (modified("Conditional"), "is perhaps replaced"),
        (Change("Dynamic", "Table", TABLE_TYPE), "is perhaps deleted or replaced"),
    ],
    ids=lambda value: "",
)
def test_what_goes_is_lost(change: Change, deed: str) -> None:
    (lost,) = judge(at_risk("shop", [change], TYPES), ()).lost
    assert (lost.name, lost.holds, lost.deed) == ("shop/Table", "a table", deed)


@pytest.mark.parametrize(
    "change",
    [
        modified("False"),
        Change("Add", "Table", TABLE_TYPE),
        Change("Import", "Table", TABLE_TYPE),
        Change("SyncWithActual", "Table", TABLE_TYPE),
        Change("Remove", "Topic", "AWS::SNS::Topic"),
        Change("Modify", "Topic", "AWS::SNS::Topic", replacement="True"),
    ],
    ids=lambda change: f"{change.action} {change.logical_id} {change.replacement}",
)
def test_what_stays_or_holds_no_data_is_not(change: Change) -> None:
    assert at_risk("shop", [change], TYPES) == ()


@pytest.mark.parametrize("policy", ["Retain", "Snapshot"])
@pytest.mark.parametrize(
    "change", [removed, lambda **more: modified("True", f"ReplaceAnd{more['policy_action']}")]
)
def test_a_policy_that_keeps_the_data_is_said(change: object, policy: str) -> None:
    found = judge(at_risk("shop", [change(policy_action=policy)], TYPES), ())  # type: ignore[operator]
    assert found.lost == ()
    (sentence,) = found.sentences
    assert sentence.endswith(f"`{policy}` keeps its data.")


@pytest.mark.parametrize("name", ["Table", "shop/Table"])
def test_data_that_may_go_is_named(name: str) -> None:
    found = judge(at_risk("shop", [removed()], TYPES), (name,))
    assert found.lost == ()
    assert found.sentences == (
        "As `allow-data-loss` permits, `shop/Table` (AWS::DynamoDB::Table, a table) is deleted.",
    )


@pytest.mark.parametrize("name", ["table", "Tabl", "Table2", "other/Table", "shop/Child/Table", "*"])
def test_only_the_very_name_permits_it_and_one_that_permits_nothing_is_said(name: str) -> None:
    found = judge(at_risk("shop", [removed()], TYPES), (name,))
    assert [one.logical_id for one in found.lost] == ["Table"]
    assert found.unused == (name,)
    assert "neither deleted nor replaced" in found.sentences[-1]


def test_a_stack_that_goes_as_a_whole_takes_its_data_along() -> None:
    template = {
        "Resources": {
            "Orders": {"Type": TABLE_TYPE},
            "Kept": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
            "Deeper": {"Type": "AWS::CloudFormation::Stack"},
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Broken": [],
            "Fn::ForEach::Tables": ["Name", ["A", "B"], {"${Name}": {"Type": TABLE_TYPE}}],
        }
    }
    found = judge(at_risk_in("shop/Child", template, TYPES) or (), ())
    assert [one.name for one in found.lost] == [
        "shop/Child/Orders",
        "shop/Child/Deeper",
        "shop/Child/Fn::ForEach::Tables",
    ]
    assert [one.name for one in found.kept] == ["shop/Child/Kept"]
    assert at_risk_in("shop/Child", "no template", TYPES) is None


def test_the_refusal_names_what_would_be_lost_and_what_to_do() -> None:
    many = [Change("Remove", f"Table{number}", TABLE_TYPE) for number in range(7)]
    error = refusal(judge(at_risk("shop", many, TYPES), ()), locked=True)
    assert error.exit_code == 11
    assert "`shop/Table0`" in error.what
    assert error.what.endswith("and 2 more.")
    assert "`allow-data-loss`" in error.remedy
    assert "Nothing was changed" in error.why
