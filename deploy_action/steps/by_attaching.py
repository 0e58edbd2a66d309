"""Way 3: watch what is in progress, whoever began it. Nothing is locked and nothing is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.core.report import Outcome
from deploy_action.engine.idle import in_progress
from deploy_action.engine.patience import patiently
from deploy_action.engine.watcher import Watcher, attach_to
from deploy_action.errors import StackSourceError, VerdictUnknown

if TYPE_CHECKING:
    from deploy_action.steps.deployment import Deployment


def deploy(deployment: Deployment) -> int:
    world, source = deployment.world, deployment.cloudformation
    try:
        running = patiently(
            lambda: in_progress(source, deployment.settings.stacks), world.clock, cancelled=world.cancelled
        )
    except StackSourceError as error:
        raise VerdictUnknown(
            f"What is in progress could not be seen. {error.what}", why=error.why, remedy=error.remedy
        ) from error
    if not running:
        deployment.report(outcome=Outcome.NO_CHANGES)
        deployment.teller.line("Nothing is in progress, so there is nothing to watch.")
        return 0
    watcher = Watcher(source, attach_to(running))
    end = deployment.watch(watcher, lambda: watcher.at_rest)
    deployment.judge(end, deployment.read_outcome(watcher, ours_only=False))
    return 0
