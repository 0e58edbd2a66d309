"""What the launcher's programs see of the job: the environment, streams and limits of a plain `run:` step."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import FOLLOW, REPOSITORY, Job

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

LAUNCHER = [
    REPOSITORY / "launcher" / "launch",
    *(REPOSITORY / "launcher").glob("*.sh"),
]
SHOWN = f"{sys.executable} -I -c 'import json, os; print(json.dumps(dict(os.environ)))'"
OURS = {
    "DEPLOY_COORDINATOR_INPUTS",
    "DEPLOY_COORDINATOR_REGISTRY",
    "DEPLOY_COORDINATOR_RUNTIME",
    "DEPLOY_COORDINATOR_IMAGE",
    "DEPLOY_COORDINATOR_STATE",
    "DEPLOY_COORDINATOR_CHECK_RUN_ID",
    "DEPLOY_COORDINATOR_PIPED",
    "DEPLOY_COORDINATOR_INPUTS_FROM",
}
"""What action.yml adds for the launcher, and the launcher for itself and the coordinator."""
WRITTEN_ANEW = {"_", "GITHUB_OUTPUT"}
"""By every shell, for every program; and the file of outputs, which is of the command alone."""
ODD = {
    "multi": "first\nsecond\n",
    "quoted": 'it\'s "x" $HOME `id` \\ ${nothing}',
    "control": "a\x01b\x1bc\x7fd",
    "umlaut": "Grüße",
    "with.dot": "1",
    "with-dash": "2",
    "empty": "",
    "BASH_FUNC_say%%": '() {  echo "a function of the job"\n}',
}


def assigned_names() -> set[str]:
    """Every name that a launcher file gives a value to, in whatever form bash has for that."""
    found: set[str] = set()
    for path in LAUNCHER:
        text = re.sub(r"(?m)(^|\s)#.*$", "", path.read_text("utf-8"))
        text = re.sub(r"'[^'\n]*'", "''", text)
        found.update(re.findall(r"(?<![\w$\"{-])([A-Za-z_]\w*)(?:\+?=|\[\w+\]=)", text))
        for words in re.findall(r"(?:\blocal|\bread(?: -\w+)*|\bfor|\bdeclare|\breadonly) ([^;\n|)]*)", text):
            found.update(re.findall(r"(?<![\w$\"'{=/-])([A-Za-z_]\w*)", words.split("<")[0].split(" in ")[0]))
    return found


RESERVED = {"_", "PATH", "IFS", "SHLVL", "DOCKER_BUILDKIT", "PIP_USER", "LC_ALL", "SECONDS"}
"""Assigned on purpose, for one program each, or by bash itself."""


@pytest.fixture
def exported(job: Job) -> dict[str, str]:
    names = assigned_names() - RESERVED - OURS
    assert {"image", "state", "action", "code", "python", "folder", "launcher_environment"} <= names
    return {**{name: f"the job's own {name}" for name in names}, **ODD}


def plain_step(job: Job, exported: dict[str, str]) -> dict[str, str]:
    """What a `run:` step sees: the runner starts `bash --noprofile --norc -eo pipefail FILE`."""
    script = job.folder / "plain.sh"
    script.write_text(SHOWN)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        env={**job.environment, **exported, "DEPLOY_COORDINATOR_TEST": FOLLOW},
        cwd=job.workspace,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


def seen(log: str) -> dict[str, str]:
    (line,) = (line for line in log.splitlines() if line.startswith("{"))
    return dict(json.loads(line))


def test_the_command_has_the_environment_of_a_plain_step(job: Job, exported: dict[str, str]) -> None:
    job.prepared(SHOWN)
    done = job.run("main", FOLLOW, **exported)
    assert done.code == 0, done.log
    plain, command = plain_step(job, exported), seen(done.log)
    different = {name for name in plain.keys() | command.keys() if plain.get(name) != command.get(name)}
    assert different - WRITTEN_ANEW - OURS == set()
    assert OURS & command.keys() == set()


def test_it_can_call_the_jobs_own_functions_and_not_the_launchers(job: Job) -> None:
    job.prepared("say; type -t give_up supervise as_given || echo none")
    done = job.run("main", FOLLOW, **{"BASH_FUNC_say%%": ODD["BASH_FUNC_say%%"]})
    assert done.log == "a function of the job\nnone\n"


@pytest.mark.parametrize("step", ["pre", "main", "post", "lock", "unlock", "release"])
def test_the_coordinator_sees_the_jobs_variables_as_they_are(
    job: Job, exported: dict[str, str], step: str
) -> None:
    job.run("pre")
    show = "import json; print(json.dumps(dict(os.environ)))"
    done = job.run(step, show, **exported)
    assert done.code == 0, done.log
    environment = seen(done.log)
    assert {name: environment.get(name) for name in exported} == exported


def test_streams_limits_and_folder_are_those_of_the_step(job: Job) -> None:
    show = (
        "umask; ulimit -n; ulimit -c; pwd; cat; ls -l /proc/self/fd | wc -l; echo $OLDPWD; "
        "set -o | grep on$; trap; echo $SHLVL"
    )
    job.prepared(show)
    launched = job.folder / "limits"
    launched.write_text('umask 027; ulimit -n 512; ulimit -c 0; exec "$@"')
    plain = job.folder / "plain.sh"
    plain.write_text(show)
    environment = {
        **job.environment,
        "DEPLOY_COORDINATOR_STATE": str(job.state),
        "DEPLOY_COORDINATOR_TEST": FOLLOW,
    }
    logs = []
    for program in (
        [job.action / "launcher" / "launch", "main"],
        ["--noprofile", "--norc", "-eo", "pipefail", plain],
    ):
        done = subprocess.run(
            ["bash", launched, "bash", *map(str, program)],
            env=environment,
            cwd=job.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
            text=True,
        )
        logs.append(done.stdout)
    assert logs[0] == logs[1]


def test_the_copy_is_made_before_the_launcher_sets_a_variable() -> None:
    lines = (REPOSITORY / "launcher" / "launch").read_text("utf-8").splitlines()
    before = "\n".join(lines[: next(n for n, line in enumerate(lines) if "launcher_environment=$(" in line)])
    assigned = set(re.findall(r"(?m)^[^#]*?\b(\w+)=", before))
    assert assigned == {"BASH_ENV", "DEPLOY_COORDINATOR_PIPED"}  # the job's own value is put back


@pytest.mark.container
class TestContainer:
    def test_the_command_has_the_environment_of_a_plain_step(
        self, action: Path, shared: Path, tmp_path: Path, engine: dict[str, str], exported: dict[str, str]
    ) -> None:
        job = Job(action, tmp_path / "it", shared, {**engine, "DEPLOY_COORDINATOR_RUNTIME": "container"})
        job.prepared(SHOWN)
        done = job.run("main", FOLLOW, **exported)
        assert done.code == 0, done.log
        plain, command = plain_step(job, exported), seen(done.log)
        different = {name for name in plain.keys() | command.keys() if plain.get(name) != command.get(name)}
        assert different - WRITTEN_ANEW - OURS == set()
        assert OURS & command.keys() == set()
