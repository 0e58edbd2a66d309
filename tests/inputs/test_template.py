"""The inputs about `template`: nested files, and what a change set is made with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.change_set_options import RollbackTrigger
from deploy_action.inputs.template import TemplateBucket
from tests.inputs.test_settings import parsed, the_problem

if TYPE_CHECKING:
    from pathlib import Path

NEST = "Resources:\n  C: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: %s}}\n"
ALARM = "arn:aws-us-gov:cloudwatch:us-gov-west-1:123456789012:alarm:a b"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "stack.yaml").write_text("Resources: {}\n")
    (tmp_path / "infra" / "deep").mkdir(parents=True)
    (tmp_path / "infra" / "top.yaml").write_text(NEST % "deep/middle.yaml")
    (tmp_path / "infra" / "deep" / "middle.yaml").write_text(NEST % "../leaf.yaml")
    (tmp_path / "infra" / "leaf.yaml").write_text("Resources: {}\n")
    return tmp_path


def test_nested_templates_are_read_beside_the_one_that_names_them(workspace: Path) -> None:
    tree = parsed(workspace, template="infra/top.yaml", s3_bucket="b-1").template_tree
    assert tree is not None
    assert [one.name for one in tree.descendants()] == ["infra/deep/middle.yaml", "infra/leaf.yaml"]


def test_a_nested_template_that_is_missing_or_outside_is_told(workspace: Path) -> None:
    (workspace / "infra" / "leaf.yaml").unlink()
    told = the_problem(workspace, template="infra/top.yaml", s3_bucket="b-1")
    assert "`TemplateURL` of AWS::CloudFormation::Stack `C` in `infra/deep/middle.yaml`" in told
    assert "there is no file `infra/leaf.yaml`" in told
    (workspace / "stack.yaml").write_text(NEST % "../../../../../../etc/passwd")
    told = the_problem(workspace, template="stack.yaml", s3_bucket="b-1")
    assert "root:" not in told
    assert "outside the workspace" in told or "there is no file" in told


def test_a_template_that_nests_itself_is_told(workspace: Path) -> None:
    (workspace / "infra" / "leaf.yaml").write_text(NEST % "top.yaml")
    told = the_problem(workspace, template="infra/top.yaml", s3_bucket="b-1")
    assert "infra/top.yaml > infra/deep/middle.yaml > infra/leaf.yaml > infra/top.yaml" in told


def test_a_macro_may_mean_something_else_by_a_name_that_is_no_file(workspace: Path) -> None:
    (workspace / "stack.yaml").write_text("Transform: Mine\n" + NEST % "no-file")
    assert parsed(workspace, template="stack.yaml").template_tree is not None


def test_what_is_no_template_is_left_to_cloudformation(workspace: Path) -> None:
    (workspace / "stack.yaml").write_text("TemplateURL: [\n")
    assert parsed(workspace, template="stack.yaml").handed_over == "TemplateURL: [\n"


@pytest.mark.parametrize(
    ("bucket", "prefix", "expected"),
    [
        ("my-templates", "", TemplateBucket("my-templates")),
        ("s3://my.templates/", "/a/b/", TemplateBucket("my.templates", "a/b")),
    ],
)
def test_a_bucket_and_its_folder(workspace: Path, bucket: str, prefix: str, expected: TemplateBucket) -> None:
    found = parsed(workspace, template="stack.yaml", s3_bucket=bucket, s3_prefix=prefix)
    assert found.template_bucket == expected


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("s3_bucket", "s3://b/folder", "A folder in it is `s3-prefix`"),
        ("s3_prefix", "a", "needs `s3-bucket`"),
        ("notification_arns", "events", "is not a topic's ARN"),
        ("notification_arns", ",".join(f"arn:aws:sns:eu-west-1:1{n}3456789012:t" for n in "012345"), "5."),
        ("rollback_triggers", "Errors", "is not an alarm's ARN"),
        ("monitoring_time_in_minutes", "181", "from 0 to 180"),
        ("monitoring_time_in_minutes", "1.5", "no whole number"),
        ("change_set_name", "a_b", "letters, digits and hyphens"),
        ("stack_policy", "{}", "no `Statement` list"),
        ("stack_policy", "missing.json", "there is no file"),
        ("termination_protection", "maybe", "neither true nor false"),
    ],
)
def test_what_cloudformation_would_refuse_is_told(workspace: Path, name: str, value: str, words: str) -> None:
    assert words in the_problem(workspace, template="stack.yaml", **{name: value})


def test_what_is_left_away_is_left_as_it_is(workspace: Path) -> None:
    found = parsed(workspace, template="stack.yaml")
    options = found.change_set
    assert (options.notification_arns, options.rollback_triggers, options.monitoring_minutes) == (None,) * 3
    assert not found.stack_settings.given
    cleared = parsed(workspace, template="stack.yaml", notification_arns="[]", rollback_triggers="[]")
    assert (cleared.change_set.notification_arns, cleared.change_set.rollback_triggers) == ((), ())


def test_alarms_one_a_line_or_by_commas(workspace: Path) -> None:
    given = f"{ALARM}, {ALARM}2\ncomposite: {ALARM}"
    assert parsed(workspace, template="stack.yaml", rollback_triggers=given).change_set.rollback_triggers == (
        RollbackTrigger(ALARM),
        RollbackTrigger(f"{ALARM}2"),
        RollbackTrigger(ALARM, "AWS::CloudWatch::CompositeAlarm"),
    )


def test_a_policy_as_json_or_file(workspace: Path) -> None:
    policy: dict[str, object] = {"Statement": []}
    (workspace / "policy.json").write_text(json.dumps(policy, indent=4))
    for given in (json.dumps(policy), "policy.json", "file://policy.json"):
        found = parsed(workspace, template="stack.yaml", stack_policy=given)
        assert found.stack_settings.policy == '{"Statement":[]}'


@pytest.mark.parametrize("name", ["s3-bucket", "notification-arns", "stack-policy", "termination-protection"])
def test_none_of_them_works_with_a_command(name: str) -> None:
    values = {
        "s3-bucket": "b-1",
        "notification-arns": "[]",
        "stack-policy": '{"Statement": []}',
        "termination-protection": "true",
    }
    assert f"`{name}` works with `template` only" in the_problem(None, **{"command": "x", name: values[name]})


def test_the_name_in_the_official_action_is_known() -> None:
    told = the_problem(command="x", include_nested_stacks_change_set="1")
    assert "Did you mean `include-nested-stacks`?" in told
