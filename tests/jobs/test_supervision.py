"""A coordinator that is killed at any moment: nothing is executed twice, no line is lost or repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient

from deploy_action.cloudformation.client import CloudFormation
from deploy_action.job.job_log import JobLogReporter
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 300}}}}"
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 90, Fail: "nope"}}}}'
EXECUTE = ("ExecuteChangeSet", "eu-west-1")


class Killed(BaseException):
    """SIGKILL, as far as one process can play it."""


def die(*_: object, **__: object) -> None:
    raise Killed


def at(stage: Stage, seconds: float, action: Any) -> None:
    stage.clock.at(stage.clock.elapsed + seconds, action)


def cloud(stage: Stage, call: str, **arguments: Any) -> Any:
    cloudformation = client(stage.server)
    answer = getattr(cloudformation, call)(**arguments)
    cloudformation.close()
    return answer


def killed(job: Job) -> None:
    with pytest.raises(Killed):
        job.run("main")


def template_job(stage: Stage, body: str = SLOW, **inputs: str) -> Job:
    job = stage.job(template=stage.template(body), **{"log": "full", **inputs})
    assert job.run("pre") == 0, job.log
    return job


def event_lines(job: Job) -> list[str]:
    return [line for line in job.log.splitlines() if "  Topic" in line and "_" in line and "Add" not in line]


@pytest.mark.parametrize("seconds", [6, 20, 200])
def test_a_watch_that_is_killed_goes_on_with_no_line_lost_or_repeated(stage: Stage, seconds: float) -> None:
    job = template_job(stage)
    at(stage, seconds, die)
    killed(job)
    stage.clock.sleep(40)
    assert job.run("main") == 0, job.log
    assert stage.server.requests[EXECUTE] == 1
    lines = event_lines(job)
    assert len(lines) == len(set(lines)) == 3, "\n".join(lines)
    assert job.outputs()["outcome"] == "succeeded"
    assert "restart 1" in job.log
    job.run("post")
    assert "nobody watched for 4" in job.summary
    assert stage.registry()["tickets"] == []


def test_a_failure_while_nobody_watched_is_told_with_its_cause(stage: Stage) -> None:
    job = template_job(stage, BAD)
    at(stage, 20, die)
    killed(job)
    stage.clock.sleep(600)
    assert job.run("main") == 1, job.log
    assert job.outputs()["outcome"] == "rolled-back"
    assert job.outputs()["root-cause"].endswith("nope")
    assert stage.server.requests[EXECUTE] == 1


def test_killed_in_the_middle_of_telling_events_repeats_none(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = template_job(stage)
    told = 0
    whole = JobLogReporter._rendered

    def rendered(self: Any, *arguments: Any) -> str:
        nonlocal told
        told += 1
        if told == 2:
            raise Killed
        return whole(self, *arguments)

    monkeypatch.setattr(JobLogReporter, "_rendered", rendered)
    killed(job)
    assert job.run("main") == 0, job.log
    ids = (job.state.path / "printed").read_text().split()
    assert (
        len(ids)
        == len(set(ids))
        == len(cloud(stage, "describe_stack_events", StackName="shop")["StackEvents"]) - 1
    )


@pytest.mark.parametrize("moment", ["create_change_set", "change_set", "take_baseline"])
def test_killed_before_the_execution_starts_over(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    job = template_job(stage, GOOD)
    with monkeypatch.context() as patch:
        if moment == "take_baseline":
            patch.setattr("deploy_action.deploy.template.take_baseline", die)
        else:
            whole = getattr(CloudFormation, moment)

            def then_die(*arguments: Any, **named: Any) -> None:
                whole(*arguments, **named)
                raise Killed

            patch.setattr(CloudFormation, moment, then_die)
        killed(job)
    assert job.run("main") == 0, job.log
    assert "starts over" in job.log
    assert stage.server.requests[EXECUTE] == 1
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"
    left = cloud(stage, "list_change_sets", StackName="shop")["Summaries"]
    assert [row for row in left if row["ExecutionStatus"] == "AVAILABLE"] == []


@pytest.mark.parametrize("answered", [True, False], ids=["it arrived", "it never left"])
def test_killed_while_it_asks_for_the_execution(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    job = template_job(stage)
    whole = CloudFormation.execute_change_set

    def execute(*arguments: Any, **named: Any) -> None:
        if answered:
            whole(*arguments, **named)
        raise Killed

    monkeypatch.setattr(CloudFormation, "execute_change_set", execute)
    killed(job)
    monkeypatch.setattr(CloudFormation, "execute_change_set", whole)
    assert job.run("main") == 0, job.log
    assert stage.server.requests[EXECUTE] == 1
    assert ("starts over" in job.log) is not answered
    assert job.outputs()["outcome"] == "succeeded"


def test_what_was_executed_is_found_although_it_was_not_written_down(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = template_job(stage, BAD)
    kept = (job.state.path / "state.json").read_bytes()
    at(stage, 30, die)
    killed(job)
    (job.state.path / "state.json").write_bytes(kept)
    job.environ["DEPLOY_COORDINATOR_RESTARTS"] = "1"
    stage.clock.sleep(600)
    assert job.run("main") == 1, job.log
    assert stage.server.requests[EXECUTE] == 1
    assert job.outputs()["outcome"] == "rolled-back"


@pytest.mark.parametrize("answered", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 17))
def test_killed_at_any_request_executes_once_and_tells_each_event_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, number: int, answered: bool
) -> None:
    job = template_job(stage, GOOD)
    whole = BaseClient._make_api_call
    asked = 0

    def call(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == number and not answered:
            raise Killed
        answer = whole(*arguments)
        if asked == number:
            raise Killed
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    try:
        code = job.run("main")
    except Killed:
        code = job.run("main")
    assert code == 0, job.log
    assert stage.server.requests[EXECUTE] == 1
    lines = event_lines(job)
    assert len(lines) == len(set(lines)) == 3, job.log
    assert job.outputs()["outcome"] == "succeeded"
    job.run("post")
    assert stage.registry()["tickets"] == []


def test_killed_while_it_waits_for_somebody_who_was_faster(stage: Stage) -> None:
    cloud(stage, "create_stack", StackName="shop", TemplateBody=GOOD)
    stage.clock.sleep(60)
    theirs = SLOW.replace("Topic: {", "More: {", 1)
    ours = GOOD.replace("Topic: {", "Other: {Type: AWS::SNS::Topic}, Topic: {")
    cloud(stage, "create_change_set", StackName="shop", ChangeSetName="theirs", TemplateBody=theirs)
    stage.clock.sleep(10)
    job = template_job(stage, ours)
    at(stage, 1.5, lambda: cloud(stage, "execute_change_set", StackName="shop", ChangeSetName="theirs"))
    at(stage, 60, die)
    killed(job)
    assert "plans anew" in job.log
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"


def test_a_verdict_that_was_given_is_given_again(stage: Stage) -> None:
    job = template_job(stage, BAD)
    assert job.run("main") == 1
    assert job.run("main") == 1
    assert stage.server.requests[EXECUTE] == 1


def test_the_time_out_goes_on_across_a_restart(stage: Stage) -> None:
    job = template_job(stage, timeout_in_minutes="2")
    at(stage, 100, die)
    killed(job)
    before = stage.clock.elapsed
    assert job.run("main") == 6
    assert stage.clock.elapsed - before < 60


def test_a_restarted_watch_keeps_its_lock(stage: Stage) -> None:
    job = template_job(stage)
    at(stage, 30, die)
    killed(job)
    (nonce,) = (ticket["nonce"] for ticket in stage.registry()["tickets"])
    seen: list[dict[str, Any]] = []
    at(stage, 150, lambda: seen.extend(stage.registry()["tickets"]))
    assert job.run("main") == 0
    assert [ticket["nonce"] for ticket in seen] == [nonce]


class TestAttached:
    def job(self, stage: Stage, body: str = SLOW) -> Job:
        cloud(stage, "create_stack", StackName="shop", TemplateBody=body)
        stage.clock.sleep(10)
        job = stage.job()
        assert job.run("pre") == 0
        at(stage, 30, die)
        killed(job)
        return job

    def test_the_same_operation_is_watched_on(self, stage: Stage) -> None:
        job = self.job(stage, BAD)
        stage.clock.sleep(600)
        assert job.run("main") == 1, job.log
        assert job.outputs()["outcome"] == "rolled-back"

    def test_another_operation_says_nothing_of_the_first(self, stage: Stage) -> None:
        job = self.job(stage, BAD)
        stage.clock.sleep(600)
        cloud(stage, "delete_stack", StackName="shop")
        stage.clock.sleep(60)
        assert job.run("main") == 7, job.log
        assert job.outputs()["outcome"] == "unknown"


class TestUnwatched:
    """The last coordinator: no stream, and yet the verdict."""

    def job(self, stage: Stage, body: str, **inputs: str) -> Job:
        job = template_job(stage, body, **inputs)
        at(stage, 30, die)
        killed(job)
        job.environ["DEPLOY_COORDINATOR_UNWATCHED"] = "1"
        return job

    @pytest.mark.parametrize(("body", "code", "outcome"), [(SLOW, 0, "succeeded"), (BAD, 1, "rolled-back")])
    def test_the_verdict_is_read_at_the_end(self, stage: Stage, body: str, code: int, outcome: str) -> None:
        job = self.job(stage, body)
        before = stage.server.requests["DescribeStackEvents", "eu-west-1"]
        assert job.run("main") == code, job.log
        assert job.outputs()["outcome"] == outcome
        assert stage.server.requests["DescribeStackEvents", "eu-west-1"] - before <= 3
        assert stage.server.requests[EXECUTE] == 1

    def test_also_where_the_events_cannot_be_read(self, stage: Stage) -> None:
        job = self.job(stage, BAD)
        stage.server.faults.add("access_denied", operation="DescribeStackEvents")
        assert job.run("main") == 1, job.log

    def test_unknown_where_nothing_can_be_read(self, stage: Stage) -> None:
        job = self.job(stage, SLOW)
        stage.server.faults.add("expired_token", operation="Describe*")
        assert job.run("main") == 7, job.log
        assert job.outputs()["outcome"] == "unknown"

    def test_what_was_not_begun_is_begun(self, stage: Stage) -> None:
        job = template_job(stage, SLOW)
        job.environ["DEPLOY_COORDINATOR_UNWATCHED"] = "1"
        assert job.run("main") == 0, job.log
        assert stage.server.requests[EXECUTE] == 1

    @pytest.mark.parametrize(("body", "code"), [(SLOW, 0), (BAD, 1)])
    def test_a_command(self, stage: Stage, body: str, code: int) -> None:
        job = stage.job(command="x")
        job.run("pre")
        job.environ["DEPLOY_COORDINATOR_UNWATCHED"] = "1"
        job.launch_command(lambda c: 0 if c.create_stack(StackName="shop", TemplateBody=body) else 1)
        assert job.run("main") == code, job.log

    def test_a_command_that_nobody_could_see_is_unknown(self, stage: Stage) -> None:
        job = stage.job(command="x")
        job.run("pre")
        job.environ["DEPLOY_COORDINATOR_UNWATCHED"] = "1"
        job.launch_command(lambda c: 0 if c.create_stack(StackName="shop", TemplateBody=SLOW) else 1)
        at(stage, 10, lambda: stage.server.faults.add("access_denied", operation="Describe*"))
        assert job.run("main") == 0, job.log
        assert job.outputs()["outcome"] == "unknown"

    def test_what_is_watched_only(self, stage: Stage) -> None:
        cloud(stage, "create_stack", StackName="shop", TemplateBody=BAD)
        stage.clock.sleep(10)
        job = stage.job()
        job.run("pre")
        job.environ["DEPLOY_COORDINATOR_UNWATCHED"] = "1"
        assert job.run("main") == 1, job.log

    def test_the_lock_is_kept(self, stage: Stage) -> None:
        job = self.job(stage, SLOW)
        seen: list[Any] = []
        at(stage, 200, lambda: seen.extend(stage.registry()["tickets"]))
        job.run("main")
        assert len(seen) == 1
