"""Which deployments on GitHub's environments page another one replaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.github.deployments import GitHubDeployments
from deploy_action.job import environment_page as page
from tests.jobs import test_page
from tests.mutants.mutant import Case, killed_by

if TYPE_CHECKING:
    from tests.mutants.mutant import Patch

OTHER_TARGETS = test_page.test_another_account_region_or_stack_is_another_target


@killed_by(test_page.test_a_deployment_of_another_stack_in_the_environment_stays_active)
def github_retires_whatever_is_in_the_environment(patch: Patch) -> None:
    def post(original: Any, self: GitHubDeployments, path: str, body: dict[str, object]) -> Any:
        return original(self, path, {name: value for name, value in body.items() if name != "auto_inactive"})

    patch.function(GitHubDeployments._post, post)


@killed_by(test_page.test_a_deployment_of_the_same_stacks_makes_the_earlier_one_inactive)
def nothing_is_ever_replaced(patch: Patch) -> None:
    patch.function(GitHubDeployments.retire_earlier, lambda *_of, **_more: None)


@killed_by(Case(OTHER_TARGETS, "222222222222-eu-west-1-shop"))
def a_target_is_the_same_in_any_account(patch: Patch) -> None:
    def target_of(original: Any, account: str, stacks: Any) -> Any:
        return original("1" * 12 if account else "", stacks)

    patch.function(page.target_of, target_of)
