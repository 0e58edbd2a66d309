"""Runs one step or command: sets up signals, log and clock, and turns every error into words and an exit
code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy_action.common.proxy_variables import put_in_order
from deploy_action.common.trusted_certificates import TrustSet, established
from deploy_action.errors import Cancelled, CoordinatorError
from deploy_action.inputs.raw import secrets_given

if TYPE_CHECKING:
    from types import FrameType

    from deploy_action.job.context import JobContext

OPENINGS = frozenset({"lock", "pre"})
"""They tell what is wrong with the job, for all steps."""
STEPS = ("pre", "main", "post", "lock", "keep", "unlock", "release")
INPUTS_BYTES_MAX = 2**24
ENDINGS = frozenset({"keep", "post", "release", "unlock"})
"""Nothing in these may fail a job."""


def main(arguments: list[str]) -> int:
    """Runs a step of the action, or a command of an operator. Returns the exit code (the table is in
    errors.py, that of the commands in cli)."""
    if len(arguments) != 1 or arguments[0] not in STEPS:
        return _command(arguments)
    _set_up_streams()
    # Once, before there are threads: a library that filters for the time of an import in one of them shows in
    # the log what another one imports meanwhile (urllib3's DependencyWarning).
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    stop = threading.Event()
    _handle_signals(stop)
    trust = set_up_network()
    job = _world(stop)
    try:
        if arguments[0] in OPENINGS:
            for secret in secrets_given(job.environ):
                job.reporter.log.mask(secret)
            for problem in trust.problems:
                job.reporter.note(problem)
        return _step(arguments[0], job)
    except CoordinatorError as error:
        job.reporter.end_groups()
        job.reporter.error(error)
        return error.exit_code
    except ImportError:
        if arguments[0] in OPENINGS:
            # They cannot be begun twice, and the launcher has proven the environment just before.
            return _defect(job, arguments[0])
        raise
    except Exception:  # noqa: BLE001 - the last resort: a defect is told, with what is needed to mend it
        return _defect(job, arguments[0])


def _defect(job: JobContext, step: str) -> int:
    """Tells the exception that is being handled."""
    job.reporter.end_groups()
    defect = CoordinatorError(
        f"A defect in deploy-coordinator ended the step `{step}`.",
        remedy="Please report it with the lines below.",
    )
    # GitHub shows few annotations, and a step that is started again may meet the same defect.
    if os.environ.get("DEPLOY_COORDINATOR_RESTARTS", "0") in {"", "0"}:
        job.reporter.error(defect)
    else:
        job.reporter.line(str(defect))
    for line in traceback.format_exc().splitlines():
        job.reporter.line(f"| {line}")
    return 0 if step in ENDINGS else CoordinatorError.exit_code


def _step(name: str, job: JobContext) -> int:
    if name == "pre":
        from deploy_action.steps import pre

        return pre.run(job)
    if name == "main":
        from deploy_action.steps import main as main_step

        return main_step.run(job)
    if name == "post":
        from deploy_action.steps import post

        return post.run(job)
    from deploy_action.steps import lock as halves

    return halves.STEPS[name](job)


def _handle_signals(stop: threading.Event) -> None:
    """The runner sends SIGINT, SIGTERM after 7.5 s, SIGKILL after 2.5 s more.

    The first one asks for an orderly end; the second one ends whatever is being waited for.
    """

    def handle(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise Cancelled("The job was cancelled, and its time is up.")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _world(stop: threading.Event) -> JobContext:
    from deploy_action.common.clock import clock_from
    from deploy_action.github.other_ci import of_other_ci
    from deploy_action.github.run_context import run_context
    from deploy_action.github.runner_files import JobLog, RunnerFiles
    from deploy_action.job.context import JobContext
    from deploy_action.job.job_log import JobLogReporter
    from deploy_action.job.state import StateFolder
    from deploy_action.reporting.log.lines import LogStyle

    environ: Any = _environment()
    clock = clock_from(environ.get("DEPLOY_COORDINATOR_CLOCK", ""), stop)
    style = LogStyle(color=not environ.get("NO_COLOR"))
    return JobContext(
        environ=environ,
        run=run_context(environ),
        clock=clock,
        cancelled=stop.is_set,
        reporter=JobLogReporter(
            JobLog(masks=bool(environ.get("GITHUB_ACTIONS")), commands=not of_other_ci(environ)), clock, style
        ),
        files=RunnerFiles(environ),
        folder=StateFolder(Path(environ.get("DEPLOY_COORDINATOR_STATE") or ".")),
    )


def _environment() -> Any:
    """The job's, with the inputs from standard input where the launcher sends them there: they hold tokens,
    and others can read what stood in a process's environment when it began."""
    if os.environ.get("DEPLOY_COORDINATOR_INPUTS_FROM") != "stdin":
        return os.environ
    with open(0, "rb", closefd=False) as pipe:
        inputs = pipe.read(INPUTS_BYTES_MAX).decode("utf-8", "replace")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return {**os.environ, "DEPLOY_COORDINATOR_INPUTS": inputs}


def run() -> None:
    """The command `deploy-coordinator`, whose `release` is not the step of that name."""
    raise SystemExit(_command(sys.argv[1:]))


def _command(arguments: list[str]) -> int:
    from deploy_action import cli
    from deploy_action.common.clock import SystemClock

    _set_up_streams()
    set_up_network()
    return cli.main(arguments, SystemClock())


def set_up_network() -> TrustSet:
    """Proxy and certificates are the same for every client of this process. Before there are threads."""
    put_in_order(os.environ)
    return established()


def _set_up_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
