"""`mode: ask`: what a step learns of the lock, and that it takes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.locking import admin
from deploy_action.locking.codec import decode, encode
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


def registry_bytes(stage: Stage) -> bytes | None:
    path = stage.root / "registry" / "deployments.json"
    return path.read_bytes() if path.exists() else None


def test_a_free_lock_is_told_as_free_and_nothing_is_written(stage: Stage) -> None:
    job = stage.job(mode="ask")
    assert job.deploy() == 0, job.log
    found = job.outputs()
    assert (found["locked"], found["holder"], found["ahead"], found["free-at"]) == ("false", "", "[]", "")
    assert (found["outcome"], found["deployed"]) == ("skipped", "false")
    assert "proceed" not in found
    assert "The lock production is free." in job.log
    assert registry_bytes(stage) is None
    assert job.summary == ""


def test_a_held_lock_names_its_holder_and_stays_as_it_is(stage: Stage) -> None:
    first = stage.job("ada", template=stage.template(GOOD))
    first.environ["GITHUB_RUN_ID"] = "6"
    first.run("pre")
    before = registry_bytes(stage)
    job = stage.job("grace", mode="ask")
    assert job.deploy() == 0, job.log
    found = job.outputs()
    assert found["locked"] == "true"
    assert found["holder"] == first.outputs()["correlation-id"]
    (ahead,) = json.loads(found["ahead"])
    assert (ahead["correlation_id"], ahead["actor"], ahead["holding"]) == (found["holder"], "ada", True)
    assert "by ada holds the lock" in job.log
    assert registry_bytes(stage) == before
    assert first.run("main") == 0, first.log


def test_it_asks_cloudformation_nothing(stage: Stage) -> None:
    job = stage.job(mode="ask")
    assert job.deploy() == 0
    assert {action for action, _ in stage.server.requests} <= {"GetCallerIdentity"}


def test_a_lock_by_name_needs_no_stack(stage: Stage) -> None:
    job = stage.job(mode="ask", stack_name="", environment="", lock="network")
    assert job.deploy() == 0, job.log
    assert job.outputs()["locked"] == "false"


def test_without_any_name_it_says_what_is_missing(stage: Stage) -> None:
    job = stage.job(mode="ask", stack_name="", environment="")
    assert job.deploy() == 3
    assert "The lock has no name" in job.log


def test_a_frozen_lock_is_told_with_its_reason(stage: Stage) -> None:
    stage.job("ada", template=stage.template(GOOD)).deploy()
    path = stage.root / "registry" / "deployments.json"
    frozen = admin.freeze(
        decode(path.read_bytes()),
        ("production",),
        by="ada",
        reason="::error::month end",
        at="2027-01-15T08:00:00Z",
        until="2027-01-16T08:00:00Z",
    )
    path.write_bytes(encode(frozen))
    job = stage.job("grace", mode="ask")
    assert job.deploy() == 0
    assert (job.outputs()["locked"], job.outputs()["holder"]) == ("true", "")
    assert job.outputs()["free-at"] == "2027-01-16T08:00:00Z"
    assert "ada froze it until 2027-01-16T08:00:00Z" in job.log
    assert not any(line.startswith("::error::month") for line in job.log.splitlines())


def test_a_registry_that_cannot_be_read_is_unknown_and_never_free(stage: Stage) -> None:
    path = stage.root / "registry" / "deployments.json"
    path.write_text("no document")
    job = stage.job(mode="ask")
    assert job.deploy() == 0
    assert job.outputs()["locked"] == "unknown"
    assert job.outputs()["ahead"] == "[]"
    assert "::warning" in job.log


def test_a_registry_that_cannot_be_read_fails_where_that_is_asked(stage: Stage) -> None:
    (stage.root / "registry" / "deployments.json").write_text("no document")
    job = stage.job(mode="ask", when_registry_away="fail")
    assert job.deploy() == 2
    assert job.outputs()["outcome"] == "busy"
    assert "locked" not in job.outputs()


def test_outputs_that_cannot_be_written_fail_the_step(stage: Stage) -> None:
    job = stage.job(mode="ask")
    job.environ["GITHUB_OUTPUT"] = "/dev/full"
    assert job.run("pre") == 4


def test_it_takes_no_way_to_deploy(stage: Stage) -> None:
    job = stage.job(mode="ask", command="npx cdk deploy")
    assert job.deploy() == 3
    assert "`mode: ask` deploys nothing, and `command` is given." in job.log


@pytest.mark.parametrize("held", [False, True])
def test_a_token_that_may_only_read_is_enough(stage: Stage, held: bool) -> None:
    with GitHubServer(now=stage.clock.now) as github:
        github.state.tokens["reader"] = {"metadata": "read", "contents": "read"}
        where = {"GITHUB_API_URL": github.url, "GITHUB_GRAPHQL_URL": github.graphql_url}
        if held:
            first = stage.job("ada", template=stage.template(GOOD), registry="github", github_token="token")
            first.environ |= {**where, "GITHUB_RUN_ID": "6"}
            assert first.run("pre") == 0, first.log
        before = len(github.requests)
        job = stage.job("grace", mode="ask", registry="github", github_token="reader")
        job.environ |= where
        assert job.deploy() == 0, job.log
        assert job.outputs()["locked"] == str(held).lower()
        assert {request.method for request in github.requests[before:]} == {"GET"}
