"""Jobs that run for the pictures: the launcher and the three steps as they are, against servers of our own.

Time runs faster, and each job begins when it is told to: the clock of all its processes, and of the servers,
is set so that it shows that moment. What is drawn is what these jobs wrote and sent.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from demo.run import BROKEN_SERVICE, DATABASE_URL, EXAMPLE, Containers
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.runner import heredoc_outputs
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
SPEED = 20.0
PEOPLE = ("ada", "grace", "edsger", "barbara")


@dataclass
class Ran:
    """One job, and what it left behind."""

    number: int
    folder: Path
    log: str = ""
    code: int = 0

    @property
    def summary(self) -> str:
        file = self.folder / "summary.md"
        return file.read_text("utf-8") if file.exists() else ""

    @property
    def outputs(self) -> dict[str, str]:
        file = self.folder / "output"
        return heredoc_outputs(file.read_text("utf-8")) if file.exists() else {}


@dataclass
class Runs:
    """The cloud, the channel and the registry that all jobs share."""

    folder: Path
    jobs: list[Ran] = field(default_factory=list)
    _origin: float = field(default_factory=time.time)

    def __enter__(self) -> Runs:
        (self.folder / "registry").mkdir(parents=True)
        self._action = self.folder / "action"
        for part in ("deploy_action", "launcher"):
            shutil.copytree(ROOT / part, self._action / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "entrypoint.py", self._action)
        # This environment has what the product needs: none is made for the pictures.
        with (self._action / "launcher" / "host.sh").open("a") as host:
            host.write(f"\nfind_python() {{ python={sys.executable}; }}\n")
        self.cloud = CloudFormationServer(self.now).__enter__()
        self.cloud.templates[DATABASE_URL] = (EXAMPLE / "database.yaml").read_text("utf-8")
        self.slack = SlackServer(now=self.now).__enter__()
        self.containers = Containers(self.now).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.containers.__exit__(kind, error, trace)
        self.slack.__exit__(kind, error, trace)
        self.cloud.__exit__(kind, error, trace)

    def now(self) -> float:
        return self._origin + (time.time() - self._origin) * SPEED

    def set_time(self, unix_seconds: float) -> None:
        """All clocks show it now, and go on from there. For moments at which nothing runs."""
        self._origin = (unix_seconds - time.time() * SPEED) / (1 - SPEED)

    def deploy(self, tag: str, *, broken: bool = False, **inputs: str) -> Ran:
        """One job, to its end."""
        template = (EXAMPLE / "template.yaml").read_text("utf-8")
        self.containers.broken = broken
        if broken:
            template = template.replace("  Service:\n    Type: AWS::ECS::Service\n", BROKEN_SERVICE)
        given = {
            "parameter-overrides": f"DatabaseTemplateUrl={DATABASE_URL}\nImageTag={tag}",
            "capabilities": "CAPABILITY_IAM",
            "slack-bot-token": "xoxb-token",
            "slack-channel": "deploys",
            "slack-alert-channel": "alerts",
            "slack-mentions": "S0ONCALL",
            **{name.replace("_", "-"): value for name, value in inputs.items()},
        }
        return self.play(template, given)

    def play(self, template: str, inputs: dict[str, str], environment: dict[str, str] | None = None) -> Ran:
        """One job of a template, with inputs and variables beside those that all jobs have."""
        number = len(self.jobs) + 1
        job = Ran(number, self.folder / f"job-{number}")
        self.jobs.append(job)
        job.folder.mkdir()
        (job.folder / "template.yaml").write_text(template, "utf-8")
        given = {
            "stack-name": "shop",
            "environment": "production",
            "template": "template.yaml",
            "registry": f"file://{self.folder / 'registry'}",
            "preflight": "off",
            **inputs,
        }
        environ = self._environ(job, given) | (environment or {})
        job.code = self._step(job, "pre", environ)
        if job.code == 0 and job.outputs.get("proceed") == "true":
            job.code = self._step(job, "main", environ)
        self._step(job, "post", environ)
        return job

    def deploy_two(self, first: str, second: str, *, apart_seconds: float) -> tuple[Ran, Ran]:
        """Two jobs at once; the second one waits for the first."""
        found: list[Ran] = []
        thread = threading.Thread(target=lambda: found.append(self.deploy(first)))
        thread.start()
        time.sleep(apart_seconds)
        behind = self.deploy(second)
        thread.join()
        return found[0], behind

    def _environ(self, job: Ran, inputs: dict[str, str]) -> dict[str, str]:
        for name in ("temp", "work"):
            (job.folder / name).mkdir()
        shutil.copy(job.folder / "template.yaml", job.folder / "work")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "RUNNER_TEMP": str(job.folder / "temp"),
            "RUNNER_TOOL_CACHE": str(self.folder / "cache"),
            "GITHUB_ACTION_PATH": str(self._action),
            "GITHUB_WORKSPACE": str(job.folder / "work"),
            "GITHUB_OUTPUT": str(job.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(job.folder / "summary.md"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_WORKFLOW": "Deploy",
            "GITHUB_JOB": "deploy",
            "GITHUB_RUN_ID": str(1000 + job.number),
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_REF_NAME": "main",
            "GITHUB_ACTOR": PEOPLE[job.number % len(PEOPLE)],
            "GITHUB_SHA": f"{job.number:02d}c0ffee{job.number:02d}" * 3 + f"{job.number:04d}",
            "DEPLOY_COORDINATOR_RUNTIME": "host",
            "DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs),
            "DEPLOY_COORDINATOR_CLOCK": f"{self._origin}:{SPEED}",
            "SLACK_API_URL": self.slack.api_url,
            "AWS_ENDPOINT_URL": self.containers.url,
            "AWS_ENDPOINT_URL_CLOUDFORMATION": self.cloud.endpoint_url,
            "AWS_ENDPOINT_URL_STS": self.cloud.endpoint_url,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "NO_COLOR": "1",
        }

    def _step(self, job: Ran, step: str, environ: dict[str, str]) -> int:
        state = job.outputs.get("state", "")
        done = subprocess.run(
            ["bash", str(self._action / "launcher" / "launch"), step],
            env=environ | ({"DEPLOY_COORDINATOR_STATE": state} if state else {}),
            cwd=job.folder / "work",
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        job.log += done.stdout + done.stderr
        return done.returncode
