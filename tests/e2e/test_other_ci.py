"""The recipes of docs/other-ci.md, as plain processes with the variables of each system."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.plain_run import PlainRun
from tests.fakes.cloudformation import CloudFormationServer
from tests.jobs.test_other_ci import COMMIT, SYSTEMS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "other-ci.md").read_text("utf-8")
SPEED = 60.0
TEMPLATE = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 10}}}}"
SLOW = TEMPLATE.replace("10", "9000")


def recipe(name: str) -> str:
    """The lines that call `run`, out of the section's code block."""
    section = re.split(rf"^## {name}$", GUIDE, flags=re.MULTILINE)[1]
    found = re.search(r"^ *deploy-coordinator/launcher/run(?:.*\\\n)+.*$", section, re.MULTILINE)
    assert found, name
    return found[0]


class Ground(PlainRun):
    """A workspace with the action beside the template, as the recipes clone it, and a cloud."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.origin = time.time()
        self.cloud = CloudFormationServer(lambda: self.origin + (time.time() - self.origin) * SPEED)

    def start(self, script: str, variables: dict[str, str]) -> subprocess.Popen[str]:
        """The fake cloud has no DynamoDB: the registry is a file, and services are not asked."""
        script = script.replace("dynamodb://deployments", f"file://{self.folder / 'registry'}")
        script = f"exec {script.strip()} preflight=off diagnose-services=false"
        script += "" if "runtime=" in script else " runtime=host"
        clock = {"DEPLOY_COORDINATOR_CLOCK": f"{self.origin}:{SPEED}"}
        return self.begin(script, {**self.cloud.environment, **clock, **variables})


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path)
    with ground.cloud:
        yield ground


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_recipe_deploys_and_tells_run_person_and_commit(ground: Ground, name: str) -> None:
    variables, (url, actor, _ref) = SYSTEMS[name]
    (ground.folder / "template.yaml").write_text(TEMPLATE)
    process = ground.start(recipe(name), variables)
    log, _ = process.communicate(timeout=120)
    assert process.returncode == 0, log
    assert ground.cloud.stack("eu-west-1", "shop").status(ground.cloud.now()) == "CREATE_COMPLETE"
    history = (ground.folder / "registry" / "deployment-history.json").read_text("utf-8")
    assert all(text in history for text in (url, actor, COMMIT))
    assert "outcome<<" in (ground.folder / "output").read_text("utf-8")
    assert (ground.folder / "summary.md").read_text("utf-8").count("✅ Deployed: shop → production") == 1
    assert "permissions:" not in log
    assert not [line for line in log.splitlines() if line.startswith("::")], log


def test_a_failure_is_its_exit_code_and_plain_words(ground: Ground) -> None:
    (ground.folder / "template.yaml").write_text(TEMPLATE.replace("Seconds: 10", 'Fail: "no topic"'))
    process = ground.start(recipe("GitLab"), SYSTEMS["GitLab"][0])
    log, _ = process.communicate(timeout=120)
    assert process.returncode == 1, log
    assert "ERROR: no topic" in log


def test_a_terminated_job_gives_its_lock_back(ground: Ground) -> None:
    (ground.folder / "template.yaml").write_text(SLOW)
    process = ground.start(recipe("Jenkins"), SYSTEMS["Jenkins"][0])
    assert process.stdout is not None
    for line in process.stdout:
        if "CREATE_IN_PROGRESS" in line:
            break
    process.send_signal(signal.SIGTERM)
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 130, log
    assert "Gave the lock" in log


def test_a_word_that_is_no_input_begins_nothing(ground: Ground) -> None:
    process = ground.start("deploy-coordinator/launcher/run --help", {})
    log, _ = process.communicate(timeout=60)
    assert (process.returncode, "is not INPUT=VALUE" in log) == (3, True)
    assert not list((ground.folder / "registry").iterdir())
