"""What was reviewed beside what would be planned now, as data."""

from __future__ import annotations

import pytest

from deploy_action.cloudformation.change_set import ChangeSet, ChangeSetRequest, Parameter
from deploy_action.cloudformation.change_set_options import ChangeSetOptions, RollbackTrigger
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.plan.difference import not_compared, of_parameters, of_settings, others_of

ROLE = "arn:aws:iam::123456789012:role/a"


def reviewed(**more: object) -> ChangeSet:
    return ChangeSet("arn", "c", "id", "CREATE_COMPLETE", "AVAILABLE", **more)  # type: ignore[arg-type]


def now(options: ChangeSetOptions | None = None, **more: object) -> ChangeSetRequest:
    options = options or ChangeSetOptions()
    return ChangeSetRequest(StackRef("r", "s"), "n", "t", "d", options=options, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "others", "lines"),
    [
        ([("A", "1")], {}, ()),
        ([("A", "2")], {}, ("parameter A: reviewed 1, now 2",)),
        ([("New", "2")], {}, ("parameter New: reviewed without it, now 2",)),
        ([], {"A": "2"}, ("parameter A: reviewed 1, now 2",)),
        ([("A", None)], {"A": "2"}, ("parameter A: reviewed 1, now 2",)),
        ([("A", "1")], {"A": "2"}, ()),
        ([("Secret", "x")], {}, ()),
        ([], {"A": "****"}, ()),
        ([], {"Unknown": "2"}, ()),
    ],
    ids=[
        "the same", "another value", "one more", "no longer given", "kept", "given again", "hidden",
        "hidden now", "not in it",
    ],
)  # fmt: skip
def test_a_parameter_is_compared_by_what_it_would_be_now(
    given: list[tuple[str, str | None]], others: dict[str, str], lines: tuple[str, ...]
) -> None:
    then = reviewed(parameters=(("A", "1"), ("Secret", "****")))
    assert of_parameters(then, [Parameter(*pair) for pair in given], others) == lines


def test_a_value_that_a_reference_hides_is_no_difference() -> None:
    then = reviewed(parameters=(("A", "{{resolve:ssm:***}}"),))
    assert of_parameters(then, [Parameter("A", "{{resolve:ssm:/a/b}}")], {}) == ()


def test_a_parameter_that_is_called_a_secret_is_not_shown() -> None:
    then = reviewed(parameters=(("DbPassword", "hunter2"), ("API_KEY", "abc")))
    lines = of_parameters(then, [Parameter("DbPassword", "hunter3")], {"API_KEY": "def"})
    assert sorted(lines) == [
        "parameter API_KEY: another value than reviewed",
        "parameter DbPassword: another value than reviewed",
    ]


def test_who_is_not_given_keeps_the_stacks_value_else_has_the_default() -> None:
    declared = {
        "A": {"Default": "x"},
        "B": {"Default": 5},
        "C": {"Default": True},
        "D": {},
        "E": {"Default": 0.1},
    }
    assert others_of({"Parameters": declared}, {"A": "y"}) == {"A": "y", "B": "5", "C": "true"}


@pytest.mark.parametrize("template", [None, {}, {"Parameters": []}, {"Parameters": {"A": 1}}])
def test_a_template_that_declares_nothing_has_no_defaults(template: object) -> None:
    assert others_of(template, {}) == {}


def test_hidden_values_are_named() -> None:
    assert not_compared(reviewed(parameters=(("A", "1"), ("Secret", "****")))) == ("Secret",)


def test_settings_that_are_given_are_compared() -> None:
    then = reviewed(
        capabilities=("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
        notification_arns=("b", "a"),
        rollback_triggers=("alarm",),
        monitoring_minutes=5,
    )
    assert of_settings(then, now(), None) == ()
    same = ChangeSetOptions(
        notification_arns=("a", "b"), rollback_triggers=(RollbackTrigger("alarm"),), monitoring_minutes=5
    )
    more = ("CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM")
    assert of_settings(then, now(same, capabilities=more, role_arn=ROLE), ROLE) == ()
    other = ChangeSetOptions(notification_arns=(), rollback_triggers=(), monitoring_minutes=0)
    assert of_settings(then, now(other, capabilities=("CAPABILITY_IAM",), role_arn=ROLE), "") == (
        "capabilities: reviewed CAPABILITY_AUTO_EXPAND, now none",
        f"role-arn: reviewed none, now {ROLE}",
        "notification-arns: reviewed a, b, now none",
        "rollback triggers: reviewed alarm, now none",
        "monitoring minutes: reviewed 5, now none",
    )
    assert of_settings(then, now(role_arn=ROLE), None) == ()
