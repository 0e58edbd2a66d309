"""A fault has a class, and where events are denied the stack's status decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.engine import baseline
from deploy_action.steps import by_command
from tests.mutants.mutant import Case, killed_by
from tests.steps import test_command_by_status

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    Case(test_command_by_status.test_the_status_decides_where_events_are_denied, "failed-from the start"),
    Case(test_command_by_status.test_the_status_decides_where_events_are_denied, "create-midway"),
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
