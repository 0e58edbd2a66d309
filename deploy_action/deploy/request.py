"""The requests to CloudFormation for the inputs about `template`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set import ChangeSetRequest
from deploy_action.inputs.plan import OnDataLoss

if TYPE_CHECKING:
    from deploy_action.inputs.settings import Settings


def request_of(settings: Settings, name: str, *, of: str) -> ChangeSetRequest:
    """`of`: whose it is, in words for CloudFormation's own pages. What nested stacks change is asked for
    where somebody is to decide by it."""
    plan = settings.plan
    decides = plan.plans or plan.applies or plan.on_data_loss is OnDataLoss.STOP
    return ChangeSetRequest(
        stack=settings.stacks[0],
        name=name,
        token=name,
        description=f"deploy-coordinator {of}"[:1024],
        template_body=settings.handed_over or None,
        template_url=settings.template_url or None,
        parameters=settings.parameters,
        capabilities=settings.capabilities,
        tags=settings.tags,
        role_arn=settings.role_arn or None,
        options=replace(
            settings.change_set,
            include_nested_stacks=decides or settings.change_set.include_nested_stacks,
            revert_drift=plan.revert_drift,
        ),
    )
