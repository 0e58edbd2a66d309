"""What a deleted or replaced registry document may cost, broken one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy_action.locking import restored_document as restoring
from deploy_action.locking.document import Document
from deploy_action.locking.document_continuity import LAG_SECONDS_MAX, Continuity
from deploy_action.locking.ticket import LockHold
from tests.locking import test_document_continuity as test_continuity
from tests.locking import test_held_lock as test_keeper
from tests.locking import test_restored_document as test_restoring
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from deploy_action.locking.document import Ticket
    from deploy_action.locking.ports import Snapshot
    from tests.mutants.mutant import Patch

DELETED = test_keeper.TestTheDocumentIsDeleted


@killed_by(DELETED.test_the_holder_writes_itself_back_at_its_next_renewal)
def nobody_writes_itself_back(patch: Patch) -> None:
    patch.function(restoring.written_back, lambda original, document, ticket, **more: document)


@killed_by(
    test_restoring.test_who_was_granted_it_since_is_not_run_over,
    test_restoring.test_a_holder_that_was_taken_out_stays_out,
)
def a_later_grant_is_run_over(patch: Patch) -> None:
    def forgetful(original: Any, document: Document, ticket: Ticket, **more: bool) -> Document:
        back: Document = original(Document(), ticket, **more)
        return replace(document, tickets=(*back.tickets, *document.tickets))

    patch.function(restoring.written_back, forgetful)


@killed_by(DELETED.test_a_waiter_gives_the_holder_time_to_come_back)
def a_waiter_does_not_wait_for_a_holder_that_is_about_to_come_back(patch: Patch) -> None:
    def hasty(original: Any, self: Continuity, snapshot: Snapshot) -> object:
        self.doubt_seconds = LAG_SECONDS_MAX
        return original(self, snapshot)

    patch.function(Continuity.judge, hasty)


@killed_by(DELETED.test_who_may_have_been_taken_over_does_not_write_itself_back)
def whoever_was_silent_for_a_lease_writes_itself_back(patch: Patch) -> None:
    patch.function(LockHold._written_back, lambda original, self, document: self._with_own(document))


@killed_by(
    DELETED.test_freezes_that_were_seen_lie_there_again,
    DELETED.test_a_freeze_that_a_waiter_had_seen_keeps_it_waiting,
)
def a_deletion_lifts_the_freezes(patch: Patch) -> None:
    patch.function(restoring.remembered, lambda original, last: Document())


@killed_by(test_restoring.test_who_uses_a_lock_that_another_wrote_back_stands_in_it_again)
def a_loan_is_lost_with_the_document(patch: Patch) -> None:
    patch.function(restoring._with_own_loan, lambda original, document, standing, ticket: document)


@killed_by(
    test_continuity.test_a_waiter_gives_the_holder_time_although_the_new_document_has_as_many_writes,
    test_continuity.test_a_later_step_knows_which_document_it_was,
)
def a_document_of_another_generation_is_taken_for_the_same(patch: Patch) -> None:
    patch.function(Continuity.is_another, lambda original, self, document: False)


@killed_by(test_continuity.test_who_is_not_the_first_to_come_back_is_waited_for_too)
def whoever_begins_a_document_again_keeps_its_generation(patch: Patch) -> None:
    def next_of(original: Any, self: Continuity, document: Document, operation: str) -> Document:
        written: Document = original(self, document, operation)
        return replace(written, generation=document.generation or operation)

    patch.function(Continuity.next_of, next_of)


@killed_by(test_continuity.test_an_older_state_that_somebody_wrote_on_is_another_document)
def whoever_goes_on_from_an_older_state_keeps_its_generation(patch: Patch) -> None:
    def next_of(original: Any, self: Continuity, document: Document, operation: str) -> Document:
        self._older = False
        written: Document = original(self, document, operation)
        return written

    patch.function(Continuity.next_of, next_of)


@killed_by(test_continuity.test_a_holder_does_not_come_back_where_a_stranger_held_the_lock_since)
def who_held_the_lock_meanwhile_is_asked_of_epochs_alone(patch: Patch) -> None:
    patch.function(restoring._held_since, lambda original, document, ticket, last: False)
