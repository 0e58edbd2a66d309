"""Locks that several may read under while nobody writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.locking import delegation as borrowing
from deploy_action.locking import expiry as leases
from deploy_action.locking import reader_seats
from deploy_action.locking import transitions as lock
from deploy_action.locking.document import Document, Lock, Ticket
from deploy_action.locking.lock_name import missing_locks
from tests.locking import test_delegation as test_borrowing
from tests.locking import test_reader_seats, test_readers
from tests.locking import test_transitions as test_lock
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch

RULES = test_lock.TestReadersAndWriters


@killed_by(RULES.test_a_reader_waits_for_a_writer_that_holds, RULES.test_a_writer_waits_for_every_reader)
def a_reader_holds_beside_a_writer(patch: Patch) -> None:
    def conflicts_with(original: Any, self: Ticket, other: Ticket) -> bool:
        shared = self.keys_of_shared | other.keys_of_shared
        return bool(original(self, other)) and not (self.keys & other.keys) <= shared

    patch.function(Ticket.conflicts_with, conflicts_with)


@killed_by(RULES.test_a_reader_never_passes_a_writer_that_waits)
def readers_starve_a_writer(patch: Patch) -> None:
    def ahead_of(original: Any, document: Document, ticket: Ticket) -> tuple[Ticket, ...]:
        ahead: tuple[Ticket, ...] = original(document, ticket)
        return tuple(one for one in ahead if one.holding) if ticket.shared else ahead

    patch.function(lock.ahead_of, ahead_of)


@killed_by(test_readers.test_a_reader_gets_past_a_dead_writer_that_waits_for_a_dead_reader)
def a_dead_reader_before_a_dead_writer_is_not_looked_at(patch: Patch) -> None:
    patch.function(leases.held_up_by, lambda _original, *of: lock.ahead_of(*of))


@killed_by(test_borrowing.test_a_lock_that_is_only_read_under_is_not_lent_for_writing)
def a_readers_lock_is_lent_for_writing(patch: Patch) -> None:
    patch.function(
        borrowing.not_held,
        lambda _original, ticket, other: missing_locks(ticket.locks, other.locks),
    )


@killed_by(test_reader_seats.test_an_earlier_version_can_read_a_document_with_several_readers)
def readers_stand_in_the_document_under_one_name(patch: Patch) -> None:
    patch.function(reader_seats.with_seats, lambda _original, document: document)


@killed_by(test_reader_seats.test_what_an_earlier_version_writes_to_a_seat_belongs_to_the_lock)
def what_settles_on_a_seat_is_forgotten(patch: Patch) -> None:
    def joined(_original: Any, one: Lock, _other: Lock) -> Lock:
        return one

    patch.function(reader_seats._joined, joined)
