"""The halves of a lock by a real runner: held between steps, and given back at every end. (Held between jobs:
the example `multi-region.yml` in test_examples.py.)"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.act import REPOSITORY, Act, clean_environment
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.github.server import GitHubServer
from tests.fakes.runner import heredoc_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("node") is None, reason="the runner's own Node.js is not here"),
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at /proc to see what was left behind"),
]

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
HELD = """
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: lock
        uses: org/deploy-coordinator/lock@v1
        with: {environment: production, runtime: host}
      - id: deploy
        uses: org/deploy-coordinator@v1
        with: {stack-name: shop, environment: production, template: template.yaml, runtime: host}
      - id: last
        run: exit 3
"""


class World:
    def __init__(self, folder: Path) -> None:
        self.cloud = CloudFormationServer()
        self.github = GitHubServer()
        self.github.state.tokens["token-of-the-job"] = dict(self.github.state.tokens["token"])
        self.act = Act(folder)
        self.act.write("template.yaml", GOOD)

    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.cloud.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "eu-west-1",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_RUN_ID": "777",
            "NO_COLOR": "1",
        }

    def registry(self) -> dict[str, Any]:
        document = self.github.repository.document("deploy-registry", ".deployment-registry/deployments.json")
        return dict(json.loads(document or b"{}"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    with made.cloud, made.github:
        yield made


def keepers(folder: Path) -> list[int]:
    """Processes that keep a lock for something below this folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            environ = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if b"keep" in command.split(b"\0") and os.fsencode(folder) in environ:
            found.append(int(process.name))
    return found


def test_a_failing_job_gives_back_what_its_deployments_went_on_under(world: World) -> None:
    run = world.act.run(HELD, environment=world.environment(), timeout=100)
    assert run.code == 1, run.story
    assert run.step("last").result == "failure"
    assert "Continues under lock production (epoch 1)" in run.step("deploy.pre").text, run.story
    assert run.step("deploy").outputs["outcome"] == "succeeded"
    registry = world.registry()
    assert registry["tickets"] == [], run.raw
    assert [line["outcome"] for line in registry["finished"]] == ["failed"]
    assert keepers(world.act.folder) == []


