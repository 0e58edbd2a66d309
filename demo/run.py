"""Three deployments of one environment, against a CloudFormation of our own, with time sped up.

Nothing leaves this machine and no account is needed. Everything but AWS and Slack is the real thing: the same
entry point, lock, watcher, messages and summary that a workflow runs. It ends in one page, `index.html`.
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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from demo.page import page  # noqa: E402 - found by the line above
from tests.fakes.behind import BehindServer  # noqa: E402
from tests.fakes.cloudformation import CloudFormationServer  # noqa: E402
from tests.fakes.runner import heredoc_outputs  # noqa: E402
from tests.fakes.slack.server import SlackServer  # noqa: E402

SPEED = 40.0
OUT = ROOT / "demo-out"
EXAMPLE = ROOT / "examples" / "web-service"
DATABASE_URL = "https://templates.example/database.yaml"
REASON = (
    "(service shop) was unable to place a task. Reason: CannotPullContainerError: acme/shop:1.2: not found."
)
COLORS = {"job 1": "\x1b[34m", "job 2": "\x1b[35m", "job 3": "\x1b[33m"}
DIM, BOLD, RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"

BROKEN_SERVICE = """  Service:
    Type: AWS::ECS::Service
    Metadata:
      TestGround:
        Seconds: 300
        Fail: >-
          Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker
          was triggered'." (RequestToken: 6b1c5c6d, HandlerErrorCode: GeneralServiceException)
