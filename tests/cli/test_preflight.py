"""The checks from a laptop, and the doctor."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from deploy_action import cli
from tests.cli.desk import Desk
from tests.fakes.github.server import GitHubServer
from tests.fakes.slack.server import SlackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.jobs.stage import Stage

QUEUE = "Parameters: {Size: {Type: String}}\nResources: {Queue: {Type: AWS::SQS::Queue}}\n"


@pytest.fixture
def shell(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in ("GITHUB_ACTOR", "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GH_TOKEN", "AWS_DEFAULT_REGION",
                 "SLACK_BOT_TOKEN", "DEPLOY_COORDINATOR_INPUTS"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(stage.root))
    stage.template(QUEUE)
    return Desk(stage.root / "registry", capsys, stage.clock)


class TestPreflight:
    def test_what_blocks_is_told_and_is_the_exit_code(self, shell: Desk) -> None:
        code, told = shell.run("preflight", "shop", "--template", "template.yaml", "--environment", "prod")
        assert code == 1
        assert "blocking  parameter-missing: The parameter `Size`" in told
        assert "Give it in `parameter-overrides`" in told
        assert "Preflight: 1 blocking." in told

    def test_what_is_fine_ends_with_0(self, shell: Desk) -> None:
        words = ("--template", "template.yaml", "--environment", "prod", "--parameter-overrides", "Size=1")
        code, told = shell.run("preflight", "shop", *words)
        assert (code, "nothing to report" in told) == (0, True), told

    def test_inputs_come_from_a_file_too(self, shell: Desk, stage: Stage) -> None:
        file = stage.root / "inputs.json"
        file.write_text(
            json.dumps({"stack-name": "shop", "template": "template.yaml", "environment": "prod"})
        )
        code, told = shell.run("preflight", "--inputs", str(file), "--json")
        assert code == 1
        assert [one["code"] for one in json.loads(told)] == ["parameter-missing"]
        assert json.loads(told)[0]["level"] == "blocking"

    def test_a_command_is_not_run_and_blocks_nothing(self, shell: Desk, stage: Stage) -> None:
        code, told = shell.run(
            "preflight", "shop", "--command", f"touch {stage.root}/ran", "--environment", "p"
        )
        assert code == 0, told
        assert not (stage.root / "ran").exists()

    def test_wrong_inputs_are_told(self, shell: Desk, stage: Stage) -> None:
        assert shell.run("preflight", "shop", "--template", "gone.yaml")[0] == 3
        file = stage.root / "inputs.json"
        file.write_text("[]")
        assert shell.run("preflight", "--inputs", str(file))[0] == 64

    def test_nothing_is_locked_or_changed(self, shell: Desk, stage: Stage) -> None:
        shell.run("preflight", "shop", "--template", "template.yaml", "--environment", "prod")
        assert stage.registry() == {}
        asked = {operation for operation, _ in stage.server.requests}
        assert all(name.startswith(("Describe", "Get", "List")) for name in asked), asked


class TestDoctor:
    @pytest.fixture
    def github(self) -> Iterator[GitHubServer]:
        with GitHubServer() as server:
            yield server

    def test_all_is_well(self, shell: Desk) -> None:
        shell.arrives("a")
        before = shell.document
        code, told = shell.run("doctor")
        assert code == 0, told
        for line in ("ok   Python", "ok   boto3", "ok   bash", "ok   registry, read", "ok   registry, write",
                     "ok   AWS identity", "ok   clock, by AWS"):  # fmt: skip
            assert line in told
        assert "the same document was written again" in told
        assert shell.document == before

    def test_what_the_runner_keeps_is_shown(
        self, shell: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("RUNNER_TOOL_CACHE", str(tmp_path / "tools"))
        _, told = shell.run("doctor", "--no-write")
        assert "kept here" in told
        folder = tmp_path / "tools" / "deploy-coordinator"
        folder.mkdir(parents=True)
        (folder / "abc-py3.13.1").write_text("abc-py3.13.1.12345678\nhash\n")
        (folder / "image-0123").write_text("deploy-coordinator:0123\n[]\n")
        _, told = shell.run("doctor", "--no-write")
        assert "kept environment" in told
        assert "abc-py3.13.1\n" in told
        assert "kept image" in told
        assert "deploy-coordinator:0123\n" in told

    @pytest.mark.parametrize(
        ("script", "told"),
        [
            ("echo 27.3.1", "engine 27.3.1"),
            (
                "echo Cannot connect to the Docker daemon >&2; exit 1",
                "not answer: Cannot connect",
            ),
        ],
    )
    def test_dockers_engine_is_asked_and_not_the_command_alone(
        self, shell: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, told: str
    ) -> None:
        docker = tmp_path / "docker"
        docker.write_text(f"#!/bin/sh\n{script}\n")
        docker.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        code, seen = shell.run("doctor", "--no-write")
        assert (code, told in seen) == (0, True), seen

    def test_an_empty_registry_is_not_written(self, shell: Desk, stage: Stage) -> None:
        code, told = shell.run("doctor")
        assert (code, "nothing was written there yet" in told) == (0, True)
        assert stage.registry() == {}

    def test_credentials_that_do_not_work(self, shell: Desk, stage: Stage) -> None:
        stage.server.faults.add("expired_token", operation="GetCallerIdentity")
        code, told = shell.run("doctor", "--json")
        assert code == 1
        rows = {row["about"]: row for row in json.loads(told)}
        assert rows["AWS identity"]["state"] == "fail"
        assert "configure-aws-credentials" in rows["AWS identity"]["remedy"]

    @pytest.mark.parametrize(
        ("spared", "shown"), [("", "for every host"), ("127.0.0.1,x", "but for 127.0.0.1,x")]
    )
    def test_the_proxy_is_shown_without_its_password(
        self, shell: Desk, monkeypatch: pytest.MonkeyPatch, spared: str, shown: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://user:geheim@proxy.example:3128")
        monkeypatch.setenv("NO_PROXY", spared)
        _, told = shell.run("doctor", "--region", "")
        assert re.search(rf"ok   proxy +http://proxy.example:3128, {shown}", told), told
        assert "geheim" not in told

    def test_a_registry_that_cannot_be_used(self, shell: Desk, stage: Stage) -> None:
        (stage.root / "obstacle").write_text("x")
        code, told = shell.run("doctor", registry=f"file://{stage.root}/obstacle/registry")
        assert (code, "fail registry, read" in told) == (1, True)

    def test_a_token_that_may_only_read(
        self, stage: Stage, github: GitHubServer, shell: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        github.state.tokens["reader"] = {"contents": "read", "metadata": "read"}
        monkeypatch.setenv("GITHUB_TOKEN", "reader")
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("GITHUB_GRAPHQL_URL", github.graphql_url)
        code, told = shell.run("doctor", "--repository", "org/app", registry="github")
        assert code == 1
        assert "fail GitHub token" in told
        assert "lacks `contents: write`" in told
        assert "warn clock, by GitHub" in told, "this machine lives in 2027"

    def test_a_repository_under_a_new_name(
        self, github: GitHubServer, shell: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", "token")
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("GITHUB_GRAPHQL_URL", github.graphql_url)
        location = f"{github.url}/repositories/1/git/ref/heads/deploy-registry"
        moved = "GET /repos/org/old/git/ref/"
        github.fail(moved, status=301, headers={"location": location}, times=None)
        github.fail("GET /repositories/1$", status=200, body={"full_name": "org/app"}, times=None)
        _, told = shell.run("doctor", "--no-write", registry="github://org/old")
        assert "warn registry, name" in told
        assert "The repository org/old is called org/app now" in told

    def test_so_does_the_preflight_tell(
        self, stage: Stage, github: GitHubServer, shell: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        github.state.tokens["reader"] = {"contents": "read", "metadata": "read"}
        monkeypatch.setenv("GITHUB_TOKEN", "reader")
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("GITHUB_GRAPHQL_URL", github.graphql_url)
        words = ("shop", "--template", "template.yaml", "--environment", "p", "--repository", "org/app")
        _, told = shell.run("preflight", *words, registry="github")
        assert "token-cannot-write: The token lacks `contents: write`" in told
        assert github.repository.head("refs/heads/deploy-coordinator-probe") is None

    @pytest.mark.parametrize(("token", "line"), [("xoxb-token", "ok   Slack"), ("xoxb-wrong", "warn Slack")])
    def test_slack(self, shell: Desk, monkeypatch: pytest.MonkeyPatch, token: str, line: str) -> None:
        with SlackServer() as slack:
            monkeypatch.setenv("SLACK_BOT_TOKEN", token)
            monkeypatch.setenv("SLACK_API_URL", slack.api_url)
            code, told = shell.run("doctor", "--slack-channel", "C0DEPLOYS")
            assert (code, line in told) == (0, True), told
            assert not slack.messages

    def test_no_region(self, shell: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AWS_REGION")
        code, told = shell.run("doctor")
        assert (code, "warn AWS region" in told) == (0, True)


def test_help_names_the_inputs(capsys: pytest.CaptureFixture[str], stage: Stage) -> None:
    assert cli.main(["preflight", "--help"], stage.clock) == 0
    assert "--parameter-overrides" in capsys.readouterr().out
