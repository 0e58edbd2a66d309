"""Inputs: what is not given is not made up, and what is given means what it says or is refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from deploy_action.cli import common
from deploy_action.cloudformation import stacks
from deploy_action.inputs import mode as asked_mode
from deploy_action.inputs import names as input_names
from deploy_action.inputs import structured_values, workspace_file
from deploy_action.job import account
from deploy_action.locking import lock_name
from tests.cli import test_cleanup
from tests.inputs import test_key_values as test_keyvalues
from tests.inputs import test_settings as test_inputs
from tests.jobs import test_template
from tests.locking import test_lock_name
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    Case(
        test_keyvalues.test_a_mistake_is_told_without_the_value_that_may_be_secret,
        '{"A": null}-`A` has no value',
    )
)
def an_absent_value_is_an_empty_one(patch: Patch) -> None:
    def empty(original: Any, key: str, value: Any) -> Any:
        return original(key, "" if value is structured_values.ABSENT else value)

    patch.function(structured_values._value, empty)


@killed_by(test_inputs.TestFilesAndFolders.test_a_parameter_keeps_the_value_of_the_stack)
def a_previous_value_is_sent_as_an_empty_one(patch: Patch) -> None:
    def sent(original: Any, item: Any, number: int, grammar: Any) -> Any:
        key, value = original(item, number, grammar)
        return key, value or ""

    patch.function(structured_values._entry, sent)


@killed_by(
    test_inputs.TestMode.test_an_empty_template_and_command_are_refused_where_a_deployment_is_meant,
    test_inputs.TestMode.test_deploying_that_is_asked_for_needs_a_way,
)
def an_empty_command_becomes_a_watch(patch: Patch) -> None:
    patch.function(asked_mode.without_way, lambda _original, _asked, _inputs: "")


@killed_by(
    test_inputs.TestUnknownNames.test_a_name_that_is_none_is_refused_with_the_one_that_was_meant,
    test_inputs.TestUnknownNames.test_a_lock_step_has_its_own_names,
)
def unknown_inputs_are_passed_over(patch: Patch) -> None:
    patch.function(input_names.unknown_inputs, lambda _original, _given, _step: [])


@killed_by(
    test_inputs.TestLocks.test_one_lock_in_two_spellings_is_taken_once,
    test_lock_name.test_the_first_spelling_of_each_lock_stays,
)
def two_spellings_are_two_locks(patch: Patch) -> None:
    patch.function(lock_name.lock_key, lambda _original, name: name)


@killed_by(
    test_inputs.TestFilesAndFolders.test_only_regular_files_inside_the_workspace_are_read,
    test_inputs.TestFilesAndFolders.test_no_link_leads_from_the_workspace_to_runner_temp_or_out_of_it,
)
def a_file_is_read_wherever_a_link_leads(patch: Patch) -> None:
    def anywhere(_original: Any, folders: Any, name: str) -> int:
        return os.open(folders.workspace / name, os.O_RDONLY | os.O_NONBLOCK)

    patch.function(workspace_file.JobFolders._opened, anywhere)


@killed_by(test_template.test_a_stack_named_by_its_arn_is_deployed_to_in_its_account_only)
def an_arn_means_the_stack_of_that_name_in_any_account(patch: Patch) -> None:
    patch.function(account.check_account, lambda _original, _world, _wiring, _settings: None)


@killed_by(
    test_cleanup.TestARolledBackStack.test_an_arn_of_another_account_never_means_the_stack_of_that_name_here
)
def an_arn_is_cleaned_up_by_its_name(patch: Patch) -> None:
    patch.function(common._stack_ref, lambda _original, name, region: stacks.parse_stack_ref(name, region))
