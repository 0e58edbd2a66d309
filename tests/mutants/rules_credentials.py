"""Credentials: what has been renewed is used, and what never will be is not waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation import aws_credentials
from deploy_action.cloudformation.aws_credentials import RenewedCredentials
from tests.jobs import test_renewed_credentials
from tests.mutants.mutant import killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(
    test_renewed_credentials.test_ninety_minutes_with_credentials_of_sixty,
    test_renewed_credentials.test_a_program_is_asked_again,
)
def credentials_are_read_once(patch: Patch) -> None:
    patch.function(RenewedCredentials._renewed, lambda original, self, used: False)


@killed_by(test_renewed_credentials.test_what_nobody_renews_within_two_minutes_has_expired_for_good)
def expired_credentials_are_waited_for_without_end(patch: Patch) -> None:
    patch.constant(aws_credentials, "PATIENCE_SECONDS", 1e9)


@killed_by(test_renewed_credentials.test_patience_begins_anew_with_each_renewal)
def patience_is_spent_once_for_all(patch: Patch) -> None:
    def renewed(original: Any, self: RenewedCredentials, used: Any) -> bool:
        since = self._expired_since
        found = bool(original(self, used))
        self._expired_since = since
        return found

    patch.function(RenewedCredentials._renewed, renewed)


@killed_by(test_renewed_credentials.test_what_the_environment_gives_is_not_waited_for)
def what_cannot_be_renewed_is_waited_for(patch: Patch) -> None:
    patch.constant(aws_credentials, "_FIXED", frozenset[Any]())


@killed_by(test_renewed_credentials.test_the_chain_is_read_again_at_a_bounded_pace)
def the_chain_is_read_with_each_request(patch: Patch) -> None:
    patch.constant(aws_credentials, "PAUSE_SECONDS", 0.0)