class Runner:
    """Starts `lock/step.js` as the runner does: a process of the job that outlives the step."""

    def __init__(self, folder: Path, world: World, **inputs: str) -> None:
        folder.mkdir()
        (folder.parent / "registry").mkdir(exist_ok=True)
        for name in ("output", "env", "state"):
            (folder / name).touch()
        self.folder = folder
        given = {"environment": "production", "registry": f"file://{folder.parent}/registry", **inputs}
        self.environment = {
            **clean_environment(),
            **world.environment(),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_ENV": str(folder / "env"),
            "GITHUB_STATE": str(folder / "state"),
            "GITHUB_REPOSITORY": "org/app",
            "GITHUB_ACTOR": folder.name,
            "RUNNER_TEMP": str(folder),
            **{f"INPUT_{name.upper()}": value for name, value in {"runtime": "host", **given}.items()},
        }

    def step(self, **environment: str) -> subprocess.Popen[bytes]:
        """`step.js` below a process that stays, as the runner's does."""
        worker = (
            "import subprocess, sys, time; print(subprocess.call(sys.argv[1:]), flush=True); time.sleep(99)"
        )
        return subprocess.Popen(
            [sys.executable, "-c", worker, "node", str(REPOSITORY / "lock" / "step.js")],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
        )

    def end(self, worker: subprocess.Popen[bytes], status: str) -> str:
        """`post`, with what the step left in GITHUB_STATE."""
        left = dict(line.split("=", 1) for line in (self.folder / "state").read_text().splitlines())
        environment = {f"STATE_{name}": value for name, value in left.items()}
        done = subprocess.run(
            ["node", str(REPOSITORY / "lock" / "step.js")],
            env={**self.environment, **environment, "INPUT_JOB-STATUS": status},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        worker.kill()
        worker.wait()
        return done.stdout

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def registry(self) -> dict[str, Any]:
        path = self.folder.parent / "registry" / "deployments.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}


def until(condition: Any, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)


def test_a_lock_whose_end_would_not_be_found_is_not_taken(tmp_path: Path, world: World) -> None:
    runner = Runner(tmp_path / "full", world)
    worker = runner.step(GITHUB_STATE="/dev/full")
    until(lambda: runner.log.endswith("\n70\n"))
    worker.kill()
    worker.wait()
    assert "::error" in runner.log
    assert runner.registry() == {}


def test_the_state_is_named_on_a_line_of_its_own(tmp_path: Path, world: World) -> None:
    runner = Runner(tmp_path / "glued", world)
    (runner.folder / "state").write_text("theirs=1")
    worker = runner.step(INPUT_ENVIRONMENT="", INPUT_LOCK="")
    until(lambda: runner.log.endswith(("\n0\n", "\n3\n")))
    worker.kill()
    worker.wait()
    assert set(heredoc_outputs((runner.folder / "state").read_text())) == {"theirs", "folder"}


@pytest.mark.container
def test_a_keeper_in_a_container_is_gone_after_the_job_and_after_a_killed_runner(
    tmp_path: Path, world: World, engine: dict[str, str]
) -> None:
    def containers() -> str:
        listed = ["docker", "ps", "--all", "--format", "{{.Names}}"]
        return subprocess.run(
            listed, env={**os.environ, **engine}, capture_output=True, text=True, check=True
        ).stdout

    for name, ends in (("post", True), ("killed", False)):
        runner = Runner(tmp_path / name, world, runtime="container", environment=name)
        worker = runner.step(**engine)
        until(lambda runner=runner: keepers(runner.folder) and "-keep-0" in containers())
        if ends:
            runner.environment.update(engine)
            assert f"Gave the lock {name} back." in runner.end(worker, "success")
        else:
            worker.kill()
            worker.wait()
            until(lambda runner=runner: not keepers(runner.folder), 20)
        assert "-keep-" not in containers()
    assert [line["outcome"] for line in runner.registry()["finished"]] == ["succeeded"]
    assert [one["locks"] for one in runner.registry()["tickets"]] == [["killed"]]


@pytest.fixture
def holder(tmp_path: Path, world: World) -> Iterator[tuple[Runner, subprocess.Popen[bytes]]]:
    runner = Runner(tmp_path / "holder", world)
    worker = runner.step()
    until(lambda: "held<<" in (runner.folder / "output").read_text() and keepers(runner.folder))
    yield runner, worker
    worker.kill()
    worker.wait()
    for process in keepers(runner.folder):
        os.kill(process, signal.SIGKILL)


def test_a_cancelled_job_stops_the_keeper_and_frees_the_lock(
    holder: tuple[Runner, subprocess.Popen[bytes]],
) -> None:
    runner, worker = holder
    assert heredoc_outputs((runner.folder / "output").read_text())["held"] == "true"
    assert "Gave the lock production back." in runner.end(worker, "cancelled")
    assert keepers(runner.folder) == []
    assert [line["outcome"] for line in runner.registry()["finished"]] == ["cancelled"]


def test_a_keeper_ends_by_itself_when_the_runner_is_killed(
    holder: tuple[Runner, subprocess.Popen[bytes]],
) -> None:
    runner, worker = holder
    worker.kill()
    worker.wait()
    until(lambda: not keepers(runner.folder), 20)
    assert len(runner.registry()["tickets"]) == 1  # nobody says that it ended well: others find it dead


def test_a_lock_step_that_is_cancelled_while_it_waits_leaves_the_queue(
    holder: tuple[Runner, subprocess.Popen[bytes]], tmp_path: Path, world: World
) -> None:
    first, _ = holder
    second = Runner(tmp_path / "second", world)
    process = subprocess.Popen(
        ["node", str(REPOSITORY / "lock" / "step.js")],
        env=second.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    until(lambda: len(first.registry()["tickets"]) == 2)
    process.send_signal(signal.SIGINT)  # to this process only, as the runner does
    output, _ = process.communicate(timeout=7.5)
    assert process.returncode == 130, output
    assert "Cancelled while waiting for the lock" in output
    assert [one["actor"] for one in first.registry()["tickets"]] == ["holder"]
    assert not (second.folder / "env").read_text()
