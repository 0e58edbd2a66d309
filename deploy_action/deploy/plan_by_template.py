"""The plan of a template: one change set, with those of nested stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import change_set_name
from deploy_action.deploy.prepared import Prepared
from deploy_action.deploy.template import native_of
from deploy_action.errors import Overtaken
from deploy_action.job.template_upload import uploaded

if TYPE_CHECKING:
    from deploy_action.deploy.deployment import Deployment


def prepare(deployment: Deployment) -> list[Prepared]:
    """Raises CannotStart with why CloudFormation makes no change set; a stack that somebody works on is
    waited for."""
    state, clock = deployment.state, deployment.job.clock
    began = clock.monotonic()
    ref = deployment.settings.stacks[0]
    while True:
        left = deployment.settings.wait_seconds - (clock.monotonic() - began)
        deployment.coordination.wait_for_stacks(timeout_seconds=max(0.0, left))
        state.attempts += 1
        deployment.checkpoint()
        # Epoch 0: nobody holds a lock for it.
        given = deployment.settings.change_set.name
        name = change_set_name(state.report.correlation_id, 0, state.attempts, given)
        sent = uploaded(
            deployment.job, deployment.wiring, deployment.settings, alive=deployment.lock.keep_waiting
        )
        native = native_of(deployment, name, sent)
        try:
            found = native.plan(delete_rolled_back_stack=False)
        except Overtaken:
            if clock.monotonic() - began >= deployment.settings.wait_seconds:
                raise
            continue
        return [Prepared(ref, found.change_set, new=found.created_stack or not found.changed_at)]
