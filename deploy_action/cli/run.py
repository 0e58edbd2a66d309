"""`run`: one deployment by a command, from this machine, with the steps of the action."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import sys
import tempfile
import threading
import traceback
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deploy_action.cli import checkout
from deploy_action.cli.common import UsageError, echo, no_token, registry_token, warn, whoever
from deploy_action.cli.local_command import LocalCommand, settled_code
from deploy_action.cloudformation.region import default_region
from deploy_action.common.clock import clock_from
from deploy_action.common.times import duration
from deploy_action.errors import Cancelled, CoordinatorError
from deploy_action.github.run_context import run_context
from deploy_action.github.runner_files import JobLog, RunnerFiles
from deploy_action.inputs.names import unknown_inputs
from deploy_action.job.context import JobContext
from deploy_action.job.job_log import JobLogReporter
from deploy_action.job.state import StateFolder
from deploy_action.locking.document import LEASE_SECONDS
from deploy_action.reporting.log.lines import LogStyle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

OWN = frozenset(
    {
        "command",
        "github-app-id",
        "github-app-private-key",
        "github-token",
        "mode",
        "registry-token",
        "template",
        "runtime",
        "image",
        "working-directory",
    }
)
"""Inputs that a `run` gives itself, or has no use for."""
INTERRUPTED = 130
NAMED = ("--stack-name", "--stack_name")


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, metavar="-- COMMAND...", type=click.UNPROCESSED)
@click.option("--environment", default="", help="The name of the target; it names the lock.")
@click.option(
    "--stack",
    "stacks",
    multiple=True,
    metavar="NAME",
    help="A stack that the command deploys: NAME, REGION/NAME or a glob. May be given several times. "
    "Default: what the command names by --stack-name.",
)
@click.option("--lock", "locks", multiple=True, help="As the action's input `lock`.")
@click.option(
    "--priority", type=click.Choice(["normal", "high"]), default="normal", help="`high` for a hotfix."
)
@click.option("--no-wait", is_flag=True, help="End with exit code 2 where somebody else holds the lock.")
@click.option("--summary", type=click.Path(path_type=Path), help="A file for the summary, in Markdown.")
@click.option("--registry", default=lambda: os.environ.get("DEPLOY_COORDINATOR_REGISTRY") or "github")
@click.option("--repository", metavar="OWNER/NAME", default="", help="Default: that of the git remote.")
@click.option(
    "--by", default="", help="The actor. Default: the login of the GitHub token, else of this shell."
)
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Any other input of the action.")
def command(
    words: tuple[str, ...],
    *,
    environment: str,
    stacks: tuple[str, ...],
    locks: tuple[str, ...],
    priority: str,
    no_wait: bool,
    summary: Path | None,
    registry: str,
    repository: str,
    by: str,
    inputs: tuple[str, ...],
) -> int:
    """Run COMMAND as a deployment: under the lock, watched, explained and remembered as in a workflow.

    Waits for its turn among workflows and people, and ends with the exit code of the command, or those of the
    action: 2 busy, 5 the lock was lost, 7 nobody knows how it ended. Ctrl-C ends the command, and gives the
    lock back. The command cannot ask questions: it has no terminal.
    """
    asked = _inputs(inputs)
    named = stacks or stacks_in(words)
    if not named and "stack-set" not in asked:
        raise UsageError(
            "Which stacks the command deploys is not known.",
            remedy="Give --stack NAME, or a glob such as --stack 'shop-*'.",
        )
    variables = checkout.environment(os.environ)
    if repository:
        variables["GITHUB_REPOSITORY"] = repository
    given = {
        "on-lost-lock": "stop",
        **asked,
        "stack-name": "\n".join(named),
        "environment": environment,
        "lock": "\n".join(locks),
        "priority": priority,
        "when-busy": "fail" if no_wait else asked.get("when-busy", "wait"),
        "registry": registry,
        "github-token": checkout.github_token(os.environ),
        "registry-token": registry_token(registry, os.environ),
        "command": words[0] if _is_shell(words) else shlex.join(words),
    }
    known = {**os.environ, **variables}.get("GITHUB_REPOSITORY")
    if registry == "github" and not known:
        raise UsageError(
            "The registry `github` is a branch of a repository, and this folder is no clone of one.",
            remedy="Give --repository OWNER/NAME, or another --registry.",
        )
    if registry == "github" and not (given["github-token"] or given["registry-token"]):
        raise no_token(os.environ)
    with tempfile.TemporaryDirectory(prefix="deploy-coordinator-run.") as folder:
        path = Path(folder)
        environ = {
            **os.environ,
            **variables,
            **({"AWS_REGION": region} if (region := default_region(os.environ)) else {}),
            "DEPLOY_COORDINATOR_INPUTS": json.dumps(given),
            "GITHUB_WORKSPACE": checkout.top_folder() or str(Path.cwd()),
            "GITHUB_OUTPUT": str(path / "output"),
            "GITHUB_STEP_SUMMARY": str(path / "opening.md"),
            "RUNNER_TEMP": folder,
        }
        if not environ.get("GITHUB_RUN_ID"):
            environ |= {
                "GITHUB_ACTOR": by or _login(given["github-token"], environ) or whoever(None),
                "GITHUB_WORKFLOW": f"by hand on {socket.gethostname()[:60]}",
            }
            environ.pop("GITHUB_TRIGGERING_ACTOR", None)
        return LocalRun(words, path, environ, summary).play()


def _inputs(pairs: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError("--input: give NAME=VALUE.")
        for problem in unknown_inputs([name], "pre"):
            raise UsageError(f"--input: {problem}")
        if name in OWN:
            raise UsageError(f"--input: `{name}` is not for `run`.")
        found[name] = value
    return found


def stacks_in(words: tuple[str, ...]) -> tuple[str, ...]:
    """The stacks that a command of the AWS CLI or SAM names."""
    found = [after for word, after in pairwise(words) if word in NAMED]
    found += [word.partition("=")[2] for word in words if word.startswith(tuple(f"{one}=" for one in NAMED))]
    return tuple(dict.fromkeys(found))


def _is_shell(words: tuple[str, ...]) -> bool:
    """One word with a space in it is a line for the shell."""
    return len(words) == 1 and any(letter.isspace() for letter in words[0])


def _login(token: str, environ: dict[str, str]) -> str:
    """Whose token it is; empty for one that is no person's."""
    if not token:
        return ""
    from deploy_action.github.api import GitHubApi, GitHubUnavailable

    try:
        answer = GitHubApi(token, api_url=run_context(environ).api_url, timeout=5, read_again=0).get("/user")
    except GitHubUnavailable:
        return ""
    login = answer.body.get("login") if answer.status == 200 and isinstance(answer.body, dict) else None
    return login if isinstance(login, str) else ""


