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
