"""The first use on a host without an image: uv where it is, else pip from outside of the environment."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import REPOSITORY, Job, make_action
from tests.e2e.test_tool_cache import cached

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="POSIX shells")]

# Does what uv would do, by the Python that it is given, and writes down what it was asked and may see.
UV = """
printf '%s\\n' "$PWD: $*" >>"$0.calls"; env >>"$0.environment"
case $1 in
venv) "$UV_TEST_PYTHON" -I -m venv --without-pip "${@: -1}"; install -m 666 /dev/null "${@: -1}/.lock" ;;
pip) while [ "$1" != --python ]; do shift; done
  "$UV_TEST_PYTHON" -I -m pip --python "$2" install --quiet --no-deps --require-hashes -r "${@: -1}" ;;
esac
"""


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    """Where nothing is installed yet, and no file says anything to pip."""
    action = make_action(tmp_path / "action")
    part = action / "launcher" / "host.sh"
    part.write_text(f"{part.read_text()}\npip_files() {{ :; }}\npip_needs() {{ :; }}\n")
    job = Job(action, tmp_path / "job", tmp_path / "cache")
    for name in [name for name in job.environment if name.startswith("PIP_")]:
        del job.environment[name]
    job.environment["UV_TEST_PYTHON"] = f"{sys.base_prefix}/bin/python3"
    yield job
    job.end()


def asked(job: Job) -> list[str]:
    calls = job.folder / "bin" / "uv.calls"
    return calls.read_text().splitlines() if calls.exists() else []


def test_uv_makes_the_environment_where_it_is(job: Job) -> None:
    job.tool("uv", UV)
    done = job.run("pre", "import six\nprint('prefix', sys.prefix)", PIP_INDEX_URL="", PIP_EXTRA_INDEX_URL="")
    assert (done.code, "::warning" in done.log) == (0, False), done.log
    _, environment = cached(job)
    assert f"prefix {environment}" in done.log
    made, installed = asked(job)
    assert made.partition(": ")[2].startswith("venv ")
    for word in ("--require-hashes", "--no-deps", "--only-binary :all:", "--link-mode copy"):
        assert word in installed
    assert all(not line.startswith(str(job.workspace)) for line in asked(job)), "settings of the workspace"
    again = job.run("pre", "print('prefix', sys.prefix)")
    assert (f"prefix {environment}\n" in again.log, "::warning" in again.log) == (True, False), again.log


def test_a_uv_that_fails_leaves_it_to_pip(job: Job) -> None:
    job.tool("uv", 'echo "error: no route to the index" >&2; exit 2')
    done = job.run("pre", "import six\nprint('ran', step)")
    assert (done.code, "ran pre" in done.log) == (0, True), done.log


@pytest.mark.parametrize("setting", ["PIP_CONSTRAINT", "PIP_CLIENT_CERT", "PIP_NO_INDEX"])
def test_what_uv_cannot_be_told_is_left_to_pip(job: Job, setting: str) -> None:
    job.tool("uv", UV)
    host = job.action / "launcher" / "host.sh"
    host.write_text(f'{host.read_text()}\ninstall() {{ uv_is_enough; echo "uv: $?" >&2; return 1; }}\n')
    assert "uv: 0" in job.run("pre").log
    assert "uv: 1" in job.run("pre", **{setting: "x"}).log
    host.write_text(f"{host.read_text()}\npip_files() {{ echo /etc/pip.conf; }}\n")
    assert "uv: 1" in job.run("pre").log


def test_the_environment_has_no_pip_of_its_own(prepared: Path, action: Path, tmp_path: Path) -> None:
    """It would be most of the files that each job looks through."""
    _, environment = cached(Job(action, tmp_path, prepared))
    packages = next(environment.glob("lib/python3*/site-packages"))
    assert {path.name for path in packages.iterdir() if path.name.startswith(("pip", "setuptools"))} == set()
    assert (packages / "six.py").is_file()


def test_services_that_the_action_never_asks_are_not_kept(action: Path, tmp_path: Path) -> None:
    packages = tmp_path / "the environment" / "lib" / "python3.13" / "site-packages"
    for name in ("botocore/data/sqs/2012-11-05", "botocore/data/braket/2019-09-01", "boto3/data/glacier/x"):
        (packages / name).mkdir(parents=True)
    (packages / "botocore" / "data" / "endpoints.json").touch()
    script = 'source "$1"; prune "$2"; printf %s "$aws_services"'
    done = subprocess.run(
        ["bash", "-euc", script, "bash", action / "launcher" / "host.sh", packages.parents[2]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(path.name for path in (packages / "botocore" / "data").iterdir()) == [
        "endpoints.json",
        "sqs",
    ]
    assert not (packages / "boto3" / "data" / "glacier").exists()
    kept = re.search(r"! -regex '\.\*/\((.*?)\)'", (REPOSITORY / "Dockerfile").read_text())
    assert kept
    assert kept[1].split("|") == done.stdout.split(), "host and image ask the same"
