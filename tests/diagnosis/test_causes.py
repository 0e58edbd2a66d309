"""Which of many failures are causes, told by events written here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.diagnosis.causes import causes_of, early_warnings, warning_key
from deploy_action.reporting.report import failure_causes
from tests.cloudformation.story import DATABASE, REPLICA, ROOT, nested, resource, stack, told

CANCELLED = "Resource creation cancelled"
SUMMARY = "The following resource(s) failed to create: [A, B]. "


def names(operation: Operation) -> list[str]:
    return [cause.name for cause in causes_of(operation)]


def wrapper(id_: str = DATABASE, verb: str = "created") -> str:
    return (
        f"Embedded stack {id_} was not successfully {verb}: The following resource(s) failed to create: [X]. "
    )


def test_nothing_failed_nothing_to_tell() -> None:
    assert causes_of(told(stack(0, "CREATE_IN_PROGRESS"), stack(1, "CREATE_COMPLETE"))) == ()
    assert causes_of(Operation()) == ()


def test_cancelled_siblings_and_the_summary_are_no_causes() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(1, "B", "CREATE_FAILED", CANCELLED),
        resource(2, "A", "CREATE_FAILED", "no room"),
        resource(3, "C", "UPDATE_FAILED", "Resource update cancelled"),
        resource(3, "D", "DELETE_FAILED", "Resource deletion cancelled"),
        stack(4, "ROLLBACK_IN_PROGRESS", SUMMARY),
        stack(9, "ROLLBACK_COMPLETE"),
    )
    (cause,) = causes_of(operation)
    assert (cause.logical_id, cause.message, cause.timestamp) == ("A", "no room", 2)


def test_independent_causes_are_all_told_in_their_order_however_close() -> None:
    operation = told(
        stack(0, "CREATE_IN_PROGRESS"),
        resource(1.0, "B", "CREATE_FAILED", "denied"),
        resource(1.1, "A", "CREATE_FAILED", "denied"),
        resource(1.1, "C", "CREATE_FAILED", CANCELLED),
        stack(2, "ROLLBACK_IN_PROGRESS", SUMMARY),
    )
    assert names(operation) == ["B", "A"]


def test_the_words_of_the_service_are_told_without_their_wrapping() -> None:
    operation = told(
        resource(
            1,
            "Key",
            "CREATE_FAILED",
            'Resource handler returned message: "Access "denied"\nfor you" '
            "(RequestToken: 1-2, HandlerErrorCode: AccessDenied)",
        )
    )
    assert causes_of(operation)[0].message == 'Access "denied"\nfor you'


class TestNested:
    def failed(self) -> Operation:
        return told(
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Database", "CREATE_IN_PROGRESS"),
            stack(1, "CREATE_IN_PROGRESS", of=DATABASE),
            nested(2, "Replica", "CREATE_IN_PROGRESS", id_=REPLICA, of=DATABASE),
            resource(3, "Instance", "CREATE_FAILED", "no room", of=REPLICA),
            stack(3, "CREATE_FAILED", "The following resource(s) failed to create: [Instance]. ", of=REPLICA),
            nested(4, "Replica", "CREATE_FAILED", wrapper(REPLICA), id_=REPLICA, of=DATABASE),
            resource(4, "Subnet", "CREATE_FAILED", CANCELLED, of=DATABASE),
            stack(5, "CREATE_FAILED", "The following resource(s) failed to create: [Replica]. ", of=DATABASE),
            nested(6, "Database", "CREATE_FAILED", wrapper()),
            stack(7, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Database]. "),
        )

    def test_only_the_leaf_is_the_cause_and_its_name_says_where_it_lies(self) -> None:
        (cause,) = causes_of(self.failed())
        assert (cause.name, cause.logical_id) == ("Database/Replica/Instance", "Instance")
        assert cause.stack_id == REPLICA

    def test_where_the_leaf_cannot_be_read_the_wrapper_stands_in(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Database", "CREATE_IN_PROGRESS"),
            nested(6, "Database", "CREATE_FAILED", wrapper()),
            nested(6, "Cache", "CREATE_FAILED", CANCELLED, id_=REPLICA),
            stack(7, "ROLLBACK_IN_PROGRESS", SUMMARY),
        )
        assert names(operation) == ["Database: X"]

    def test_a_nested_stack_without_a_resource_to_blame_is_told_by_its_wrapper(self) -> None:
        words = f"Embedded stack {DATABASE} was not successfully created: Attribute 'Arn' does not exist"
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Database", "CREATE_IN_PROGRESS"),
            stack(2, "ROLLBACK_IN_PROGRESS", "Attribute 'Arn' does not exist", of=DATABASE),
            nested(3, "Database", "CREATE_FAILED", words),
            stack(4, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Database]. "),
        )
        (cause,) = causes_of(operation)
        assert (cause.name, cause.message) == ("Database", words)

    def test_a_nested_stack_that_was_only_cancelled_is_no_cause(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            nested(1, "Database", "UPDATE_IN_PROGRESS"),
            resource(2, "Service", "UPDATE_FAILED", "circuit breaker"),
            resource(3, "Instance", "UPDATE_FAILED", "Resource update cancelled", of=DATABASE),
            nested(4, "Database", "UPDATE_FAILED", wrapper(verb="updated")),
            stack(5, "UPDATE_ROLLBACK_IN_PROGRESS", SUMMARY),
        )
        assert names(operation) == ["Service"]

    def test_where_all_was_cancelled_the_wrapper_says_more_than_a_list_of_names(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            nested(1, "Database", "UPDATE_IN_PROGRESS"),
            resource(3, "Instance", "UPDATE_FAILED", "Resource update cancelled", of=DATABASE),
            nested(4, "Database", "UPDATE_FAILED", wrapper(verb="updated")),
            stack(5, "UPDATE_ROLLBACK_IN_PROGRESS", SUMMARY),
        )
        assert names(operation) == ["Database: X"]

    def test_missing_capabilities_are_told_of_the_nested_stack_as_a_resource(self) -> None:
        reason = "Requires capabilities : [CAPABILITY_IAM]"
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Roles", "CREATE_IN_PROGRESS", id_=""),
            nested(2, "Roles", "CREATE_FAILED", reason, id_=""),
            resource(2, "B", "CREATE_FAILED", CANCELLED),
            stack(3, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Roles, B]. "),
        )
        (cause,) = causes_of(operation)
        assert (cause.logical_id, cause.resource_type, cause.message) == ("Roles", STACK_TYPE, reason)


class TestDeletions:
    def test_one_that_fails_in_clean_up_is_no_cause(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            stack(1, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            resource(2, "Key", "DELETE_FAILED", "denied"),
            stack(9, "UPDATE_COMPLETE", "Update successful. One or more resources could not be deleted."),
        )
        assert causes_of(operation) == ()

    def test_one_that_fails_in_the_clean_up_of_a_rollback_is_no_cause(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS"),
            resource(1, "Logs", "CREATE_FAILED", "denied"),
            stack(2, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Logs]. "),
            stack(3, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
            resource(4, "Key", "DELETE_FAILED", "denied"),
            resource(5, "Key", "DELETE_FAILED", "denied"),
            stack(6, "UPDATE_ROLLBACK_COMPLETE", "One or more resources could not be deleted."),
        )
        assert names(operation) == ["Logs"]

    def test_one_inside_a_nested_stack_that_the_root_rolls_back_is_no_cause(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            nested(1, "Database", "CREATE_IN_PROGRESS"),
            stack(2, "CREATE_COMPLETE", of=DATABASE),
            nested(2, "Database", "CREATE_COMPLETE"),
            resource(3, "Service", "CREATE_FAILED", "circuit breaker"),
            stack(4, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Service]. "),
            nested(5, "Database", "DELETE_IN_PROGRESS"),
            stack(5, "DELETE_IN_PROGRESS", of=DATABASE),
            resource(6, "Bucket", "DELETE_FAILED", "not empty", of=DATABASE),
            stack(6, "DELETE_FAILED", "The following resource(s) failed to delete: [Bucket]. ", of=DATABASE),
            nested(7, "Database", "DELETE_FAILED", wrapper(verb="deleted")),
        )
        assert names(operation) == ["Service"]

    def test_where_the_rollback_itself_failed_by_one_both_are_told(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            resource(1, "Service", "CREATE_FAILED", "circuit breaker"),
            stack(2, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Service]. "),
            resource(3, "Bucket", "DELETE_FAILED", "not empty"),
            stack(4, "ROLLBACK_FAILED", "The following resource(s) failed to delete: [Bucket]. "),
        )
        assert names(operation) == ["Service", "Bucket"]

    def test_where_deleting_was_the_purpose_it_is_the_cause_told_once(self) -> None:
        denied = (
            'Resource handler returned message: "not empty (Request ID: {0})" (RequestToken: {0}, Code: x)'
        )
        operation = told(
            stack(0, "DELETE_IN_PROGRESS", "User Initiated"),
            resource(1, "Bucket", "DELETE_FAILED", denied.format("a-1")),
            resource(2, "Bucket", "DELETE_FAILED", denied.format("b-2")),
            resource(2, "Role", "DELETE_FAILED", "in use"),
            stack(3, "DELETE_FAILED", "The following resource(s) failed to delete: [Bucket, Role]. "),
        )
        assert names(operation) == ["Bucket", "Role"]
        assert causes_of(operation)[0].timestamp == 1


class TestToldOfTheStackOnly:
    def test_the_stack_itself_is_the_cause(self) -> None:
        reason = "Attribute 'Endpoint' does not exist"
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS", "User Initiated"),
            resource(1, "A", "UPDATE_FAILED", "Resource update cancelled"),
            stack(2, "UPDATE_ROLLBACK_IN_PROGRESS", reason),
            stack(3, "UPDATE_ROLLBACK_COMPLETE"),
        )
        (cause,) = causes_of(operation)
        assert (cause.name, cause.resource_type, cause.message) == ("shop", STACK_TYPE, reason)

    def test_a_sentence_says_more_than_a_list_of_names(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            stack(1, "ROLLBACK_IN_PROGRESS", SUMMARY),
            stack(2, "ROLLBACK_FAILED", "Export shop-vpc cannot be deleted as it is in use"),
        )
        assert causes_of(operation)[0].message == "Export shop-vpc cannot be deleted as it is in use"

    def test_a_list_of_names_is_better_than_nothing(self) -> None:
        operation = told(stack(1, "ROLLBACK_IN_PROGRESS", SUMMARY), stack(2, "ROLLBACK_COMPLETE"))
        assert causes_of(operation)[0].message == SUMMARY

    def test_a_failure_without_a_reason_is_told_where_nothing_else_is(self) -> None:
        silent = resource(1, "A", "CREATE_FAILED")
        assert names(told(silent, resource(1, "B", "CREATE_FAILED"), stack(2, "ROLLBACK_COMPLETE"))) == ["A"]
        assert names(told(silent, resource(2, "B", "CREATE_FAILED", "denied"))) == ["B"]

    def test_a_summary_alone_names_the_resources_that_failed(self) -> None:
        assert names(told(stack(1, "ROLLBACK_IN_PROGRESS", SUMMARY))) == ["shop: A, B"]

    @pytest.mark.parametrize("spelling", ["Rollback requested by user.", "Rollback requested by user"])
    def test_that_somebody_asked_is_left_out_where_it_was_only_appended(self, spelling: str) -> None:
        operation = told(stack(1, "ROLLBACK_IN_PROGRESS", SUMMARY + spelling))
        assert causes_of(operation)[0].message == "The following resource(s) failed to create: [A, B]."

    def test_a_rollback_that_somebody_did_ask_for_says_so(self) -> None:
        operation = told(stack(1, "UPDATE_ROLLBACK_IN_PROGRESS", "Rollback requested by user."))
        assert causes_of(operation)[0].message == "Rollback requested by user."

    def test_an_update_that_somebody_cancelled_is_its_own_cause(self) -> None:
        operation = told(
            stack(0, "UPDATE_IN_PROGRESS", "User Initiated"),
            resource(1, "A", "UPDATE_FAILED", "Resource update cancelled"),
            stack(2, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"),
            stack(3, "UPDATE_ROLLBACK_COMPLETE"),
        )
        (cause,) = causes_of(operation)
        assert cause.name == "shop"
        assert cause.message == "A user asked for this rollback (User Initiated)."


def test_failures_of_an_earlier_operation_are_not_told_again() -> None:
    operation = told(
        stack(0, "UPDATE_IN_PROGRESS"),
        nested(1, "Database", "UPDATE_IN_PROGRESS"),
        resource(2, "Instance", "UPDATE_FAILED", "old", of=DATABASE),
        stack(3, "UPDATE_ROLLBACK_COMPLETE"),
        stack(10, "UPDATE_IN_PROGRESS"),
        resource(11, "Service", "UPDATE_FAILED", "new"),
        stack(12, "UPDATE_ROLLBACK_COMPLETE"),
    )
    assert names(operation) == ["Service"]


def test_a_failure_that_cloudformation_got_over_is_no_cause_of_a_success() -> None:
    operation = told(stack(0, "CREATE_IN_PROGRESS"), resource(1, "A", "CREATE_FAILED", "throttled"))
    assert failure_causes(operation, Outcome.SUCCEEDED) == ()
    assert [cause.name for cause in failure_causes(operation, Outcome.UNKNOWN)] == ["A"]


class TestRanking:
    def test_words_that_fit_anything_come_after_a_services_own(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            resource(1, "A", "CREATE_FAILED", "Internal Failure"),
            resource(2, "B", "CREATE_FAILED", "Bucket shop did not stabilize"),
            resource(3, "C", "CREATE_FAILED", "shop-queue already exists"),
        )
        assert names(operation) == ["C", "A", "B"]

    def test_a_wrapper_that_stands_in_comes_last(self) -> None:
        operation = told(
            nested(1, "Database", "CREATE_FAILED", wrapper()),
            resource(2, "A", "CREATE_FAILED", "Internal Failure"),
        )
        assert names(operation) == ["A", "Database: X"]


class TestHooks:
    WRAPPER = "The following hook(s) failed: [Corp::Rules::Hook]"

    def hook(self, mode: str) -> Operation:
        event = replace(
            resource(1, "Bucket", "CREATE_IN_PROGRESS"),
            hook_type="Corp::Rules::Hook",
            hook_status="HOOK_COMPLETE_FAILED",
            hook_reason="buckets must be encrypted",
            hook_failure_mode=mode,
        )
        return told(stack(0, "CREATE_IN_PROGRESS"), event)

    def test_the_hooks_own_words_are_the_cause_and_the_resource_its_wrapper(self) -> None:
        operation = self.hook("FAIL")
        operation.apply(resource(2, "Bucket", "CREATE_FAILED", self.WRAPPER))
        (cause,) = causes_of(operation)
        assert (cause.name, cause.message) == (
            "Bucket",
            "Hook Corp::Rules::Hook failed: buckets must be encrypted",
        )

    def test_without_the_hooks_event_the_resources_reason_stays(self) -> None:
        operation = told(resource(2, "Bucket", "CREATE_FAILED", self.WRAPPER))
        assert [cause.message for cause in causes_of(operation)] == [self.WRAPPER]

    def test_one_that_only_warns_is_no_cause(self) -> None:
        assert causes_of(self.hook("WARN")) == ()


class TestEarlyWarnings:
    TROUBLE = "Resource template validation failed for resource Role"

    def test_a_resource_in_progress_can_speak_of_trouble_before_it_fails(self) -> None:
        operation = told(
            stack(0, "CREATE_IN_PROGRESS"),
            resource(1, "Role", "CREATE_IN_PROGRESS", self.TROUBLE),
            resource(1, "Queue", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        )
        (warning,) = early_warnings(operation)
        assert (warning.name, warning.message) == ("Role", self.TROUBLE)
        operation.apply(resource(2, "Role", "CREATE_FAILED", self.TROUBLE))
        assert [warning_key(cause) for cause in early_warnings(operation)] == [warning_key(warning)]

    def test_a_failure_is_known_while_the_stack_goes_on_and_nothing_is_early_at_its_end(self) -> None:
        operation = told(stack(0, "CREATE_IN_PROGRESS"), resource(1, "A", "CREATE_FAILED", "denied"))
        assert [cause.name for cause in early_warnings(operation)] == ["A"]
        operation.apply(stack(2, "ROLLBACK_COMPLETE"))
        assert early_warnings(operation) == ()


def test_reasons_without_end_cost_no_time() -> None:
    for hostile in ('Resource handler returned message: "' + '" (RequestToken: ' * 6000, "." * 100_000):
        operation = told(stack(0, "CREATE_IN_PROGRESS"), resource(1, "A", "CREATE_FAILED", hostile))
        assert len(causes_of(operation)) == 1


def test_each_of_several_stacks_has_its_own_last_resort() -> None:
    other = ROOT.replace("shop", "web")
    operation = told(
        resource(1, "A", "CREATE_FAILED", "denied"),
        stack(2, "ROLLBACK_COMPLETE"),
        stack(3, "UPDATE_ROLLBACK_IN_PROGRESS", "Attribute 'Arn' does not exist", of=other),
        stack(4, "UPDATE_ROLLBACK_COMPLETE", of=other),
    )
    assert names(operation) == ["shop/A", "web"]


def test_what_was_found_invalid_and_then_cancelled_is_a_cause_of_its_own() -> None:
    operation = Operation()
    for event in (
        stack(1, "UPDATE_IN_PROGRESS"),
        resource(2, "Log", "CREATE_IN_PROGRESS", "Resource template validation failed for resource Log as …"),
        resource(2, "Fine", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        resource(3, "Account", "CREATE_FAILED", "not authorized to perform iam:PassRole"),
        resource(4, "Log", "CREATE_FAILED", "Resource creation cancelled"),
        resource(4, "Fine", "CREATE_FAILED", "Resource creation cancelled"),
        stack(
            5, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Account, Log]."
        ),
        stack(9, "UPDATE_ROLLBACK_COMPLETE"),
    ):
        operation.apply(event)
    assert [cause.logical_id for cause in causes_of(operation)] == ["Account", "Log"]
