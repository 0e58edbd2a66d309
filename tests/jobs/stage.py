"""One job on one machine in virtual time: the steps in this process, CloudFormation over real HTTP."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy_action.errors import CoordinatorError
from deploy_action.github.run_context import run_context
from deploy_action.github.runner_files import JobLog, RunnerFiles
from deploy_action.job.context import JobContext
from deploy_action.job.job_log import JobLogReporter
from deploy_action.job.state import COMMAND_EXIT, COMMAND_GO, COMMAND_TAIL, StateFolder
from deploy_action.reporting.log.lines import LogStyle
from deploy_action.slack.background_sender import BackgroundWorker
from deploy_action.steps import lock as halves
from deploy_action.steps import main as main_step
from deploy_action.steps import post as post_step
from deploy_action.steps import pre as pre_step
from tests.fakes.cloudformation.harness import client
from tests.fakes.runner import heredoc_outputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deploy_action.slack.sender import MessageSender
    from tests.clock import VirtualClock
    from tests.fakes.cloudformation import CloudFormationServer


class StageWorker:
    """Plays the thread that sends messages, in virtual time: it works while the step sleeps, and dies with
    its process."""

    def __init__(self, sender: MessageSender, clock: VirtualClock) -> None:
        self._sender = sender
        self._clock = clock
        self._planned = False
        self.alive = True

    def wake(self) -> None:
        self._plan(0.0)

    def flush(self, seconds: float) -> None:
        end = self._clock.monotonic() + seconds
        self._sender.hurry()
        while True:
            if self._sender.step():
                continue
            wait = self._sender.wait_seconds()
            if wait is None or self._clock.monotonic() + wait > end:
                return
            self._clock.sleep(wait)

    def _plan(self, seconds: float) -> None:
        if not self._planned:
            self._planned = True
            self._clock.at(self._clock.elapsed + seconds, self._work)

    def _work(self) -> None:
        self._planned = False
        if not self.alive:
            return
        while self._sender.step():
            pass
        wait = self._sender.wait_seconds()
        if wait is not None:
            self._plan(max(wait, 0.01))


STEPS = {"pre": pre_step.run, "main": main_step.run, "post": post_step.run, **halves.STEPS}


@dataclass
class Cancel:
    """What the runner does to a job that is cancelled."""

    now: bool = False


@dataclass
class Job:
    """One use of the action. `run` plays a step and returns its exit code; `log` holds what was printed."""

    folder: Path
    clock: VirtualClock
    server: CloudFormationServer
    environ: dict[str, str]
    cancel: Cancel = field(default_factory=Cancel)
    log: str = ""
    background: bool = False
    """Messages are sent by a real thread, in real time."""

    @property
    def state(self) -> StateFolder:
        return StateFolder(self.folder / "state")

    def run(self, step: str) -> int:
        stream = io.StringIO()
        reporter = JobLogReporter(JobLog(stream), self.clock, LogStyle(color=False))
        workers: list[StageWorker] = []

        def employ(sender: MessageSender) -> StageWorker:
            workers.append(StageWorker(sender, self.clock))
            return workers[-1]

        world = JobContext(
            environ=self.environ,
            run=run_context(self.environ),
            clock=self.clock,
            cancelled=lambda: self.cancel.now,
            reporter=reporter,
            files=RunnerFiles(self.environ),
            folder=self.state,
            worker=BackgroundWorker if self.background else employ,
        )
        try:
            return STEPS[step](world)
        except CoordinatorError as error:
            reporter.error(error)
            return error.exit_code
        finally:
            for worker in workers:
                worker.alive = False
            self.log += stream.getvalue()

    def deploy(self) -> int:
        """All three steps as action.yml strings them together; the exit code of the first that failed."""
        code = self.run("pre")
        if code == 0 and self.outputs().get("proceed") == "true":
            code = self.run("main")
        self.run("post")
        return code

    def outputs(self) -> dict[str, str]:
        path = self.folder / "output"
        return heredoc_outputs(path.read_text("utf-8")) if path.exists() else {}

    @property
    def summary(self) -> str:
        path = self.folder / "summary"
        return path.read_text("utf-8") if path.exists() else ""

    @property
    def page(self) -> str:
        """The summary, which `post` writes."""
        return self.summary

    def launch_command(self, command: Callable[[Any], int | None], *, after: float = 0.0) -> None:
        """Play the launcher: `after` seconds from when `main` lets it go, run `command` with a boto3 client.

        Its result is the exit code; None means that it has not ended.
        """
        go, done = self.state.path / COMMAND_GO, self.state.path / COMMAND_EXIT

        def begin() -> None:
            if not go.exists():
                self.clock.at(self.clock.elapsed + 0.5, begin)
            else:
                self.clock.at(self.clock.elapsed + after, act)

        def act() -> None:
            cloudformation = client(self.server)
            code = command(cloudformation)
            cloudformation.close()
            if code is not None:
                done.write_text(f"{code}\n", "utf-8")

        begin()

    def command_said(self, text: str) -> None:
        """What the launcher keeps of the command's output."""
        data = text.encode()
        (self.state.path / COMMAND_TAIL).write_bytes(b"%08d\n%s" % (len(data), data))

    def end_command(self, code: int) -> None:
        (self.state.path / COMMAND_EXIT).write_text(f"{code}\n", "utf-8")


@dataclass
class Stage:
    """A cloud, a clock, and the jobs that meet there."""

    root: Path
    clock: VirtualClock
    server: CloudFormationServer

    def __post_init__(self) -> None:
        (self.root / "registry").mkdir(exist_ok=True)

    def job(self, name: str = "job", **inputs: str) -> Job:
        folder = self.root / name
        (folder / "state").mkdir(parents=True)
        given = {
            "stack-name": "shop",
            "environment": "production",
            "registry": f"file://{self.root / 'registry'}",
            "wait-timeout-in-minutes": "60",
            "diagnose-services": "false",
            "preflight": "off",
            **{key.replace("_", "-"): value for key, value in inputs.items()},
        }
        if not (given.get("template") or given.get("command")):
            given.setdefault("mode", "watch")
        environ = {
            "AWS_REGION": "eu-west-1",
            "GITHUB_WORKSPACE": str(self.root),
            "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"),
            "GITHUB_REPOSITORY": "org/app",
            "GITHUB_RUN_ID": "7",
            "GITHUB_ACTOR": name,
            "DEPLOY_COORDINATOR_INPUTS": json.dumps(given),
        }
        return Job(folder, self.clock, self.server, environ)

    def template(self, body: str, name: str = "template.yaml") -> str:
        (self.root / name).write_text(body, "utf-8")
        return name

    def registry(self) -> dict[str, Any]:
        path = self.root / "registry" / "deployments.json"
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
