"""A bench for the launcher: a copy of it, around a coordinator that does as the test says."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PARTS = REPOSITORY / "launcher"
APPENDED: dict[str, str] = {}
"""Behind the functions of a part, by its file's name: a later definition takes the place of an earlier."""

# The test's script runs inside the coordinator, with what most of them need.
STUB = """
import os, pathlib, signal, sys, time

def main(arguments):
    state = pathlib.Path(os.environ["DEPLOY_COORDINATOR_STATE"])

    def go():
        (state / "command.go").touch()

    def command_exit():
        while (ended := (state / "command.exit").read_text().strip()) == "running":
            time.sleep(0.01)
        return int(ended)

    given = {"step": arguments[0], "state": state, "go": go, "command_exit": command_exit}
    scope = {**globals(), **given, "code": 0}
    exec(os.environ.get("DEPLOY_COORDINATOR_TEST", ""), scope)
    return scope["code"]
"""

FOLLOW = "go(); code = command_exit()"  # the coordinator of a deployment in which nothing happens


@dataclass(frozen=True)
class Done:
    code: int
    log: str
    seconds: float


@dataclass
class Job:
    """One job: its own runner folders and environment."""

    action: Path
    folder: Path
    cache: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("temp", "work space", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GITHUB_", "RUNNER_", "DEPLOY_COORDINATOR_", "AWS_", "PYTEST_"))
        }
        self.environment = {
            **inherited,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "pythonLocation": sys.base_prefix,
            "RUNNER_TEMP": str(self.folder / "temp"),
            "RUNNER_TOOL_CACHE": str(self.cache),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.folder / "temp" / "output"),
            "GITHUB_ACTION_PATH": str(self.action),
            "DEPLOY_COORDINATOR_RUNTIME": "host",
            "DEPLOY_COORDINATOR_INPUTS": '{"token": "s3cret"}',
            **self.environment,
        }

    @property
    def workspace(self) -> Path:
        return self.folder / "work space"

    @property
    def state(self) -> Path:
        lines = (self.folder / "temp" / "output").read_text().splitlines()
        return Path([line for line in lines if line.startswith("state=")][-1].removeprefix("state="))

    def start(self, step: str, script: str = "", /, **environment: str) -> Running:
        environment = {**self.environment, "DEPLOY_COORDINATOR_TEST": script, **environment}
        if step != "pre" and "DEPLOY_COORDINATOR_STATE" not in environment:
            environment["DEPLOY_COORDINATOR_STATE"] = str(self.state)
        log = self.folder / f"{step}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["bash", self.action / "launcher" / "launch", step],
                env=environment,
                cwd=self.workspace,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        return Running(process, log, time.monotonic())

    def run(self, step: str, script: str = "", /, **environment: str) -> Done:
        return self.start(step, script, **environment).wait()

    def prepared(self, command: str, **environment: str) -> Job:
        """After a `pre` that wrote this command."""
        done = self.run("pre", **environment)
        assert done.code == 0, done.log
        (self.state / "command.sh").write_text(command)
        return self

    def tool(self, name: str, script: str) -> None:
        """Put a tool before all others on the PATH."""
        path = self.folder / "bin" / name
        path.write_text(f"#!/usr/bin/env bash\n{script}\n")
        path.chmod(0o755)

    def alive(self) -> list[str]:
        """The processes of this job that still run."""
        return list(self._processes().values())

    def end(self) -> None:
        """Kill what still runs."""
        for number in self._processes():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def _processes(self) -> dict[int, str]:
        """Command lines by process number: the job's folder is in the environment of each."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if bytes(self.folder) in (process / "environ").read_bytes():
                    line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(process.name)] = line
            except OSError:
                continue
        return found


@dataclass
class Running:
    process: subprocess.Popen[bytes]
    log: Path
    started: float

    def wait(self, timeout: float = 60) -> Done:
        code = self.process.wait(timeout)
        return Done(code, self.log.read_text(), time.monotonic() - self.started)

    def until(self, text: str, timeout: float = 20) -> None:
        """Wait until this is in the log."""
        end = time.monotonic() + timeout
        while text not in self.log.read_text():
            assert self.process.poll() is None, f"ended early: {self.log.read_text()}"
            assert time.monotonic() < end, f"{text!r} did not appear: {self.log.read_text()}"
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        """To the entry process only, as the runner does."""
        self.process.send_signal(number)


def make_action(folder: Path) -> Path:
    """An action folder around the stub. One small requirement keeps its virtual environment quick to make."""
    package = folder / "deploy_action"
    package.mkdir(parents=True)
    shutil.copytree(PARTS, folder / PARTS.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in APPENDED.items():
        with (folder / PARTS.name / name).open("a", encoding="utf-8") as part:
            part.write(text)
    shutil.copy(REPOSITORY / "entrypoint.py", folder)
    (package / "__init__.py").touch()
    (package / "main.py").write_text(STUB)
    (folder / "requirements.txt").write_text(requirement("six"))
    (folder / "Dockerfile").write_text(
        f"FROM {base_image()}\nCOPY . /app\n"
        'ENTRYPOINT ["python", "-Iu", "-X", "utf8", "/app/entrypoint.py"]\n'
    )
    shutil.copy(REPOSITORY / ".dockerignore", folder)
    return folder


def requirement(name: str) -> str:
    """This one of the locked requirements, with its hashes."""
    locked = (REPOSITORY / "requirements.txt").read_text()
    found = re.search(rf"^{name}==.*\n(?: +--hash.*\n)+", locked, re.MULTILINE)
    assert found, f"{name} is not in requirements.txt"
    return found.group()


def base_image() -> str:
    found = re.search(r"^ARG PYTHON=(.*)$", (REPOSITORY / "Dockerfile").read_text(), re.MULTILINE)
    assert found, "the Dockerfile names no base"
    return f"python:{found.group(1)}"
