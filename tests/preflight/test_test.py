"""Pure parts of the checks: what a template's values come to, and what is certain."""

from __future__ import annotations

from typing import Any

import pytest

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.common.instants import WallTime
from deploy_action.locking.delegation import Borrower
from deploy_action.locking.document import Document, Ticket
from deploy_action.preflight.checks.coordination import lock_findings, wait_ahead_seconds
from deploy_action.preflight.checks.credentials import life_findings, told_expiry
from deploy_action.preflight.checks.names import named_resources
from deploy_action.preflight.checks.quotas import Counted, Need, needs_of, quota_findings
from deploy_action.preflight.checks.references import Store, references_of
from deploy_action.preflight.checks.template import capability_findings, limit_findings, parameter_findings
from deploy_action.preflight.facts import Context, Declared, Quota, Session, StackFacts, Summary
from deploy_action.preflight.finding import KINDS, Level, denied, finding, gathered, ordered, softened
from deploy_action.preflight.template_values import known_values, resolved

REF = StackRef("eu-west-1", "shop")
NEW, OLD = StackFacts(REF), StackFacts(REF, status="UPDATE_COMPLETE", parameters=frozenset({"Kept"}))
KNOWN = {"Name": "a", "AWS::StackName": "shop"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x", "x"),
        (5, "5"),
        (True, "true"),
        ({"Ref": "Name"}, "a"),
        ({"Ref": "Bucket"}, None),
        ({"Fn::Sub": "${AWS::StackName}-${Name}"}, "shop-a"),
        ({"Fn::Sub": "${Bucket}-x"}, None),
        ({"Fn::Sub": "${!literal}-${Name}"}, "${literal}-a"),
        ({"Fn::Sub": ["${A}-${Name}", {"A": "b"}]}, "b-a"),
        ({"Fn::Sub": ["${A}", {"A": {"Fn::GetAtt": ["B", "C"]}}]}, None),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}]]}, "a-a"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Bucket"}]]}, None),
        ({"Fn::ImportValue": "x"}, None),
        ({"Fn::Sub": 5}, None),
        ({"Fn::Join": "x"}, None),
        ({"Ref": {"Ref": "x"}}, None),
        ([1], None),
        (None, None),
    ],
)
def test_values_that_can_be_told_before(value: Any, text: str | None) -> None:
    assert resolved(value, KNOWN) == text


def test_an_existing_stack_keeps_values_so_a_default_says_nothing() -> None:
    declared = (Declared("A", default="x"), Declared("Ssm", "AWS::SSM::Parameter::Value<String>", "/p"))
    told = {"region": "eu-west-1", "account": "1", "stack": "shop", "declared": declared, "given": {}}
    assert known_values(**told, is_new=True)["A"] == "x"  # type: ignore[arg-type]
    assert "A" not in known_values(**told, is_new=False)  # type: ignore[arg-type]
    assert "Ssm" not in known_values(**told, is_new=True)  # type: ignore[arg-type]


def test_a_blocking_code_that_is_not_certain_is_a_warning() -> None:
    assert finding("secret-missing", "x", certain=False).level is Level.WARNING
    assert finding("secret-missing", "x").level is Level.BLOCKING
    assert finding("clock-skew", "x", certain=False).level is Level.WARNING
    assert [one.level for one in softened([finding("secret-missing", "x"), finding("lock-held", "y")])] == [
        Level.WARNING,
        Level.NOTE,
    ]
    note, blocking = finding("lock-held", "y"), finding("secret-missing", "x")
    assert ordered([note, blocking, note]) == [blocking, note]


def test_many_denials_are_told_as_one() -> None:
    some = [denied("s3:ListBucket", "whether a"), denied("ec2:DescribeVpcs", "whether b")]
    other = finding("clock-skew", "x")
    assert gathered([*some, other]) == [*some, other]
    found = gathered([*some, denied("s3:ListBucket", "whether c"), other])
    assert found[0] == other
    assert found[1].what == "AWS denies `s3:ListBucket`, `ec2:DescribeVpcs`, so 3 checks were left out."
    assert found[1].level is Level.NOTE


def test_every_code_that_is_no_mere_note_has_a_remedy() -> None:
    assert [code for code, kind in KINDS.items() if kind.level is not Level.NOTE and not kind.remedy] == []


def context(stack: StackFacts = NEW, **resources: str) -> Context:
    return Context(stack, {**KNOWN, "AWS::AccountId": "1"}, resources)


def bucket(**more: Any) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "data"}, **more}


def test_names_of_new_resources_only() -> None:
    kind = "AWS::RDS::DBInstance"
    database = {"Properties": {"DBInstanceIdentifier": "MyDB"}}
    template = {"Resources": {"A": bucket()}}
    assert [(one.name, one.certain) for one in named_resources(template, context())] == [("data", True)]
    assert named_resources(template, context(OLD, A="data")) == []
    assert named_resources({"Resources": {"A": {**database, "Type": kind}}}, context(OLD, A="mydb")) == []
    assert named_resources(template, context(OLD, A="other"))[0].name == "data"
    assert not named_resources({"Resources": {"A": bucket(Condition="C")}}, context())[0].certain
    assert not named_resources({"Transform": "M", **template}, context())[0].certain


