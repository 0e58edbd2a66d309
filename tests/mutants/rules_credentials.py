"""Credentials: what has been renewed is used, and what never will be is not waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cloudformation import aws_credentials
from deploy_action.cloudformation.aws_credentials import RenewedCredentials
from deploy_action.github import app_signature, app_tokens
from deploy_action.github.app_tokens import InstallationTokens
from tests.github import test_app_tokens
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


@killed_by(test_app_tokens.test_a_token_is_used_again_and_replaced_before_its_hour_is_over)
def a_token_is_used_until_github_ends_it(patch: Patch) -> None:
    patch.constant(app_tokens, "RENEW_SECONDS", 1e9)


@killed_by(test_app_tokens.test_a_token_that_github_ended_early_is_replaced_and_the_request_sent_again)
def a_token_that_was_ended_is_used_on(patch: Patch) -> None:
    patch.function(InstallationTokens.refused, lambda original, self, token: None)


@killed_by(test_app_tokens.test_the_app_is_known_by_a_token_that_lives_minutes)
def an_apps_own_token_lives_a_quarter_of_an_hour(patch: Patch) -> None:
    patch.constant(app_signature, "LIFE_SECONDS", 900)
