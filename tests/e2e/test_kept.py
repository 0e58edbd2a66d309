"""What stays on a runner, how the image is built there, and as whom it runs."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import make_action

if TYPE_CHECKING:
    from tests.e2e.launcher_bench import Job

pytestmark = pytest.mark.e2e
DAY = 86_400


@pytest.fixture
def job(job: Job, tmp_path: Path) -> Job:
    """A job whose tool cache no other test shares, with an engine that has nothing and runs nothing."""
    job.cache = tmp_path / "cache"
    job.environment |= {
        "RUNNER_TOOL_CACHE": str(job.cache),
        "DEPLOY_COORDINATOR_RUNTIME": "container",
        "HOME": str(tmp_path),
    }
    engine(job)
    return job


def engine(job: Job, **answers: str) -> None:
    """A `docker` that writes down each call; `answers`: the shell command for one of its commands."""
    cases = "\n".join(f"{name}) {command} ;;" for name, command in answers.items())
    built = 'case $1-$2 in image-inspect) [ -e "$RUNNER_TEMP/built" ] || exit 1 ;; esac'
    job.tool(
        "docker",
        f'printf "%s\\n" "$*" >>"$RUNNER_TEMP/calls"\n'
        f'case $1 in\n{cases}\nbuild) touch "$RUNNER_TEMP/built" ;;\nesac\n{built}',
    )


def calls(job: Job) -> list[str]:
    path = job.folder / "temp" / "calls"
    return path.read_text().splitlines() if path.exists() else []


def kept(job: Job) -> set[str]:
    return {path.name for path in (job.cache / "deploy-coordinator").iterdir()}


def used(job: Job, name: str, text: str, days_ago: float) -> Path:
    folder = job.cache / "deploy-coordinator"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    os.utime(path, times=(time.time() - days_ago * DAY,) * 2)
    return path


def test_what_nothing_used_for_thirty_days_goes_in_one_line(job: Job) -> None:
    assert job.run("pre").code == 0
    image = next(name for name in kept(job) if name.startswith("image-"))
    for name, days in (("1111-py3.11.1", 31), ("2222-py3.11.1", 29)):
        used(job, name, f"{name}.abcdefgh\nhash\n", days)
        (job.cache / "deploy-coordinator" / f"{name}.abcdefgh").mkdir()
    used(job, "image-old", "deploy-coordinator:old\n", 31)
    done = job.run("post")
    assert done.code == 0, done.log
    assert "for 30 days: 1 virtual environments, 1 images." in done.log
    assert kept(job) >= {"2222-py3.11.1", "2222-py3.11.1.abcdefgh", image}
    assert not kept(job) & {"1111-py3.11.1", "1111-py3.11.1.abcdefgh", "image-old"}
    assert [line for line in calls(job) if line.startswith("image rm")] == ["image rm deploy-coordinator:old"]
    used(job, "image-older", "deploy-coordinator:older\n", 31)
    job.run("post")
    assert "image-older" in kept(job), "once a day"


def test_a_pointer_that_names_something_else_removes_nothing(job: Job) -> None:
    assert job.run("pre").code == 0
    precious = job.cache / "precious"
    precious.mkdir()
    used(job, "1111-py3.11.1", "../precious\nhash\n", 31)
    job.run("post")
    assert precious.exists()


def test_a_build_that_failed_is_not_tried_again_by_the_next_job(job: Job) -> None:
    engine(job, build='echo "ERROR: no route to the package index" >&2; exit 1')
    auto = {"DEPLOY_COORDINATOR_RUNTIME": "auto"}
    assert job.run("pre", **auto).code == 0
    builds = [line for line in calls(job) if line.startswith("build ")]
    assert len(builds) == 1
    done = job.run("pre", **auto)
    assert done.code == 0, done.log
    assert "within the last hour (ERROR: no route to the package index)" in done.log
    assert [line for line in calls(job) if line.startswith("build ")] == builds
    job.run("pre")
    assert len([line for line in calls(job) if line.startswith("build ")]) == 2, "who insists is heard"


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ("[name=seccomp,profile=default name=rootless]", "--user 0:0 "),
        ("[name=seccomp name=userns]", f"--user {os.getuid()}:{os.getgid()} --userns host "),
        ("[name=seccomp,profile=default]", f"--user {os.getuid()}:{os.getgid()} --"),
    ],
    ids=["rootless", "userns-remap", "rootful"],
)
def test_the_container_runs_as_the_runners_own_user(job: Job, options: str, wanted: str) -> None:
    engine(job, info=f"echo '{options}'")
    done = job.run("pre")
    assert done.code == 0, done.log
    (run,) = [line for line in calls(job) if line.startswith("run ")]
    assert wanted in run
    assert ("--userns" in run) is ("--userns" in wanted)


def test_index_and_certificates_reach_the_build_as_secrets(job: Job, tmp_path: Path) -> None:
    (tmp_path / ".config" / "pip").mkdir(parents=True)
    (tmp_path / ".config" / "pip" / "pip.conf").write_text(
        "[global]\nindex-url = https://user:geheim@index.example/simple\n"
        "extra-index-url =\n    https://one.example\n    https://two.example\ntarget = /elsewhere\n"
    )
    bundle = tmp_path / "company.pem"
    bundle.write_text("company's certificate\n")
    job.action = make_action(tmp_path / "own action")
    (job.action / "Dockerfile").write_text("FROM x\nRUN pip install --no-cache-dir \\\n  --requirement r\n")
    done = job.run("pre", NODE_EXTRA_CA_CERTS=str(bundle), PIP_TRUSTED_HOST="index.example")
    assert done.code == 0, done.log
    settings = (job.state / "build-pip.conf").read_text()
    assert settings.startswith("[global]\n")
    for line in (
        "index-url = https://user:geheim@index.example/simple",
        "extra-index-url =\n    https://one.example\n    https://two.example",
        "trusted-host = index.example",
        "cert = /run/pip-cert.pem",
    ):
        assert f"{line}\n" in settings
    assert "target" not in settings
    assert (job.state / "build-pip.conf").stat().st_mode & 0o077 == 0
    assert "company's certificate" in (job.state / "pip-certificates.pem").read_text()
    mounts = "--mount=type=secret,id=pip,target=/etc/pip.conf --mount=type=secret,id=pip-cert,"
    assert f"RUN {mounts}target=/run/pip-cert.pem pip install" in (job.state / "build-Dockerfile").read_text()
    (build,) = [line for line in calls(job) if line.startswith("build ")]
    assert f"--secret id=pip,src={job.state}/build-pip.conf --file {job.state}/build-Dockerfile" in build
    assert "geheim" not in "".join(calls(job))


def test_without_settings_the_build_is_a_plain_one(job: Job) -> None:
    for name in list(job.environment):
        if name.startswith(("PIP_", "SSL_")) or "CA_" in name:
            del job.environment[name]
    assert job.run("pre").code == 0
    (build,) = [line for line in calls(job) if line.startswith("build ")]
    if not Path("/etc/pip.conf").exists():
        assert "--secret" not in build


def test_a_warm_runner_is_asked_for_the_image_only(job: Job) -> None:
    engine(job, info="echo '[name=rootless]'")
    job.run("pre")
    before = calls(job)
    job.run("pre")
    asked = calls(job)[len(before) :]
    assert [line.split()[0] for line in asked] == ["image", "run"]
    assert "--user 0:0 " in asked[1]


@pytest.mark.parametrize(
    ("mounts", "agree"),
    [
        ("/home/runner/work|/__w\n/var/run/docker.sock|/var/run/docker.sock", False),
        ("/__w|/__w", True),
        ("", True),
    ],
    ids=["other names", "the same", "nothing known"],
)
def test_mounts_of_a_job_container(job: Job, mounts: str, agree: bool) -> None:
    engine(job, inspect=f"printf '{mounts}\n'")
    script = 'source "$1/tools.sh"; source "$1/container.sh"; mounts_agree'
    done = subprocess.run(
        ["bash", "-uc", script, "bash", job.action / "launcher"],
        env={**job.environment, "RUNNER_TEMP": "/__w/_temp", "state": "/__w/_temp/x"},
        check=False,
    )
    assert (done.returncode == 0) is agree
