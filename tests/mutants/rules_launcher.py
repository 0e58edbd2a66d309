"""What the launcher promises. Bash has no objects to patch: a function is defined again behind the first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deploy_action.github import runner_files as runner
from deploy_action.job import required_outputs as handing_on
from deploy_action.job.state import StateFolder
from tests.e2e import (
    launcher_bench,
    test_damaged_container,
    test_kept,
    test_launch,
    test_launcher_environment,
    test_launcher_log,
)
from tests.github import test_runner_files as test_runner
from tests.jobs import test_handing_on
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


def _redefine(patch: Patch, name: str, body: str) -> None:
    """`body` may call what the function was, as `original_NAME`. Raises LookupError where there is none."""
    for part in launcher_bench.PARTS.glob("*.sh"):
        if re.search(rf"^{name}\(\)", part.read_text(encoding="utf-8"), re.MULTILINE):
            text = f'\neval "original_$(declare -f {name})"\n{name}() {{ {body}; }}\n'
            patch.constant(launcher_bench, "APPENDED", {part.name: text})
            return
    raise LookupError(f"no part of the launcher defines {name}")


@killed_by(test_launch.TestRestart.test_a_killed_coordinator_is_started_again_and_the_command_goes_on)
def the_death_of_a_coordinator_is_a_verdict(patch: Patch) -> None:
    _redefine(patch, "is_verdict", "return 0")


@killed_by(test_launch.TestRestart.test_if_nobody_can_say_how_it_ended_it_is_unknown)
def what_nobody_can_say_is_green(patch: Patch) -> None:
    _redefine(patch, "finish_without_coordinator", "original_finish_without_coordinator; code=0")


@killed_by(test_launch.TestCommand.test_it_never_runs_if_the_coordinator_ends_first)
def a_command_is_started_before_it_is_allowed(patch: Patch) -> None:
    _redefine(
        patch,
        "start_command_when_told",
        ': >"$state/command.go"; original_start_command_when_told',
    )


@killed_by(test_launch.TestCommand.test_its_outputs_cannot_pass_for_those_of_the_step)
def a_command_may_write_the_outcome(patch: Patch) -> None:
    _redefine(patch, "run_command", "GITHUB_OUTPUT=''; original_run_command")


@killed_by(test_launch.TestCommand.test_nothing_of_it_outlives_the_coordinator)
def a_command_outlives_its_step(patch: Patch) -> None:
    _redefine(patch, "stop_command", ":")


@killed_by(test_launch.TestSignals.test_an_interrupt_reaches_both)
def a_cancellation_does_not_reach_the_command(patch: Patch) -> None:
    _redefine(patch, "signal_command", ":")


@killed_by(test_launch.TestLeftovers.test_post_ends_what_a_killed_main_left)
def what_a_killed_step_left_goes_on(patch: Patch) -> None:
    _redefine(patch, "clear_leftovers", ":")


@killed_by(test_launch.TestLeftovers.test_post_leaves_a_stranger_with_the_same_number_alone)
def a_process_number_is_proof_enough(patch: Patch) -> None:
    _redefine(patch, "ours", "return 0")


@killed_by(test_launch.TestFallback.test_an_image_that_cannot_be_pulled_is_no_workflow_command)
def what_docker_says_is_printed_as_it_is(patch: Patch) -> None:
    _redefine(patch, "escaped", 'printf %s "$1"')


@killed_by(test_launch.TestFallback.test_post_never_fails_a_deployment_that_has_ended)
def the_last_step_fails_a_deployment_that_has_ended(patch: Patch) -> None:
    _redefine(patch, "is_ending", "return 1")


@killed_by(test_launch.TestFallback.test_docker_sees_no_value_and_awkward_paths_whole)
def the_container_is_told_everything(patch: Patch) -> None:
    _redefine(patch, "passes", "return 0")


@killed_by(test_launcher_environment.test_the_command_has_the_environment_of_a_plain_step)
def the_launchers_variables_reach_the_command(patch: Patch) -> None:
    _redefine(patch, "as_given", 'exec env "$@"')


@killed_by(Case(test_launcher_log.TestLines.test_ours_begin_on_a_fresh_line, "host"))
def everybody_writes_into_the_log(patch: Patch) -> None:
    _redefine(patch, "open_log", ":")


@killed_by(test_launch.TestHost.test_pre_whose_folder_cannot_be_named_does_nothing)
def a_folder_that_later_steps_do_not_find_is_good_enough(patch: Patch) -> None:
    _redefine(patch, "append", 'original_append "$@" || :')


@killed_by(test_handing_on.test_pre_that_cannot_let_main_run_gives_the_lock_back_and_fails)
def a_lock_that_no_later_step_knows_of_stays_held(patch: Patch) -> None:
    patch.function(handing_on.give_back, lambda original, *arguments: None)


@killed_by(test_handing_on.test_a_lock_step_that_cannot_say_so_holds_nothing)
def outputs_that_cannot_be_written_are_done_without(patch: Patch) -> None:
    patch.function(runner.RunnerFiles.set_outputs, lambda original, files, values: None)


@killed_by(Case(test_runner.test_outputs_begin_on_a_fresh_line, "version=1"))
def outputs_are_glued_to_what_a_command_left(patch: Patch) -> None:
    patch.function(runner._last_byte, lambda original, *arguments: b"\n")


@killed_by(test_handing_on.test_a_command_that_is_gone_without_an_exit_code_is_unknown)
def a_command_without_an_exit_code_has_succeeded(patch: Patch) -> None:
    patch.function(
        StateFolder.command_exit_code,
        lambda original, folder: None if (code := original(folder)) is None else max(0, code),
    )


@killed_by(test_kept.test_a_build_that_failed_is_not_tried_again_by_the_next_job)
def a_failed_build_is_forgotten(patch: Patch) -> None:
    _redefine(patch, "build_failed_lately", "return 1")


@killed_by(Case(test_kept.test_the_container_runs_as_the_runners_own_user, "userns-remap"))
def a_mapped_user_is_not_seen(patch: Patch) -> None:
    _redefine(patch, "record_user", ":")


@killed_by(test_kept.test_index_and_certificates_reach_the_build_as_secrets)
def the_build_gets_no_secrets(patch: Patch) -> None:
    _redefine(patch, "add_secrets", ":")


@killed_by(test_kept.test_what_nothing_used_for_thirty_days_goes_in_one_line)
def a_runner_fills_up(patch: Patch) -> None:
    _redefine(patch, "tidy", ":")


@killed_by(test_damaged_container.test_an_image_that_was_removed_is_made_again)
def an_image_that_was_removed_stays_away(patch: Patch) -> None:
    _redefine(patch, "image_is_gone", "return 1")
