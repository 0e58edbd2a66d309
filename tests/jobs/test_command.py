"""Way 2: the user's own command, whose exit code is the step's, unless a stack failed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.job.state import COMMAND_FOLDER, COMMAND_OUTPUT, COMMAND_SCRIPT

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: "no topic"}}}}'


def create(name: str, body: str = GOOD, code: int | None = 0) -> Any:
    def command(cloudformation: Any) -> int | None:
        cloudformation.create_stack(StackName=name, TemplateBody=body)
        return code

    return command


def nothing(code: int) -> Any:
    return lambda _cloudformation: code


def test_the_command_is_handed_over_and_runs_only_under_the_lock(stage: Stage) -> None:
    job = stage.job(command="cdk deploy --all", working_directory=".")
    assert job.run("pre") == 0
    assert (job.state.path / COMMAND_SCRIPT).read_text("utf-8") == "cdk deploy --all\n"
    assert (job.state.path / COMMAND_FOLDER).read_text("utf-8") == ".\n"
    job.launch_command(create("shop"))
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert "CREATE_COMPLETE       Topic" in job.log
    assert "::group::" not in job.log, "it would fold away what the command writes"


def test_what_the_command_leaves_running_is_watched_to_its_end(stage: Stage) -> None:
    slow = GOOD.replace("SNS::Topic}", "SNS::Topic, Metadata: {TestGround: {Seconds: 200}}}")
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(create("shop", slow))
    assert job.run("main") == 0
    assert int(job.outputs()["duration-seconds"]) > 200


def test_a_stack_that_fails_fails_the_step_although_the_command_reports_success(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(create("shop", BAD))
    assert job.run("main") == 1
    assert job.outputs()["outcome"] == "rolled-back"
    assert "although the command reported success" in job.log


def test_the_exit_code_is_the_commands(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(nothing(23))
    assert job.run("main") == 23
    job.run("post")
    assert job.outputs()["outcome"] == "failed"
    assert "exit code 23" in job.summary


def test_a_command_that_changes_nothing_is_told_as_such(stage: Stage) -> None:
    job = stage.job("first", command="x")
    job.run("pre")
    job.launch_command(create("shop"))
    job.run("main")
    job.run("post")
    job = stage.job("second", command="x")
    job.run("pre")
    job.launch_command(nothing(0))
    assert job.run("main") == 0
    assert job.outputs()["outcome"] == "no-changes"
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"


def test_globs_catch_stacks_that_begin_during_the_command(stage: Stage) -> None:
    job = stage.job("first", command="x", stack_name="shop-old")
    job.run("pre")
    job.launch_command(create("shop-old"))
    job.run("main")
    job.run("post")
    job = stage.job("second", command="x", stack_name="shop-*")
    job.run("pre")
    job.launch_command(create("shop-new"), after=20)
    assert job.run("main") == 0
    assert "shop-new" in job.log
    assert "CREATE_COMPLETE       shop-old" not in job.log


def test_two_stacks_are_watched_and_the_worse_one_decides(stage: Stage) -> None:
    def both(cloudformation: Any) -> int:
        create("shop")(cloudformation)
        create("shop-db", BAD)(cloudformation)
        return 0

    job = stage.job(command="x", stack_name="shop\nshop-db")
    job.run("pre")
    job.launch_command(both)
    assert job.run("main") == 1
    assert job.outputs()["stack-status"] == "shop=CREATE_COMPLETE shop-db=ROLLBACK_COMPLETE"
    job.run("post")
    assert "| `eu-west-1/shop-db` | `ROLLBACK_COMPLETE` |" in job.summary


def test_without_the_right_to_watch_the_command_still_decides_and_the_outcome_is_unknown(
    stage: Stage,
) -> None:
    stage.server.faults.add("access_denied", operation="DescribeStack*")
    job = stage.job(command="x")
    assert job.run("pre") == 0, job.log
    job.launch_command(nothing(0))
    assert job.run("main") == 0
    job.run("post")
    assert job.outputs()["outcome"] == "unknown"
    assert "AWS denies access" in job.log
    assert job.page.startswith("## ❓ Outcome unknown")


@pytest.mark.parametrize(("log", "count"), [("full", 3), ("calm", 2)])
def test_a_restarted_watch_repeats_no_event_and_loses_none(stage: Stage, log: str, count: int) -> None:
    slow = GOOD.replace("SNS::Topic}", "SNS::Topic, Metadata: {TestGround: {Seconds: 120}}}")
    job = stage.job(command="x", log=log)
    job.run("pre")
    job.launch_command(create("shop", slow, None))

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    stage.clock.at(stage.clock.elapsed + 60, kill)
    try:
        job.run("main")
    except Killed:
        killed = True
    assert killed
    stage.clock.sleep(300)
    job.end_command(0)
    assert job.run("main") == 0, job.log
    assert "Monitoring was restarted" in job.log
    assert job.outputs()["outcome"] == "succeeded"
    lines = [line for line in job.log.splitlines() if "  Topic  " in line]
    assert len(lines) == len(set(lines)) == count, "\n".join(lines)


def test_a_cancelled_command_ends_as_cancelled_and_the_lock_is_free(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")

    def cancel() -> None:
        job.cancel.now = True
        job.end_command(130)

    stage.clock.at(stage.clock.elapsed + 30, cancel)
    assert job.run("main") == 130
    job.run("post")
    assert job.outputs()["outcome"] == "cancelled"
    assert stage.registry()["tickets"] == []


def test_of_a_stack_that_is_deleted_and_created_anew_the_new_one_counts(stage: Stage) -> None:
    first = stage.job("first", command="x")
    first.run("pre")
    first.launch_command(create("shop", BAD))
    first.run("main")
    first.run("post")

    def anew(cloudformation: Any) -> int:
        cloudformation.delete_stack(StackName="shop")
        stage.clock.sleep(60)
        return int(create("shop")(cloudformation))

    job = stage.job("second", command="x")
    job.run("pre")
    job.launch_command(anew)
    assert job.run("main") == 0, job.log
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"
    assert "DELETE_COMPLETE       shop" in job.log


def test_what_the_command_wrote_to_github_output_is_an_output_and_nothing_else(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(create("shop", BAD, 1))
    (job.state.path / COMMAND_OUTPUT).write_text("url=https://shop\noutcome=succeeded\nnonsense hunter2\n")
    assert job.run("main") == 1
    assert json.loads(job.outputs()["command-outputs"]) == {"url": "https://shop", "outcome": "succeeded"}
    assert job.outputs()["outcome"] == "rolled-back"
    job.run("post")
    assert "Line 3 of what the command wrote to GITHUB_OUTPUT is neither" in job.log
    assert "hunter2" not in job.log + job.summary
    assert "https://shop" not in job.log + job.summary
    assert not (job.state.path / COMMAND_OUTPUT).exists()


def test_a_command_without_outputs_has_an_empty_object(stage: Stage) -> None:
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(create("shop"))
    assert job.run("main") == 0
    assert job.outputs()["command-outputs"] == "{}"
