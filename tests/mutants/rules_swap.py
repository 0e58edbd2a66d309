"""Compare-and-swap: each write lands once, or it is known that it did not."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryConflict, RegistryUnreadable
from deploy_action.locking import codec as lock_codec
from deploy_action.locking import compare_and_swap as swap
from deploy_action.locking.codec import decode
from deploy_action.locking.compare_and_swap import Swapper
from deploy_action.locking.document import Document
from deploy_action.locking.document_continuity import Continuity
from deploy_action.locking.stores import dynamodb
from deploy_action.locking.stores.file import FileRegistry
from tests.contract import test_registry
from tests.locking import test_client as test_lock_client
from tests.locking import test_codec as test_lock_codec
from tests.locking import test_compare_and_swap as test_swap
from tests.locking import test_held_lock as test_keeper
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    test_keeper.test_an_older_state_at_the_fence_is_doubt_that_is_waited_out,
)
def a_state_from_before_the_own_grant_is_believed(patch: Patch) -> None:
    patch.function(Continuity.judge, lambda original, self, snapshot: (decode(snapshot.document), None))


@killed_by(test_lock_client.test_a_fence_that_landed_before_a_takeover_does_not_hold_after_it)
def a_renewal_that_was_found_again_is_not_looked_at_again(patch: Patch) -> None:
    patch.function(
        Swapper.apply,
        lambda original, *arguments, **more: original(
            *arguments, **{**more, "confirm": lambda document: None}
        ),
    )


@killed_by(test_swap.test_a_lost_answer_is_found_under_somebody_elses_later_write)
def a_write_is_not_looked_for_after_an_ambiguous_answer(patch: Patch) -> None:
    patch.function(Document.with_operation, lambda original, self, operation: original(self, ""))


class _Distorted:
    """A registry whose answers the swapper misreads."""

    def __init__(self, registry: Any, *, salts_versions: bool = False, hides_conflicts: bool = False) -> None:
        self._registry = registry
        self._salts_versions = salts_versions
        self._hides_conflicts = hides_conflicts
        self._reads = 0

    def read(self) -> Any:
        snapshot = self._registry.read()
        self._reads += 1
        salted = f"{self._reads} {snapshot.version}"
        return replace(snapshot, version=salted) if self._salts_versions else snapshot

    def swap(self, document: bytes, version: str, **more: Any) -> Any:
        plain = version.partition(" ")[2] if self._salts_versions else version
        with suppress(*([RegistryConflict] if self._hides_conflicts else [])):
            return self._registry.swap(document, plain, **more)
        return plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._registry, name)


@killed_by(test_swap.test_a_late_effect_after_further_tries_takes_effect_exactly_once)
def a_write_that_is_sent_again_gets_another_operation_id(patch: Patch) -> None:
    patch.function(
        Swapper.__init__,
        lambda original, self, registry, *arguments, **more: original(
            self, _Distorted(registry, salts_versions=True), *arguments, **more
        ),
    )


@killed_by(test_swap.test_a_conflict_leads_to_a_new_decision_on_the_newest_document)
def a_conflict_is_taken_for_success(patch: Patch) -> None:
    patch.function(
        Swapper.__init__,
        lambda original, self, registry, *arguments, **more: original(
            self, _Distorted(registry, hides_conflicts=True), *arguments, **more
        ),
    )


@killed_by(test_swap.test_conflicts_that_move_nothing_come_to_an_end)
def conflicts_that_move_nothing_are_tried_for_ever(patch: Patch) -> None:
    patch.constant(swap, "STALE_PATIENCES", inf)


@killed_by(Case(test_registry.test_no_version_of_before_comes_again_after_a_deletion, "dynamodb"))
def versions_of_an_item_are_not_drawn_by_lot(patch: Patch) -> None:
    patch.constant(dynamodb, "VERSIONS", 2)


@killed_by(Case(test_registry.test_a_stale_swap_conflicts_and_changes_nothing, "file"))
def the_file_registry_writes_without_comparing(patch: Patch) -> None:
    patch.function(
        FileRegistry.swap,
        lambda original, self, document, version, **more: original(
            self, document, self.read().version, **more
        ),
    )


@killed_by(
    test_swap.test_a_document_that_becomes_unreadable_between_two_tries_is_not_overwritten,
    test_lock_codec.test_half_a_document_is_unreadable,
    test_lock_client.test_an_unreadable_registry_is_told_at_once_and_left_as_it_is,
)
def a_damaged_document_is_taken_for_an_empty_one(patch: Patch) -> None:
    def decode(original: Any, content: bytes | None) -> Any:
        try:
            return original(content)
        except RegistryUnreadable:
            return Document()

    patch.function(lock_codec.decode, decode)


@killed_by(test_lock_codec.test_a_newer_schema_is_refused_and_named)
def a_newer_schema_is_read_as_if_it_were_this_one(patch: Patch) -> None:
    patch.constant(lock_codec, "SCHEMA", 10**9)


@killed_by(test_lock_codec.test_a_turn_that_is_not_the_locks_latest_is_refused)
def a_turn_that_is_not_the_locks_latest_is_believed(patch: Patch) -> None:
    patch.function(lock_codec._check_epochs, lambda original, *arguments: None)


@killed_by(test_lock_client.TestAFullDocument.test_one_more_ticket_is_busy_and_nobody_goes_on_alone)
def a_document_grows_beyond_what_a_store_holds(patch: Patch) -> None:
    patch.constant(swap, "BYTES_MAX", 10**9)


@killed_by(
    Case(test_swap.test_a_document_that_moves_while_a_file_is_read_is_a_conflict_and_never_silence, "1"),
)
def a_file_beside_is_read_once(patch: Patch) -> None:
    def once(_original: Any, registry: Any, look: Any) -> object:
        version = registry.read().version
        return look(lambda name: registry.read_file(name, version))

    patch.function(swap.read_beside, once)
