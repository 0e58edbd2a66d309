"""The action in a real runner: what container and host have in common, and the way from one to the other."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e.act import USES, Act
from tests.fakes.cloudformation import CloudFormationServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

WORKFLOW = """
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: deploy
        uses: %s
        with: %s
"""


@pytest.fixture
def aws() -> Iterator[dict[str, str]]:
    with CloudFormationServer() as server:
        yield {**server.environment, "AWS_REGION": "eu-central-1"}


def workflow(folder: Path, runtime: str, command: str) -> str:
    (folder / "registry").mkdir(exist_ok=True)
    inputs = {
        "stack-name": "shop",
        "command": command,
        "runtime": runtime,
        "registry": f"file://{folder}/registry",
    }
    return WORKFLOW % (USES, json.dumps(inputs))


@pytest.mark.parametrize("runtime", ["host", pytest.param("container", marks=pytest.mark.container)])
def test_the_commands_exit_code_is_the_steps(
    tmp_path: Path, aws: dict[str, str], runtime: str, request: pytest.FixtureRequest
) -> None:
    if runtime == "container":
        aws.update(request.getfixturevalue("engine"))
    run = Act(tmp_path).run(workflow(tmp_path, runtime, "echo from $PWD; exit 9"), environment=aws)
    assert (run.code, run.step("deploy.main").result) == (1, "failure"), run.story
    assert "exit status 9" in run.raw
    assert "from /" in run.step("deploy.main").text
    assert run.step("deploy.post").result == "success"
    assert "virtual environment on the host" not in run.story


def test_without_an_engine_auto_takes_the_host(tmp_path: Path, aws: dict[str, str]) -> None:
    if not shutil.which("docker"):
        pytest.skip("without a docker command the container is not even tried")
    nobody = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock"}
    run = Act(tmp_path).run(workflow(tmp_path, "auto", "true"), environment={**aws, **nobody})
    assert run.code == 0, run.story
    warning = run.step("deploy.pre").annotations[0]
    assert (warning.level, "on the host instead" in warning.message) == ("warning", True)
