"""Rules about the place of the registry: an address opens the store that it names, or none."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deploy_action.locking import stores
from deploy_action.locking.stores.github import STORE
from tests.locking import test_stores_elsewhere
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_stores_elsewhere.test_an_address_that_nobody_parsed_opens_no_other_store)
def an_unknown_scheme_opens_a_branch_on_github(patch: Patch) -> None:
    def found(original: Any, scheme: str) -> Any:
        with suppress(ValueError):
            return original(scheme)
        return STORE

    patch.function(stores.store_of, found)
