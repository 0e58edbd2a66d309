"""What people see is never better than what is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.dashboard import badge, restore_times
from deploy_action.job import own_turn
from deploy_action.reporting.summary import causes
from deploy_action.slack import view_updates
from tests.dashboard import test_badge, test_restore_times
from tests.job import test_own_turn
from tests.mutants.mutant import killed_by
from tests.reporting import test_page
from tests.slack import test_view

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_badge.test_what_is_not_known_is_not_green)
def a_badge_is_green_without_a_deployment(patch: Patch) -> None:
    def drawn(original: Any, name: str, words: str, colour: str) -> str:
        return str(original(name, words, badge._GOOD if colour == badge._UNKNOWN else colour))

    patch.function(badge._drawn, drawn)


@killed_by(test_restore_times.test_what_is_broken_now_is_named)
def what_is_broken_is_not_shown(patch: Patch) -> None:
    patch.function(restore_times.broken_now, lambda original, entries: ())


@killed_by(test_own_turn.test_a_turn_is_not_told_where_one_ahead_may_take_any_time)
def a_turn_is_told_although_one_ahead_is_not_known(patch: Patch) -> None:
    def turn(original: Any, waiting: Any, usual_seconds: Any) -> float | None:
        found: float | None = original(waiting, lambda stacks: usual_seconds(stacks) or 0.0)
        return found

    patch.function(own_turn.turn_seconds, turn)


@killed_by(test_view.test_a_stack_that_needs_repair_calls_somebody)
def a_stack_that_needs_repair_calls_nobody(patch: Patch) -> None:
    def moment(original: Any, outcome: Any, **more: Any) -> Any:
        return original(outcome, **more | {"not_started": outcome is Outcome.FAILED})

    patch.function(view_updates.moment_of, moment)


@killed_by(test_page.test_the_last_lines_of_a_failed_command_are_behind_a_fold_without_secrets)
def a_line_of_a_command_that_looks_like_a_credential_is_shown(patch: Patch) -> None:
    patch.function(causes._tail_line, lambda original, line: line)
