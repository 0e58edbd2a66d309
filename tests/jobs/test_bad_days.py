"""What happens on a Friday evening. Nothing may be green without knowing, red without need, or hang."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 300}}}}"
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: "nope"}}}}'
NESTED = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://templates.example/child.yaml"}
"""


def cloud(stage: Stage, call: str, **arguments: Any) -> Any:
    cloudformation = client(stage.server)
    answer = getattr(cloudformation, call)(**arguments)
    cloudformation.close()
    return answer


def at(stage: Stage, seconds: float, action: Any) -> None:
    stage.clock.at(stage.clock.elapsed + seconds, action)


def command_job(stage: Stage, **inputs: str) -> Job:
    job = stage.job(command="x", **inputs)
    assert job.run("pre") == 0, job.log
    return job


def test_blind_while_the_command_runs_waits_for_the_command(stage: Stage) -> None:
    job = command_job(stage)
    stage.server.faults.add("expired_token", after=stage.clock.now() + 20)
    job.launch_command(lambda _c: 0, after=600)
    before = stage.clock.elapsed
    assert job.run("main") == 0
    assert stage.clock.elapsed - before >= 600
    assert job.outputs()["outcome"] == "unknown"


def test_a_command_that_fails_while_nobody_can_see_is_a_failure(stage: Stage) -> None:
    job = command_job(stage)
    stage.server.faults.add("expired_token", after=stage.clock.now() + 20)
    job.launch_command(lambda _c: 4, after=600)
    assert job.run("main") == 4


def test_a_time_out_while_the_command_runs_is_never_green(stage: Stage) -> None:
    job = command_job(stage, timeout_in_minutes="3")

    def one_good_stack(cloudformation: Any) -> None:
        cloudformation.create_stack(StackName="shop", TemplateBody=GOOD)

    job.launch_command(one_good_stack)
    assert job.run("main") == 6
    assert job.outputs()["outcome"] == "unknown"
    assert "was ended" in job.log


@pytest.mark.parametrize("name", ["shop", "sh*"])
def test_a_command_that_leaves_only_a_review_does_not_hang(stage: Stage, name: str) -> None:
    def review(cloudformation: Any) -> int:
        cloudformation.create_change_set(
            StackName="shop", ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=GOOD
        )
        return 1

    job = command_job(stage, stack_name=name)
    job.launch_command(review)
    before = stage.clock.elapsed
    assert job.run("main") == 1
    assert stage.clock.elapsed - before < 60


def test_an_execution_that_never_lands_ends_red_with_nothing_changed(stage: Stage) -> None:
    stage.server.faults.add("error", operation="ExecuteChangeSet")
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 4, job.log
    assert "not executed" in job.log
    assert stage.registry()["tickets"] == []


@pytest.mark.parametrize("kind", ["error_after", "reset_after"])
def test_an_execution_whose_answer_was_lost_is_watched_to_its_end(stage: Stage, kind: str) -> None:
    stage.server.faults.add(kind, operation="ExecuteChangeSet")
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"


def test_a_stack_that_somebody_deletes_meanwhile_is_a_failure_and_no_hang(stage: Stage) -> None:
    job = stage.job(template=stage.template(SLOW))
    job.run("pre")
    at(stage, 60, lambda: cloud(stage, "delete_stack", StackName="shop", ClientRequestToken="theirs"))
    assert job.run("main") == 1, job.log
    assert job.outputs()["outcome"] == "failed"
    assert "A user asked for this deletion" in job.log


