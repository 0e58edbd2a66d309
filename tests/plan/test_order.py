"""Which change set goes first, by exports and imports."""

from __future__ import annotations

import pytest

from deploy_action.plan.order import Exchange, exports_of, imports_of, in_order


def names(*found: str) -> frozenset[str]:
    return frozenset(found)


def test_who_begins_to_export_goes_before_who_begins_to_import() -> None:
    importer = Exchange("a", imports=names("url"))
    exporter = Exchange("z", exports=names("url"))
    assert in_order([importer, exporter]) == ("z", "a")


def test_who_ceases_to_import_goes_before_who_ceases_to_export() -> None:
    exporter = Exchange("a", exports_before=names("url"))
    importer = Exchange("z", imports_before=names("url"))
    assert in_order([exporter, importer]) == ("z", "a")


def test_what_stays_exchanged_demands_nothing() -> None:
    exporter = Exchange("z", exports=names("url"), exports_before=names("url"))
    importer = Exchange("a", imports=names("url"), imports_before=names("url"))
    assert in_order([importer, exporter]) == ("a", "z")


def test_two_that_wait_for_each_other_stay_as_they_came() -> None:
    one = Exchange("one", exports=names("a"), imports=names("b"))
    two = Exchange("two", exports=names("b"), imports=names("a"))
    assert in_order([two, one]) == ("two", "one")


@pytest.mark.parametrize(
    "name",
    [
        "shop-url",
        {"Fn::Sub": "${AWS::StackName}-url"},
        {"Fn::Join": ["-", [{"Ref": "AWS::StackName"}, "url"]]},
    ],
)
def test_names_are_known_however_they_are_made(name: object) -> None:
    values = {"AWS::StackName": "shop"}
    assert exports_of({"Outputs": {"Url": {"Export": {"Name": name}}}}, values) == names("shop-url")
    deep = {"Resources": {"A": {"Properties": {"Value": [{"Fn::ImportValue": name}]}}}}
    assert imports_of(deep, values) == names("shop-url")


@pytest.mark.parametrize("template", [None, [], {"Outputs": []}, {"Outputs": {"A": 1, "B": {"Export": 2}}}])
def test_what_is_no_template_exchanges_nothing(template: object) -> None:
    assert exports_of(template, {}) == imports_of(template, {}) == frozenset()
