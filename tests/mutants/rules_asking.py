"""What a step that only asks, or a command's own outputs, may never do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.github import command_outputs
from deploy_action.locking import lock_state
from deploy_action.steps import ask
from tests.github import test_command_outputs
from tests.jobs import test_ask, test_command
from tests.locking import test_lock_state
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_ask.test_a_registry_that_cannot_be_read_is_unknown_and_never_free)
def what_cannot_be_read_is_free(patch: Patch) -> None:
    patch.entry(ask.UNKNOWN, "locked", "false")


@killed_by(test_lock_state.test_a_freeze_locks_though_nobody_holds_and_ends_when_it_says)
def a_frozen_lock_is_free(patch: Patch) -> None:
    patch.function(lock_state.LockState.locked, lambda original, self: bool(self.ahead))


@killed_by(test_command_outputs.test_a_value_that_does_not_fit_leaves_room_for_the_others)
def outputs_of_a_command_have_any_size(patch: Patch) -> None:
    patch.constant(command_outputs, "CHARS_MAX", 10_000_000)


@killed_by(test_command.test_what_the_command_wrote_to_github_output_is_an_output_and_nothing_else)
def a_line_that_is_no_output_is_printed(patch: Patch) -> None:
    def parse(original: Any, text: str) -> Any:
        found = original(text)
        return replace(found, problems=tuple(f"{one} {text}" for one in found.problems))

    patch.function(command_outputs.parse_outputs, parse)
