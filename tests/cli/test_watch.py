"""Watching from a laptop."""

from __future__ import annotations

import io
import json
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from deploy_action import cli
from deploy_action.cli.live import Display
from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.locking.stack_activity import in_progress
from deploy_action.monitoring.baseline import attach_to
from deploy_action.monitoring.event_stream import EventStream
from tests.cli.desk import Desk
from tests.cli.terminal import Terminal
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 100}}}}"
FAILS_LATE = """
Resources:
  One: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 60}}}
  Two: {Type: AWS::SNS::Topic, DependsOn: One, Metadata: {TestGround: {Seconds: 200}}}
  Three: {Type: AWS::SQS::Queue, DependsOn: Two, Metadata: {TestGround: {Seconds: 60, Fail: nope}}}
"""
FAILS = SLOW.replace("Seconds: 100", "Seconds: 100, Fail: nope")


@pytest.fixture
def shell(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    return Desk(stage.root / "registry", capsys, stage.clock)


def create(stage: Stage, body: str = SLOW) -> None:
    cloudformation = client(stage.server)
    cloudformation.create_stack(StackName="shop", TemplateBody=body)
    cloudformation.close()


def test_what_is_in_progress_is_watched_to_its_end(stage: Stage, shell: Desk) -> None:
    create(stage)
    stage.clock.sleep(30)
    code, told = shell.run("watch", "shop")
    assert code == 0, told
    assert len([line for line in told.splitlines() if "  Topic  " in line]) == 3
    assert told.splitlines()[-1].startswith("✅ Deployed: shop in 1m4")
    assert stage.registry() == {}


def test_times_of_day_are_this_machines_and_the_zone_is_named(
    stage: Stage, shell: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        create(stage)
        told = shell.run("watch", "shop")[1]
        assert "Times are in IST; --utc shows them in UTC." in told
        assert next(line for line in told.splitlines() if "  Topic  " in line).startswith("13:")
        assert "last operation began 2027-01-15 13:" in shell.run("watch", "shop")[1]
        assert "last operation began 2027-01-15T08:" in shell.run("watch", "shop", "--utc")[1]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_stack_is_found_by_its_arn(stage: Stage, shell: Desk) -> None:
    create(stage)
    cloudformation = client(stage.server)
    arn = str(cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackId"])
    cloudformation.close()
    code, told = shell.run("watch", arn)
    assert code == 0, told
    assert told.splitlines()[-1].startswith("✅ Deployed: shop in 1m")
    assert shell.run("watch", arn.replace(":123456789012:", ":210987654321:"))[0] != 0


def test_a_failure_has_its_cause_and_its_exit_code(stage: Stage, shell: Desk) -> None:
    create(stage, FAILS)
    code, told = shell.run("watch", "eu-west-1/sh*")
    assert code == 1
    assert "❌ Failed and rolled back: shop" in told
    assert "  Topic (AWS::SNS::Topic) CREATE_FAILED: nope" in told
    assert "\x1b" not in told


def test_a_stack_at_rest_tells_how_its_last_operation_ended(stage: Stage, shell: Desk) -> None:
    create(stage, FAILS)
    stage.clock.sleep(600)
    code, told = shell.run("watch", "shop")
    assert code == 0
    assert (
        "Nothing is in progress on eu-west-1/shop. It is ROLLBACK_COMPLETE (last operation began 20" in told
    )
    assert "The stack can only be deleted now" in told
    code, told = shell.run("watch", "sh*", "--json")
    assert (code, json.loads(told)["status"]) == (0, "ROLLBACK_COMPLETE")


@pytest.mark.parametrize("name", ["shop", "shop-*"])
def test_a_stack_that_does_not_exist_is_not_taken_for_one_at_rest(shell: Desk, name: str) -> None:
    assert shell.run("watch", name) == (1, f"There is no stack eu-west-1/{name}.\n")


def test_it_waits_for_something_to_begin(stage: Stage, shell: Desk) -> None:
    stage.clock.at(60, lambda: create(stage))
    code, told = shell.run("watch", "shop", "--wait")
    assert (code, "Waiting for something to begin." in told, "✅ Deployed: shop" in told) == (0, True, True)


def test_time_is_up(stage: Stage, shell: Desk) -> None:
    create(stage)
    code, told = shell.run("watch", "shop", "--timeout-in-minutes", "1")
    assert code == 6
    assert "⌛ Did not end in time: shop" in told


def test_one_object_a_line_for_machines(stage: Stage, shell: Desk) -> None:
    create(stage)
    code, told = shell.run("watch", "shop", "--json")
    found = [json.loads(line) for line in told.splitlines()]
    assert code == 0
    assert {one["type"] for one in found[:-1]} == {"event"}
    assert (found[-1]["type"], found[-1]["outcome"]) == ("end", "succeeded")
    assert found[-1]["stacks"][0]["status"] == "CREATE_COMPLETE"


def test_a_warning_is_no_line_for_machines(
    stage: Stage, shell: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    create(stage, SLOW.replace("Seconds: 100", "Seconds: 100, Warning: 'Error: it is not ready'"))
    cli.main(["watch", "shop", "--json", "--registry", shell.address], stage.clock)
    out, err = capsys.readouterr()
    assert [line for line in out.splitlines() if not line.startswith("{")] == []
    assert "Topic (AWS::SNS::Topic) may fail: Error: it is not ready" in err


def test_without_a_registry_it_says_what_times_rest_on(stage: Stage, shell: Desk) -> None:
    create(stage)
    code, told = shell.run("watch", "shop", registry="github")
    assert (code, "Times are held against typical durations." in told) == (0, True)


def test_a_name_that_is_no_stack(stage: Stage, shell: Desk) -> None:
    assert shell.run("watch", "sh op")[0] == 64


def test_the_display_shows_what_runs(stage: Stage) -> None:
    create(stage)
    stage.clock.sleep(30)
    source = CloudFormation(AwsClients())
    watcher = EventStream(source, attach_to(in_progress(source, [StackRef("eu-west-1", "shop")])))
    watcher.poll(stage.clock.monotonic())
    shown = io.StringIO()
    with Display(watcher, stage.clock, Console(file=shown, force_terminal=True, width=100)) as display:
        display.refresh()
    assert "shop CREATE_IN_PROGRESS" in shown.getvalue()
    assert "creating" in shown.getvalue()
    assert "Topic" in shown.getvalue()


def test_a_terminal_shows_every_line_that_was_written(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is drawn below the lines is drawn over itself, never over them."""
    create(stage, FAILS_LATE)
    with capsys.disabled(), Terminal() as terminal:
        code = cli.main(["watch", "shop", "--registry", f"file://{stage.root / 'registry'}"], stage.clock)
    assert code == 1
    cloudformation = client(stage.server)
    events = cloudformation.describe_stack_events(StackName="shop")["StackEvents"]
    cloudformation.close()
    happened = Counter(f"{event['ResourceStatus']} {event['LogicalResourceId']} " for event in events)
    shown = Counter(
        {text: sum(text in " ".join(row.split()) + " " for row in terminal.screen) for text in happened}
    )
    assert shown == happened, "\n".join(terminal.screen)
    assert not [row for row in terminal.screen if " done · +" in row], "the drawing is gone in the end"
