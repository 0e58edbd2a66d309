"""The lock as the steps use it: queue, busy, fallback, stacks that somebody else works on, Slack."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.change_set import change_set_name
from deploy_action.locking import transitions
from deploy_action.locking.codec import encode
from deploy_action.locking.document import Document, Ticket
from deploy_action.locking.stores.file import FileRegistry
from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
SLOW = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 100}}}}"


def test_a_busy_lock_fails_with_2_where_waiting_is_not_wanted(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).run("pre")
    job = stage.job("second", template="template.yaml", when_busy="fail")
    assert job.deploy() == 2
    assert job.outputs()["outcome"] == "busy"
    assert "holds the lock since " in job.log
    assert job.summary.startswith("## 🚧 Busy")
    assert len(stage.registry()["tickets"]) == 1


def test_a_busy_lock_skips_green_where_that_is_wanted(stage: Stage) -> None:
    first = stage.job("first", template=stage.template(GOOD))
    first.environ["GITHUB_RUN_ID"] = "6"
    first.run("pre")
    job = stage.job("second", template="template.yaml", when_busy="skip")
    assert job.deploy() == 0
    assert job.outputs()["outcome"] == "skipped"
    assert not job.outputs().get("proceed")


def test_a_waiter_goes_when_the_holder_is_done_and_is_told_for_whom_it_waits(stage: Stage) -> None:
    first = stage.job("ada", template=stage.template(GOOD))
    first.run("pre")
    second = stage.job("grace", template="template.yaml")

    def finish() -> None:
        first.run("main")
        first.run("post")

    stage.clock.at(stage.clock.elapsed + 90, finish)
    assert second.run("pre") == 0, second.log
    assert "position 2 in the queue" in second.log
    assert "by ada holds the lock" in second.log
    assert int(second.outputs()["queue-seconds"]) >= 90
    assert second.run("main") == 0
    second.run("post")
    assert first.outputs()["correlation-id"] in second.summary
    assert stage.registry()["locks"]["production"]["epoch"] == 2


def test_a_stack_that_both_name_in_full_keeps_two_locks_apart(stage: Stage) -> None:
    first = stage.job("ada", template=stage.template(SLOW), environment="production")
    first.run("pre")
    second = stage.job("grace", template="template.yaml", environment="staging")
    second.environ["GITHUB_RUN_ID"] = "8"
    ended: list[float] = []

    def finish() -> None:
        assert first.run("main") == 0, first.log
        first.run("post")
        ended.append(stage.clock.now())

    stage.clock.at(stage.clock.elapsed + 90, finish)
    assert second.run("pre") == 0, second.log
    assert "position 2 in the queue" in second.log
    assert len(ended) == 1
    assert set(stage.registry()["locks"]) >= {"production", "staging"}
    assert int(second.outputs()["queue-seconds"]) >= 90
    assert second.run("main") == 0, second.log
    second.run("post")
    assert first.outputs()["correlation-id"] in second.summary


def test_waiting_ends_with_the_time_out(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).run("pre")
    job = stage.job("second", template="template.yaml", wait_timeout_in_minutes="2")
    before = stage.clock.elapsed
    assert job.deploy() == 2
    assert 120 <= stage.clock.elapsed - before < 123
    assert job.outputs()["outcome"] == "busy"
    assert len(stage.registry()["tickets"]) == 1


def test_stacks_that_somebody_else_works_on_are_waited_for(stage: Stage) -> None:
    cloudformation = client(stage.server)
    cloudformation.create_stack(StackName="shop", TemplateBody=SLOW)
    cloudformation.close()
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 0, job.log
    assert "CloudFormation is still working on eu-west-1/shop (CREATE_IN_PROGRESS)" in job.log


def test_an_unreadable_registry_is_left_as_it_is_and_cloudformation_coordinates(stage: Stage) -> None:
    folder = stage.root / "registry"
    (folder / "deployments.json").write_bytes(b"{not json")
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert "CloudFormation's own status alone keeps deployments apart" in job.log
    assert "own status alone" in job.summary
    assert (folder / "deployments.json").read_bytes() == b"{not json"


def test_a_registry_that_cannot_be_reached_does_not_stop_a_deployment(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD), registry="s3://bucket/x", environment="p")
    job.environ["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9"
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert "own status alone" in job.log


def test_a_ticket_of_a_pre_that_was_killed_is_taken_back_by_post(stage: Stage) -> None:
    holder = stage.job("first", template=stage.template(GOOD))
    holder.run("pre")
    job = stage.job("second", template="template.yaml")

    class Killed(BaseException):
        pass

    def kill() -> None:
        raise Killed

    registry = stage.root / "registry" / "deployments.json"
    before = registry.read_bytes()
    stage.clock.at(stage.clock.elapsed + 30, kill)
    with pytest.raises(Killed):
        job.run("pre")
    # A process that is really killed withdraws nothing.
    document = json.loads(before)
    state = job.state.load()
    assert state is not None
    assert state.ticket is not None
    document["tickets"].append({"nonce": state.ticket.nonce, "correlation_id": "x", "locks": ["production"]})
    registry.write_text(json.dumps(document), "utf-8")
    job.environ["DEPLOY_COORDINATOR_JOB_STATUS"] = "cancelled"
    assert job.run("post") == 0
    assert job.outputs()["outcome"] == "cancelled"
    assert [ticket["correlation_id"] for ticket in stage.registry()["tickets"]] == [
        holder.outputs()["correlation-id"]
    ]


def test_without_environment_the_lock_is_named_after_account_region_and_stack(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD), environment="")
    assert job.deploy() == 0
    assert list(stage.registry()["locks"]) == ["123456789012/eu-west-1/shop"]


def test_what_bad_inputs_name_is_in_the_heading_as_it_was_given(stage: Stage) -> None:
    job = stage.job(template="nowhere.yaml", environment="")
    assert job.deploy() == 3
    assert job.summary.splitlines()[0] == "## 🚫 Not started: shop"


def test_bad_inputs_are_all_told_and_nothing_is_asked_or_locked(stage: Stage) -> None:
    job = stage.job(template="nowhere.yaml", capabilities="FLY", when_busy="perhaps")
    assert job.deploy() == 3
    for name in ("template", "capabilities", "when-busy"):
        assert f"`{name}`" in job.log
    assert "**What happened.** 3 inputs are wrong:\n\n- " in job.summary
    assert job.summary.count("\n- ") == 3
    assert job.summary.splitlines()[0] == "## 🚫 Not started: shop → production"
    assert not stage.server.requests
    assert stage.registry() == {}


def test_without_credentials_nothing_is_locked(stage: Stage) -> None:
    stage.server.faults.add("expired_token")
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 4
    assert "expired" in job.log
    assert stage.registry() == {}


def test_a_dead_slack_changes_nothing(stage: Stage) -> None:
    job = stage.job(
        template=stage.template(GOOD), slack_webhook_url="http://127.0.0.1:9/secret", slack_channel="c"
    )
    assert job.deploy() == 0
    assert job.outputs()["outcome"] == "succeeded"
    assert "::warning" in job.log
    unmasked = [line for line in job.log.splitlines() if not line.startswith("::add-mask::")]
    assert "secret" not in "\n".join(unmasked)


def test_slack_gets_one_message_that_is_kept_up_to_date(stage: Stage) -> None:
    from tests.fakes.slack.server import SlackServer

    with SlackServer(now=stage.clock.now) as slack:
        token = next(iter(slack.tokens))
        job = stage.job(template=stage.template(GOOD), slack_bot_token=token, slack_channel="#deploys")
        job.environ["SLACK_API_URL"] = f"{slack.url}/api/"
        assert job.deploy() == 0, job.log
        assert "::warning" not in job.log
        (message,) = slack.tops("deploys")
        assert "production is deployed" in message.text
        assert message.content["blocks"]
    assert job.outputs()["slack-thread-ts"]


def of_run(job: Job, number: int, **facts: str) -> Job:
    """The job `deploy` of a run of `main`, as the runner tells it."""
    job.environ |= {
        "GITHUB_RUN_ID": str(7000 + number),
        "GITHUB_RUN_NUMBER": str(number),
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_SHA": f"{number:040x}",
        "GITHUB_JOB": "deploy",
        "GITHUB_WORKFLOW_REF": "org/app/.github/workflows/deploy.yml@refs/heads/main",
        "DEPLOY_COORDINATOR_JOB_WORKFLOW_REF": "org/app/.github/workflows/deploy.yml@refs/heads/main",
        "DEPLOY_COORDINATOR_MATRIX": "null",
        **facts,
    }
    return job


class TestTheNewestOnly:
    """`queue-policy: newest`: no deployment is dropped that nobody else makes."""

    def meet(self, stage: Stage, one: dict[str, str], other: dict[str, str]) -> tuple[Job, Job]:
        """Two that wait behind a third, the first of them for longer."""
        first = stage.job("first", template=stage.template(GOOD))
        first.run("pre")
        early = of_run(stage.job("early", template="template.yaml", queue_policy="newest"), 1, **one)
        late = of_run(stage.job("late", template="template.yaml", queue_policy="newest"), 2, **other)

        def finish() -> None:
            first.run("main")
            first.run("post")

        def arrive() -> None:
            stage.clock.at(stage.clock.elapsed + 60, finish)
            assert late.deploy() == 0, late.log

        stage.clock.at(stage.clock.elapsed + 30, arrive)
        assert early.deploy() == 0, early.log
        return early, late

    def test_of_those_that_wait_only_the_newest_is_deployed(self, stage: Stage) -> None:
        older, newer = self.meet(stage, {}, {})
        assert older.outputs()["outcome"] == "skipped"
        assert "`queue-policy: newest` asks" in older.log
        assert newer.outputs()["outcome"] == "no-changes"
        ends = [line["outcome"] for line in stage.registry()["finished"]]
        assert ends == ["skipped", "succeeded", "no-changes"]

    @pytest.mark.parametrize(
        "other",
        [
            {"GITHUB_RUN_ID": "7001", "GITHUB_RUN_NUMBER": "1", "DEPLOY_COORDINATOR_MATRIX": '{"leg": 2}'},
            {"DEPLOY_COORDINATOR_MATRIX": '{"leg": 2}'},
            {"GITHUB_REF": "refs/heads/feature"},
            {"GITHUB_WORKFLOW_REF": "org/app/.github/workflows/hotfix.yml@refs/heads/main"},
            {"GITHUB_JOB": "rollback"},
            {"DEPLOY_COORDINATOR_MATRIX": ""},
            {"GITHUB_RUN_NUMBER": "1"},
        ],
        ids=["legs-of-one-run", "another-leg", "branch", "workflow", "job", "unknown-leg", "no-newer-run"],
    )
    def test_what_is_not_the_same_is_deployed_too(self, stage: Stage, other: dict[str, str]) -> None:
        early, late = self.meet(stage, {"DEPLOY_COORDINATOR_MATRIX": '{"leg": 1}'}, other)
        assert early.outputs()["outcome"] == late.outputs()["outcome"] == "no-changes"

    def test_a_leg_is_the_same_whatever_the_order_of_its_keys(self, stage: Stage) -> None:
        early, _ = self.meet(
            stage,
            {"DEPLOY_COORDINATOR_MATRIX": '{"a": 1,\n "b": 2}'},
            {"DEPLOY_COORDINATOR_MATRIX": '{"b":2,"a":1}'},
        )
        assert early.outputs()["outcome"] == "skipped"

    def test_who_cannot_be_compared_is_told_that_nobody_gives_way(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(GOOD), queue_policy="newest")
        assert job.deploy() == 0, job.log
        assert "`queue-policy: newest` has no effect on this deployment" in job.log
        assert (
            "its workflow file, job and its leg of a matrix (`actions: read` shows it), branch or tag"
            in job.log
        )
        job = of_run(stage.job("known", template="template.yaml", queue_policy="newest"), 3)
        assert job.deploy() == 0, job.log
        assert "has no effect" not in job.log


def test_a_frozen_lock_is_busy_and_says_why(stage: Stage) -> None:
    stage.job("first", template=stage.template(GOOD)).deploy()
    document = stage.registry()
    document["locks"]["production"]["freeze"] = {"by": "ada", "reason": "month end", "since": "", "until": ""}
    (stage.root / "registry" / "deployments.json").write_text(json.dumps(document), "utf-8")
    job = stage.job("second", template="template.yaml", wait_timeout_in_minutes="2")
    assert job.deploy() == 2
    assert "frozen by ada" in job.log
    assert "month end" in job.summary
    assert job.outputs()["outcome"] == "busy"


def test_a_hotfix_is_next_behind_the_holder_and_the_audit_names_it(stage: Stage) -> None:
    def at_work(name: str, document: Document) -> Document:
        ticket = Ticket(name, f"id-{name}", ("production",), ("eu-west-1/other",), lease_seconds=3600.0)
        return transitions.request(document, ticket, at="", enqueue_if_busy=True) or document

    registry = FileRegistry(stage.root / "registry")
    registry.swap(encode(at_work("next", at_work("holder", Document()))), registry.read().version, message="")
    job = stage.job("hotfix", template=stage.template(GOOD), priority="high", wait_timeout_in_minutes="2")
    assert job.deploy() == 2
    assert "position 2 in the queue: deployment id-holder" in job.log
    (entry,) = stage.registry()["audit"]
    assert (entry["action"], entry["by"]) == ("priority", "hotfix")
    assert entry["detail"].endswith("passes id-next")


def test_a_holder_whose_job_has_ended_is_taken_over_without_waiting(stage: Stage) -> None:
    from tests.fakes.github.server import GitHubServer

    with GitHubServer() as github:

        def job_of(name: str, run: int, **inputs: str) -> Job:
            job = stage.job(name, template="template.yaml", github_token="token", **inputs)
            job.environ |= {
                "GITHUB_API_URL": github.url,
                "GITHUB_RUN_ID": str(run),
                "GITHUB_RUN_ATTEMPT": "1",
                "DEPLOY_COORDINATOR_CHECK_RUN_ID": str(run * 10),
            }
            github.state.jobs["org/app", run * 10] = {"id": run * 10, "run_id": run, "status": "in_progress"}
            return job

        stage.template(GOOD)
        lost = job_of("lost", 7)
        lost.run("pre")
        assert job_of("early", 8, when_busy="fail").deploy() == 2
        github.state.jobs["org/app", 70] |= {"status": "completed", "conclusion": "failure"}
        job = job_of("next", 9, when_busy="fail")
        before = stage.clock.elapsed
        assert job.run("pre") == 0, job.log
        assert stage.clock.elapsed - before < 10
    assert f"Took over from holder {lost.outputs()['correlation-id']}" in job.log
    assert "its job has ended, and no stack of it is in progress" in job.log
    # Should it only have been asleep: it learns of it before it changes anything.
    assert lost.run("main") == 5
    assert "Took over from holder" in lost.log
    assert job.run("main") == 0, job.log


def test_what_a_paused_holder_has_prepared_cannot_be_executed_after_a_takeover(stage: Stage) -> None:
    """It may sleep between its fence and its execution: only CloudFormation itself can stop it then."""
    paused = stage.job("paused", template=stage.template(GOOD))
    assert paused.run("pre") == 0
    epoch = stage.registry()["locks"]["production"]["epoch"]
    ours = change_set_name(paused.outputs()["correlation-id"], epoch)
    cloudformation = client(stage.server)
    for name in (ours, "of-somebody-else"):
        cloudformation.create_change_set(
            StackName="shop", ChangeSetName=name, ChangeSetType="CREATE", TemplateBody=GOOD
        )
        stage.clock.sleep(5.0)
    assert stage.job("taker", template="template.yaml", stack_name="other").deploy() == 0
    left = cloudformation.list_change_sets(StackName="shop")["Summaries"]
    assert [row["ChangeSetName"] for row in left] == ["of-somebody-else"]
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.execute_change_set(StackName="shop", ChangeSetName=ours)
    cloudformation.close()


def test_a_takeover_does_not_need_the_right_to_delete_change_sets(stage: Stage) -> None:
    stage.job("gone", template=stage.template(GOOD)).run("pre")
    stage.server.faults.add("access_denied", operation="ListChangeSets")
    job = stage.job("taker", template="template.yaml", stack_name="other")
    assert job.deploy() == 0, job.log
    assert "Took over from holder" in job.log


def test_a_deployment_is_remembered_with_its_release(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 0
    path = stage.root / "registry" / "deployment-history.json"
    (record,) = json.loads(path.read_text("utf-8"))["deployments"]
    assert record["correlation_id"] == job.outputs()["correlation-id"]
    assert (record["outcome"], record["stacks"]) == ("succeeded", ["eu-west-1/shop"])


def test_a_history_that_cannot_be_read_keeps_nobody_from_giving_the_lock_back(stage: Stage) -> None:
    folder = stage.root / "registry"
    (folder / "deployment-history.json").write_bytes(b"{half")
    job = stage.job(template=stage.template(GOOD))
    assert job.deploy() == 0
    assert "not remembered" in job.summary
    assert stage.registry()["tickets"] == []
    assert (folder / "deployment-history.json").read_bytes() == b"{half"


def test_a_time_out_tells_how_long_was_waited_and_for_whom(stage: Stage) -> None:
    first = stage.job("first", template=stage.template(GOOD))
    first.run("pre")
    job = stage.job("second", template="template.yaml", wait_timeout_in_minutes="4")
    assert job.deploy() == 2
    assert job.outputs()["queue-seconds"] == "240"
    assert "4m00s, behind" in job.summary
    assert first.outputs()["correlation-id"] in job.summary


def test_a_step_that_is_started_a_second_time_does_not_stand_behind_itself(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    assert job.run("pre") == 0
    before = stage.clock.elapsed
    assert job.run("pre") == 0, job.log
    assert stage.clock.elapsed - before < 10
    assert len(stage.registry()["tickets"]) == 1
    assert job.run("main") == 0, job.log


def test_an_account_that_nobody_tells_holds_nothing_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a network without a way to STS, where each request hangs."""
    monkeypatch.setattr("deploy_action.job.account.ACCOUNT_SECONDS", 0.2)
    stage.server.faults.add("delay", operation="GetCallerIdentity", seconds=15)
    job = stage.job(template=stage.template(GOOD))
    began = time.monotonic()
    assert job.run("pre") == 0, job.log
    assert time.monotonic() - began < 12
    assert stage.registry()["tickets"][0].get("account", "") == ""


