"""Cleaning up touches the very stack that was looked at, as it was then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.cleanup.plan import steps_for
from deploy_action.cleanup.runner import carry_out, look
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import Overtaken
from tests.fakes.cloudformation.harness import client
from tests.jobs.conftest import stage

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

__all__ = ["stage"]

SHOP = StackRef("eu-west-1", "shop")
BROKEN = "Resources: {Bad: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"


def clean(stage: Stage, source: CloudFormation) -> str:
    state, left = look(source, SHOP)
    assert state is not None
    assert left is not None
    step = steps_for(left)[0]
    # Somebody is faster.
    cloudformation = client(stage.server)
    cloudformation.delete_stack(StackName="shop")
    stage.clock.sleep(1000)
    cloudformation.create_stack(StackName="shop", TemplateBody=BROKEN)
    stage.clock.sleep(1000)
    cloudformation.close()
    return carry_out(
        step,
        source,
        source,
        stage.clock,
        status=left.status,
        token="cleanup-1",
        tell=lambda _line: None,
        cancelled=lambda: False,
        timeout_seconds=3600.0,
    )


def broken(stage: Stage) -> CloudFormation:
    cloudformation = client(stage.server)
    cloudformation.create_stack(StackName="shop", TemplateBody=BROKEN)
    stage.clock.sleep(1000)
    cloudformation.close()
    return CloudFormation(AwsClients())


def test_a_stack_that_is_not_what_it_was_is_left_alone(stage: Stage) -> None:
    source = broken(stage)
    with pytest.raises(Overtaken, match="not ROLLBACK_COMPLETE any more"):
        clean(stage, source)
    state = source.describe(SHOP)
    assert state is not None
    assert state.status == "ROLLBACK_COMPLETE"
