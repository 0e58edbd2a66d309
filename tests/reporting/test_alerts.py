"""Warnings of what may need a person, and what they quote."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy_action.common.escape import plain
from deploy_action.diagnosis.causes import Cause
from deploy_action.github.runner_files import JobLog
from deploy_action.history.estimate import Basis, Estimate, Usual
from deploy_action.job.job_log import JobLogReporter
from deploy_action.monitoring.stall import StallChange
from deploy_action.reporting import alerts
from deploy_action.reporting.log.lines import LogStyle
from tests.clock import VirtualClock
from tests.cloudformation.story import DATABASE, ROOT, nested, resource, stack, told
from tests.common.test_escape import hostile, shown
from tests.reporting.readers import decoded_command, runner_command, runner_commands, runner_lines

if TYPE_CHECKING:
    import pytest

    from deploy_action.cloudformation.operation import Operation

AT = 1_790_000_000.0
USUAL = Usual(340.0, 400.0, 492.0, 5, Basis.RESOURCE)
RUNNING = told(
    stack(AT, "CREATE_IN_PROGRESS"),
    nested(AT, "Database", "CREATE_IN_PROGRESS"),
    resource(AT, "Instance", "CREATE_IN_PROGRESS", of=DATABASE, type_="AWS::RDS::DBInstance"),
)


def change(operation: Operation, seconds: float, usual: Usual | None = None, *, began: bool) -> StallChange:
    """Of the resource that began last."""
    activity = operation.activities[-1]
    return StallChange(began, operation.name_of_activity(activity), seconds, usual, activity)


def test_a_stall_is_named_with_what_is_usual_and_where_to_look() -> None:
    assert alerts.stalled(change(RUNNING, 1860.0, USUAL, began=True), RUNNING) == (
        "Database/Instance (AWS::RDS::DBInstance) has been in progress for 31m and is silent; usually it "
        "takes 5m40s to 8m12s. Look at https://eu-west-1.console.aws.amazon.com/"
        f"cloudformation/home?region=eu-west-1#/stacks/events?stackId={DATABASE}"
    )


def test_the_summary_says_afterwards_that_it_was_silent() -> None:
    assert alerts.stalled_before(change(RUNNING, 1860.0, USUAL, began=True)) == (
        "Database/Instance (AWS::RDS::DBInstance) was silent and not done after 31m; usually it takes "
        "5m40s to 8m12s."
    )


def test_a_resource_that_stalls_twice_says_when() -> None:
    back = told(
        stack(AT, "UPDATE_IN_PROGRESS"),
        resource(AT + 1, "Service", "UPDATE_IN_PROGRESS"),
        resource(AT + 9, "Service", "UPDATE_FAILED"),
        stack(AT + 10, "UPDATE_ROLLBACK_IN_PROGRESS"),
        resource(AT + 11, "Service", "UPDATE_IN_PROGRESS"),
    )
    again = change(back, 200.0, began=True)
    assert alerts.stalled_before(again).startswith("In the rollback, Service (")
    assert alerts.stalled(again, back).startswith("In the rollback, Service (")


def test_what_is_undone_is_not_compared_with_what_is_done() -> None:
    back = told(
        stack(AT, "UPDATE_IN_PROGRESS"),
        resource(AT + 9, "Service", "UPDATE_FAILED"),
        stack(AT + 10, "UPDATE_ROLLBACK_IN_PROGRESS"),
        resource(AT + 11, "Service", "UPDATE_IN_PROGRESS"),
    )
    again = change(back, 1860.0, USUAL, began=True)
    assert "usually" not in alerts.stalled_before(again) + alerts.stalled(again, back)


def test_the_end_of_a_stall() -> None:
    over = change(RUNNING, 1980.0, began=False)
    assert alerts.moving(over) == "Database/Instance moves again, 33m after it began."
    ended = told(
        stack(AT, "CREATE_IN_PROGRESS"),
        resource(AT, "Database", "CREATE_IN_PROGRESS"),
        resource(AT + 1980, "Database", "CREATE_COMPLETE"),
    )
    assert (
        alerts.moving(change(ended, 1980.0, began=False)) == "Database has ended after 33m (CREATE_COMPLETE)."
    )


def test_an_overdue_deployment() -> None:
    assert alerts.overdue(1860.0, Estimate(600.0, 720.0, 900.0, "9 deployments of these resources")) == (
        "The deployment has taken 31m so far; it was expected to take about 12m (10m to 15m), going by "
        "9 deployments of these resources."
    )


def test_an_overdue_deployment_afterwards() -> None:
    estimate = Estimate(600.0, 720.0, 900.0, "9 deployments of these resources")
    assert alerts.overdue_before(estimate) == (
        "The deployment took longer than expected: about 12m (10m to 15m), going by 9 deployments of these "
        "resources."
    )


def cause(name: str, type_: str, reason: str) -> Cause:
    return Cause(ROOT, "eu-west-1", name, type_, "CREATE_IN_PROGRESS", reason, AT)


def test_an_early_warning() -> None:
    assert alerts.warned(cause("Database", "X::Y", "no room")) == "Database (X::Y) may fail: no room"


def spoken() -> tuple[JobLogReporter, StringIO]:
    stream = StringIO()
    return JobLogReporter(JobLog(stream), VirtualClock(), LogStyle(color=False)), stream


def test_who_is_told_what() -> None:
    reporter, stream = spoken()
    reporter.stalled(change(RUNNING, 1860.0, began=True), RUNNING)
    reporter.moving(change(RUNNING, 1980.0, began=False), RUNNING)
    reporter.overdue(1860.0, Estimate(600.0, 720.0, 900.0, "x"))
    reporter.warned(cause("Database", "X::Y", "no room"))
    lines = stream.getvalue().splitlines()
    assert [runner_command(line) for line in lines] == ["warning", None, "warning", None, "warning"]
    assert [note.partition(" ")[0] for note in reporter.notes] == ["Database/Instance", "The"]


def test_a_defect_in_a_warning_is_no_defect_of_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "stalled", lambda *_: 1 / 0)
    reporter, stream = spoken()
    reporter.stalled(change(RUNNING, 1860.0, began=True), RUNNING)
    assert "defect of deploy-coordinator" in stream.getvalue()


@settings(max_examples=150, deadline=None)
@given(hostile, hostile, hostile, st.sampled_from([1, 1, 1, 300]))
@example("\r::error::x", "##[Set-Env name=PATH]x", "\u202e<!channel> \x1b[2J\0::ADD-PATH::x", 4000)
def test_hostile_words_execute_nothing_and_each_line_is_shown_whole(
    name: str, type_: str, reason: str, times: int
) -> None:
    name, type_, reason = name * times, type_ * times, reason * times
    operation = told(
        stack(AT, "CREATE_IN_PROGRESS", of=f"{ROOT}{name}"),
        resource(AT, name, "CREATE_IN_PROGRESS", reason, type_=type_, of=f"{ROOT}{name}"),
    )
    stall = change(operation, 1860.0, USUAL, began=True)
    reporter, stream = spoken()
    reporter.stalled(stall, operation)
    reporter.moving(stall, operation)
    reporter.overdue(1860.0, Estimate(600.0, 720.0, 900.0, reason))
    reporter.warned(cause(name, type_, reason))
    lines = runner_lines(stream.getvalue().removesuffix("\n"))
    assert [runner_command(line) for line in lines] == ["warning", None, "warning", None, "warning"]
    words = [decoded_command(line)[2] if line.startswith("::") else line for line in lines]
    assert all(len(text) <= 1000 and len(text.splitlines()) == 1 for text in words)
    assert runner_commands("\n".join(words)) == []
    if times == 1 and len(name) < 100 and len(reason) < 200:
        assert shown(plain(name)) in shown(words[1])
        assert shown(plain(reason)) in shown(words[2])
