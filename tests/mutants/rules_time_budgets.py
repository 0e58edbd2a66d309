"""How long a deployment goes on asking what does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.deploy import command
from deploy_action.locking import held_lock as keeper
from deploy_action.locking.held_lock import HeldLock
from deploy_action.monitoring import watch_loop
from deploy_action.monitoring.closing_budget import Closing
from deploy_action.steps import post
from tests.jobs import test_bad_days, test_closing
from tests.locking import test_held_lock as test_keeper
from tests.monitoring import test_closing_budget
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_keeper.test_the_fence_holds_without_a_registry_while_the_own_lease_does)
def a_fence_within_its_lease_waits_as_long_as_any(patch: Patch) -> None:
    patch.constant(keeper, "LEASED_PATIENCE_SECONDS", 30.0)


@killed_by(
    Case(test_bad_days.test_a_registry_that_is_away_from_main_on_costs_less_than_a_minute_in_all, "command")
)
def a_lock_is_given_back_twice_at_full_length(patch: Patch) -> None:
    patch.constant(post, "RELEASE_PATIENCE_SECONDS", 30.0)
    patch.constant(keeper, "LEASED_PATIENCE_SECONDS", 30.0)


@killed_by(test_keeper.TestTheDocumentIsDeleted.test_a_short_deployment_that_never_renews_tells_it_at_its_end)
def what_the_last_look_found_is_kept_to_itself(patch: Patch) -> None:
    def confirm(original: Any, self: HeldLock) -> None:
        original(self) if self.alone else self._client.renew(patience_seconds=2.0)

    patch.function(HeldLock.confirm, confirm)


@killed_by(test_closing_budget.test_with_nothing_left_nothing_is_asked)
def a_request_is_sent_with_nothing_left(patch: Patch) -> None:
    patch.function(AwsClients._refuse_late, lambda *_args, **_named: None)


@killed_by(Case(test_closing.test_a_command_that_ended_is_told_within_the_budget, "6"))
def post_has_the_whole_budget_again(patch: Patch) -> None:
    patch.constant(post, "POST_SECONDS", 60.0)


@killed_by(test_closing_budget.test_it_counts_from_the_last_answer)
def the_budget_counts_from_when_the_end_was_noticed(patch: Patch) -> None:
    patch.function(Closing.begin, lambda original, self, **_: original(self))


@killed_by(test_closing.test_the_status_decides_where_events_alone_hang)
def the_last_looks_leave_nothing_for_the_status(patch: Patch) -> None:
    patch.constant(watch_loop, "STATUS_SECONDS", 0.0)


@killed_by(test_closing.test_the_status_decides_where_events_alone_hang)
def events_are_waited_for_as_long_as_there_is_a_budget(patch: Patch) -> None:
    patch.constant(command, "UNREADABLE_SECONDS", 60.0)
