"""Cleaning instructions are made for the failure that happened."""

from __future__ import annotations

import shlex

import pytest
from botocore import xform_name

from deploy_action.cleanup.orphan_deleter import _WAYS
from deploy_action.cleanup.plan import Deed, Left, cleanup_of, is_generated, steps_for
from tests.cloudformation.story import DATABASE, nested, resource, stack, told

TABLE = "AWS::DynamoDB::Table"


def test_a_rolled_back_creation_is_deleted() -> None:
    steps = cleanup_of(told(stack(1, "CREATE_IN_PROGRESS"), stack(9, "ROLLBACK_COMPLETE")))
    assert [step.deed for step in steps] == [Deed.DELETE_STACK]
    assert steps[0].command == "aws cloudformation delete-stack --region eu-west-1 --stack-name shop"


def test_the_deletion_of_what_was_created_without_rollback_warns_of_the_loss() -> None:
    (step,) = steps_for(Left("eu-west-1", "shop", "arn", "CREATE_FAILED"))
    assert step.deed is Deed.DELETE_STACK
    assert "Created resources are deleted" in step.danger


def test_a_failed_deletion_is_tried_again_and_then_without_what_is_stuck() -> None:
    again, leaving = steps_for(Left("eu-west-1", "shop", "arn", "DELETE_FAILED", stuck=("Bucket",)))
    assert (again.deed, again.resources, again.otherwise) == (Deed.DELETE_STACK, (), False)
    assert (leaving.deed, leaving.resources, leaving.otherwise) == (Deed.DELETE_STACK, ("Bucket",), True)
    assert leaving.command.endswith("--retain-resources Bucket")


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_stack_that_is_fine_needs_nothing(status: str) -> None:
    assert steps_for(Left("eu-west-1", "shop", "arn", status)) == ()


def test_a_failed_rollback_goes_on_and_then_without_what_failed_in_it() -> None:
    operation = told(
        stack(1, "UPDATE_IN_PROGRESS"),
        resource(2, "A", "UPDATE_IN_PROGRESS"),
        resource(3, "A", "UPDATE_COMPLETE"),
        resource(4, "B", "UPDATE_FAILED", "nope"),
        stack(5, "UPDATE_ROLLBACK_IN_PROGRESS"),
        resource(6, "A", "UPDATE_IN_PROGRESS"),
        resource(7, "A", "UPDATE_FAILED", "stuck"),
        resource(7, "B", "UPDATE_COMPLETE"),
        stack(9, "UPDATE_ROLLBACK_FAILED"),
    )
    first, second = cleanup_of(operation)
    assert (first.deed, first.resources, first.danger, first.otherwise) == (
        Deed.CONTINUE_ROLLBACK, (), "", False,
    )  # fmt: skip
    assert first.command == (
        "aws cloudformation continue-update-rollback --region eu-west-1 --stack-name shop"
    )
    assert second.resources == ("A",)
    assert second.command.endswith("--resources-to-skip A")
    assert "without touching them" in second.danger
    assert second.otherwise


def test_what_was_cancelled_cannot_be_left_out() -> None:
    operation = told(
        stack(1, "UPDATE_IN_PROGRESS"),
        stack(5, "UPDATE_ROLLBACK_IN_PROGRESS"),
        resource(6, "A", "UPDATE_FAILED", "Resource update cancelled"),
        resource(7, "B", "UPDATE_FAILED", "stuck"),
        stack(9, "UPDATE_ROLLBACK_FAILED"),
    )
    assert cleanup_of(operation)[1].resources == ("B",)


def test_of_a_nested_stack_its_resources_are_left_out_under_its_name() -> None:
    operation = told(
        stack(1, "UPDATE_IN_PROGRESS"),
        nested(2, "Database", "UPDATE_IN_PROGRESS"),
        stack(5, "UPDATE_ROLLBACK_IN_PROGRESS"),
        stack(5, "UPDATE_ROLLBACK_IN_PROGRESS", of=DATABASE),
        resource(6, "Instance", "UPDATE_FAILED", "stuck", of=DATABASE),
        stack(7, "UPDATE_ROLLBACK_FAILED", of=DATABASE),
        nested(8, "Database", "UPDATE_FAILED", "stuck"),
        stack(9, "UPDATE_ROLLBACK_FAILED"),
    )
    assert cleanup_of(operation)[1].resources == ("shop-Database-AAAA.Instance",)