def test_a_lock_is_named_by_the_stack_itself_where_sts_keeps_silent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stage.job("first", template=stage.template(GOOD), environment="").deploy() == 0
    monkeypatch.setattr("deploy_action.job.account.ACCOUNT_SECONDS", 0.2)
    stage.server.faults.add("delay", operation="GetCallerIdentity", seconds=15)
    job = stage.job("second", template=stage.template(GOOD), environment="")
    began = time.monotonic()
    assert job.run("pre") == 0, job.log
    assert time.monotonic() - began < 12
    (name,) = stage.registry()["locks"]
    assert name == "123456789012/eu-west-1/shop"
    assert stage.registry()["locks"][name]["epoch"] == 2


@pytest.mark.parametrize("away", ["go-on", "fail"])
def test_a_lock_without_a_name_is_done_without_like_a_registry_that_is_away(stage: Stage, away: str) -> None:
    stage.server.faults.add("error", operation="GetCallerIdentity")
    job = stage.job(template=stage.template(GOOD), environment="", when_registry_away=away)
    began = stage.clock.monotonic()
    code = job.deploy()
    assert code == (0 if away == "go-on" else 4), job.log
    assert stage.clock.monotonic() - began < 120
    assert "The lock has no name: the account is not known." in job.log
    if away == "go-on":
        assert job.outputs()["outcome"] == "succeeded"
        assert "Continuing without a lock." in job.summary
        assert stage.registry().get("tickets", []) == []


