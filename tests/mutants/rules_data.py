"""Data that a deployment would take away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation import change_set_reader, change_set_tree
from deploy_action.plan import data_guard
from tests.cloudformation import test_change_set_reader
from tests.jobs import test_data_loss
from tests.mutants.mutant import Case, killed_by
from tests.plan import test_data_guard

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    test_data_loss.test_stop_stops_it_and_changes_nothing,
    test_data_loss.test_stop_has_an_exit_code_of_its_own,
)
def a_table_that_is_replaced_is_let_go(patch: Patch) -> None:
    patch.function(
        data_guard.deed_of,
        lambda original, change: "" if change.replacement == "True" else original(change),
    )


@killed_by(test_data_guard.test_only_the_very_name_permits_it_and_one_that_permits_nothing_is_said)
def any_name_permits_any_loss(patch: Patch) -> None:
    def judge(original: Any, found: Any, allowed: Any) -> Any:
        found = tuple(found)
        return original(found, [one.name for one in found] if allowed else ())

    patch.function(data_guard.judge, judge)


@killed_by(test_data_loss.test_a_nested_stack_that_cannot_be_looked_into_counts_as_data)
def what_cannot_be_looked_into_holds_nothing(patch: Patch) -> None:
    patch.function(data_guard.loses_nested_stack, lambda *_: False)


@killed_by(test_change_set_reader.test_no_secret_passes_the_border)
def dynamic_references_are_shown(patch: Patch) -> None:
    patch.function(change_set_reader.hidden, lambda _original, text: text)


@killed_by(test_change_set_reader.test_no_secret_passes_the_border)
def secrets_are_known_by_no_name(patch: Patch) -> None:
    patch.function(change_set_reader._names_a_secret, lambda *_: False)


@killed_by(test_data_loss.test_a_nested_stack_whose_changes_cannot_be_read_counts_as_data)
def a_nested_change_set_that_cannot_be_read_loses_nothing(patch: Patch) -> None:
    patch.function(data_guard.not_looked_into, lambda original, *of: replace(original(*of), kept="Retain"))


@killed_by(test_data_loss.test_stop_stops_a_change_set_that_tells_nothing_of_a_nested_stack)
def a_nested_stack_without_a_change_set_of_its_own_loses_nothing(patch: Patch) -> None:
    patch.function(change_set_tree._left_out, lambda *_: ())


@killed_by(Case(test_data_loss.test_a_nested_stack_that_perhaps_goes_takes_its_table_along, "conditional"))
def a_nested_stack_that_perhaps_goes_loses_nothing(patch: Patch) -> None:
    patch.function(
        data_guard.loses_nested_stack,
        lambda original, change: original(change) and "perhaps" not in data_guard.deed_of(change),
    )
