"""How long a deployment goes on asking what does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.locking import held_lock as keeper
from deploy_action.locking.held_lock import HeldLock
from deploy_action.steps import post
from tests.jobs import test_bad_days
from tests.locking import test_held_lock as test_keeper
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
