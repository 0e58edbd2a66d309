"""What may be done while the registry is away, and what is known of those who were there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.deploy.deployment_lock import DeploymentLock
from deploy_action.errors import EndedWithoutLock, LockLost
from deploy_action.job.coordination import Coordination
from deploy_action.locking import client as lock_client
from deploy_action.locking import delegation as borrowing
from deploy_action.locking import registry_outage
from deploy_action.locking import transitions as lock
from deploy_action.locking import without_registry as away
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.epoch_floors import EpochFloors
from deploy_action.locking.held_lock import HeldLock
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.registry_outage import Outage
from deploy_action.locking.takeover import TakeoverPolicy
from deploy_action.locking.ticket import LockHold
from deploy_action.locking.without_registry import Rest, WhenAway
from tests.jobs import test_lost_lock
from tests.locking import test_client as test_lock_client
from tests.locking import test_delegation as test_borrowing
from tests.locking import test_held_lock as test_keeper
from tests.locking import test_registry_outage as test_outage
from tests.locking import test_takeover as test_others
from tests.locking import test_transitions as test_lock
from tests.locking import test_without_registry as test_away
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    test_outage.test_a_holder_whose_job_runs_is_waited_for_until_the_time_out,
    test_outage.test_a_freeze_is_not_lifted_by_an_outage,
)
def an_outage_releases_the_queue(patch: Patch) -> None:
    patch.function(Outage.objection, lambda original, self: "")


@killed_by(test_outage.test_a_holder_whose_job_runs_is_waited_for_until_the_time_out)
def a_living_holder_is_passed_in_an_outage(patch: Patch) -> None:
    def waited_for(original: Any, other: Ticket, *, life: JobStatus, **more: Any) -> str:
        return str(original(other, life=JobStatus.UNKNOWN if life is JobStatus.RUNNING else life, **more))

    patch.function(away.waited_for, waited_for)


@killed_by(test_outage.test_each_place_further_back_leaves_the_queue_later)
def all_leave_the_queue_at_once(patch: Patch) -> None:
    patch.constant(away, "SPREAD_SECONDS", 0.0)


@killed_by(test_outage.test_an_older_one_does_not_go_after_a_newer_one_that_has_deployed)
def an_older_deployment_follows_a_newer_one(patch: Patch) -> None:
    patch.function(Outage.overtaken_by, lambda original, self: "")


@killed_by(
    Case(test_outage.test_a_look_without_an_answer_does_not_tell_that_no_newer_one_deployed, "1"),
    Case(test_outage.test_a_look_without_an_answer_does_not_tell_that_no_newer_one_deployed, "3"),
)
def a_look_without_an_answer_has_seen_nobody(patch: Patch) -> None:
    patch.constant(registry_outage, "LOOKS", 1)


@killed_by(
    test_outage.test_a_newcomer_waits_or_fails_where_that_is_wished,
    test_outage.test_a_waiter_waits_on_where_that_is_wished,
)
def everybody_goes_on_whatever_is_wished(patch: Patch) -> None:
    def hold_off(original: Any, self: Outage, error: Any) -> Any:
        self._when_away = WhenAway.GO_ON
        return original(self, error)

    patch.function(Outage.hold_off_seconds, hold_off)


@killed_by(Case(test_lost_lock.test_a_command_goes_on_or_is_ended, "stop-5"))
def a_command_that_lost_its_lock_goes_on(patch: Patch) -> None:
    def keep(original: Any, self: DeploymentLock) -> None:
        try:
            original(self)
        except EndedWithoutLock as error:
            raise LockLost(error.what) from error

    patch.function(DeploymentLock.keep, keep)


@killed_by(test_outage.test_a_holder_that_waited_for_its_stack_looks_who_deployed_it_meanwhile)
def whoever_saw_the_registry_all_the_time_is_not_overtaken(patch: Patch) -> None:
    patch.function(
        Outage.overtaken_by, lambda original, self: str(original(self)) if self.seen.was_blind else ""
    )


@killed_by(
    test_outage.test_nobody_goes_on_because_of_a_limit_that_names_its_end,
    test_keeper.test_a_limit_that_names_its_end_is_waited_for_at_the_fence,
)
def a_limit_counts_as_away(patch: Patch) -> None:
    patch.function(Outage.hold_off_seconds, lambda original, self, error: None)


@killed_by(
    test_keeper.TestALeaseThatHasEnded.test_the_fence_does_not_hold_and_says_why,
    Case(test_away.test_a_lease_holds_for_less_than_its_length_since_it_was_confirmed, "ticket2-57.1-False"),
)
def a_lease_holds_for_ever(patch: Patch) -> None:
    def holds(original: Any, ticket: Ticket, *, confirmed_seconds: float | None) -> bool:
        return ticket.holding

    patch.function(away.holds_by_lease, holds)


@killed_by(
    test_keeper.TestALeaseThatHasEnded.test_a_process_that_slept_between_question_and_answer_asks_again
)
def a_renewal_counts_from_its_answer(patch: Patch) -> None:
    def renew(original: Any, self: LockHold, **more: Any) -> Any:
        settling = original(self, **more)
        self.confirmed_at = self._clock.monotonic()
        return settling

    patch.function(LockHold.renew, renew)


@killed_by(test_keeper.test_an_older_state_at_the_fence_is_doubt_that_is_waited_out)
def an_older_state_is_absence(patch: Patch) -> None:
    def may_not(original: Any, self: HeldLock, error: Any, waited_seconds: float) -> Any:
        return None

    patch.function(HeldLock._may_not_go_on, may_not)


@killed_by(test_lost_lock.test_a_newer_schema_keeps_a_deployment_from_starting)
def a_newer_schema_counts_as_away(patch: Patch) -> None:
    def take(original: Any, self: Coordination) -> Any:
        from deploy_action.errors import CannotStart

        try:
            return original(self)
        except CannotStart:
            return ()

    patch.function(Coordination._take, take)


@killed_by(test_lock.test_an_epoch_exceeds_what_is_known_of_earlier_ones)
def an_epoch_may_fall(patch: Patch) -> None:
    def grant(original: Any, document: Document, nonce: str, **more: Any) -> Any:
        return original(document, nonce, **{**more, "floors": {}})

    patch.function(lock.grant, grant)


@killed_by(test_lock_client.test_who_waits_in_a_restored_document_goes_on_from_the_epochs_that_it_saw)
def what_was_seen_of_epochs_is_forgotten(patch: Patch) -> None:
    patch.function(EpochFloors.floors, lambda original, self, document: {})


@killed_by(test_lock_client.test_one_that_comes_back_is_not_the_silent_one_of_before)
def who_comes_back_is_as_silent_as_before(patch: Patch) -> None:
    patch.constant(lock_client, "COMEBACK_RENEWALS", 0)


@killed_by(test_others.test_every_stack_of_a_holder_is_looked_at_and_revoked_before_it_is_taken_over)
def a_takeover_looks_at_the_first_stack_only(patch: Patch) -> None:
    def doubtful(original: Any, self: TakeoverPolicy, holder: Ticket) -> list[str]:
        return list(original(self, replace(holder, stacks=holder.stacks[:1])))

    patch.function(TakeoverPolicy._doubtful, doubtful)


@killed_by(test_others.test_a_renewal_that_was_seen_after_it_disproves_that_a_job_has_ended)
def completed_beats_a_renewal(patch: Patch) -> None:
    def ask(original: Any, self: TakeoverPolicy, *seen: Any, **more: Any) -> Any:
        self._disproved.clear()
        answer = original(self, *seen, **more)
        self._disproved.clear()
        return JobStatus.COMPLETED if self._ended_at else answer

    patch.function(TakeoverPolicy._ask, ask)


@killed_by(test_borrowing.TestALaterAttemptOfTheRun.test_the_lock_goes_on_in_it)
def a_lock_of_a_run_ends_with_its_attempt(patch: Patch) -> None:
    patch.function(borrowing.in_attempt_of, lambda original, lender, ticket: lender)


@killed_by(test_borrowing.test_one_that_waits_itself_lends_nothing)
def who_waits_lends(patch: Patch) -> None:
    def lender(original: Any, self: borrowing.Borrower, document: Document, ticket: Ticket) -> Any:
        held = replace(
            document,
            tickets=tuple(replace(one, epochs=one.epochs or (("x", 1),)) for one in document.tickets),
        )
        return original(self, held, ticket)

    patch.function(borrowing.Borrower.lender, lender)


@killed_by(test_lost_lock.test_what_is_waited_for_at_the_fence_is_followed_by_another_fence)
def nothing_is_fenced_after_waiting(patch: Patch) -> None:
    def fence(original: Any, self: Coordination) -> bool:
        if self.keeper is None:
            return False
        settling = self.keeper.fence()
        self.remember()
        if settling:
            self.wait_for_stacks(settling, timeout_seconds=self._settings.wait_seconds)
        return bool(settling)

    patch.function(Coordination.fence, fence)


@killed_by(test_lost_lock.test_a_lock_that_was_lost_shortly_before_the_end_is_told_at_the_end)
def nobody_asks_at_the_end(patch: Patch) -> None:
    patch.function(Coordination.confirm_to_the_end, lambda original, self: None)


@killed_by(
    Case(
        test_lock.TestTwoNamesOneStack.test_a_holder_of_the_same_stack_under_another_lock_is_ahead,
        "same stack",
    )
)
def a_stack_under_another_lock_is_nobodys_business(patch: Patch) -> None:
    patch.function(Ticket.shares_stack_with, lambda original, self, other: False)


@killed_by(test_lock.TestTwoNamesOneStack.test_names_that_differ_in_case_or_width_are_one_lock)
def names_are_compared_letter_by_letter(patch: Patch) -> None:
    patch.function(Document.spelled, lambda original, self, name: name)


@killed_by(test_lock.test_the_stacks_of_an_evicted_holder_are_left_to_be_waited_for)
def the_stacks_of_the_evicted_are_forgotten(patch: Patch) -> None:
    def evict(original: Any, document: Document, nonce: str, **more: Any) -> Document:
        old = document.ticket(nonce)
        stackless = document if old is None else document.with_ticket(replace(old, stacks=()))
        return original(stackless, nonce, **more)  # type: ignore[no-any-return]

    patch.function(lock.evict, evict)


@killed_by(test_outage.test_two_unknown_accounts_are_not_one)
def two_unknown_accounts_are_one(patch: Patch) -> None:
    def rest(original: Any, self: Outage, other: Ticket) -> Rest:
        own: Ticket = self._ticket
        if own.account or other.account:
            seen: Rest = original(self, other)
            return seen
        return Rest.IN_PROGRESS if self._look(other.stacks).in_progress else Rest.AT_REST

    patch.function(Outage._rest, rest)
