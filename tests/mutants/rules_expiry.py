"""Who counts as gone, and what is made sure of before its lock is taken."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryError, RegistryUnavailable, StackSourceError
from deploy_action.locking import expiry as leases
from deploy_action.locking import stack_activity as idle
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.messages import takeover_note
from deploy_action.locking.takeover import TakeoverPolicy
from tests.locking import test_client as test_lock_client
from tests.locking import test_expiry as test_leases
from tests.locking import test_stack_activity as test_idle
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mutants.mutant import Patch

SILENCE, CLAIMS = test_leases.TestSilence, test_leases.TestClaims
JOBS = test_lock_client.TestTheLifeOfJobs


@killed_by(
    test_leases.test_a_holder_of_whose_job_nothing_is_known_is_gone_after_its_lease,
    test_lock_client.test_a_dead_holder_is_taken_over_after_its_lease_and_told,
    test_lock_client.test_a_living_holder_that_renews_is_never_taken_over_however_long,
)
def a_lease_ends_at_once(patch: Patch) -> None:
    patch.function(
        leases.silence_allowed,
        lambda original, *arguments: None if original(*arguments) is None else 0.0,
    )


@killed_by(
    SILENCE.test_any_renewal_ends_it,
    SILENCE.test_a_grant_is_a_sign_of_life,
    CLAIMS.test_a_turn_of_somebody_else_in_between_starts_it_anew,
)
def a_renewal_does_not_start_the_lease_anew(patch: Patch) -> None:
    patch.function(
        leases._seen,
        lambda original, known, *seen: original(
            None if known is None else replace(known, what=seen[0]), *seen
        ),
    )


@killed_by(
    SILENCE.test_of_the_time_in_which_nothing_could_be_seen_little_counts,
    test_lock_client.test_an_outage_for_everybody_kills_no_holder,
)
def an_outage_makes_all_holders_look_dead(patch: Patch) -> None:
    patch.constant(leases, "GAP_SECONDS", inf)


@killed_by(
    SILENCE.test_a_grant_is_a_sign_of_life,
    test_lock_client.test_a_waiter_that_wakes_and_is_granted_while_being_pruned_keeps_the_lock,
)
def a_grant_is_no_sign_of_life(patch: Patch) -> None:
    patch.function(leases.life_of, lambda original, ticket: (ticket.renewals, ()))


@killed_by(test_leases.test_a_forged_lease_is_kept_within_limits)
def the_document_decides_how_long_a_lease_is(patch: Patch) -> None:
    patch.function(Ticket.lease, lambda original, self: self.lease_seconds)


@killed_by(
    test_leases.test_a_silent_holder_whose_job_runs_has_six_leases,
    JOBS.test_a_silent_holder_whose_job_runs_keeps_the_lock_for_six_leases,
)
def silence_is_believed_although_the_job_is_known_to_run(patch: Patch) -> None:
    patch.function(leases.silence_allowed, lambda original, ticket, life: original(ticket, JobStatus.UNKNOWN))


@killed_by(test_leases.test_a_silent_holder_whose_job_runs_has_six_leases)
def a_job_that_is_said_to_run_keeps_the_lock_for_ever(patch: Patch) -> None:
    patch.constant(leases, "STUCK_LEASES", inf)


@killed_by(CLAIMS.test_a_clock_that_is_ahead_thaws_nobody_elses_claim)
def a_waiter_is_passed_although_it_may_see_the_lock_frozen(patch: Patch) -> None:
    patch.constant(leases, "THAW_SECONDS", 0.0)


@killed_by(
    test_leases.test_a_waiter_is_gone_when_it_leaves_a_free_lock_lying,
    test_lock_client.test_a_dead_waiter_ahead_is_pruned_and_told,
)
def a_dead_waiter_blocks_the_queue_for_ever(patch: Patch) -> None:
    patch.function(leases.LeaseWatch.unclaimed_seconds, lambda original, self, ticket, now: 0.0)
    patch.constant(leases, "CLAIM_SECONDS", 1e9)


@killed_by(JOBS.test_one_lost_answer_is_no_news_about_a_job_that_ran)
def one_lost_answer_makes_a_running_job_unknown(patch: Patch) -> None:
    def ask(original: Any, self: TakeoverPolicy, *arguments: Any, **more: Any) -> Any:
        self._ran_at.clear()
        return original(self, *arguments, **more)

    patch.function(TakeoverPolicy._ask, ask)


@killed_by(test_lock_client.test_a_dead_holder_is_not_taken_over_while_a_stack_of_it_is_in_progress)
def a_takeover_does_not_look_at_the_stacks(patch: Patch) -> None:
    patch.function(TakeoverPolicy._at_rest, lambda original, self, *arguments, **more: True)


@killed_by(test_idle.test_doubt_counts_as_in_progress)
def a_stack_that_cannot_be_seen_counts_as_at_rest(patch: Patch) -> None:
    def described(original: Any, *arguments: Any) -> Any:
        try:
            return original(*arguments)
        except StackSourceError:
            return []

    patch.function(idle.described, described)


@killed_by(JOBS.test_stacks_of_another_account_are_never_known_to_be_at_rest)
def none_in_this_account_counts_as_at_rest_in_another(patch: Patch) -> None:
    patch.function(
        TakeoverPolicy._doubtful, lambda original, self, holder: original(self, replace(holder, account=""))
    )


@killed_by(JOBS.test_what_a_paused_holder_could_still_execute_is_taken_away_before_the_last_look)
def what_a_paused_holder_could_still_execute_is_left_to_it(patch: Patch) -> None:
    _with_revocation(patch, lambda revoke: lambda holder: True)


@killed_by(JOBS.test_a_revocation_without_an_answer_is_doubt)
def a_revocation_without_an_answer_counts_as_done(patch: Patch) -> None:
    _with_revocation(patch, lambda revoke: lambda holder: revoke(holder) or True)


def _with_revocation(patch: Patch, make: Callable[[Any], Callable[[Ticket], bool]]) -> None:
    patch.function(
        TakeoverPolicy.__init__,
        lambda original, *arguments, revoke, **more: original(*arguments, revoke=make(revoke), **more),
    )


@killed_by(test_lock_client.test_a_holder_that_renews_while_it_is_about_to_be_taken_over_keeps_the_lock)
def a_takeover_does_not_look_again_when_it_writes(patch: Patch) -> None:
    blind = False

    def evict(original: Any, self: LockClient, gone: Any) -> Any:
        nonlocal blind
        blind = True
        try:
            return original(self, gone)
        finally:
            blind = False

    patch.function(leases.life_of, lambda original, ticket: () if blind else original(ticket))
    patch.function(LockClient._evict, evict)


@killed_by(test_lock_client.test_who_does_not_wait_looks_again_before_a_stale_read_makes_it_skip)
def a_stale_read_makes_a_deployment_skip(patch: Patch) -> None:
    patch.function(LockClient._look_again, lambda original, self, document: document)


@killed_by(test_lock_client.test_a_takeover_that_did_not_happen_is_not_told)
def a_takeover_is_told_that_did_not_happen(patch: Patch) -> None:
    def evict(original: Any, self: LockClient, gone: Any) -> tuple[Document, list[str]]:
        document, _ = original(self, gone)
        return document, [takeover_note(ticket, why) for ticket, why, *_ in gone]

    patch.function(LockClient._evict, evict)


@killed_by(test_lock_client.test_one_that_becomes_unreadable_lets_no_waiter_pass_before_a_whole_lease)
def a_waiter_leaves_a_queue_that_cannot_be_read_for_a_moment(patch: Patch) -> None:
    def step(original: Any, self: LockClient, *arguments: Any, **more: Any) -> Any:
        try:
            self._look()
        except RegistryUnavailable:
            pass
        except RegistryError:
            raise
        return original(self, *arguments, **more)

    patch.function(LockClient._step, step)