class LocalRun:
    """The three steps in one process, one after the other, and the command beside them."""

    def __init__(
        self, words: tuple[str, ...], folder: Path, environ: dict[str, str], summary: Path | None
    ) -> None:
        self._environ = environ
        self._folder = folder
        self._summary = summary
        self._stop = threading.Event()
        state = folder / "state"
        state.mkdir(mode=0o700)
        self._state = StateFolder(state)
        argv = ("bash", "-eo", "pipefail", "-c", words[0]) if _is_shell(words) else words
        # As in the shell: what stands for a job's variables is the steps' alone.
        self._command = LocalCommand(argv, self._state, os.environ)

    def play(self) -> int:
        """The exit code."""
        from deploy_action.steps import main, post, pre

        with self._signals():
            job = self._job()
            _tell_what_others_see(job)
            code = self._step(job, pre.run)
            outcome = ""
            if code == 0 and "proceed" in job.files.written and not self._stop.is_set():
                self._command.watch()
                try:
                    job = self._job()
                    code = self._step(job, main.run)
                finally:
                    self._command.stop()
                code = settled_code(self._command, code)
                outcome = job.files.written.get("outcome", "")
            page, stopped = self._folder / "summary.md", self._stop.is_set()
            status = "cancelled" if stopped else "success" if code == 0 else "failure"
            self._environ |= {
                "GITHUB_STEP_SUMMARY": str(page),
                "DEPLOY_COORDINATOR_MAIN_OUTCOME": outcome,
                "DEPLOY_COORDINATOR_JOB_STATUS": status,
            }
            # What was asked to end lets go of its lock in peace.
            self._stop = threading.Event()
            self._step(self._job(), post.run)
            self._show(page)
        return INTERRUPTED if stopped else code

    def _job(self) -> JobContext:
        clock = clock_from(self._environ.get("DEPLOY_COORDINATOR_CLOCK", ""), self._stop)
        style = LogStyle(color=sys.stdout.isatty() and not self._environ.get("NO_COLOR"))
        return JobContext(
            environ=self._environ,
            run=run_context(self._environ),
            clock=clock,
            cancelled=self._stop.is_set,
            reporter=JobLogReporter(JobLog(masks=False, commands=False), clock, style, grouped=False),
            files=RunnerFiles(self._environ),
            folder=self._state,
        )

    def _step(self, job: JobContext, step: Callable[[JobContext], int]) -> int:
        """A defect of ours ends neither the command nor its `run`: the command's own end decides then."""
        try:
            return step(job)
        except CoordinatorError as error:
            job.reporter.error(error)
            return error.exit_code
        except Exception:  # noqa: BLE001 - the first law
            warn("A defect in deploy-coordinator ended this step; please report it with the lines below.")
            for line in traceback.format_exc().splitlines():
                warn(f"| {line}")
            self._command.wait()
            return CoordinatorError.exit_code if self._command.exit_code is None else 7

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """As in a job: the first one asks for an orderly end, and reaches the command; another one ends
        whatever is being waited for."""

        def handle(number: int, _frame: FrameType | None) -> None:
            self._command.signal(number)
            if self._stop.is_set():
                raise Cancelled("The run was cancelled, and its time is up.")
            self._stop.set()

        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, handle) for number in numbers]
        try:
            yield
        finally:
            for number, earlier in zip(numbers, before, strict=True):
                signal.signal(number, earlier)

    def _show(self, page: Path) -> None:
        try:
            text = page.read_text("utf-8")
        except OSError:
            return
        if self._summary is not None:
            try:
                self._summary.write_text(text, "utf-8")
            except OSError as error:
                warn(f"--summary: {error}")
        from deploy_action.cli.text.page import shown

        shown(text)


def _tell_what_others_see(job: JobContext) -> None:
    if job.run.run_id:
        return
    echo(
        f"Deploys as {job.run.actor} from this machine. Should it sleep or lose its network, others take the "
        f"lock over {duration(LEASE_SECONDS)} after its last sign of life, and not while its stacks are in "
        "progress."
    )
    if checkout.uncommitted():
        warn("The working tree has changes that are in no commit.")
