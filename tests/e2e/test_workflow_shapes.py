"""Shapes of workflows that work, in one run of a real runner each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_deploy import world  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from tests.e2e.test_deploy import World

pytestmark = pytest.mark.e2e
TOPIC = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 20}}}}"
BAD = TOPIC.replace("Seconds: 20", 'Fail: "no topic"')
COMMON = "{environment: production, github-token: '${{ github.token }}', runtime: host, preflight: 'off'"
INNER = """
name: inner
description: a deployment in a composite action of a composite action
outputs: {token: {description: the lock's, value: "${{ steps.hold.outputs.lock-token }}"}}
inputs: {github-token: {description: token}}
runs:
  using: composite
  steps:
    - id: hold
      uses: org/deploy-coordinator/lock@v1
      with: {environment: production, github-token: "${{ inputs.github-token }}", runtime: host}
    - id: deploy
      uses: org/deploy-coordinator@v1
      with:
        stack-name: inner
        environment: production
        github-token: "${{ inputs.github-token }}"
        runtime: host
        preflight: "off"
        template: template.yaml
"""
OUTER = """
name: outer
description: around it
inputs: {github-token: {description: token}}
runs:
  using: composite
  steps:
    - uses: ./.github/actions/inner
      with: {github-token: "${{ inputs.github-token }}"}
"""
NESTED = """
on: push
jobs:
  Deploy-to_Prod-1:
    runs-on: ubuntu-latest
    env: {AWS_ACCESS_KEY_ID: test, AWS_SECRET_ACCESS_KEY: test, AWS_REGION: eu-west-1}
    steps:
      - uses: actions/checkout@v4
      - id: _around-It
        uses: ./.github/actions/outer
        with: {github-token: "${{ github.token }}"}
"""
THREE = f"""
on: push
defaults: {{run: {{shell: sh, working-directory: "my infra"}}}}
jobs:
  deploy:
    runs-on: ubuntu-latest
    env: {{AWS_ACCESS_KEY_ID: test, AWS_SECRET_ACCESS_KEY: test, AWS_REGION: eu-west-1}}
    steps:
      - uses: actions/checkout@v4
      - id: First_1
        uses: org/deploy-coordinator@v1
        with: {COMMON}, stack-name: first, template: "my infra/template.yaml"}}
      - id: second-2
        uses: org/deploy-coordinator@v1
        with: {COMMON}, stack-name: second, template: "my infra/bad.yaml"}}
      - id: never
        uses: org/deploy-coordinator@v1
        with: {COMMON}, stack-name: never, template: "my infra/template.yaml"}}
      - id: undo
        if: failure()
        uses: org/deploy-coordinator@v1
        with: {COMMON}, stack-name: undo, command: pwd, working-directory: "my infra"}}
      - id: always
        if: always()
        uses: org/deploy-coordinator@v1
        with: {COMMON}, stack-name: always, template: "my infra/template.yaml"}}
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="the runner's own Node.js is not here")
def test_a_lock_in_a_nested_composite_is_held_for_the_job_and_given_back(world: World) -> None:  # noqa: F811
    world.template(TOPIC)
    world.act.write(".github/actions/inner/action.yml", INNER)
    world.act.write(".github/actions/outer/action.yml", OUTER)
    run = world.run(NESTED)
    assert run.code == 0, run.story
    assert "Continues under lock production (epoch 1)" in run.raw
    assert world.cloud.stack("eu-west-1", "inner").status(world.cloud.now()) == "CREATE_COMPLETE"
    assert world.registry()["tickets"] == []


def test_uses_of_one_job_end_each_for_itself(world: World) -> None:  # noqa: F811
    """Odd ids, another shell, a folder with a space, and what runs after a failure."""
    world.act.write("my infra/template.yaml", TOPIC)
    world.act.write("my infra/bad.yaml", BAD)
    run = world.run(THREE)
    assert run.code != 0
    found = {
        name: run.step(name).outputs.get("outcome") for name in ("First_1", "second-2", "undo", "always")
    }
    assert found == {
        "First_1": "succeeded",
        "second-2": "rolled-back",
        "undo": "no-changes",
        "always": "succeeded",
    }, run.story
    assert "/my infra" in run.raw
    with pytest.raises(KeyError):
        world.cloud.stack("eu-west-1", "never")
    registry = world.registry()
    assert registry["tickets"] == []
    assert registry["locks"] == {"production": {"epoch": 4, "settling": []}}