def test_malformed_templates_are_no_trouble() -> None:
    malformed = {"A": 1, "B": {"Type": 2}, "C": {"Type": "X", "Properties": 3}}
    templates: list[dict[str, Any]] = [{}, {"Resources": []}, {"Resources": malformed}]
    for template in templates:
        assert named_resources(template, context()) == []
        assert needs_of(template, context()) == {}
        assert references_of(template, (), {}, context()) == []
        assert limit_findings(template) == []


def test_a_reference_by_arn_and_one_under_a_condition() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:1:secret:db-a1b2c3"
    template = {
        "Resources": {
            "A": {
                "Type": "T::A::B",
                "Properties": {"P": f"{{{{resolve:secretsmanager:{arn}:SecretString:p}}}}"},
            },
            "B": {"Type": "T::A::B", "Condition": "C", "Properties": {"P": ["{{resolve:ssm-secure:/k:1}}"]}},
        }
    }
    found = references_of(template, (), {}, context())
    assert [(one.store, one.name, one.certain) for one in found] == [
        (Store.SECRET, arn, True),
        (Store.PARAMETER, "/k", False),
    ]
    assert not any(one.certain for one in references_of(template, (), {}, context(OLD)))


def test_a_custom_resource_may_make_what_is_missing() -> None:
    template = {
        "Resources": {
            "A": {"Type": "T::A::B", "Properties": {"P": "{{resolve:secretsmanager:db}}"}},
            "C": {"Type": "Custom::Secret"},
        }
    }
    assert not references_of(template, (), {}, context())[0].certain


def test_parameters() -> None:
    declared = (Declared("Kept"), Declared("New"), Declared("List", "CommaDelimitedList", "a", ("a", "b")))
    assert [one.resource for one in parameter_findings(declared, {}, NEW)] == ["Kept", "New"]
    assert [one.resource for one in parameter_findings(declared, {}, OLD)] == ["New"]
    given = {"Kept": "1", "New": "1", "List": "a,b"}
    assert parameter_findings(declared, given, NEW) == []
    assert [one.code for one in parameter_findings(declared, {**given, "List": "a,c"}, NEW)] == [
        "parameter-invalid"
    ]


def test_capabilities() -> None:
    summary = Summary(capabilities=("CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"))
    assert [(one.level, one.resource) for one in capability_findings(summary, ("CAPABILITY_IAM",))] == [
        (Level.BLOCKING, "CAPABILITY_NAMED_IAM"),
        (Level.WARNING, "CAPABILITY_AUTO_EXPAND"),
    ]
    assert capability_findings(Summary(capabilities=("CAPABILITY_IAM",)), ("CAPABILITY_NAMED_IAM",)) == []


def test_quotas() -> None:
    need = {Counted.VPC: Need(sure=1, most=3)}
    assert quota_findings(need, {Counted.VPC: Quota(5, 2)}) == []
    assert [one.level for one in quota_findings(need, {Counted.VPC: Quota(5, 3)})] == [Level.WARNING]
    assert [one.level for one in quota_findings(need, {Counted.VPC: Quota(5, 5)})] == [Level.BLOCKING]
    assert quota_findings(need, {}) == []
    conditional, beyond = {Counted.VPC: Need(sure=0, most=1)}, {Counted.VPC: Quota(5, 6)}
    assert [one.level for one in quota_findings(conditional, beyond)] == [Level.WARNING]


def test_how_long_credentials_have_to_last() -> None:
    session = Session("1", "arn", expires=1000.0)

    def codes(now: float, estimate: float | None, wait: float = 0.0) -> list[str]:
        found = life_findings(session, now=WallTime(now), estimate_seconds=estimate, wait_seconds=wait)
        return [one.code for one in found]

    assert codes(500, 400) == []
    assert codes(500, 501) == ["credentials-end-early"]
    assert codes(500, 400, wait=200) == ["credentials-end-early"]
    assert codes(500, None) == ["credentials-end-early"]
    assert codes(1000, 1) == ["credentials-expired"]
    (late,) = life_findings(session, now=WallTime(1000), estimate_seconds=1, wait_seconds=0)
    assert late.level is Level.WARNING, "AWS has just taken them: the clock may be wrong"
    assert life_findings(Session("1", "arn"), now=WallTime(0), estimate_seconds=1e9, wait_seconds=0) == []
    assert told_expiry({"AWS_SESSION_EXPIRATION": "1970-01-01T00:01:40Z"}) == 100
    assert told_expiry({"AWS_CREDENTIAL_EXPIRATION": "soon"}) is None


def test_a_lock_that_is_lent_to_us_is_no_other_deployment() -> None:
    document = Document(tickets=(Ticket("n", "id-n", ("prod",), epochs=(("prod", 1),)),))
    at = "1970-01-01T00:00:00Z"
    assert [one.code for one in lock_findings(document, ("prod",), now=WallTime(0), at=at)] == ["lock-held"]
    assert lock_findings(document, ("prod",), now=WallTime(0), at=at, ours=Borrower(("n",)).may_use) == []


def test_an_empty_registry_holds_nobody_up() -> None:
    assert lock_findings(Document(), ("prod",), now=WallTime(0), at="1970-01-01T00:00:00Z") == []
    assert wait_ahead_seconds(Document(), ("prod",), now=WallTime(0)) == 0
