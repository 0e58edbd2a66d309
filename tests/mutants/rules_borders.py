"""What comes from the registry, a tool cache or a job's environment reaches no further than it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation import change_set
from deploy_action.locking import codec as lock_codec
from deploy_action.locking import delegation as borrowing
from deploy_action.locking import pending_stacks as settling
from tests.e2e import test_inputs_are_not_readable, test_tool_cache
from tests.jobs import test_coordination
from tests.locking import test_codec as test_lock_codec
from tests.locking import test_delegation as test_borrowing
from tests.locking import test_pending_stacks as test_settling
from tests.mutants.mutant import Case, killed_by
from tests.mutants.rules_launcher import _redefine

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch

_TOKENS = test_borrowing.TestWhatATokenOpens


@killed_by(
    Case(
        test_coordination.test_a_takeover_deletes_no_change_set_of_others_whatever_id_the_registry_names,
        "prod",
    )
)
def a_takeover_deletes_what_begins_like_an_id(patch: Patch) -> None:
    patch.function(
        change_set.made_by, lambda original, name: name.removeprefix("deploy-").rpartition("-e")[0]
    )


@killed_by(_TOKENS.test_another_run_or_repository_has_no_use_for_it)
def a_token_opens_locks_of_other_runs(patch: Patch) -> None:
    patch.function(borrowing.Borrower.may_use, lambda original, self, other: other.nonce in self.nonces())


@killed_by(_TOKENS.test_the_registry_does_not_hold_it)
def the_registry_holds_tokens(patch: Patch) -> None:
    patch.function(borrowing.nonce_of, lambda original, token: token)


@killed_by(Case(test_lock_codec.test_what_is_too_large_is_refused_before_it_costs_anything, "values"))
def a_document_may_have_any_size(patch: Patch) -> None:
    patch.function(lock_codec._check_size, lambda original, content: None)


@killed_by(Case(test_lock_codec.test_what_is_too_large_is_refused_before_it_costs_anything, "list"))
def a_list_may_have_any_length(patch: Patch) -> None:
    patch.function(lock_codec._check_length, lambda original, value: None)


@killed_by(test_settling.test_a_long_list_is_bounded_and_the_rest_is_kept)
def all_stacks_that_a_registry_names_are_looked_at(patch: Patch) -> None:
    patch.constant(settling, "LOOKS_MAX", 1_000_000)


@killed_by(Case(test_tool_cache.TestWhatEarlierJobsLeft.test_what_was_changed_is_not_run, "a new file"))
def what_was_installed_is_not_compared(patch: Patch) -> None:
    _redefine(patch, "installed_hash", "echo same")


@killed_by(
    Case(test_tool_cache.TestWhatEarlierJobsLeft.test_what_was_changed_is_not_run, "the pointer's mode")
)
def who_may_write_the_tool_cache_does_not_matter(patch: Patch) -> None:
    _redefine(patch, "private", ":")


@killed_by(test_tool_cache.TestInstalling.test_pip_is_given_what_an_index_needs_and_no_more)
def pip_sees_the_jobs_credentials(patch: Patch) -> None:
    _redefine(patch, "pip_needs", ":")


@killed_by(Case(test_inputs_are_not_readable.test_no_process_shows_the_inputs_to_the_command, "host"))
def the_coordinator_has_the_inputs_in_its_environment(patch: Patch) -> None:
    _redefine(
        patch,
        "start_coordinator",
        "export DEPLOY_COORDINATOR_INPUTS=$launcher_inputs; launcher_environment=$(export -p); "
        "original_start_coordinator",
    )
