"""`pre` looks at GitHub's own `concurrency:` and tells what endangers a deployment or costs runners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.github.run_context import RunContext
from tests.fakes.github.described import problems
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

PATH = ".github/workflows/deploy.yml"
BODY = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
WORKFLOW = "on: push\njobs:\n  deploy:\n    runs-on: x\n    concurrency: CONCURRENCY\n    steps: [{run: a}]\n"
CANCELLING = WORKFLOW.replace("CONCURRENCY", "{group: prod, cancel-in-progress: true}")


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        server.state.runs["org/app", 7] = {"id": 7}
        server.state.groups["org/app", "prod"] = [7]
        yield server
    assert problems(server.exchanges) == []


def job_of(stage: Stage, github: GitHubServer, workflow: str = "", **inputs: str) -> Job:
    given = {"template": stage.template(BODY), "github_token": "token", **inputs}
    job = stage.job(**{name: value for name, value in given.items() if value})
    job.environ |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_JOB": "deploy",
        "GITHUB_WORKFLOW_REF": f"org/app/{PATH}@refs/heads/main",
        "GITHUB_WORKFLOW_SHA": "0" * 40,
    }
    if workflow:
        repository = github.repository
        tree = repository.add_tree({PATH: repository.add_blob(workflow.encode())})
        job.environ["GITHUB_WORKFLOW_SHA"] = repository.add_commit(tree, (), "m", 0.0)
    return job


def test_a_danger_is_a_warning_told_once(stage: Stage, github: GitHubServer) -> None:
    job = job_of(stage, github, CANCELLING)
    assert job.deploy() == 0, job.log
    assert job.log.count("cancel-in-progress: true") == 1
    assert "::warning" in job.log
    assert "cancel-in-progress: true" in job.summary
    assert [request.path for request in github.requests] == [
        "/repos/org/app/actions/runs/7/concurrency_groups",
        f"/repos/org/app/contents/{PATH}",
    ]


@pytest.mark.parametrize(
    ("concurrency", "told"),
    [
        ("prod", "Add `queue: max`"),
        ("{group: prod, cancel-in-progress: '${{ inputs.x }}'}", "is an expression"),
    ],
)
def test_advice_is_a_plain_line(stage: Stage, github: GitHubServer, concurrency: str, told: str) -> None:
    job = job_of(stage, github, WORKFLOW.replace("CONCURRENCY", concurrency))
    assert job.run("pre") == 0
    assert told in job.log
    assert "::warning" not in job.log


def test_where_all_is_well_nothing_is_said(stage: Stage, github: GitHubServer) -> None:
    job = job_of(stage, github, WORKFLOW.replace("CONCURRENCY", "{group: prod, queue: max}"))
    assert job.run("pre") == 0
    assert "concurrency" not in job.log
    assert "::warning" not in job.log


def test_a_run_without_a_group_is_told_by_one_request(stage: Stage, github: GitHubServer) -> None:
    github.state.groups.clear()
    job = job_of(stage, github)
    assert job.run("pre") == 0
    assert "no concurrency group" in job.log
    assert len(github.requests) == 1


def test_without_the_permission_the_file_tells(stage: Stage, github: GitHubServer) -> None:
    github.state.tokens["token"].pop("actions")
    job = job_of(stage, github, CANCELLING)
    assert job.run("pre") == 0
    assert "cancel-in-progress: true" in job.log


def test_the_workspace_is_looked_at_where_github_does_not_give_the_file(
    stage: Stage, github: GitHubServer
) -> None:
    github.fail("GET", times=None, status=500)
    job = job_of(stage, github)
    file = stage.root / PATH
    file.parent.mkdir(parents=True)
    file.write_text(CANCELLING, "utf-8")
    assert job.run("pre") == 0
    assert "cancel-in-progress: true" in job.log
    assert len(github.requests) == 2


def test_the_file_of_the_commit_goes_before_the_workspace(stage: Stage, github: GitHubServer) -> None:
    job = job_of(stage, github, WORKFLOW.replace("CONCURRENCY", "{group: prod, queue: max}"))
    file = stage.root / PATH
    file.parent.mkdir(parents=True)
    file.write_text(CANCELLING, "utf-8")
    assert job.run("pre") == 0
    assert "cancel-in-progress" not in job.log


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_a_github_that_does_not_answer_is_no_news(stage: Stage, github: GitHubServer, kind: str) -> None:
    github.fail("GET", times=None, kind=kind)
    job = job_of(stage, github)
    assert job.run("pre") == 0
    assert "::warning" not in job.log
    assert len(github.requests) == 2


@pytest.mark.parametrize(
    ("inputs", "environment"),
    [
        ({"github_token": ""}, {}),
        ({"template": ""}, {}),
        ({}, {"GITHUB_RUN_ID": ""}),
        ({}, {"GITHUB_REPOSITORY": ""}),
    ],
    ids=["no token", "attach", "no run", "no repository"],
)
def test_where_there_is_nothing_to_look_at_nothing_is_asked(
    stage: Stage, github: GitHubServer, inputs: dict[str, str], environment: dict[str, str]
) -> None:
    job = job_of(stage, github, CANCELLING, **inputs)
    job.environ |= environment
    assert job.run("pre") == 0, job.log
    assert github.requests == []
    assert "cancel-in-progress" not in job.log


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        ("org/app/.github/workflows/x.yml@refs/heads/main", ".github/workflows/x.yml"),
        ("Org/App/.github/workflows/x.yaml@refs/tags/a@b.yml@c", ".github/workflows/x.yaml"),
        ("org/app/.github/workflows/a@b.yml@refs/heads/main", ".github/workflows/a@b.yml"),
        ("org/other/.github/workflows/x.yml@refs/heads/main", ""),
        ("org/app/.github/workflows/../../x.yml@refs/heads/main", ""),
        ("org/app/x.yml@refs/heads/main", ""),
        ("dynamic/pages", ""),
        ("", ""),
    ],
)
def test_the_path_of_the_workflow_file(ref: str, path: str) -> None:
    assert RunContext(repository="org/app", workflow_ref=ref).workflow_path == path
