"""A fault has a class, and where events are denied the stack's status decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation import aws_clients as aws
from deploy_action.common import fault_classes
from deploy_action.deploy import change_set as native
from deploy_action.deploy import command as by_command
from deploy_action.monitoring import baseline
from tests.common import test_faults_through_a_proxy
from tests.jobs import test_command_by_status, test_misconfigured, test_template
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    Case(test_command_by_status.test_the_status_decides_where_events_are_denied, "failed-from the start"),
    Case(test_command_by_status.test_the_status_decides_where_events_are_denied, "create-from the start"),
)
def a_command_whose_events_are_denied_is_believed(patch: Patch) -> None:
    def read(original: Any, deployment: Any, watcher: Any, baseline: Any, outcome: Any) -> Any:
        return outcome, False

    patch.function(by_command._read_by_status, read)


@killed_by(
    Case(
        test_command_by_status.test_the_status_decides_where_events_are_denied,
        "failed-deleted-from the start",
    )
)
def a_stack_that_is_gone_again_was_never_there(patch: Patch) -> None:
    patch.function(baseline.lived_since, lambda original, before, state: False)


@killed_by(test_command_by_status.test_a_late_read_is_not_taken_for_no_change)
def a_stack_that_looks_as_before_was_not_changed(patch: Patch) -> None:
    patch.constant(by_command, "LATE_READ_SECONDS", 0.0)


@killed_by(
    Case(test_faults_through_a_proxy.test_stacks_behind_a_proxy_that_will_not_let_them_through, "407"),
    Case(test_faults_through_a_proxy.test_a_registry_behind_it_is_not_away, "github-intercept"),
    Case(test_misconfigured.test_a_registry_that_the_proxy_hides_is_not_away, "github"),
)
def a_fault_that_lasts_is_taken_for_an_outage(patch: Patch) -> None:
    def temporary(original: Any, error: BaseException, **details: Any) -> Any:
        return fault_classes.Fault(fault_classes.FaultClass.TEMPORARY)

    patch.function(fault_classes.fault_of, temporary)


@killed_by(Case(test_faults_through_a_proxy.test_a_proxy_in_trouble_is_temporary, "github"))
def a_proxy_in_trouble_is_a_setting(patch: Patch) -> None:
    def lasting(original: Any, error: BaseException, **details: Any) -> Any:
        fault = original(error, **details)
        configuration = fault_classes.FaultClass.CONFIGURATION
        is_temporary = fault.kind is fault_classes.FaultClass.TEMPORARY
        return fault_classes.Fault(configuration, "x", "x") if is_temporary else fault

    patch.function(fault_classes.fault_of, lasting)


@killed_by(test_template.test_a_change_set_that_may_not_be_read_leaves_no_stack_in_review)
def a_change_set_is_made_unread(patch: Patch) -> None:
    patch.function(native.NativeDeployment._require_reading, lambda original, self, request: None)


@killed_by(
    Case(test_faults_through_a_proxy.test_stacks_behind_a_proxy_that_will_not_let_them_through, "intercept")
)
def what_never_heals_is_tried_again(patch: Patch) -> None:
    patch.function(aws._end_lasting, lambda original, caught_exception=None, **details: None)


@killed_by(Case(test_faults_through_a_proxy.test_a_metadata_service_behind_a_proxy_is_named, ""))
def a_proxy_before_the_metadata_service_is_kept_secret(patch: Patch) -> None:
    patch.function(fault_classes.of_metadata, lambda original, environ: "")


@killed_by(
    test_faults_through_a_proxy.test_a_proxy_that_is_bad_at_tls_does_not_heal,
    test_faults_through_a_proxy.test_a_server_that_wants_a_certificate_does_not_heal_either,
)
def tls_that_is_no_good_is_an_outage(patch: Patch) -> None:
    for name in ("NETWORK_WORDS", "WORDS"):
        rows = getattr(fault_classes, name)
        patch.constant(fault_classes, name, tuple(row for row in rows if not _is_about_tls(row[1].what)))


def _is_about_tls(what: str) -> bool:
    return any(words in what for words in ("another server's", "too weak", "no TLS", "client certificate"))