@pytest.mark.parametrize("poisoned", ["prod", "prod-e", "20270115-080000-abcdef-e1-x", ""])
def test_a_takeover_deletes_no_change_set_of_others_whatever_id_the_registry_names(
    stage: Stage, poisoned: str
) -> None:
    gone = stage.job("gone", template=stage.template(GOOD))
    assert gone.run("pre") == 0
    path = stage.root / "registry" / "deployments.json"
    document = json.loads(path.read_text("utf-8"))
    document["tickets"][0]["correlation_id"] = poisoned
    path.write_text(json.dumps(document), "utf-8")
    cloudformation = client(stage.server)
    theirs = sorted(("deploy-prod-east", "deploy-prod-e1", "deploy-prod-e-e1", f"deploy-{poisoned}-e1x"))
    for name in theirs:
        cloudformation.create_change_set(
            StackName="shop", ChangeSetName=name, ChangeSetType="CREATE", TemplateBody=GOOD
        )
        stage.clock.sleep(5.0)
    job = stage.job("taker", template="template.yaml", stack_name="other")
    assert job.deploy() == 0, job.log
    left = cloudformation.list_change_sets(StackName="shop")["Summaries"]
    assert sorted(row["ChangeSetName"] for row in left) == theirs
    cloudformation.close()