def test_an_update_that_somebody_cancels_is_rolled_back(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    slow = SLOW.replace("Metadata", "Properties: {DisplayName: x}, Metadata")
    job = stage.job("second", template=stage.template(slow.replace("Seconds", "UpdateSeconds")))
    job.run("pre")
    at(stage, 60, lambda: cloud(stage, "cancel_update_stack", StackName="shop", ClientRequestToken="theirs"))
    assert job.run("main") == 1, job.log
    assert job.outputs()["outcome"] == "rolled-back"


def test_what_somebody_begins_after_our_end_is_not_ours(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.run("pre")

    def theirs() -> None:
        stack = cloud(stage, "describe_stacks", StackName="shop")["Stacks"][0]
        if stack["StackStatus"] != "CREATE_COMPLETE":
            at(stage, 0.1, theirs)
            return
        slow = SLOW.replace("Metadata", "Properties: {DisplayName: x}, Metadata")
        cloud(stage, "update_stack", StackName="shop", TemplateBody=slow, ClientRequestToken="theirs")

    at(stage, 6, theirs)
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"


def test_an_empty_list_of_tags_removes_all_of_them(stage: Stage) -> None:
    cloud(stage, "create_stack", StackName="shop", TemplateBody=GOOD, Tags=[{"Key": "team", "Value": "a"}])
    stage.clock.sleep(60)
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    job = stage.job(template=stage.template(two), tags="[]")
    assert job.deploy() == 0, job.log
    assert cloud(stage, "describe_stacks", StackName="shop")["Stacks"][0]["Tags"] == []


def test_a_parameter_keeps_the_value_that_the_stack_has(stage: Stage) -> None:
    body = "Parameters: {Secret: {Type: String}}\n" + GOOD
    given = [{"ParameterKey": "Secret", "ParameterValue": "hunter2"}]
    cloud(stage, "create_stack", StackName="shop", TemplateBody=body, Parameters=given)
    stage.clock.sleep(60)
    two = body.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    previous = '[{"ParameterKey":"Secret","UsePreviousValue":true}]'
    job = stage.job(template=stage.template(two), parameter_overrides=previous)
    assert job.deploy() == 0, job.log
    assert cloud(stage, "describe_stacks", StackName="shop")["Stacks"][0]["Parameters"] == given


def test_the_tags_that_a_stack_has_are_left_alone(stage: Stage) -> None:
    cloud(stage, "create_stack", StackName="shop", TemplateBody=GOOD, Tags=[{"Key": "team", "Value": "a"}])
    stage.clock.sleep(60)
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    job = stage.job(template=stage.template(two))
    assert job.deploy() == 0, job.log
    assert cloud(stage, "describe_stacks", StackName="shop")["Stacks"][0]["Tags"] == [
        {"Key": "team", "Value": "a"}
    ]
    assert "~ Modify" not in job.log


@pytest.mark.parametrize("operation", ["DescribeStacks", "GetTemplateSummary", "CreateChangeSet"])
def test_throttling_before_the_change_delays_and_does_not_fail(stage: Stage, operation: str) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    job = stage.job("second", template=stage.template(two))
    job.run("pre")
    stage.server.faults.add("throttle", operation=operation, count=4)
    assert job.run("main") == 0, job.log


def test_a_nested_stack_that_may_not_be_read_is_told_once_and_the_verdict_stands(stage: Stage) -> None:
    stage.server.templates["https://templates.example/child.yaml"] = SLOW
    job = stage.job(template=stage.template(NESTED))
    job.run("pre")
    # Only once it is there can the nested stack's name be known to the fault.
    seen = stage.server.faults.add("access_denied", operation="DescribeStackEvents", skip=6, count=1)
    assert job.run("main") == 0, job.log
    assert seen.fired == 1
    assert job.outputs()["outcome"] == "succeeded"


def test_a_full_disk_at_the_end_changes_no_verdict(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.run("pre")
    state = job.state.path / "state.json"

    def fill() -> None:
        state.unlink()
        state.mkdir()
        (state / "in the way").touch()

    at(stage, 5, fill)
    assert job.run("main") == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"


def test_a_throttled_baseline_does_not_leave_a_command_unwatched(stage: Stage) -> None:
    job = command_job(stage)
    stage.server.faults.add("throttle", operation="DescribeStackEvents", count=4)
    job.launch_command(lambda c: 0 if c.create_stack(StackName="shop", TemplateBody=BAD) else 1)
    assert job.run("main") == 1
    assert job.outputs()["outcome"] == "rolled-back"


def test_a_registry_that_blinks_does_not_end_the_waiting_for_stacks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud(stage, "create_stack", StackName="shop", TemplateBody=SLOW)
    job = stage.job(template=stage.template(GOOD))
    registry = stage.root / "registry"

    def away() -> None:
        registry.rename(stage.root / "moved")
        registry.touch()

    def back() -> None:
        registry.unlink()
        (stage.root / "moved").rename(registry)

    at(stage, 90, away)
    at(stage, 200, back)
    assert job.run("pre") == 0, job.log
    assert int(job.outputs()["queue-seconds"]) >= 290


def test_post_gives_the_lock_back_whatever_the_command_did_to_the_workspace(stage: Stage) -> None:
    (stage.root / "app").mkdir()
    job = command_job(stage, working_directory="app")
    (stage.root / "app").rmdir()
    job.launch_command(lambda _c: 0)
    assert job.run("main") == 0, job.log
    job.run("post")
    assert stage.registry()["tickets"] == []


def test_stacks_left_running_are_remembered_although_another_rolled_back(stage: Stage) -> None:
    def both(cloudformation: Any) -> int:
        cloudformation.create_stack(StackName="shop", TemplateBody=BAD)
        cloudformation.create_stack(StackName="shop-db", TemplateBody=SLOW)
        return 0

    job = command_job(stage, stack_name="shop\nshop-db", timeout_in_minutes="2")
    job.launch_command(both)
    assert job.run("main") == 1
    job.run("post")
    settling = stage.registry()["locks"]["production"]["settling"]
    assert len(settling) == 1
    assert "stack/shop-db/" in settling[0]


def test_nothing_is_deleted_after_the_lock_was_lost(stage: Stage) -> None:
    stage.job("first", template=stage.template(BAD)).deploy()
    job = stage.job("second", template=stage.template(GOOD), delete_rolled_back_stack="true")
    job.run("pre")
    path = stage.root / "registry" / "deployments.json"
    document = json.loads(path.read_text("utf-8"))
    document["tickets"] = []
    path.write_text(json.dumps(document), "utf-8")
    assert job.run("main") == 5
    assert stage.server.requests["DeleteStack", "eu-west-1"] == 0


def test_a_stack_that_became_busy_after_pre_is_waited_for(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    job = stage.job("second", template=stage.template(two))
    job.run("pre")
    slow = SLOW.replace("Seconds", "UpdateSeconds").replace(
        "Metadata", "Properties: {DisplayName: x}, Metadata"
    )
    cloud(stage, "update_stack", StackName="shop", TemplateBody=slow)
    assert job.run("main") == 0, job.log
    assert "waits and plans anew" in job.log
    assert job.outputs()["outcome"] == "succeeded"


def test_a_stack_of_a_glob_that_is_created_anew_is_told_once(stage: Stage) -> None:
    cloud(stage, "create_stack", StackName="shop", TemplateBody=BAD)
    stage.clock.sleep(60)

    def anew(cloudformation: Any) -> int:
        cloudformation.delete_stack(StackName="shop")
        stage.clock.sleep(30)
        cloudformation.create_stack(StackName="shop", TemplateBody=GOOD)
        return 0

    job = command_job(stage, stack_name="sh*")
    job.launch_command(anew)
    assert job.run("main") == 0, job.log
    assert job.log.count("CREATE_COMPLETE       shop/Topic") == 1
    assert job.outputs()["stack-status"] == "CREATE_COMPLETE"


def test_the_heartbeat_before_the_first_event_shows_todays_time(stage: Stage) -> None:
    job = command_job(stage)
    job.launch_command(lambda _c: 0, after=200)
    job.run("main")
    assert "nothing has begun on a watched stack yet" in job.log
    assert "00:01:00" not in job.log


def test_the_duration_counts_from_the_first_start_of_a_restarted_watch(stage: Stage) -> None:
    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    job = command_job(stage)
    job.launch_command(lambda c: c.create_stack(StackName="shop", TemplateBody=SLOW) and None)
    at(stage, 100, kill)
    with pytest.raises(Killed):
        job.run("main")
    job.end_command(0)
    assert job.run("main") == 0
    assert int(job.outputs()["duration-seconds"]) >= 300


def test_trouble_that_comes_and_goes_is_annotated_once(stage: Stage) -> None:
    cloud(stage, "create_stack", StackName="shop", TemplateBody=GOOD)
    stage.clock.sleep(60)
    job = command_job(stage)
    for number in range(12):
        start = stage.clock.now() + 20 + 40 * number
        stage.server.faults.add("throttle", operation="DescribeStackEvents", after=start, until=start + 6)
    job.launch_command(lambda _c: 0, after=600)
    job.run("main")
    assert job.log.count("::warning") == 1
    assert job.log.count("CloudFormation answers again") >= 3


def test_a_template_that_is_not_utf8_is_told_before_anything_is_locked(stage: Stage) -> None:
    (stage.root / "latin.yaml").write_bytes("Description: caf\xe9\nResources: {}".encode("latin-1"))
    job = stage.job(template="latin.yaml")
    assert job.deploy() == 3
    assert "not UTF-8" in job.log
    assert stage.registry() == {}


class Killed(BaseException):
    """SIGKILL, as far as one process can play it."""


def die() -> None:
    raise Killed


def test_a_restart_without_a_kept_beginning_is_unknown(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    job = command_job(stage)

    def full(_folder: object, _state: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deploy_action.job.state.StateFolder.save", full)
    job.launch_command(lambda c: c.create_stack(StackName="shop", TemplateBody=BAD) and None)
    at(stage, 60, die)
    with pytest.raises(Killed):
        job.run("main")
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ENDPOINT_URL", stage.server.endpoint_url)
    job.end_command(0)
    assert job.run("main") == 0
    assert job.outputs()["outcome"] == "unknown"
    assert "not watched" in job.log


def test_throttling_after_the_command_does_not_cut_the_watch_short(stage: Stage) -> None:
    job = command_job(stage)
    slow_and_bad = BAD.replace("Fail:", "Seconds: 300, Fail:")
    job.launch_command(lambda c: 0 if c.create_stack(StackName="shop", TemplateBody=slow_and_bad) else 1)
    start = stage.clock.now() + 200
    stage.server.faults.add("throttle", operation="DescribeStackEvents", after=start, until=start + 20)
    assert job.run("main") == 1
    assert job.outputs()["outcome"] == "rolled-back"
    assert "could not be confirmed" not in job.log


def test_a_refused_stack_does_not_hide_another(stage: Stage) -> None:
    job = command_job(stage, stack_name="shop\nus-east-1/other")
    stage.server.faults.add("access_denied", operation="Describe*", region="us-east-1")
    job.launch_command(lambda c: 0 if c.create_stack(StackName="shop", TemplateBody=BAD) else 1)
    assert job.run("main") == 1
    assert "us-east-1/other cannot be watched" in job.log


def test_a_refused_stack_makes_success_unknown(stage: Stage) -> None:
    job = command_job(stage, stack_name="shop\nus-east-1/other")
    stage.server.faults.add("access_denied", operation="Describe*", region="us-east-1")
    job.launch_command(lambda c: 0 if c.create_stack(StackName="shop", TemplateBody=GOOD) else 1)
    assert job.run("main") == 0
    assert job.outputs()["outcome"] == "unknown"


def test_a_change_set_that_cannot_be_made_is_tried_once(stage: Stage) -> None:
    invalid = GOOD.replace("Topic: {", "Topic: {Metadata: {TestGround: {Validation: 'no such property'}}, ")
    job = stage.job(template=stage.template(invalid))
    assert job.deploy() == 4, job.log
    assert stage.server.requests["CreateChangeSet", "eu-west-1"] == 1
    assert "plans anew" not in job.log


def test_what_early_validation_found_is_told(stage: Stage) -> None:
    invalid = GOOD.replace("Topic: {", "Topic: {Metadata: {TestGround: {Validation: 'no such property'}}, ")
    job = stage.job(template=stage.template(invalid))
    assert job.deploy() == 4, job.log
    assert "could not make the change set: Topic (" in job.log
    assert "no such property" in job.summary
    assert job.outputs()["root-cause"].endswith("no such property")


def test_what_a_hook_says_against_a_change_set_is_told(stage: Stage) -> None:
    refused = GOOD.replace("Topic: {", "Topic: {Metadata: {TestGround: {Hook: 'must be encrypted'}}, ")
    job = stage.job(template=stage.template(refused))
    assert job.deploy() == 4, job.log
    assert job.outputs()["root-cause"].endswith(
        "Topic: hook Company::Policy::Hook says: must be encrypted"
    ), job.log


@pytest.mark.parametrize("trouble", ["older endpoint", "access_denied", "throttle"])
def test_without_the_details_of_validation_its_reason_is_told(stage: Stage, trouble: str) -> None:
    if trouble == "older endpoint":
        stage.server.world.describe_events = False
    else:
        stage.server.faults.add(trouble, operation="DescribeEvents")
    invalid = GOOD.replace("Topic: {", "Topic: {Metadata: {TestGround: {Validation: 'no such property'}}, ")
    job = stage.job(template=stage.template(invalid))
    assert job.deploy() == 4, job.log
    assert "AWS::EarlyValidation::PropertyValidation" in job.log
    denied = "The details need the permission `cloudformation:DescribeEvents`" in job.log
    assert denied is (trouble == "access_denied")
    assert "Throttling" not in job.log


def test_a_sibling_that_is_executed_meanwhile_is_waited_for(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    three = GOOD.replace("Topic: {", "Other: {Type: AWS::SNS::Topic}, Topic: {")
    cloud(stage, "create_change_set", StackName="shop", ChangeSetName="theirs", TemplateBody=two)
    stage.clock.sleep(10)
    job = stage.job("second", template=stage.template(three))
    job.run("pre")
    at(
        stage,
        1.5,
        lambda: cloud(stage, "execute_change_set", StackName="shop", ChangeSetName="theirs"),
    )
    assert job.run("main") == 0, job.log
    assert "plans anew" in job.log
    assert job.outputs()["outcome"] == "succeeded"


@pytest.mark.parametrize(("when_busy", "code", "outcome"), [("fail", 2, "busy"), ("skip", 0, "skipped")])
def test_being_overtaken_is_busy_where_waiting_is_not_wanted(
    stage: Stage, when_busy: str, code: int, outcome: str
) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    job = stage.job("second", template=stage.template(two), when_busy=when_busy)
    job.run("pre")
    slow = SLOW.replace("Metadata", "Properties: {DisplayName: x}, Metadata")
    cloud(stage, "update_stack", StackName="shop", TemplateBody=slow)
    assert job.run("main") == code, job.log
    job.run("post")
    assert job.outputs()["outcome"] == outcome
    assert stage.registry()["locks"]["production"]["settling"] == []


def test_waiting_anew_counts_as_queue_and_not_as_duration_or_time_out(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    two = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
    job = stage.job("second", template=stage.template(two), timeout_in_minutes="2")
    job.run("pre")
    slow = SLOW.replace("Metadata", "Properties: {DisplayName: x}, Metadata")
    cloud(stage, "update_stack", StackName="shop", TemplateBody=slow)
    assert job.run("main") == 0, job.log
    assert int(job.outputs()["queue-seconds"]) > 250
    assert int(job.outputs()["duration-seconds"]) < 60


def test_what_main_said_stands_although_it_could_not_be_written_down(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.run("pre")
    kept = (job.state.path / "state.json").read_bytes()
    assert job.run("main") == 0
    (job.state.path / "state.json").write_bytes(kept)
    job.environ["DEPLOY_COORDINATOR_MAIN_OUTCOME"] = job.outputs()["outcome"]
    job.run("post")
    assert job.outputs()["outcome"] == "succeeded"


def test_a_cancel_during_throttling_is_cancelled(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.run("pre")
    stage.server.faults.add("throttle", operation="CreateChangeSet")
    at(stage, 10, lambda: setattr(job.cancel, "now", True))
    assert job.run("main") == 130, job.log
    assert job.outputs()["outcome"] == "cancelled"


class TestTheStateIsLost:
    """The folder that the steps of a job share is emptied while a deployment runs."""

    def running(self, stage: Stage, **facts: str) -> Job:
        job = stage.job(template=stage.template(GOOD))
        job.environ |= {"GITHUB_RUN_ATTEMPT": "1", "DEPLOY_COORDINATOR_CHECK_RUN_ID": "71", **facts}
        assert job.run("pre") == 0, job.log
        (job.folder / "state" / "state.json").unlink()
        return job

    def test_post_finds_its_lock_by_run_and_job(self, stage: Stage) -> None:
        job = self.running(stage)
        assert job.run("post") == 0
        assert stage.registry()["tickets"] == []
        assert "The lock production was found by run and job, and given back" in job.log

    @pytest.mark.parametrize(
        "other",
        [
            {"DEPLOY_COORDINATOR_CHECK_RUN_ID": "72"},
            {"GITHUB_RUN_ID": "8"},
            {"GITHUB_RUN_ATTEMPT": "2"},
            {"GITHUB_REPOSITORY": "org/other"},
            {"DEPLOY_COORDINATOR_CHECK_RUN_ID": ""},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_it_leaves_that_of_another_job_alone(self, stage: Stage, other: dict[str, str]) -> None:
        job = self.running(stage)
        job.environ |= other
        assert job.run("post") == 0
        assert len(stage.registry()["tickets"]) == 1


def test_who_ends_with_its_lock_held_says_who_waits_until_when_and_what_frees_it(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    assert job.run("pre") == 0, job.log
    document = stage.registry()
    waiter = {**document["tickets"][0], "nonce": "w", "correlation_id": "id-waiter", "epochs": {}}
    document["tickets"].append(waiter)
    path = stage.root / "registry" / "deployments.json"
    path.write_text(json.dumps(document), "utf-8")
    assert job.run("main") == 0, job.log
    path.write_text("{damaged", "utf-8")
    assert job.run("post") == 0
    assert (
        "::warning title=deploy-coordinator::The lock production could not be given back and stays held"
        in job.log
    )
    assert "id-waiter waited for it. Others take it over as soon as GitHub shows them" in job.log
    assert "else 5m00s after its last sign of life" in job.log
    assert "`deploy-coordinator release production --force --reason ...`" in job.log


@pytest.mark.parametrize("how", ["template", "command"])
def test_a_registry_that_is_away_from_main_on_costs_less_than_a_minute_in_all(how: str, stage: Stage) -> None:
    spent: list[float] = []
    with GitHubServer() as github:
        for away in (False, True):
            job = stage.job(
                f"away {away}",
                **{how: stage.template(GOOD) if how == "template" else "x"},
                registry="github",
                github_token="token",
                lock=f"away-{away}",
            )
            job.environ |= {"GITHUB_API_URL": github.url, "GITHUB_GRAPHQL_URL": github.graphql_url}
            assert job.run("pre") == 0, job.log
            if away:
                github.fail(r"graphql|/contents|/git/|/commits", status=502, times=None)
            if how == "command":
                job.launch_command(lambda _cloud: 0)
            before = stage.clock.elapsed
            assert job.run("main") == 0, job.log
            assert job.run("post") == 0
            spent.append(stage.clock.elapsed - before)
    assert "could not be given back and stays held" in job.log
    assert spent[1] - spent[0] < 45


def test_a_step_that_is_out_of_time_cancels_what_comes_after_it_too(stage: Stage) -> None:
    """After a step's `timeout-minutes` the `always()` steps share its expired deadline."""
    job = stage.job(command="x")
    job.run("pre")
    job.launch_command(lambda _there: None)

    def cancel() -> None:
        job.cancel.now = True

    stage.clock.at(stage.clock.elapsed + 60, cancel)
    assert job.run("main") == 130
    assert job.run("post") == 0, job.log
    assert stage.registry()["tickets"] == []
    assert job.page.startswith("## 🛑 Cancelled: shop → production")
