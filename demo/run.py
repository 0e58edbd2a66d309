"""Three deployments of one environment, against a CloudFormation of our own, with time sped up.

Nothing leaves this machine and no account is needed. Everything but the cloud is the real thing: the same
entry point, lock, watcher and summary that a workflow runs.
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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fakes.cloudformation import CloudFormationServer  # noqa: E402 - found by the line above
from tests.fakes.runner import heredoc_outputs  # noqa: E402

SPEED = 40.0
OUT = ROOT / "demo-out"
EXAMPLE = ROOT / "examples" / "web-service"
DATABASE_URL = "https://templates.example/database.yaml"
COLORS = {"job 1": "\x1b[34m", "job 2": "\x1b[35m", "job 3": "\x1b[33m"}
DIM, BOLD, RESET = "\x1b[2m", "\x1b[1m", "\x1b[0m"

BROKEN_SERVICE = """  Service:
    Type: AWS::ECS::Service
    Metadata:
      TestGround:
        Seconds: 70
        Fail: >-
          Resource handler returned message: "Error occurred during operation 'ECS Deployment Circuit Breaker
          was triggered'." (RequestToken: 6b1c5c6d, HandlerErrorCode: GeneralServiceException)
"""


@dataclass
class Job:
    """One workflow job: `pre`, `main` and `post`, as the runner would start them."""

    name: str
    number: int
    image_tag: str
    environ: dict[str, str]
    broken: bool = False
    outputs: dict[str, str] = field(default_factory=dict)

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
            "parameter-overrides": f"DatabaseTemplateUrl={DATABASE_URL}\nImageTag={self.image_tag}",
            "capabilities": "CAPABILITY_IAM",
            "registry": f"file://{OUT / 'registry'}",
            # This cloud plays CloudFormation alone: quotas cannot be asked.
            "preflight": "off",
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

    def _read_outputs(self) -> dict[str, str]:
        path = self.folder / "outputs"
        return heredoc_outputs(path.read_text("utf-8")) if path.exists() else {}


_speaking = threading.Lock()


def say(who: str, line: str) -> None:
    with _speaking:
        if line.startswith("::error"):
            words = line.split("::", 2)[2].replace("%0D", "").replace("%0A", " ").replace("%25", "%")
            line = f"\x1b[31m✗ {words}{RESET}"
        elif line.startswith("::"):
            return
        print(f"{COLORS.get(who, DIM)}{who}{RESET} {DIM}│{RESET} {line}", flush=True)


def title(text: str) -> None:
    print(f"\n{BOLD}{text}{RESET}\n", flush=True)


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "registry").mkdir(parents=True)
    origin = time.time()
    began = time.monotonic()
    with CloudFormationServer(lambda: origin + (time.time() - origin) * SPEED) as server:
        server.templates[DATABASE_URL] = (EXAMPLE / "database.yaml").read_text("utf-8")
        environ = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GITHUB_"))},
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_REGION": "eu-west-1",
            "NO_PROXY": "127.0.0.1",
            "DEPLOY_COORDINATOR_CLOCK": f"{origin}:{SPEED}",
        }
        jobs = [
            Job("job 1", 1, "1.0", dict(environ)),
            Job("job 2", 2, "1.1", dict(environ)),
            Job("job 3", 3, "1.2", dict(environ), broken=True),
        ]
        title(
            f"Two deployments of `production` at once; a second here is {SPEED:.0f} seconds.\n"
            "Job 1 creates the stack. Job 2 must wait, and is told for whom."
        )
        first, second = (threading.Thread(target=job.run) for job in jobs[:2])
        first.start()
        time.sleep(1.0)
        second.start()
        first.join()
        second.join()
        title("A third deployment, whose containers do not start.")
        jobs[2].run()
    title("What came of it")
    for job in jobs:
        took = job.outputs.get("duration-seconds", "?")
        queued = job.outputs.get("queue-seconds", "?")
        outcome = job.outputs.get("outcome", "unknown")
        print(f"  {job.name}: {outcome:<12} {took:>4} s, after {queued:>3} s in the queue")
    print(f"\n  Job summaries:  {OUT}/job-*/summary.md   (GitHub shows them on the run's page)")
    print(f"  The registry:   {OUT}/registry/deployments.json")
    print(f"\n  All of it took {time.monotonic() - began:.0f} s.\n")
    wanted = ["succeeded", "succeeded", "rolled-back"]
    return 0 if [job.outputs.get("outcome") for job in jobs] == wanted else 1


if __name__ == "__main__":
    raise SystemExit(main())
