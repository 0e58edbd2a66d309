"""A lock that is taken away by hand: what its holder could still execute is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.change_set import change_set_name
from tests.cli.desk import Desk
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

HOLDER, EARLIER, NOW, STRANGER = (f"20270115-08000{number}-aaaaaa" for number in range(4))
TEMPLATE = "Resources: {Queue: {Type: AWS::SQS::Queue}}"


@pytest.fixture
def shell(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(stage.root / "registry", capsys, stage.clock)


def test_a_release_by_force_deletes_what_the_holder_and_all_its_borrowers_have_not_executed(
    stage: Stage, shell: Desk
) -> None:
    cloudformation = client(stage.server)
    cloudformation.create_stack(StackName="shop", TemplateBody=TEMPLATE)
    stage.clock.sleep(1000)
    for number, maker in enumerate((HOLDER, EARLIER, NOW, STRANGER)):
        body = TEMPLATE.replace("Queue:", f"Queue{number}:")
        name = change_set_name(maker, 1, 1)
        cloudformation.create_change_set(StackName="shop", ChangeSetName=name, TemplateBody=body)
    stage.clock.sleep(1000)
    shell.arrives("a", correlation_id=HOLDER, borrowers=(EARLIER, NOW))
    code, told = shell.run("release", "prod", "--force", "--reason", "stuck", "--by", "ada")
    assert (code, "could not be looked for" in told) == (0, False), told
    left = [one["ChangeSetName"] for one in cloudformation.list_change_sets(StackName="shop")["Summaries"]]
    assert left == [change_set_name(STRANGER, 1, 1)]
    cloudformation.close()
