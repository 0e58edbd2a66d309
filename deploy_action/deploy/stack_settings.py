"""Settings of the stack itself, which no change set carries: termination protection and the stack policy.

On a stack that exists before it is changed, so that the policy holds for this very update; on a new one once
it is made: a creation that fails must not leave a stack that cannot be deleted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.deploy.patience import patiently
from deploy_action.errors import CannotStart, DeploymentFailed, StackSourceError

if TYPE_CHECKING:
    from deploy_action.deploy.deployment import Deployment


def set_before(deployment: Deployment) -> None:
    """Raises CannotStart where CloudFormation refuses, StackSourceError where it gives no answer, Cancelled
    and what the fence raises."""
    if deployment.settings.stack_settings.given:
        deployment.lock.fence()
        _set(deployment)


def set_after(deployment: Deployment) -> None:
    """Raises DeploymentFailed: who asked for protection must not see green without."""
    if not deployment.settings.stack_settings.given:
        return
    try:
        _set(deployment)
    except (CannotStart, StackSourceError) as error:
        deployment.report = replace(deployment.report, outcome=Outcome.FAILED)
        raise DeploymentFailed(
            f"The stack is deployed, and not protected as the inputs ask. {error.what}",
            why="Whoever may delete or replace what is in it still can.",
            remedy=error.remedy or "Run this again.",
        ) from error


def _set(deployment: Deployment) -> None:
    settings, stack = deployment.settings.stack_settings, deployment.settings.stacks[0]
    cloudformation, tell = deployment.cloudformation, deployment.reporter.line
    if settings.policy:
        patiently(deployment, lambda: cloudformation.set_stack_policy(stack, settings.policy))
        tell(f"The stack policy of {stack} is the one in `stack-policy`.")
    enabled = settings.termination_protection
    if enabled is not None:
        patiently(deployment, lambda: cloudformation.set_termination_protection(stack, enabled=enabled))
        tell(f"Termination protection of {stack} is {'on' if enabled else 'off'}.")
