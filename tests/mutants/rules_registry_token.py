"""Tokens: each is sent to the GitHub that it is of, and to no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cli import checkout
from deploy_action.github import server_addresses
from deploy_action.inputs import settings
from deploy_action.inputs.registry import RegistryFields
from deploy_action.locking.github_jobs import GitHubRuns
from tests.cli import test_checkout, test_registry_token
from tests.jobs import test_registry_on_another_github as test_elsewhere
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch


@killed_by(test_elsewhere.test_each_server_sees_its_own_token_only)
def the_registry_gets_the_job_s_own_token(patch: Patch) -> None:
    own = settings.Settings.token_of_registry
    patch.function(own, lambda _original, asked: asked.github_token)


@killed_by(test_elsewhere.test_the_job_s_own_token_never_stands_in)
def a_registry_elsewhere_needs_no_token_of_its_own(patch: Patch) -> None:
    patch.function(RegistryFields._check_tokens, lambda _original, _self, _settings: None)


@killed_by(
    Case(
        test_elsewhere.test_a_holder_s_job_is_asked_about_at_its_own_server,
        f"own-org/app-{test_elsewhere.OWN}",
    )
)
def every_job_is_asked_about_by_the_registry_s_token(patch: Patch) -> None:
    def others(original: Any, self: Any, ticket: Any) -> Any:
        return self._others if original(self, ticket) is not None else None

    patch.function(GitHubRuns._api_for, others)


@killed_by(test_elsewhere.test_a_server_of_neither_is_asked_nothing)
def a_ticket_of_any_server_is_asked_about(patch: Patch) -> None:
    patch.function(GitHubRuns._api_for, lambda _original, self, _ticket: self._api)


@killed_by(test_checkout.test_a_token_is_that_of_the_shell_else_of_gh)
def variables_of_another_server_reach_gh(patch: Patch) -> None:
    patch.function(checkout._asked, lambda original, *words, **_options: original(*words))


@killed_by(
    Case(
        test_registry_token.test_a_token_goes_to_the_github_that_it_is_of,
        "github.com.evil.example-variables6-",
    )
)
def any_server_is_githubs_cloud(patch: Patch) -> None:
    patch.function(server_addresses.in_the_cloud, lambda _original, host: "github.com" in host)


@killed_by(test_registry_token.test_the_token_of_the_registry_goes_to_no_server_that_only_the_clone_names)
def the_clone_names_the_server_of_a_token(patch: Patch) -> None:
    patch.function(checkout._is_trusted, lambda *_: True)
