"""Never green where nobody knows, and nothing changed without the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation import outcome, stacks
from deploy_action.cloudformation.outcome import Outcome
from deploy_action.cloudformation.stacks import Verdict
from deploy_action.dashboard import timeline
from deploy_action.deploy import cancel_update as stopping
from deploy_action.deploy import change_set as native
from deploy_action.deploy import command as by_command
from deploy_action.deploy.deployment_result import DeploymentResult
from deploy_action.errors import RegistryUnreadable
from deploy_action.history import document as history
from deploy_action.job import environment_page as page
from deploy_action.locking.client import LockClient
from deploy_action.locking.held_lock import HeldLock
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.status_polling import OwnEnd
from tests.cloudformation import test_events
from tests.dashboard import test_timeline
from tests.history import test_document as test_history
from tests.jobs import (
    test_bad_days,
    test_command,
    test_fallback,
    test_faults,
    test_page,
    test_stopping,
    test_supervision,
    test_template,
)
from tests.locking import test_held_lock as test_keeper
from tests.mutants.mutant import Case, killed_by
from tests.reporting import test_page as test_summary
from tests.reporting import test_report

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch

_KNOWN = {
    *("CREATE_FAILED", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_FAILED"),
    *("UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED"),
}


@killed_by(
    test_events.test_an_unknown_status_is_never_a_success,
    Case(test_report.test_what_a_status_says, "UPDATE_PERHAPS_COMPLETE-Verdict.FAILED"),
)
def a_status_that_is_not_known_counts_as_success(patch: Patch) -> None:
    def verdict_of(original: Any, status: str) -> Any:
        verdict = original(status)
        return Verdict.SUCCEEDED if verdict is Verdict.FAILED and status not in _KNOWN else verdict

    patch.function(stacks.verdict_of, verdict_of)


@killed_by(
    test_report.test_only_two_outcomes_are_good, test_summary.test_only_what_went_well_has_a_green_sign
)
def an_unknown_outcome_counts_as_good(patch: Patch) -> None:
    patch.function(Outcome.good, lambda original, self: self is Outcome.UNKNOWN or original(self))


@killed_by(Case(test_report.test_the_outcome_is_the_worst_of_all_stacks, "statuses3-Outcome.UNKNOWN"))
def stacks_still_in_progress_count_as_success(patch: Patch) -> None:
    patch.function(
        outcome.outcome_of,
        lambda original, lines: original(
            tuple(line for line in lines if line.verdict is not Verdict.RUNNING)
        ),
    )


@killed_by(test_timeline.test_an_unheard_of_outcome_is_never_good)
def the_dashboard_shows_green_what_it_does_not_know(patch: Patch) -> None:
    patch.constant(timeline, "GOOD", timeline.GOOD | {"unknown"})


@killed_by(test_page.test_a_job_that_was_killed_is_no_success)
def the_environments_page_shows_green_what_nobody_knows(patch: Patch) -> None:
    patch.entry(page._STATES, Outcome.UNKNOWN, "success")


@killed_by(test_template.test_credentials_that_expire_midway_make_the_verdict_unknown_and_never_green)
def credentials_that_expired_are_no_reason_to_doubt(patch: Patch) -> None:
    def judge(original: Any, self: Any, end: Any, outcome: Outcome, **more: Any) -> Any:
        return None if outcome is Outcome.UNKNOWN else original(self, end, outcome, **more)

    patch.function(DeploymentResult.judge, judge)


@killed_by(test_stopping.test_a_time_out_waits_for_the_roll_back_and_is_not_green)
def a_time_out_that_rolled_back_is_judged_as_if_it_had_been_in_time(patch: Patch) -> None:
    patch.function(
        DeploymentResult.judge,
        lambda original, self, end, outcome, **more: original(self, end, outcome),
    )


@killed_by(test_bad_days.test_a_time_out_while_the_command_runs_is_never_green)
def a_command_that_was_cut_off_is_judged_by_its_stacks(patch: Patch) -> None:
    patch.function(by_command._cut_off, lambda original, *arguments: None)


@killed_by(test_command.test_a_stack_that_fails_fails_the_step_although_the_command_reports_success)
def a_commands_success_hides_a_failed_stack(patch: Patch) -> None:
    patch.function(DeploymentResult.fail, lambda original, self, *, despite="": despite or original(self))


@killed_by(test_bad_days.test_a_stack_that_somebody_deletes_meanwhile_is_a_failure_and_no_hang)
def a_stack_that_somebody_deleted_is_a_success(patch: Patch) -> None:
    patch.function(stacks.operation_verdict, lambda original, begun, status: stacks.verdict_of(status))


@killed_by(test_faults.test_a_status_from_before_is_not_taken_for_the_end)
def a_status_from_before_is_taken_for_the_end(patch: Patch) -> None:
    def look(original: Any, self: OwnEnd) -> Any:
        self.changed_at = -1.0
        return original(self)

    patch.function(OwnEnd.look, look)


@killed_by(test_faults.test_what_somebody_did_since_does_not_stand_for_ours)
def by_status_alone_anybodys_end_is_ours(patch: Patch) -> None:
    def look(original: Any, self: OwnEnd) -> Any:
        own, now = self.arn, self.source.describe(self.stack)
        self.arn = own if now is None else now.change_set_arn
        try:
            return original(self)
        finally:
            self.arn = own

    patch.function(OwnEnd.look, look)


@killed_by(test_bad_days.test_an_execution_whose_answer_was_lost_is_watched_to_its_end)
def an_unclear_answer_to_the_execution_is_taken_for_a_refusal(patch: Patch) -> None:
    patch.function(native.NativeDeployment._withdrawn, lambda original, *arguments: True)


@killed_by(Case(test_supervision.test_killed_while_it_asks_for_the_execution, "it never left"))
def a_change_set_that_can_still_be_deleted_counts_as_executed(patch: Patch) -> None:
    patch.function(native.NativeDeployment.may_have_been_executed, lambda original, *arguments: True)


@killed_by(
    test_keeper.test_the_fence_does_not_hold_for_a_lock_that_was_lost,
    test_bad_days.test_nothing_is_deleted_after_the_lock_was_lost,
)
def nothing_is_renewed_before_something_changes(patch: Patch) -> None:
    patch.function(HeldLock.fence, lambda original, self: ())


@killed_by(test_stopping.test_a_lock_that_was_lost_keeps_us_from_cancelling)
def an_update_is_cancelled_without_the_lock(patch: Patch) -> None:
    patch.function(HeldLock.still_held, lambda original, self: True)


@killed_by(test_stopping.test_somebody_elses_update_is_never_cancelled)
def any_update_on_the_stack_is_cancelled(patch: Patch) -> None:
    def ours(original: Any, deployment: Any, watcher: Any) -> Any:
        anybodys = EventStream(deployment.cloudformation, deployment.state.baseline)
        return original(deployment, anybodys)

    patch.function(stopping._ours, ours)


@killed_by(test_fallback.TestQueueingLate.test_what_they_did_is_not_the_commands)
def what_others_did_while_we_queued_is_taken_for_the_commands(patch: Patch) -> None:
    kept: list[Any] = []

    def begin(original: Any, deployment: Any, stack_sets: Any) -> Any:
        kept.append(by_command._baseline(deployment))
        return original(deployment, stack_sets)

    patch.function(
        by_command._baseline,
        lambda original, deployment: kept[0] if kept else original(deployment),
    )
    patch.function(by_command._begin, begin)


@killed_by(test_template.test_a_time_out_leaves_it_running_and_the_next_deployment_waits_for_it)
def post_forgets_the_stacks_that_still_run(patch: Patch) -> None:
    patch.function(
        LockClient.release,
        lambda original, self, **more: original(self, **{**more, "settling": ()}),
    )


@killed_by(test_history.test_a_damaged_history_is_never_overwritten_and_estimates_go_on)
def a_damaged_history_is_overwritten(patch: Patch) -> None:
    def merged(original: Any, content: bytes | None, *records: Any) -> Any:
        try:
            return original(content, *records)
        except RegistryUnreadable:
            return original(None, *records)

    patch.function(history.merged, merged)