"""


class Containers(BehindServer):
    """ECS: a service whose containers do not start once `broken` is set."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now = now
        self.broken = False

    def _DescribeServices(self, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - the operation's name
        event = {"id": "event-1", "createdAt": self.now(), "message": REASON}
        rows = [
            {"serviceArn": arn, "serviceName": "shop", "events": [event] if self.broken else []}
            for arn in given["services"]
        ]
        return {"services": rows, "failures": []}


@dataclass
class Job:
    """One workflow job: `pre`, `main` and `post`, as the runner would start them."""

    name: str
    number: int
    image_tag: str
    environ: dict[str, str]
    slack_url: str
    broken: bool = False
    outputs: dict[str, str] = field(default_factory=dict)
    locked: threading.Event = field(default_factory=threading.Event)

    @property
    def folder(self) -> Path:
        return OUT / self.name.replace(" ", "-")

    def run(self) -> None:
        self._prepare()
        self._step("pre")
        if self._read_outputs().get("proceed") == "true":
            self._step("main")
        self._step("post")
        self.outputs = self._read_outputs()
        say(self.name, f"{BOLD}job ended: {self.outputs.get('outcome', 'unknown')}{RESET}")

    def _prepare(self) -> None:
        state = self.folder / "state"
        state.mkdir(parents=True)
        template = (EXAMPLE / "template.yaml").read_text("utf-8")
        if self.broken:
            template = template.replace("  Service:\n    Type: AWS::ECS::Service\n", BROKEN_SERVICE)
        (self.folder / "template.yaml").write_text(template, "utf-8")
        inputs = {
            "stack-name": "shop",
            "environment": "production",
            "template": "template.yaml",
            "parameter-overrides": f"ImageTag={self.image_tag}",
            "capabilities": "CAPABILITY_IAM",
            "registry": f"file://{OUT / 'registry'}",
            # This cloud has no quotas to ask for.
            "preflight": "off",
            "stall-after-in-minutes": "4" if self.broken else "",
            "slack-bot-token": "xoxb-token",
            "slack-channel": "C0DEPLOYS",
            "slack-alert-channel": "C0ALERTS",
            "slack-api-url": self.slack_url,
            "wait-timeout-in-minutes": "60",
        }
        self.environ |= {
            "DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs),
            "DEPLOY_COORDINATOR_STATE": str(state),
            "GITHUB_WORKSPACE": str(self.folder),
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_RUN_ID": str(1000 + self.number),
            "GITHUB_ACTOR": ("ada", "grace", "edsger")[self.number - 1],
            "GITHUB_SHA": f"{self.number}c0ffee{self.number}" * 5,
        }

    def _step(self, step: str) -> None:
        command = [sys.executable, "-I", str(ROOT / "entrypoint.py"), step]
        with subprocess.Popen(
            command,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        ) as process:
            for line in process.stdout or ():
                say(self.name, line.rstrip("\n"))
                if "Acquired lock" in line:
                    self.locked.set()

    def _read_outputs(self) -> dict[str, str]:
        path = self.folder / "outputs"
        return heredoc_outputs(path.read_text("utf-8")) if path.exists() else {}


_speaking = threading.Lock()


def say(who: str, line: str) -> None:
    with _speaking:
        if line.startswith("::error"):
            words = line.split("::", 2)[2].replace("%0D", "").replace("%0A", " ").replace("%25", "%")
            line = f"\x1b[31m✗ {words}{RESET}"
        elif line.startswith("::warning"):
            words = line.split("::", 2)[2].replace("%0D", "").replace("%0A", " ").replace("%25", "%")
            line = f"\x1b[33m⚠ {words}{RESET}"
        elif line.startswith("::"):
            return
        print(f"{COLORS.get(who, DIM)}{who}{RESET} {DIM}│{RESET} {line}", flush=True)


def title(text: str) -> None:
    print(f"\n{BOLD}{text}{RESET}\n", flush=True)


def dashboard() -> str:
    """Its address beside the page; empty where it cannot be made."""
    command = [sys.executable, "-I", str(ROOT / "entrypoint.py"), "dashboard"]
    command += ["--registry", f"file://{OUT / 'registry'}", "--out", str(OUT / "dashboard")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        print(ended.stdout + ended.stderr, file=sys.stderr)
        return ""
    return "dashboard/index.html"


def opener() -> str:
    return "open" if sys.platform == "darwin" else "xdg-open"


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "registry").mkdir(parents=True)
    origin = time.time()
    began = time.monotonic()

    def now() -> float:
        return origin + (time.time() - origin) * SPEED

    with CloudFormationServer(now) as server, Containers(now) as containers, SlackServer(now=now) as slack:
        server.templates[DATABASE_URL] = (EXAMPLE / "database.yaml").read_text("utf-8")
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GITHUB_"))},
            "AWS_ENDPOINT_URL": containers.url,
            "AWS_ENDPOINT_URL_CLOUDFORMATION": server.endpoint_url,
            "AWS_ENDPOINT_URL_STS": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_REGION": "eu-west-1",
            "NO_PROXY": "127.0.0.1",
            "DEPLOY_COORDINATOR_CLOCK": f"{origin}:{SPEED}",
        }
        jobs = [
            Job("job 1", 1, "1.0", dict(environ), slack.api_url),
            Job("job 2", 2, "1.1", dict(environ), slack.api_url),
            Job("job 3", 3, "1.2", dict(environ), slack.api_url, broken=True),
        ]
        title(
            f"Two deployments of `production` at once; a second here is {SPEED:.0f} seconds.\n"
            "Job 1 creates the stack. Job 2 must wait, and is told for whom."
        )
        first, second = (threading.Thread(target=job.run) for job in jobs[:2])
        first.start()
        jobs[0].locked.wait(30.0)
        second.start()
        first.join()
        second.join()
        title("A third deployment, whose containers do not start.")
        containers.broken = True
        jobs[2].run()
        shown = page(
            [(job.name, (job.folder / "summary.md").read_text("utf-8")) for job in jobs], slack, dashboard()
        )
    (OUT / "index.html").write_text(shown, "utf-8")
    title("What came of it")
    for job in jobs:
        took = job.outputs.get("duration-seconds", "?")
        queued = job.outputs.get("queue-seconds", "?")
        outcome = job.outputs.get("outcome", "unknown")
        print(f"  {job.name}: {outcome:<12} {took:>4} s, after {queued:>3} s in the queue")
    print(
        f"\n  Job summaries, Slack messages and dashboard on one page:\n\n    {opener()} {OUT / 'index.html'}"
    )
    print(f"\n  All of it took {time.monotonic() - began:.0f} s.\n")
    wanted = ["succeeded", "succeeded", "rolled-back"]
    return 0 if [job.outputs.get("outcome") for job in jobs] == wanted else 1


if __name__ == "__main__":
    raise SystemExit(main())
