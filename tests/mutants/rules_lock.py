"""Who holds a lock, and who may change that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.locking import admin, codec, overlap, queue_order, superseding
from deploy_action.locking import delegation as borrowing
from deploy_action.locking import transitions as lock
from deploy_action.locking.client import LockClient
from deploy_action.locking.document import Document, QueuePolicy, Ticket
from tests.cli import test_locks as test_cli_locks
from tests.locking import test_admin as test_operators
from tests.locking import test_client as test_lock_client
from tests.locking import test_codec, test_overlap
from tests.locking import test_delegation as test_borrowing
from tests.locking import test_held_lock as test_keeper
from tests.locking import test_superseding as superseding_tests
from tests.locking import test_transitions as test_lock
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_lock.test_the_same_actor_and_correlation_are_no_identity)
def a_ticket_is_known_by_its_correlation_id(patch: Patch) -> None:
    def release(original: Any, document: Document, ticket: Ticket, **more: Any) -> Any:
        same = [one.nonce for one in document.tickets if one.correlation_id == ticket.correlation_id]
        return original(document, replace(ticket, nonce=same[0]) if same else ticket, **more)

    patch.function(lock.release, release)


@killed_by(test_lock.test_a_busy_lock_puts_the_request_in_the_queue)
def a_place_in_the_queue_goes_by_actor(patch: Patch) -> None:
    def enqueue(original: Any, document: Document, ticket: Ticket, **more: Any) -> Any:
        stands = any(one.actor == ticket.actor for one in document.tickets)
        return document if stands else original(document, ticket, **more)

    patch.function(lock.enqueue, enqueue)


@killed_by(
    test_lock.test_release_under_a_foreign_epoch_changes_nothing,
    test_lock.test_release_by_a_holder_that_was_evicted_and_queued_again_changes_nothing,
)
def release_ignores_the_epoch(patch: Patch) -> None:
    patch.function(lock.release, _under_the_current_epoch)


@killed_by(
    test_lock.test_a_waiter_that_leaves_frees_nobody_elses_lock,
    test_lock_client.test_a_holder_that_wakes_up_after_a_takeover_is_fenced_and_frees_nobodys_lock,
)
def release_frees_whoever_holds_the_lock(patch: Patch) -> None:
    def release(original: Any, document: Document, ticket: Ticket, **more: Any) -> Any:
        holder = document.holder_of(ticket.locks[0])
        return document if holder is None else original(document, holder, **more)

    patch.function(lock.release, release)


@killed_by(
    test_lock_client.test_waiting_ends_at_the_time_out_to_the_second_and_the_place_is_given_back,
    test_lock_client.test_cancellation_while_waiting_gives_the_place_back,
    test_lock_client.test_a_request_whose_answer_never_came_is_withdrawn_as_soon_as_the_registry_is_back,
)
def who_gives_up_leaves_its_ticket_behind(patch: Patch) -> None:
    patch.function(LockClient._withdraw, lambda original, *arguments: None)


@killed_by(test_lock_client.test_a_busy_lock_is_told_at_once_and_nothing_is_left_in_the_document)
def who_does_not_want_to_wait_leaves_its_ticket_behind(patch: Patch) -> None:
    patch.function(
        lock.request,
        lambda original, *arguments, **more: original(*arguments, **{**more, "enqueue_if_busy": True}),
    )
    patch.function(LockClient._withdraw, lambda original, *arguments: None)


@killed_by(test_lock.test_renewal_after_an_eviction_and_a_new_place_in_the_queue_raises_lock_lost)
def the_fence_ignores_the_epoch(patch: Patch) -> None:
    patch.function(lock.renew, _under_the_current_epoch)


def _under_the_current_epoch(original: Any, document: Document, ticket: Ticket, **more: Any) -> Any:
    current = document.ticket(ticket.nonce)
    return original(document, ticket if current is None else replace(ticket, epochs=current.epochs), **more)


@killed_by(
    test_lock.test_epochs_rise_by_one_a_holder_and_never_fall,
    test_lock.test_an_eviction_keeps_the_epoch_so_that_the_next_holder_has_a_higher_one,
)
def the_epoch_is_not_raised(patch: Patch) -> None:
    def grant(original: Any, document: Document, nonce: str, **more: Any) -> Any:
        new: Document | None = original(document, nonce, **more)
        if new is None or (held := new.ticket(nonce)) is None:
            return new
        epochs = {name: max(1, one.epoch) for name, one in document.locks.items()}
        locks = {name: replace(one, epoch=epochs.get(name, 1)) for name, one in new.locks.items()}
        same = replace(held, epochs=tuple((name, locks[name].epoch) for name in held.locks))
        return replace(new, locks=locks).with_ticket(same)

    patch.function(lock.grant, grant)


@killed_by(
    test_lock.test_waiters_of_one_lock_are_served_in_order_of_arrival,
    test_lock.test_a_newcomer_does_not_overtake_a_waiter_when_the_lock_falls_free,
)
def waiters_take_the_lock_in_any_order(patch: Patch) -> None:
    patch.function(
        lock.ahead_of,
        lambda original, *arguments: tuple(one for one in original(*arguments) if one.holding),
    )


@killed_by(test_lock_client.test_a_busy_lock_is_told_at_once_and_nothing_is_left_in_the_document)
def a_holder_is_not_waited_for(patch: Patch) -> None:
    patch.function(
        lock.ahead_of,
        lambda original, *arguments: tuple(one for one in original(*arguments) if not one.holding),
    )


@killed_by(test_lock.test_several_locks_are_taken_together_or_not_at_all)
def only_the_first_lock_of_a_ticket_counts(patch: Patch) -> None:
    patch.function(Ticket.conflicts_with, lambda original, self, other: bool(self.locks[0] == other.locks[0]))


@killed_by(
    test_operators.test_a_frozen_lock_is_granted_to_nobody_and_the_queue_forms_behind_it,
    test_lock_client.TestOperators.test_a_frozen_lock_is_busy_for_who_does_not_wait,
)
def a_frozen_lock_is_granted(patch: Patch) -> None:
    patch.function(queue_order.freeze_of, lambda original, *arguments, **more: None)


@killed_by(
    test_lock.test_settling_accumulates_over_holders_until_it_is_settled,
    test_lock_client.test_what_settles_is_handed_on_until_somebody_has_seen_it_end,
)
def what_settles_is_forgotten_at_the_next_release(patch: Patch) -> None:
    def leave(original: Any, document: Document, ticket: Ticket, stacks: tuple[str, ...]) -> Any:
        empty = {name: replace(one, settling=()) for name, one in document.locks.items()}
        return original(replace(document, locks=empty), ticket, stacks)

    patch.function(lock.leave_settling, leave)


@killed_by(test_lock.test_only_who_holds_the_lock_says_what_has_settled)
def whoever_was_taken_over_settles_what_the_next_one_left(patch: Patch) -> None:
    def settle(original: Any, document: Document, ticket: Ticket, stacks: tuple[str, ...]) -> Document:
        locks = {
            name: replace(one, settling=tuple(stack for stack in one.settling if stack not in stacks))
            for name, one in document.locks.items()
        }
        return replace(document, locks=locks)

    patch.function(lock.settle, settle)


@killed_by(test_operators.test_the_stacks_of_a_holder_that_was_released_by_force_settle)
def a_forced_release_forgets_what_is_in_progress(patch: Patch) -> None:
    patch.function(lock.leave_settling, lambda original, document, *more: document)


SAME = superseding_tests.test_what_is_not_the_same_deployment_keeps_its_turn


@killed_by(Case(SAME, "policy=QueuePolicy.FIFO"))
def who_wants_its_turn_is_superseded(patch: Patch) -> None:
    patch.function(
        superseding.may_supersede,
        lambda original, newer, older: original(newer, replace(older, policy=QueuePolicy.NEWEST)),
    )


@killed_by(Case(SAME, "stacks=('eu-west-1/app', 'eu-west-1/more')"))
def a_deployment_of_more_is_superseded_by_one_of_less(patch: Patch) -> None:
    patch.function(
        superseding.may_supersede,
        lambda original, newer, older: original(newer, replace(older, stacks=newer.stacks)),
    )


@killed_by(superseding_tests.test_nobody_gives_way_to_one_that_may_be_dead)
def a_deployment_gives_way_to_a_dead_one(patch: Patch) -> None:
    def superseder(original: Any, document: Document, ticket: Ticket, *, alive: Any, **more: Any) -> Any:
        return original(document, ticket, alive={one.nonce for one in document.tickets}, **more)

    patch.function(superseding.superseder, superseder)


@killed_by(test_keeper.test_one_that_was_superseded_meanwhile_changes_nothing_any_more)
def who_was_superseded_in_its_absence_deploys_over_the_newer_one(patch: Patch) -> None:
    patch.function(
        lock.join,
        lambda original, *arguments, **more: original(*arguments, **{**more, "nothing_changed": False}),
    )


@killed_by(test_borrowing.test_a_lock_of_a_run_is_open_to_its_attempt_only)
def a_lock_of_a_run_is_open_to_every_run(patch: Patch) -> None:
    patch.function(
        borrowing.Borrower.may_use, lambda original, self, other: other.held_by_run or original(self, other)
    )


@killed_by(test_borrowing.test_what_is_deployed_under_it_is_looked_at_before_a_takeover)
def what_is_deployed_under_a_borrowed_lock_is_not_looked_at(patch: Patch) -> None:
    patch.function(
        borrowing.borrow,
        lambda original, document, lender, ticket: original(document, lender, replace(ticket, stacks=())),
    )


@killed_by(
    Case(test_lock.test_what_is_left_by_name_keeps_its_account, "123456789012-123456789012/eu-west-1/app")
)
def what_is_left_loses_its_account(patch: Patch) -> None:
    patch.function(Ticket.named_stacks, lambda original, self: self.stacks)


@killed_by(test_lock.test_idle_locks_leave_a_large_document_and_no_epoch_falls)
def a_lock_that_left_the_document_counts_anew(patch: Patch) -> None:
    def without(original: Any, document: Document) -> Document:
        kept: Document = original(document)
        return replace(kept, epoch_floor=0)

    patch.function(lock.without_idle_locks, without)


@killed_by(test_lock.test_what_left_is_remembered_for_each_lock)
def a_busy_lock_makes_others_forget(patch: Patch) -> None:
    patch.constant(lock, "KEPT_FINISHED_IN_ALL", 50)


@killed_by(test_codec.test_a_policy_that_is_not_known_counts_as_fifo_and_is_written_back_as_it_was)
def a_policy_that_is_not_known_is_written_as_fifo(patch: Patch) -> None:
    patch.function(codec._policy_in, lambda original, data: (original(data)[0], ()))


@killed_by(test_overlap.test_both_holders_are_told)
def globs_that_overlap_are_nobodys_business(patch: Patch) -> None:
    patch.function(overlap.globs_meet, lambda original, one, other: one == other)


@killed_by(test_cli_locks.test_a_lock_is_taken_only_from_the_holder_that_was_seen)
def a_lock_is_taken_from_whoever_holds_it_by_now(patch: Patch) -> None:
    patch.function(
        admin.meant_for_release, lambda original, *args, **more: (original(*args, **more)[0], True)
    )