class TestJobsOfOneRun:
    """With `when-busy: skip`, a leg of a matrix waits for the others: nobody else does what it would skip."""

    def test_they_wait_for_each_other(self, stage: Stage) -> None:
        first = stage.job("first", template=stage.template(GOOD))
        first.run("pre")
        second = stage.job("second", template="template.yaml", when_busy="skip", stack_name="other")

        def finish() -> None:
            first.run("main")
            first.run("post")

        stage.clock.at(stage.clock.elapsed + 90, finish)
        assert second.deploy() == 0, second.log
        assert (second.outputs()["outcome"], second.outputs()["deployed"]) == ("succeeded", "true")

    @pytest.mark.parametrize("other", [{"GITHUB_RUN_ID": "8"}, {"GITHUB_RUN_ATTEMPT": "2"}])
    def test_another_run_is_not_waited_for(self, stage: Stage, other: dict[str, str]) -> None:
        first = stage.job("first", template=stage.template(GOOD))
        first.environ |= other
        first.run("pre")
        second = stage.job("second", template="template.yaml", when_busy="skip")
        assert second.deploy() == 0
        assert second.outputs()["outcome"] == "skipped"

    def test_who_waits_is_told_whose_workflow_deploys_what(self, stage: Stage) -> None:
        first = stage.job("first", template=stage.template(GOOD))
        first.environ |= {"GITHUB_REPOSITORY": "org/network", "GITHUB_WORKFLOW": "Network"}
        first.run("pre")
        second = stage.job("second", template="template.yaml", wait_timeout_in_minutes="1")
        assert second.deploy() == 2
        assert "(org/network, Network, eu-west-1/shop, https://github.com/org/network/" in second.log