def test_what_a_rollback_keeps_under_its_own_name_is_an_orphan() -> None:
    operation = told(
        stack(1, "CREATE_IN_PROGRESS"),
        resource(2, "Orders", "CREATE_COMPLETE", type_=TABLE),
        resource(2, "Unnamed", "CREATE_COMPLETE"),
        stack(5, "ROLLBACK_IN_PROGRESS"),
        resource(6, "Orders", "DELETE_SKIPPED", type_=TABLE),
        resource(6, "Unnamed", "DELETE_SKIPPED"),
        stack(9, "ROLLBACK_COMPLETE"),
    )
    deletes, orphan = cleanup_of(operation)
    assert deletes.deed is Deed.DELETE_STACK
    assert (orphan.deed, orphan.resources, orphan.resource_type) == (
        Deed.DELETE_ORPHAN,
        ("Orders-id",),
        TABLE,
    )
    assert orphan.command == "aws dynamodb delete-table --region eu-west-1 --table-name Orders-id"
    assert "lost" in orphan.danger


def test_what_was_there_before_is_none() -> None:
    operation = told(
        stack(1, "CREATE_IN_PROGRESS"),
        resource(2, "Orders", "CREATE_IN_PROGRESS", type_=TABLE),
        resource(2, "Orders", "CREATE_FAILED", "Orders-id already exists", type_=TABLE),
        stack(5, "ROLLBACK_IN_PROGRESS"),
        resource(6, "Orders", "DELETE_SKIPPED", type_=TABLE),
        stack(9, "ROLLBACK_COMPLETE"),
    )
    assert [step.deed for step in cleanup_of(operation)] == [Deed.DELETE_STACK]


def test_the_command_for_each_kind_of_orphan_is_one_of_the_aws_cli() -> None:
    """With the arguments that the SDK gives, in AWS CLI's spelling."""
    for kind, (service, operation, argument) in _WAYS.items():
        left = Left("eu-west-1", "shop", "arn", "ROLLBACK_COMPLETE", orphans=((kind, "x"),))
        words = shlex.split(steps_for(left)[1].command)
        assert words[1] == {"s3": "s3api"}.get(service, service)
        assert words[2] == operation.replace("_", "-")
        assert words[-2] == f"--{xform_name(argument, '-')}"


def test_what_a_wanted_deletion_keeps_is_none() -> None:
    operation = told(
        stack(1, "DELETE_IN_PROGRESS"),
        resource(6, "Orders", "DELETE_SKIPPED", type_=TABLE),
        stack(9, "DELETE_COMPLETE"),
    )
    assert cleanup_of(operation) == ()


def test_names_from_outside_stay_one_word_of_the_command() -> None:
    left = Left("eu-west-1", "shop", "arn", "ROLLBACK_COMPLETE", orphans=((TABLE, "x; rm -rf /"),))
    command = steps_for(left)[1].command
    assert "x; rm -rf /" in shlex.split(command)


@pytest.mark.parametrize(
    ("physical", "logical", "made_up"),
    [
        ("shop-Orders-1AB2C3D4E5F6", "Orders", True),
        ("shop-orders-1ab2c3d4e5f6", "Orders", True),
        ("arn:aws:sns:eu-west-1:123456789012:shop-Topic-1AB2", "Topic", True),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/shop-Queue-1AB2", "Queue", True),
        ("orders", "Orders", False),
        ("shop-data", "Orders", False),
        ("/aws/lambda/orders", "Logs", False),
    ],
)
def test_names_that_cloudformation_makes_up(physical: str, logical: str, made_up: bool) -> None:
    assert is_generated(physical, "shop", logical) is made_up
