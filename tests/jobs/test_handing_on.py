"""What a later step depends on is written, or the step gives its lock back and fails."""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import CannotStart, VerdictUnknown
from deploy_action.job.state import COMMAND_EXIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


def full(job: Job) -> Job:
    """A disk that has no room left for the outputs."""
    job.environ["GITHUB_OUTPUT"] = "/dev/full"
    return job


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more ends in an error, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("inputs", [{"command": "x"}, {"template": "template.yaml"}])
def test_pre_that_cannot_let_main_run_gives_the_lock_back_and_fails(
    stage: Stage, inputs: dict[str, str]
) -> None:
    stage.template(GOOD)
    job = full(stage.job(**inputs))
    assert job.run("pre") == CannotStart.exit_code, job.log
    assert "::error" in job.log
    assert "Gave the lock production back." in job.log
    assert stage.registry()["tickets"] == []
    job.run("post")
    assert stage.registry()["tickets"] == []


def test_pre_whose_state_cannot_be_kept_gives_the_lock_back_and_fails(stage: Stage) -> None:
    job = stage.job(command="x")
    (job.state.path / "state.json").mkdir()
    assert job.run("pre") == CannotStart.exit_code, job.log
    assert stage.registry()["tickets"] == []


def test_a_lock_step_that_cannot_say_so_holds_nothing(stage: Stage) -> None:
    job = full(stage.job())
    assert job.run("lock") == CannotStart.exit_code, job.log
    assert stage.registry().get("tickets", []) == []
    assert not (job.state.path / "keeper").exists()


def test_a_lock_step_whose_state_cannot_be_kept_gives_the_lock_back(stage: Stage) -> None:
    job = stage.job()
    (job.state.path / "state.json").mkdir()
    assert job.run("lock") == CannotStart.exit_code, job.log
    assert "Gave the lock production back." in job.log
    assert stage.registry()["tickets"] == []
    assert not (job.state.path / "keeper").exists()


def test_a_lock_step_that_finds_the_disk_full_after_it_locked_gives_the_lock_back(stage: Stage) -> None:
    job = stage.job()
    Path(job.environ["GITHUB_OUTPUT"]).write_text("x" * 200_000 + "=1\n")
    # The first outputs fit; the token does not.
    with files_of_at_most(200_000 + 220):
        code = job.run("lock")
    assert code == CannotStart.exit_code, job.log
    assert "Gave the lock production back." in job.log
    assert stage.registry()["tickets"] == []
    assert set(job.outputs()) == {"x" * 200_000, "correlation-id", "held"}
    assert job.outputs()["held"] == "false"


def test_outputs_of_main_that_cannot_be_written_are_told_and_change_no_verdict(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    assert job.run("pre") == 0, job.log
    assert full(job).run("main") == 0, job.log
    assert "could not be written to /dev/full" in job.log
    assert job.run("post") == 0


def test_a_command_that_leaves_an_unfinished_line_costs_no_output(stage: Stage) -> None:
    """`printf 'version=1' >>"$GITHUB_OUTPUT"`, and the same for the summary."""
    job = stage.job(command="x")
    assert job.run("pre") == 0
    before = job.summary

    def command(cloudformation: object) -> int:
        del cloudformation
        for name, text in (("GITHUB_OUTPUT", "version=1"), ("GITHUB_STEP_SUMMARY", "| theirs |")):
            with Path(job.environ[name]).open("a") as file:
                file.write(text)
        return 0

    job.launch_command(command)
    assert job.run("main") == 0, job.log
    assert job.run("post") == 0
    assert (job.outputs()["version"], job.outputs()["outcome"]) == ("1", "no-changes")
    assert f"{before}| theirs |\n" in job.summary


def test_a_restarted_coordinator_without_its_state_does_not_say_that_nothing_was_changed(
    stage: Stage,
) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.environ["DEPLOY_COORDINATOR_RESTARTS"] = "1"
    assert job.run("main") == VerdictUnknown.exit_code
    assert "nothing was changed" not in job.log


def test_a_command_that_is_gone_without_an_exit_code_is_unknown(stage: Stage) -> None:
    job = stage.job(command="x")
    assert job.run("pre") == 0

    def command(cloudformation: object) -> None:
        del cloudformation
        (job.state.path / COMMAND_EXIT).write_text("lost           \n")

    job.launch_command(command)
    assert job.run("main") == VerdictUnknown.exit_code, job.log
    assert job.outputs()["outcome"] == "unknown"


def test_an_exit_code_is_read_although_the_folder_was_emptied(stage: Stage) -> None:
    folder = stage.job(command="x").state
    path = folder.path / COMMAND_EXIT
    path.write_text("running        \n")
    assert folder.command_exit_code() is None
    with path.open("r+") as launcher:
        path.unlink()
        launcher.write("3              \n")
        launcher.flush()
        assert folder.command_exit_code() == 3
