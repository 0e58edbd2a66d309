"""A registry that is used as a GitHub App, for longer than one of its tokens lives."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.github.apps import GitHubApp
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

LONG = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 5400}}}}"
SHORT = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


@pytest.fixture
def github(stage: Stage) -> Iterator[GitHubServer]:
    with GitHubServer(now=stage.clock.now, repositories=("org/app", "org/locks")) as server:
        server.app = GitHubApp(installed={"org/locks"})
        yield server


def job_as_app(stage: Stage, github: GitHubServer, name: str, key: str, **inputs: str) -> Job:
    given = {"registry": "github://org/locks", "github_app_id": "123456", "github_app_private_key": key}
    job = stage.job(name, **{"wait_timeout_in_minutes": "180", "log": "full", **given, **inputs})
    job.environ |= {
        "GITHUB_API_URL": github.url,
        "GITHUB_GRAPHQL_URL": github.graphql_url,
        "GITHUB_SERVER_URL": "https://github.example",
    }
    return job


def test_a_wait_and_a_hold_of_hours_outlive_every_token(stage: Stage, github: GitHubServer) -> None:
    assert github.app is not None
    key = github.app.private_key()
    first = job_as_app(stage, github, "first", key, template=stage.template(LONG))
    second = job_as_app(stage, github, "second", key, template=stage.template(SHORT, "short.yaml"))
    first.environ["GITHUB_RUN_ID"] = "6"
    assert first.run("pre") == 0, first.log

    def finish() -> None:
        assert first.run("main") == 0, first.log
        first.run("post")

    stage.clock.at(stage.clock.elapsed + 60, finish)
    began = stage.clock.elapsed
    assert second.deploy() == 0, second.log
    assert stage.clock.elapsed - began > 5400
    assert len(github.app.tokens) >= 5
    assert "cannot be used" not in first.log + second.log
    document = github.state.repositories["org/locks"].document(
        "deploy-registry", ".deployment-registry/deployments.json"
    )
    registry = json.loads(document or b"{}")
    assert registry["tickets"] == []
    assert registry["locks"]["production"]["epoch"] == 2
    assert [line["outcome"] for line in registry["finished"]] == ["succeeded", "no-changes"]


def test_the_key_stays_in_memory(stage: Stage, github: GitHubServer) -> None:
    assert github.app is not None
    key = github.app.private_key()
    job = job_as_app(stage, github, "job", key, template=stage.template(SHORT))
    for step in ("pre", "main", "post"):
        assert job.run(step) == 0, job.log
        files = [path for path in stage.root.rglob("*") if path.is_file()]
        line = key.splitlines()[3]
        assert not [path for path in files if line.encode() in path.read_bytes()]
        assert not [
            token for token in github.app.tokens for path in files if token in path.read_text("utf-8")
        ]
    assert line not in "".join(one for one in job.log.splitlines() if "::add-mask::" not in one)


def test_an_app_that_is_not_installed_there_stops_before_anything(stage: Stage, github: GitHubServer) -> None:
    assert github.app is not None
    github.app.installed.clear()
    job = job_as_app(stage, github, "job", github.app.private_key(), template=stage.template(SHORT))
    assert job.deploy() == 4
    assert "GitHub App 123456 is not installed in org/locks." in job.log
    assert "Install it there" in job.log


def test_an_app_that_is_taken_away_meanwhile_costs_the_lock_and_not_the_deployment(
    stage: Stage, github: GitHubServer
) -> None:
    app = github.app
    assert app is not None
    job = job_as_app(stage, github, "job", app.private_key(), template=stage.template(LONG))
    assert job.run("pre") == 0, job.log

    def remove() -> None:
        app.installed.clear()
        app.tokens.update(dict.fromkeys(app.tokens, 0.0))

    stage.clock.at(stage.clock.elapsed + 1800, remove)
    assert job.run("main") == 0, job.log
    job.run("post")
    assert job.outputs()["outcome"] == "succeeded"
    assert "is not installed in org/locks" in job.log


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"github_app_id": "", "github_app_private_key": "KEY"}, "`github-app-id` is neither"),
        ({"github_app_id": "Deploys"}, "`github-app-id` is neither"),
        ({"github_app_private_key": ""}, "`github-app-private-key` is no private key in PEM"),
        ({"github_app_private_key": "hunter2"}, "`github-app-private-key` is no private key in PEM"),
        ({"registry_token": "ghp_x"}, "`registry-token` and `github-app-id`: give one of them"),
    ],
)
def test_a_mistake_is_a_sentence_without_the_key(
    stage: Stage, github: GitHubServer, given: dict[str, str], words: str
) -> None:
    assert github.app is not None
    key = github.app.private_key()
    inputs = {name: key if value == "KEY" else value for name, value in given.items()}
    job = job_as_app(stage, github, "job", key, **{"template": stage.template(SHORT), **inputs})
    assert job.deploy() == 3
    assert words in job.log
    assert "hunter2" not in job.log
    assert key.splitlines()[2] not in job.log


def test_a_key_in_one_line_is_a_key(stage: Stage, github: GitHubServer) -> None:
    assert github.app is not None
    key = github.app.private_key().replace("\n", "\\n")
    job = job_as_app(stage, github, "job", key, template=stage.template(SHORT))
    assert job.deploy() == 0, job.log


def test_an_app_for_a_registry_that_is_not_on_github_is_a_warning(stage: Stage, github: GitHubServer) -> None:
    assert github.app is not None
    folder = f"file://{stage.root / 'registry'}"
    job = job_as_app(
        stage, github, "job", github.app.private_key(), template=stage.template(SHORT), registry=folder
    )
    assert job.deploy() == 0, job.log
    assert "`github-app-id` has no effect" in job.log
    assert github.app.tokens == {}
