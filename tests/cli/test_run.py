"""Deployments from a person's machine, as real processes with real signals, among those of workflows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cli.run import stacks_in
from deploy_action.cli.text.page import readable
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SPEED = 60.0
TEMPLATE = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: %d}}}}"
DEPLOYS = """
import boto3, sys
print("my tool deploys", flush=True)
cloudformation = boto3.client("cloudformation")
cloudformation.create_stack(StackName="shop", TemplateBody=open(sys.argv[1]).read())
"""
STUBBORN = "trap 'echo my tool heard it; exit 3' INT; echo my tool runs; while :; do sleep 0.05; done"


class Ground:
    """A machine with a shell, a cloud whose time runs faster, and a registry in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "registry").mkdir()
        self.origin = time.time()
        self.cloud = CloudFormationServer(lambda: self.origin + (time.time() - self.origin) * SPEED)
        self.begun: list[subprocess.Popen[str]] = []

    @property
    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "USER": "ann",
            "LOGNAME": "ann",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_COLOR": "1",
            "PYTHONPATH": str(ROOT),
            "DEPLOY_COORDINATOR_CLOCK": f"{self.origin}:{SPEED}",
            **self.cloud.environment,
        }

    def run(
        self, *words: str, environment: str = "production", github_url: str = ""
    ) -> subprocess.Popen[str]:
        """`deploy-coordinator run`, of which words before `--` are options. With `github_url` in the registry
        that it finds by itself, with the token `token`."""
        github = {"GITHUB_API_URL": github_url, "GH_TOKEN": "token"} if github_url else {}
        given = (
            *("--environment", environment),
            *(() if github else ("--registry", f"file://{self.folder / 'registry'}")),
            *("--input", "preflight=off", "--input", "diagnose-services=false"),
        )
        program = [sys.executable, "-c", "from deploy_action.main import run; run()"]
        return self._begin([*program, "run", *given, *words], **github)

    def job(self, seconds: int) -> subprocess.Popen[str]:
        """The three steps of a workflow's job that creates the stack `db` under the same lock."""
        (self.folder / "template.yaml").write_text(TEMPLATE % seconds)
        state = self.folder / "job"
        state.mkdir()
        inputs = {
            "stack-name": "db",
            "environment": "production",
            "template": "template.yaml",
            "registry": f"file://{self.folder / 'registry'}",
            "preflight": "off",
            "diagnose-services": "false",
        }
        steps = "; ".join(f"{sys.executable} {ROOT}/entrypoint.py {step}" for step in ("pre", "main", "post"))
        return self._begin(
            ["bash", "-c", steps],
            GITHUB_RUN_ID="7",
            GITHUB_REPOSITORY="org/app",
            GITHUB_ACTOR="robot",
            GITHUB_WORKSPACE=str(self.folder),
            DEPLOY_COORDINATOR_STATE=str(state),
            DEPLOY_COORDINATOR_INPUTS=json.dumps(inputs),
        )

    def _begin(self, words: list[str], **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            words,
            cwd=self.folder,
            env={**self.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.begun.append(process)
        return process

    @property
    def document(self) -> dict[str, Any]:
        path = self.folder / "registry" / "deployments.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {"tickets": []}

    @property
    def history(self) -> list[dict[str, Any]]:
        path = self.folder / "registry" / "deployment-history.json"
        return list(json.loads(path.read_text("utf-8"))["deployments"])

    def until_held(self) -> None:
        end = time.monotonic() + 60
        while not any(ticket["epochs"] for ticket in self.document["tickets"]):
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    ground = Ground(tmp_path)
    with ground.cloud:
        yield ground
        for process in ground.begun:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(process: subprocess.Popen[str], words: str) -> str:
    """What it printed up to the line that has the words."""
    assert process.stdout is not None
    told = ""
    for line in process.stdout:
        told += line
        if words in line:
            return told
    pytest.fail(f"{words!r} was not printed:\n{told}")


def test_a_person_waits_for_a_workflow_deploys_and_is_remembered(ground: Ground) -> None:
    (ground.folder / "shop.yaml").write_text(TEMPLATE % 5)
    job = ground.job(seconds=200)
    ground.until_held()
    tool = (sys.executable, "-c", DEPLOYS, "shop.yaml")
    mine = ground.run("--stack", "shop", "--by", "ann", "--summary", "page.md", "--", *tool)
    log, _ = mine.communicate(timeout=120)
    assert mine.returncode == 0, log
    assert job.wait(timeout=60) == 0
    assert "Deploys as ann from this machine." in log
    assert "Waiting for the lock, position 2 in the queue" in log
    assert log.index("(epoch 2)") < log.index("my tool deploys")
    assert "CREATE_COMPLETE" in log
    assert log.index("my tool deploys") < log.index("Gave the lock production back")
    assert "Deployed: shop → production" in (ground.folder / "page.md").read_text("utf-8")
    assert log.rstrip().count("Deployed: shop → production") == 1
    assert "::" not in "".join(line[:2] for line in log.splitlines())
    assert ground.document["tickets"] == []
    first, second = ground.history
    assert (first["actor"], second["actor"]) == ("robot", "ann")
    assert second["stacks"] == ["eu-west-1/shop"]
    assert second["held_since"] > first["released_at"] or second["held_since"] == first["released_at"]


def test_without_a_registry_it_is_the_branch_of_the_repository_that_git_names(ground: Ground) -> None:
    for words in (("init", "-q"), ("remote", "add", "origin", "git@github.com:org/app.git")):
        subprocess.run(["git", *words], cwd=ground.folder, check=True, env=ground.environ)
    with GitHubServer() as github:
        mine = ground.run("--stack", "shop", "--by", "ann", "--", "true", github_url=github.url)
        log, _ = mine.communicate(timeout=60)
        assert mine.returncode == 0, log
        head = github.repository.head("refs/heads/deploy-registry")
        assert head is not None, log
        messages = [commit.message for commit in github.repository.commits.values()]
    assert "(epoch 1)" in log
    assert "Gave the lock production back" in log
    assert any(message.startswith("release ") for message in messages), messages


def test_the_command_has_the_environment_of_the_shell_and_what_the_lock_is(ground: Ground) -> None:
    mine = ground.run("--stack", "shop", "--", "env")
    log, _ = mine.communicate(timeout=60)
    assert mine.returncode == 0, log
    names = {line.partition("=")[0] for line in log.splitlines()}
    assert {"DEPLOY_COORDINATOR_TICKET", "DEPLOY_COORDINATOR_EPOCH", "AWS_DEFAULT_REGION"} <= names
    assert not names & {"DEPLOY_COORDINATOR_INPUTS", "GITHUB_WORKSPACE", "GITHUB_OUTPUT", "RUNNER_TEMP"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_and_gives_the_lock_back(ground: Ground, number: signal.Signals) -> None:
    script = STUBBORN.replace("INT", number.name.removeprefix("SIG"))
    mine = ground.run("--stack", "shop", "--", "bash", "-c", script)
    until(mine, "my tool runs")
    mine.send_signal(number)
    log, _ = mine.communicate(timeout=60)
    assert mine.returncode == 130, log
    assert "my tool heard it" in log
    assert "Gave the lock production back" in log
    assert ground.document["tickets"] == []


def test_a_signal_while_it_waits_gives_the_place_in_the_queue_back(ground: Ground) -> None:
    job = ground.job(seconds=400)
    ground.until_held()
    mine = ground.run("--stack", "shop", "--", "echo", "never")
    until(mine, "Waiting for the lock")
    mine.send_signal(signal.SIGINT)
    log, _ = mine.communicate(timeout=60)
    assert mine.returncode == 130, log
    assert "never" not in log
    assert [ticket["actor"] for ticket in ground.document["tickets"]] == ["robot"]
    assert job.poll() is None


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("bash", "-c", "echo no permission >&2; exit 42"), 42, "no permission"),
        (("exit 41",), 41, "41"),
        (("nowhere-to-be-found",), 127, "No such file"),
        (("bash", "-c", "kill -9 $$"), 137, "137"),
        (("true",), 0, "no watched stack changed"),
    ],
    ids=["fails", "a line for the shell", "is not there", "is killed", "ends well"],
)
def test_the_exit_code_is_that_of_the_command(
    ground: Ground, words: tuple[str, ...], code: int, told: str
) -> None:
    mine = ground.run("--stack", "shop", "--", *words)
    log, _ = mine.communicate(timeout=60)
    assert (mine.returncode, told in log) == (code, True), log
    assert ground.document["tickets"] == []


