"""What a step costs when there is nothing to do: wall time on the host and in a warm container, side by side.

    python benchmarks/step_overhead.py [--runs 10] [--checkout]

By itself it measures the launcher around a coordinator that does nothing, and how long this checkout's
coordinator takes to be imported. With `--checkout` it also runs this checkout's own steps against a local
fake of AWS: they attach to a stack on which nothing is running, with the registry in a file.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.launcher_bench import Job, make_action  # noqa: E402
from tests.fakes.cloudformation import CloudFormationServer  # noqa: E402

STEPS = ("pre", "main", "post")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deploy-coordinator-tests"


def times(job: Job, runs: int) -> dict[str, list[float]]:
    """Seconds of each step. The first round, which makes the environment or the image, does not count."""
    result: dict[str, list[float]] = {step: [] for step in STEPS}
    for number in range(runs + 1):
        for step in STEPS:
            running = job.start(step)
            code = running.process.wait()  # a timeout would make it poll, and round up to 50 ms
            seconds = time.monotonic() - running.started
            if code != 0:
                raise SystemExit(f"{step} ended with {code}:\n{running.log.read_text()}")
            if number:
                result[step].append(seconds)
    return result


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def show(title: str, columns: dict[str, dict[str, list[float]]]) -> None:
    print(f"\n{title} (milliseconds)")
    print(f"{'step':6}" + "".join(f"{name + ' median':>18}{'p95':>8}" for name in columns))
    for step in STEPS:
        cells = (
            f"{statistics.median(column[step]) * 1000:18.0f}{percentile(column[step], 0.95) * 1000:8.0f}"
            for column in columns.values()
        )
        print(f"{step:6}" + "".join(cells))


def runtimes() -> list[str]:
    engine = subprocess.run(["docker", "version"], capture_output=True, check=False) if has_docker() else None
    if engine and engine.returncode == 0:
        return ["host", "container"]
    print("No container engine answers: only the host is measured (`make engine` starts one).")
    return ["host"]


def has_docker() -> bool:
    return any((Path(folder) / "docker").exists() for folder in os.environ["PATH"].split(os.pathsep))


def measured(action: Path, folder: Path, runs: int, **environment: str) -> dict[str, dict[str, list[float]]]:
    return {
        runtime: times(
            Job(action, folder / runtime, CACHE, {"DEPLOY_COORDINATOR_RUNTIME": runtime, **environment}), runs
        )
        for runtime in runtimes()
    }


def steps_of_the_checkout(folder: Path, runs: int) -> None:
    import boto3

    with CloudFormationServer() as server:
        aws = {**server.environment, "AWS_REGION": "eu-central-1"}
        os.environ.update(aws)
        template = {
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Metadata": {"TestGround": {"Seconds": 0}}}}
        }
        cloudformation = boto3.client("cloudformation", region_name=aws["AWS_REGION"])
        cloudformation.create_stack(StackName="idle", TemplateBody=json.dumps(template))
        Path(folder, "registry").mkdir()
        inputs = {"stack-name": "idle", "registry": f"file://{folder}/registry"}
        show(
            "this checkout, attached to an idle stack",
            measured(
                ROOT,
                folder,
                runs,
                DEPLOY_COORDINATOR_INPUTS=json.dumps(inputs),
                DEPLOY_COORDINATOR_REGISTRY=inputs["registry"],
                GITHUB_REPOSITORY="org/app",
                GITHUB_RUN_ID="1",
                GITHUB_RUN_ATTEMPT="1",
                GITHUB_STEP_SUMMARY=str(folder / "summary.md"),
                **aws,
            ),
        )


def import_times(runs: int) -> None:
    """Of the step `pre`, without the interpreter's own start, and what takes longest in it."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import deploy_action.main, deploy_action.steps.pre"
    )
    totals: list[float] = []
    modules: dict[str, float] = {}
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-I", "-X", "importtime", "-c", program, str(ROOT)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            print(f"\nimport time of pre: not measured ({done.stderr.strip().splitlines()[-1]})")
            return
        total = 0.0
        for own, module in re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", done.stderr, re.MULTILINE):
            modules[module] = int(own) / 1000
            total += int(own) / 1000
        totals.append(total)
    largest = sorted(modules.items(), key=lambda item: -item[1])[:8]
    print(
        f"\nimport time of pre: median {statistics.median(totals):.0f} ms with the interpreter's own modules"
    )
    print("largest: " + ", ".join(f"{name} {spent:.1f}" for name, spent in largest))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--checkout", action="store_true", help="also run this checkout's own steps")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="deploy-coordinator-") as name:
        folder = Path(name)
        action = make_action(folder / "action")
        show(
            "the launcher around a coordinator that does nothing",
            measured(action, folder / "bare", options.runs),
        )
        if options.checkout:
            steps_of_the_checkout(folder / "checkout", options.runs)
    import_times(options.runs)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