def test_a_registry_under_a_new_name_is_told_once_with_what_to_change(stage: Stage) -> None:
    from tests.fakes.github.server import GitHubServer

    with GitHubServer() as github:
        stage.template(GOOD)
        job = stage.job(template="template.yaml", github_token="token", registry="github://org/old")
        job.environ |= {"GITHUB_API_URL": github.url, "GITHUB_GRAPHQL_URL": github.graphql_url}
        github.fail(
            "GET /repos/org/old/git/ref/",
            status=301,
            headers={"location": f"{github.url}/repositories/1/git/ref/heads/deploy-registry"},
            times=None,
        )
        name = github.repository.name
        github.fail("GET /repositories/1$", status=200, body={"full_name": name}, times=None)
        assert job.deploy() == 0, job.log
    warnings = [line for line in job.log.splitlines() if line.startswith("::warning") and "is called" in line]
    assert len(warnings) == 1
    assert f"The repository org/old is called {name} now" in warnings[0]
    assert f"Write {name} wherever org/old is named" in warnings[0]


def test_a_token_that_opens_no_lock_any_more_is_told(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD), lock_token="a" * 32)
    assert job.deploy() == 0, job.log
    assert "The lock of `lock-token` is not held by this run any more" in job.log
    assert "an earlier attempt" in job.summary