def test_a_machine_that_dies_is_found_by_its_lease_alone(ground: Ground) -> None:
    """No job stands for it that GitHub could be asked about."""
    mine = ground.run("--stack", "shop", "--", "bash", "-c", "echo my tool runs; sleep 3")
    until(mine, "my tool runs")
    mine.kill()
    (ticket,) = ground.document["tickets"]
    assert (ticket["actor"], ticket.get("run_id", ""), ticket["workflow"][:10]) == ("ann", "", "by hand on")
    other = ground.run("--no-wait", "--stack", "shop", "--", "true")
    log, _ = other.communicate(timeout=60)
    assert other.returncode == 2, log
    other = ground.run("--stack", "shop", "--", "true")
    log, _ = other.communicate(timeout=60)
    assert other.returncode == 0, log
    assert "no sign of life for 5m00s" in log
    assert "by hand on" in log


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--", "true"), "Which stacks the command deploys is not known."),
        (("--stack", "shop", "--input", "template=x.yaml", "--", "true"), "`template` is not for `run`"),
        (("--stack", "shop", "--input", "locks=x", "--", "true"), "Did you mean `lock`?"),
        (("--stack", "shop", "--input", "log", "--", "true"), "give NAME=VALUE"),
        (("--stack", "shop"), "Missing argument"),
    ],
)
def test_words_that_say_too_little_begin_nothing(ground: Ground, words: tuple[str, ...], told: str) -> None:
    mine = ground.run(*words)
    log, _ = mine.communicate(timeout=60)
    assert (mine.returncode, told in log) == (64, True), log
    assert ground.document["tickets"] == []


def test_the_stack_is_read_from_the_command_where_it_names_one() -> None:
    words = ("aws", "cloudformation", "deploy", "--stack-name", "shop", "--template-file", "x")
    assert stacks_in(words) == ("shop",)
    assert stacks_in(("sam", "deploy", "--stack-name=db")) == ("db",)
    assert stacks_in(("npx", "cdk", "deploy")) == ()


def test_a_summary_is_readable_without_a_browser() -> None:
    page = (
        "# ✅ Deployed\n\n```mermaid\ngantt\n```\n"
        "<details><summary>Events &amp; more</summary>\n\n\x1b[31mred\n</details>"
    )
    told = readable(page)
    assert "gantt" not in told
    assert "**Events & more**" in told
    assert "<" not in told
    assert "\x1b" not in told
