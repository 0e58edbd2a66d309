"""A token for the registry that ends while its deployment waits or holds: the log, and the lock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

LONG = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 3000}}}}"


@pytest.fixture
def github(stage: Stage) -> Iterator[GitHubServer]:
    with GitHubServer(now=stage.clock.now) as server:
        for name in ("first", "second"):
            server.state.tokens[f"token-of-{name}"] = dict(server.state.tokens["token"])
        yield server


def job_with_token(stage: Stage, github: GitHubServer, name: str) -> Job:
    job = stage.job(
        name, template=stage.template(LONG), registry="github", github_token=f"token-of-{name}", log="full"
    )
    job.environ |= {"GITHUB_API_URL": github.url, "GITHUB_GRAPHQL_URL": github.graphql_url}
    job.environ["GITHUB_RUN_ID"] = {"first": "6", "second": "7"}[name]
    return job


def tickets(github: GitHubServer) -> list[str]:
    content = github.repository.document("deploy-registry", ".deployment-registry/deployments.json")
    return [ticket["actor"] for ticket in json.loads(content or b"{}")["tickets"]]


def test_a_holder_deploys_to_its_end_and_says_how_long_the_lock_stays(
    stage: Stage, github: GitHubServer
) -> None:
    job = job_with_token(stage, github, "first")
    assert job.run("pre") == 0, job.log
    stage.clock.at(stage.clock.elapsed + 600, lambda: github.state.tokens.pop("token-of-first"))
    assert job.run("main") == 0, job.log
    job.run("post")
    assert job.outputs()["outcome"] == "succeeded"
    assert "The registry refuses what it allowed before" in job.log
    assert "could not be given back and stays held" in job.log
    assert "deploy-coordinator release production --force" in job.log
    assert tickets(github) == ["first"], "nobody was put out of a lock whose holder may live"


def test_a_waiter_ends_as_busy_soon_and_nobody_loses_the_lock(stage: Stage, github: GitHubServer) -> None:
    first = job_with_token(stage, github, "first")
    assert first.run("pre") == 0, first.log
    second = job_with_token(stage, github, "second")
    stage.clock.at(stage.clock.elapsed + 120, lambda: github.state.tokens.pop("token-of-second"))
    began = stage.clock.elapsed
    assert second.deploy() == 2, second.log
    assert stage.clock.elapsed - began < 120 + 90
    assert second.outputs()["outcome"] == "busy"
    assert "The registry refuses what it allowed before" in second.log
    assert "must outlive the wait" in second.log
    assert tickets(github)[0] == "first"
    assert first.run("main") == 0, first.log
