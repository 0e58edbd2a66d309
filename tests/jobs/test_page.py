"""GitHub's environments page: a deployment with its statuses, and never in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.outcome import Outcome
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.job.environment_page import state_of, target_of
from deploy_action.reporting.report import Report
from tests.fakes.github.described import problems
from tests.fakes.github.server import GitHubServer
from tests.jobs.test_supervision import at, die, killed
from tests.jobs.test_template import BROKEN, QUEUE, lasting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

ACCOUNT = "123456789012"
RUN_URL = "https://github.com/org/app/actions/runs/7"
PATH = "/repos/org/app/deployments"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        server.state.tokens["token"]["deployments"] = "write"
        yield server
    assert problems(server.exchanges) == []


def job_of(stage: Stage, github: GitHubServer, name: str = "job", body: str = QUEUE, **inputs: str) -> Job:
    given = {"template": stage.template(body), "github_token": "token", "github_deployment": "true", **inputs}
    job = stage.job(name, **given)
    sha = github.repository.head("refs/heads/main")
    job.environ |= {"GITHUB_API_URL": github.url, "GITHUB_SHA": sha or "", "GITHUB_REF_NAME": "main"}
    return job


def states(row: dict[str, Any]) -> list[str]:
    return [status["state"] for status in row["statuses"]]


def test_it_is_queued_in_progress_and_done(stage: Stage, github: GitHubServer) -> None:
    job = job_of(stage, github, environment_url="https://shop.example")
    assert job.deploy() == 0, job.log
    (row,) = github.deployments
    assert (row["environment"], row["sha"]) == ("production", job.environ["GITHUB_SHA"])
    assert (row["production_environment"], row["transient_environment"]) == (True, False)
    target = target_of(ACCOUNT, (StackRef("eu-west-1", "shop"),))
    assert row["payload"] == {"deploy_coordinator": job.outputs()["correlation-id"], "target": target}
    assert states(row) == ["queued", "in_progress", "success"]
    assert {status["log_url"] for status in row["statuses"]} == {RUN_URL}
    assert row["statuses"][-1]["environment_url"] == "https://shop.example"
    assert row["statuses"][-1]["description"].startswith("✅ Deployed: shop → production in ")
    assert "::warning" not in job.log.replace("::warning title=deploy-coordinator::Nothing keeps", "")


def staged(stage: Stage, github: GitHubServer, name: str, **inputs: str) -> None:
    job = job_of(stage, github, name, body=lasting(1), environment="staging", **inputs)
    assert job.deploy() == 0, job.log


def test_a_deployment_of_another_stack_in_the_environment_stays_active(
    stage: Stage, github: GitHubServer
) -> None:
    staged(stage, github, "one")
    staged(stage, github, "other", stack_name="worker")
    assert [states(row)[-1] for row in github.deployments] == ["success", "success"]


def test_a_deployment_of_the_same_stacks_makes_the_earlier_one_inactive(
    stage: Stage, github: GitHubServer
) -> None:
    for name in ("one", "two", "three"):
        staged(stage, github, name)
    assert [states(row)[-1] for row in github.deployments] == ["inactive", "inactive", "success"]


@pytest.mark.parametrize(
    ("account", "region", "name"),
    [("2" * 12, "eu-west-1", "shop"), (ACCOUNT, "us-east-1", "shop"), (ACCOUNT, "eu-west-1", "shop-2")],
)
def test_another_account_region_or_stack_is_another_target(account: str, region: str, name: str) -> None:
    assert target_of(account, (StackRef(region, name),)) != target_of(
        ACCOUNT, (StackRef("eu-west-1", "shop"),)
    )
    assert target_of("", (StackRef(region, name),)) == ""


def test_the_address_may_be_an_output_of_the_stack(stage: Stage, github: GitHubServer) -> None:
    body = QUEUE.replace("Url: {Value: !Ref Queue}", 'Url: {Value: "https://shop.example/x"}')
    job_of(stage, github, body=body, environment_url="output:Url").deploy()
    assert github.deployments[0]["statuses"][-1]["environment_url"] == "https://shop.example/x"


@pytest.mark.parametrize(("name", "told"), [("Url", "is no web address"), ("Other", "has no output `Other`")])
def test_an_output_that_is_no_address_is_told(
    stage: Stage, github: GitHubServer, name: str, told: str
) -> None:
    body = QUEUE.replace("Url: {Value: !Ref Queue}", 'Url: {Value: "javascript:alert(1)"}')
    job = job_of(stage, github, body=body, environment_url=f"output:{name}")
    assert job.deploy() == 0
    assert told in job.log
    assert states(github.deployments[0])[-1] == "success"
    assert not github.deployments[0]["statuses"][-1]["environment_url"]


def test_a_failure_is_one(stage: Stage, github: GitHubServer) -> None:
    assert job_of(stage, github, body=BROKEN, environment_url="output:Url").deploy() == 1
    assert states(github.deployments[0]) == ["queued", "in_progress", "failure"]


def test_what_never_began_is_inactive(stage: Stage, github: GitHubServer) -> None:
    first = job_of(stage, github, "first")
    first.environ["GITHUB_RUN_ID"] = "6"
    first.run("pre")
    assert job_of(stage, github, "second", when_busy="skip").deploy() == 0
    assert states(github.deployments[1]) == ["queued", "inactive"]


def test_a_job_that_was_killed_is_no_success(stage: Stage, github: GitHubServer) -> None:
    job = job_of(stage, github, body=lasting(900))
    job.run("pre")
    at(stage, 300, die)
    killed(job)
    job.run("post")
    assert states(github.deployments[0]) == ["queued", "in_progress", "error"]


def test_one_whose_id_was_lost_is_found_again(stage: Stage, github: GitHubServer) -> None:
    job = job_of(stage, github)
    job.run("pre")
    state = job.state.load()
    assert state is not None
    state.github_deployment = None
    job.state.save(state)
    job.environ["DEPLOY_COORDINATOR_JOB_STATUS"] = "cancelled"
    job.run("post")
    assert states(github.deployments[0]) == ["queued", "inactive"]


def by_github(github: GitHubServer, run_id: int) -> None:
    """What GitHub itself makes for a job with `environment:`."""
    sha = github.repository.head("refs/heads/main")
    row = {
        "id": 90, "node_id": "D", "url": "u", "statuses_url": f"{github.url}{PATH}/90/statuses",
        "repository_url": "r", "sha": sha, "ref": "main", "task": "deploy", "environment": "production",
        "payload": {}, "description": None, "creator": None, "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "statuses": [
            {
                "id": 1, "node_id": "S", "state": "in_progress", "creator": None, "description": "",
                "log_url": f"https://github.com/org/app/actions/runs/{run_id}/job/55", "target_url": "",
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
                "deployment_url": "u", "repository_url": "r", "url": "u",
            }
        ],
    }  # fmt: skip
    github.state.deployments.append(("org/app", row))


def test_a_job_that_github_shows_by_itself_is_not_shown_twice(stage: Stage, github: GitHubServer) -> None:
    by_github(github, 7)
    job = job_of(stage, github)
    assert job.deploy() == 0
    assert len(github.deployments) == 1
    assert "would show it twice" in job.log
    assert states(github.deployments[0]) == ["in_progress"]


@pytest.mark.parametrize(("job_id", "shown"), [("55", 1), ("56", 2), ("5", 2)])
def test_that_of_another_job_of_the_run_is_none_of_ours(
    stage: Stage, github: GitHubServer, job_id: str, shown: int
) -> None:
    by_github(github, 7)
    job = job_of(stage, github)
    job.environ["DEPLOY_COORDINATOR_CHECK_RUN_ID"] = job_id
    assert job.deploy() == 0
    assert len(github.deployments) == shown


def test_that_of_another_run_is_none_of_ours(stage: Stage, github: GitHubServer) -> None:
    by_github(github, 70)
    job_of(stage, github).deploy()
    assert len(github.deployments) == 2


@pytest.mark.parametrize(
    "trouble",
    ["no permission", "no such commit", "server down", "rate limit", "garbage"],
)
def test_whatever_goes_wrong_is_a_note(stage: Stage, github: GitHubServer, trouble: str) -> None:
    job = job_of(stage, github)
    if trouble == "no permission":
        del github.state.tokens["token"]["deployments"]
    elif trouble == "no such commit":
        job.environ["GITHUB_SHA"] = "f" * 40
    elif trouble == "server down":
        github.fail(PATH, status=503, times=None)
    elif trouble == "rate limit":
        github.limit_rate(PATH)
    else:
        github.fail(PATH, status=201, body="<html>", times=None)
    assert job.deploy() == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert job.log.count("The environments page failed") == 1, job.log
    if trouble == "no permission":
        assert "deployments: write" in job.log


def test_it_is_off_by_default_and_needs_a_name(stage: Stage, github: GitHubServer) -> None:
    job_of(stage, github, github_deployment="false").deploy()
    assert not github.asked(PATH)
    job = job_of(stage, github, "other", environment="", lock="x")
    assert job.deploy() == 3
    assert "`github-deployment` needs `environment`" in job.log
    assert job_of(stage, github, "bad", environment_url="ftp://x").deploy() == 3


def test_each_outcome_has_a_state() -> None:
    for outcome in Outcome:
        assert state_of(Report("id", outcome=outcome), began=True)
    assert state_of(Report("id", outcome=Outcome.CANCELLED), began=False) == "inactive"
    assert state_of(Report("id", outcome=Outcome.CANCELLED), began=True) == "error"
