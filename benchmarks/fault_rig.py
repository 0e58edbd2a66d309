"""One job through the real launcher, against servers that can be made to fail: what `faults.py` plays.

The user's own tool reaches CloudFormation through a door of its own, so that a fault of the coordinator's
network is not one of the tool's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.launcher_bench import Job, Running  # noqa: E402
from tests.fakes.cloudformation import CloudFormationServer  # noqa: E402
from tests.fakes.cloudformation.harness import client  # noqa: E402
from tests.fakes.github.server import GitHubServer  # noqa: E402
from tests.fakes.runner import heredoc_outputs  # noqa: E402
from tests.fakes.slack.server import SlackServer  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.faults import Fault

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-coordinator-tests"
REGISTRY = ("deploy-registry", ".deployment-registry/deployments.json")
BEGUN = "CREATE_IN_PROGRESS"
DEPLOYMENT_SECONDS = 12
STEP_TIMEOUT_SECONDS = 900
COMMAND = """
echo "the tool begins"
touch "$CELL/go"
until [ -f "$CELL/done" ]; do sleep 0.2; done
exit "$(cat "$CELL/done")"
"""


@dataclass
class Result:
    """What one cell showed. `codes` are the exit codes of the steps by name; seconds are real ones."""

    codes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    step_seconds: dict[str, float] = field(default_factory=dict)
    outcome: str = ""
    stack: str = ""
    tickets: int = 0
    registry_seen: bool = True
    log: str = ""
    summary: str = ""
    slack: str = ""
    hung: bool = False
    note: str = ""

    @property
    def red(self) -> bool:
        return self.hung or any(self.codes.values())

    def json(self) -> str:
        return json.dumps(asdict(self))


class Rig:
    """Servers, a job's folders, and what the job deploys: well, or such that it fails and is rolled back."""

    def __init__(self, folder: Path, *, way: str, good: bool) -> None:
        self.folder = folder
        self.way = way
        self.good = good
        self.cloud = CloudFormationServer()
        self.tool_door = CloudFormationServer()
        self.tool_door.world = self.cloud.world
        self.tool_door._lock = self.cloud._lock  # noqa: SLF001 - two doors to one world
        self.github = GitHubServer()
        self.slack = SlackServer()
        self.job = self._job()
        self.main_code: int | None = None

    def __enter__(self) -> Rig:
        for server in (self.cloud, self.tool_door, self.github, self.slack):
            server.start()
        return self

    def __exit__(self, *_: object) -> None:
        for name in self.job.alive():
            print(f"still alive: {name}", file=sys.stderr)
        for server in (self.cloud, self.tool_door, self.github, self.slack):
            server.stop()

    def template(self) -> str:
        details: dict[str, Any] = {"Seconds": DEPLOYMENT_SECONDS}
        if not self.good:
            details["Fail"] = "Resource handler returned message: no such subnet"
        parameter = {"Type": "AWS::SSM::Parameter", "Metadata": {"TestGround": details}}
        return json.dumps({"Resources": {"Setting": parameter}})

    def _job(self) -> Job:
        folder = self.folder
        (folder / "work space").mkdir(parents=True)
        (folder / "work space" / "template.json").write_text(self.template())
        given = {
            "stack-name": "shop",
            "environment": "production",
            "registry": "github",
            "github-token": "token",
            "slack-bot-token": "xoxb-token",
            "slack-channel": "C0DEPLOYS",
            "slack-api-url": self.slack.api_url,
            "wait-timeout-in-minutes": "5",
            **({"command": COMMAND} if self.way == "command" else {"template": "template.json"}),
        }
        environment = {
            **self.cloud.environment,
            "AWS_ENDPOINT_URL": self.cloud.endpoint_url,
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CELL": str(folder),
            "NO_COLOR": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "org/app",
            "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_JOB": "deploy",
            "GITHUB_WORKFLOW": "deploy",
            "GITHUB_ACTOR": "ada",
            "GITHUB_SHA": "c0ffee" * 6 + "c0ff",
            "GITHUB_API_URL": self.github.url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_STEP_SUMMARY": str(folder / "temp" / "summary.md"),
            "DEPLOY_COORDINATOR_INPUTS": json.dumps(given),
            "DEPLOY_COORDINATOR_REGISTRY": given["registry"],
        }
        return Job(ROOT, folder, CACHE, environment)

    def coordinator_pids(self) -> list[int]:
        """The coordinator's own Python processes of this job."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    bytes(self.folder) in (process / "environ").read_bytes()
                    and b"entrypoint.py" in (process / "cmdline").read_bytes()
                ):
                    found.append(int(process.name))
            except OSError:
                continue
        return found

    def kill_coordinator(self) -> None:
        for pid in self.coordinator_pids():
            os.kill(pid, signal.SIGKILL)

    def stack_status(self) -> str:
        """Empty where no stack was made."""
        try:
            return str(self.cloud.stack("eu-west-1", "shop").status(self.cloud.now()))
        except KeyError:
            return ""

    def end_was_seen(self) -> bool:
        """The end of the stack stands in main's log, or main is over."""
        log = (self.folder / "main.log").read_text("utf-8", "replace")
        return re.search(r"_(COMPLETE|FAILED) +shop\b", log) is not None or self.main_code is not None

    def play(self, fault: Fault) -> Result:
        result = Result()
        began = time.monotonic()
        fault.before(self)
        self._step("pre", result)
        if not result.hung and self._outputs().get("proceed") == "true":
            fault.between(self)
            self._main(fault, result)
        if not result.hung:
            fault.late(self)
            self._step("post", result)
        result.seconds = time.monotonic() - began
        fault.heal(self)
        self._read(result)
        return result

    def _step(self, step: str, result: Result) -> None:
        state = self.state()
        self._ended(
            step, self.job.start(step, DEPLOY_COORDINATOR_STATE=state, **self._handed_on(step)), result
        )

    def state(self) -> str:
        return self._outputs().get("state", "")

    def _handed_on(self, step: str) -> dict[str, str]:
        """What action.yml gives `post` of `main`."""
        if step != "post":
            return {}
        return {
            "DEPLOY_COORDINATOR_JOB_STATUS": "success" if self.main_code == 0 else "failure",
            "DEPLOY_COORDINATOR_MAIN_OUTCOME": self._outputs().get("outcome", ""),
        }

    def _main(self, fault: Fault, result: Result) -> None:
        running = self.job.start("main", DEPLOY_COORDINATOR_STATE=self.state())
        helper = threading.Thread(target=self._tool, daemon=True)
        if self.way == "command":
            helper.start()
        watcher = threading.Thread(target=self._fault_midway, args=(fault, running), daemon=True)
        watcher.start()
        self._ended("main", running, result)
        self.main_code = result.codes.get("main")
        watcher.join(1)

    def _tool(self) -> None:
        """The user's own tool: begins a creation, waits for its end, and says how it went."""
        go, done = self.folder / "go", self.folder / "done"
        while not go.exists():
            time.sleep(0.05)
        cloudformation = client(self.tool_door)
        cloudformation.create_stack(StackName="shop", TemplateBody=self.template())
        while True:
            status = cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(0.2)
        cloudformation.close()
        done.write_text("0" if status == "CREATE_COMPLETE" else "1")

    def _fault_midway(self, fault: Fault, running: Running) -> None:
        end = time.monotonic() + 120
        while BEGUN not in running.log.read_text("utf-8", "replace") and running.process.poll() is None:
            if time.monotonic() > end:
                return
            time.sleep(0.05)
        fault.midway(self)

    def _ended(self, step: str, running: Running, result: Result) -> None:
        try:
            result.codes[step] = running.process.wait(STEP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            result.hung = True
            running.process.kill()
            self.kill_coordinator()
        result.step_seconds[step] = round(time.monotonic() - running.started, 1)

    def _outputs(self) -> dict[str, str]:
        file = self.folder / "temp" / "output"
        return heredoc_outputs(file.read_text("utf-8")) if file.is_file() else {}

    def _read(self, result: Result) -> None:
        outputs = self._outputs()
        result.outcome = outputs.get("outcome", "")
        logs = [self.folder / f"{step}.log" for step in ("pre", "main", "post")]
        result.log = "\n".join(log.read_text("utf-8", "replace") for log in logs if log.exists())
        summary = self.folder / "temp" / "summary.md"
        result.summary = summary.read_text("utf-8") if summary.is_file() else ""
        tops = self.slack.tops("deploys")
        result.slack = tops[-1].text if tops else ""
        result.stack = self.stack_status()
        document = self.github.repository.document(*REGISTRY)
        result.registry_seen = document is not None
        try:
            result.tickets = len(json.loads(document or b"{}").get("tickets", []))
        except ValueError:
            result.registry_seen = False


def small_disk(folder: Path, kilobytes: int) -> bool:
    """Put a small file system at the folder; False where this machine does not allow it."""
    folder.mkdir(parents=True, exist_ok=True)
    return (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder],
            check=False,
            capture_output=True,
        ).returncode
        == 0
    )


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", folder], check=False, capture_output=True)


def empty(folder: Path) -> None:
    for entry in list(folder.iterdir()):
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
