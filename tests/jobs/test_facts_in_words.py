"""What is told is what is known: a fact that is missing is neither made up nor a defect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 90}}}}"
BAD = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"


@pytest.mark.parametrize("how", ["template", "command"])
def test_answers_without_a_date_change_nothing(how: str, stage: Stage) -> None:
    stage.server.dates_its_answers = False
    job = stage.job(**{how: stage.template(GOOD) if how == "template" else "x"})
    assert job.run("pre") == 0, job.log
    if how == "command":
        job.launch_command(lambda cloud: int(not cloud.create_stack(StackName="shop", TemplateBody=GOOD)))
    assert job.run("main") == 0, job.log
    job.run("post")
    assert job.outputs()["outcome"] == "succeeded"
    assert "defect" not in job.log


def test_where_events_were_denied_nobody_says_that_there_is_no_cause(stage: Stage) -> None:
    stage.server.faults.add("access_denied", operation="DescribeStackEvents")
    job = stage.job(template=stage.template(BAD))
    assert job.deploy() == 1
    assert "unknown, since the stack's events could not be read" in job.log
    assert "gives none" not in job.log


@pytest.mark.parametrize(("when_busy", "words"), [("wait", "waits in the queue"), ("fail", "ends at once")])
def test_what_becomes_of_one_behind_a_holder_is_what_was_asked_for(
    when_busy: str, words: str, stage: Stage
) -> None:
    stage.job("other", template=stage.template(GOOD)).run("pre")
    job = stage.job(
        template="template.yaml", when_busy=when_busy, preflight="warn", wait_timeout_in_minutes="1"
    )
    assert job.run("pre") == 2, job.log
    told = [sentence for sentence in ("waits in the queue", "ends at once") if sentence in job.log]
    assert told == [words]


def test_a_value_that_cannot_be_sent_is_no_outage(stage: Stage) -> None:
    """botocore refuses it before any request: to ask again would be the same for ever."""
    job = stage.job(template=stage.template(GOOD), tags="team=")
    before = stage.clock.elapsed
    assert job.deploy() not in {0, 1}, job.log
    assert stage.clock.elapsed - before < 30
    assert "cannot be sent" in job.log
    assert "Value" in job.log
    assert stage.registry()["tickets"] == []


def test_while_a_command_builds_nothing_is_said_to_wait_for_cloudformation(stage: Stage) -> None:
    job = stage.job(command="x")
    assert job.run("pre") == 0, job.log
    job.launch_command(
        lambda cloud: int(not cloud.create_stack(StackName="shop", TemplateBody=GOOD)), after=200
    )
    assert job.run("main") == 0, job.log
    building = job.log[: job.log.index("CREATE_IN_PROGRESS")]
    assert "nothing has begun on a watched stack yet" in building
    assert "waiting for CloudFormation" not in building
    assert " done" not in building


@pytest.mark.parametrize("way", ["denied", "silent"])
def test_what_post_could_not_see_is_not_said_to_be_in_progress(way: str, stage: Stage) -> None:
    job = stage.job(command="x")
    assert job.run("pre") == 0, job.log
    job.launch_command(lambda _: 1)
    job.run("main")
    kind = {"denied": "access_denied", "silent": "reset_before"}[way]
    stage.server.faults.add(kind, operation="DescribeStacks")
    before = len(job.log)
    assert job.run("post") == 0
    told = job.log[before:]
    assert "whether eu-west-1/shop is still in progress" in told
    assert "waits until these stacks are seen at rest: eu-west-1/shop" in told
    assert "left in progress" not in (told + job.summary).lower()


@pytest.mark.parametrize("ends", ["well", "badly"])
def test_a_finished_summary_holds_no_hope_out(ends: str, stage: Stage) -> None:
    """A resource was said to fail, and was silent for long: neither is news once it has ended."""
    details = "Seconds: 900, Warning: Resource template validation failed"
    fails = ", Fail: nope" if ends == "badly" else ""
    body = f"Resources: {{Topic: {{Type: AWS::SNS::Topic, Metadata: {{TestGround: {{{details}{fails}}}}}}}}}"
    job = stage.job(template=stage.template(body), stall_after_in_minutes="5")
    assert job.deploy() == (1 if fails else 0), job.log
    assert "Resource template validation failed" in job.log
    assert "may still" not in job.summary
    assert "in progress" not in job.summary.lower()
