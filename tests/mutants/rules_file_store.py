"""The registry in a file: it is one for all, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.locking.stores import file
from deploy_action.locking.stores.file import FileRegistry
from tests.contract import test_registry_stores
from tests.locking import test_stuck_writer
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_registry_stores.test_a_folder_that_is_missing_is_refused_and_not_created)
def a_missing_mount_is_a_new_registry(patch: Patch) -> None:
    def created(original: Any, self: Any) -> None:
        self._document.parent.mkdir(parents=True, exist_ok=True)

    patch.function(FileRegistry._require_folder, created)


@killed_by(
    test_stuck_writer.test_nobody_goes_on_alone_while_a_writer_is_suspended,
    test_stuck_writer.test_who_asks_first_gets_the_lock_once_the_writer_goes_on,
)
def a_suspended_writer_counts_as_away(patch: Patch) -> None:
    patch.constant(file, "RETRY_SECONDS", None)
