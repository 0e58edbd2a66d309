"""An older commit over a newer one is noticed after the lock, before anything changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes.github.described import problems
from tests.fakes.github.server import GitHubServer
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
BAD = "Resources: {New: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Fail: nope}}}}"
MORE = "Resources: {Topic: {Type: AWS::SNS::Topic}, Second: {Type: AWS::SNS::Topic}}"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        yield server
    assert problems(server.exchanges) == []


@pytest.fixture
def commits(github: GitHubServer) -> list[str]:
    """Three in a line, and a fourth that branches off after the first."""
    tree = github.repository.add_tree({})
    made: list[str] = []
    for parents in ((), (0,), (1,), (0,)):
        made.append(
            github.repository.add_commit(tree, tuple(made[one] for one in parents), f"{len(made)}", 0.0)
        )
    return made


def deploy(stage: Stage, github: GitHubServer, commit: str, name: str, **inputs: str) -> Job:
    body = MORE if name == "newer" else GOOD
    given = {"template": stage.template(body, f"{name}.yaml"), "github_token": "token", **inputs}
    job = stage.job(name, **given)
    job.environ |= {"GITHUB_API_URL": github.url, "GITHUB_SHA": commit}
    return job


class TestAnOlderCommit:
    def test_it_is_told_with_how_much_it_lacks(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        assert deploy(stage, github, commits[2], "newer").deploy() == 0
        with SlackServer(now=stage.clock.now) as slack:
            token = next(iter(slack.tokens))
            job = deploy(stage, github, commits[0], "older", slack_bot_token=token, slack_channel="#deploys")
            job.environ["SLACK_API_URL"] = f"{slack.url}/api/"
            assert job.deploy() == 0, job.log
            (message,) = slack.tops("deploys")
            told = f"Deploys {commits[0][:7]}, 2 commits older than {commits[2][:7]}"
            assert told in str(message.content["blocks"])
        assert "::warning" in job.log
        assert told in job.log
        assert told in job.summary
        assert job.outputs()["deployed"] == "true"

    def test_it_is_skipped_where_that_is_asked(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        deploy(stage, github, commits[2], "newer").deploy()
        job = deploy(stage, github, commits[1], "older", on_older="skip")
        assert job.deploy() == 0, job.log
        assert (job.outputs()["outcome"], job.outputs()["deployed"]) == ("skipped", "false")
        assert "as `on-older: skip` asks" in job.log
        assert stage.registry()["tickets"] == []

    def test_it_fails_where_that_is_asked(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        deploy(stage, github, commits[2], "newer").deploy()
        job = deploy(stage, github, commits[1], "older", on_older="fail")
        assert job.deploy() == 10
        assert job.outputs()["deployed"] == "false"
        assert "1 commit older" in job.log
        assert stage.registry()["tickets"] == []

    def test_a_deliberate_rollback_is_one_plain_line(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        deploy(stage, github, commits[2], "newer").deploy()
        job = deploy(stage, github, commits[1], "older", on_older="allow")
        assert job.deploy() == 0
        assert "1 commit older" in job.log
        assert "::warning" not in job.log

    def test_what_was_deployed_while_it_waited_counts(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        first = deploy(stage, github, commits[2], "newer")
        first.run("pre")
        job = deploy(stage, github, commits[1], "older", on_older="skip")

        def finish() -> None:
            first.run("main")
            first.run("post")

        stage.clock.at(stage.clock.elapsed + 90, finish)
        assert job.deploy() == 0, job.log
        assert job.outputs()["outcome"] == "skipped"

    @pytest.mark.parametrize("mine", [2, 3], ids=["the same", "of another branch"])
    def test_what_is_not_older_is_deployed(
        self, stage: Stage, github: GitHubServer, commits: list[str], mine: int
    ) -> None:
        deploy(stage, github, commits[2], "newer").deploy()
        job = deploy(stage, github, commits[mine], "older", on_older="fail")
        assert job.deploy() == 0, job.log
        assert "::warning" not in job.log

    def test_where_github_cannot_compare_nothing_is_stopped_and_that_is_told(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        deploy(stage, github, commits[2], "newer").deploy()
        job = deploy(stage, github, "f" * 40, "older", on_older="fail")
        assert job.deploy() == 0, job.log
        assert "Could not compare fffffff with" in job.log
        assert "::warning" in job.log

    def test_another_stack_is_no_measure(
        self, stage: Stage, github: GitHubServer, commits: list[str]
    ) -> None:
        deploy(stage, github, commits[2], "newer").deploy()
        job = deploy(stage, github, commits[0], "older", on_older="fail", stack_name="other")
        assert job.deploy() == 0, job.log


class TestWhatIsDeployed:
    def test_the_checked_out_commit_is_remembered(self, stage: Stage) -> None:
        git = stage.root / ".git"
        (git / "refs" / "heads").mkdir(parents=True)
        (git / "config").write_text('[remote "origin"]\n\turl = https://github.com/org/app\n')
        (git / "HEAD").write_text("ref: refs/heads/main\n")
        (git / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
        job = stage.job(template=stage.template(GOOD))
        job.environ["GITHUB_SHA"] = "b" * 40
        assert job.run("pre") == 0
        (git / "HEAD").write_text("c" * 40 + "\n")  # a command may move it
        job.run("main")
        job.run("post")
        assert "a" * 40 in (stage.root / "registry" / "deployment-history.json").read_text()
        assert "aaaaaaa" in job.summary

    def test_an_artifact_names_its_own_commit_and_version(self, stage: Stage) -> None:
        job = stage.job(template=stage.template(GOOD), commit="D" * 40, version="1.4.2")
        job.environ["GITHUB_SHA"] = "b" * 40
        assert job.deploy() == 0
        history = (stage.root / "registry" / "deployment-history.json").read_text()
        assert "d" * 40 in history
        assert "1.4.2" in history
        assert "Version `1.4.2`" in job.summary

    @pytest.mark.parametrize("inputs", [{"commit": "main"}, {"version": "x" * 101}])
    def test_what_is_none_is_refused(self, stage: Stage, inputs: dict[str, str]) -> None:
        assert stage.job(template=stage.template(GOOD), **inputs).deploy() == 3


class TestDeployed:
    def test_only_an_own_deployment_that_ended_well(self, stage: Stage) -> None:
        job = stage.job("a", template=stage.template(GOOD))
        job.deploy()
        again = stage.job("b", template="template.yaml")
        again.deploy()
        assert [one.outputs()["deployed"] for one in (job, again)] == ["true", "true"]
        assert again.outputs()["outcome"] == "no-changes"

    @pytest.mark.parametrize(
        "inputs",
        [
            {},
            {"template": "more.yaml", "no_execute_changeset": "true"},
            {"template": "bad.yaml"},
        ],
        ids=["watch", "no execution", "failure"],
    )
    def test_nothing_else_counts(self, stage: Stage, inputs: dict[str, str]) -> None:
        stage.template(MORE, "more.yaml")
        stage.template(BAD, "bad.yaml")
        stage.job("a", template=stage.template(GOOD)).deploy()
        job = stage.job("b", **inputs)
        job.deploy()
        assert job.outputs()["deployed"] == "false", job.log

    def test_who_is_skipped_has_not_deployed(self, stage: Stage) -> None:
        first = stage.job("first", template=stage.template(GOOD))
        first.environ["GITHUB_RUN_ID"] = "6"
        first.run("pre")
        job = stage.job("second", template="template.yaml", when_busy="skip")
        assert job.deploy() == 0
        assert job.outputs()["deployed"] == "false"


def test_when_the_commit_was_made_is_remembered(
    stage: Stage, github: GitHubServer, commits: list[str]
) -> None:
    job = deploy(stage, github, commits[0], "newer")
    assert job.deploy() == 0, job.log
    path = stage.root / "registry" / "deployment-history.json"
    (record,) = json.loads(path.read_text("utf-8"))["deployments"]
    assert record["committed_at"] == "1970-01-01T00:00:00Z"
    assert deploy(stage, github, "f" * 40, "unknown").deploy() == 0
    assert "committed_at" not in json.loads(path.read_text("utf-8"))["deployments"][-1]
