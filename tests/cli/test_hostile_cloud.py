"""Commands that ask AWS, GitHub and Slack, answered by hostile words: no workflow command comes of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action import cli
from deploy_action.common import escape
from tests.cli.desk import Desk
from tests.common.test_escape import shown
from tests.fakes.cloudformation.harness import client
from tests.fakes.github.server import GitHubServer
from tests.fakes.slack.server import SlackServer
from tests.reporting.hostile_places import no_commands, poisoned_registry
from tests.reporting.readers import runner_commands
from tests.reporting.test_hostile_corpus import STRINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.jobs.stage import Stage

NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What cannot stand in an answer of CloudFormation."""
TEXTS = [text for text in dict.fromkeys(NO_XML.sub("", text) for text in STRINGS[:600]) if text.strip()][:400]


@pytest.fixture
def shell(stage: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for name in ("GITHUB_ACTOR", "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GH_TOKEN", "AWS_DEFAULT_REGION",
                 "SLACK_BOT_TOKEN", "DEPLOY_COORDINATOR_INPUTS"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(stage.root))
    return Shell(stage.root / "registry", capsys, stage.clock)


@pytest.fixture
def cfn(stage: Stage) -> Iterator[Any]:
    cloudformation = client(stage.server)
    yield cloudformation
    cloudformation.close()


def harmless(told: str) -> str:
    assert "Traceback" not in told, told
    no_commands(told.removesuffix("\n").split("\n"))
    return told


def read(texts: Sequence[str], told: str) -> None:
    """Each of the texts, in its order, can be read."""
    seen = shown(told)
    for text in texts:
        if len(text) < 60:
            wanted = shown(escape.log_text(text))
            assert wanted in seen, text


class Shell(Desk):
    def machine(self, *words: str, registry: str = "") -> tuple[int, list[Any]]:
        """The exit code, and the values of JSON on the standard output: one, or one a line."""
        code = cli.main([*words, "--json", "--registry", registry or self.address], self.clock)
        out, err = self._capsys.readouterr()
        harmless(err)
        assert out.isascii()
        assert runner_commands(out) == []
        try:
            return code, [json.loads(out)] if out.strip() else []
        except ValueError:
            return code, [json.loads(line) for line in out.splitlines()]


def topic(text: str, **ground: object) -> dict[str, Any]:
    return {"Type": "AWS::SNS::Topic", "Metadata": {"TestGround": {"Warning": text, "Seconds": 60, **ground}}}


def body(resources: dict[str, Any], texts: Sequence[str] = ()) -> str:
    outputs = {f"Out{number}": {"Value": text} for number, text in enumerate(texts)}
    return json.dumps({"Resources": resources, **({"Outputs": outputs} if outputs else {})})


class TestWatch:
    def test_reasons_and_outputs_of_what_goes_well(self, shell: Shell, cfn: Any) -> None:
        for start in range(0, len(TEXTS), 100):
            texts = TEXTS[start : start + 100]
            topics = {f"T{number}": topic(text) for number, text in enumerate(texts)}
            cfn.create_stack(StackName=f"shop{start}", TemplateBody=body(topics, texts[:50]))
            code, told = shell.run("watch", f"shop{start}")
            harmless(told)
            assert code == 0, told
            cfn.create_stack(StackName=f"data{start}", TemplateBody=body(topics, texts[:50]))
            code, events = shell.machine("watch", f"data{start}")
            assert code == 0
            reasons = {shown(one["reason"]) for one in events if one["type"] == "event"}
            assert {shown(text) for text in texts} <= reasons

    def test_reasons_of_failures(self, stage: Stage, shell: Shell, cfn: Any) -> None:
        for number, text in enumerate(TEXTS[:12]):
            failing = body({"Topic": topic("", Fail=text)})
            cfn.create_stack(StackName=f"shop{number}", TemplateBody=failing)
            code, told = shell.run("watch", f"shop{number}")
            assert code == 1, told
            read([text], harmless(told))
            cfn.create_stack(StackName=f"data{number}", TemplateBody=failing)
            code, events = shell.machine("watch", f"data{number}")
            assert (code, events[-1]["outcome"]) == (1, "rolled-back")
            harmless(shell.run("watch", f"shop{number}")[1])
            assert shell.machine("watch", f"data{number}")[1][0]["type"] == "at-rest"


class TestCleanup:
    def test_a_plan_of_hostile_reasons(self, stage: Stage, shell: Shell, cfn: Any) -> None:
        for number, text in enumerate(TEXTS[:12]):
            name = f"shop{number}"
            cfn.create_stack(StackName=name, TemplateBody=body({"Bad": topic("", Fail=text)}))
            stage.clock.sleep(600)
            _, (plan,) = shell.machine("cleanup", name)
            assert plan["status"] == "ROLLBACK_COMPLETE"
            harmless(shell.run("cleanup", name)[1])
            assert shell.run("cleanup", name, "--yes")[0] == 0

    def test_orphans_of_hostile_names_and_a_deletion_that_fails(
        self, stage: Stage, shell: Shell, cfn: Any
    ) -> None:
        for start in range(0, 100, 20):
            name, texts = f"shop{start}", TEXTS[start : start + 20]
            orphans = {
                f"L{number}": {
                    "Type": "AWS::Logs::LogGroup",
                    "DeletionPolicy": "Retain",
                    "Properties": {"LogGroupName": text},
                }
                for number, text in enumerate(texts)
            }
            stuck = topic("", Fail=texts[0], FailOn="delete")
            bad = {**topic("", Fail=texts[1]), "DependsOn": ["Stuck", *orphans]}
            cfn.create_stack(StackName=name, TemplateBody=body({**orphans, "Stuck": stuck, "Bad": bad}))
            stage.clock.sleep(5000)
            for words in (
                (name,),
                (name, "--yes"),
                (name, "--delete-orphan", texts[2], "--yes"),
                (name, "--skip", texts[3]),
            ):
                harmless(shell.run("cleanup", *words)[1])
            _, (plan,) = shell.machine("cleanup", name)
            assert plan["status"] in {"ROLLBACK_FAILED", "DELETE_FAILED"}

    def test_who_holds_the_lock(self, stage: Stage, shell: Shell, cfn: Any) -> None:
        cfn.create_stack(StackName="shop", TemplateBody=body({"Bad": topic("", Fail="nope")}))
        stage.clock.sleep(600)
        for number, text in enumerate(TEXTS[:12]):
            shell.arrives(f"n{number}", correlation_id=text, url=text, actor=text, job=text)
            code, told = shell.run("cleanup", "shop", "--yes")
            assert code == 2, told
            harmless(told)
            shell.change(lambda document: type(document)())


class TestEstimateAndCollect:
    def test_a_history_that_is_hostile(self, stage: Stage, shell: Shell, cfn: Any) -> None:
        cfn.create_stack(StackName="shop", TemplateBody=body({"Topic": topic("x")}))
        stage.clock.sleep(600)
        for start in range(0, 400, 50):
            folder = stage.root / f"registry{start}"
            poisoned_registry(TEXTS[start : start + 50], folder)
            for command in ("estimate", "collect"):
                harmless(shell.run(command, "shop", registry=f"file://{folder}")[1])
                shell.machine(command, "shop", registry=f"file://{folder}")

    def test_names_and_templates_that_are_hostile(self, stage: Stage, shell: Shell, cfn: Any) -> None:
        cfn.create_stack(StackName="shop", TemplateBody=body({"Topic": topic("x")}))
        stage.clock.sleep(600)
        for text in TEXTS[:25]:
            path = stage.root / "template.json"
            path.write_text(json.dumps({"Resources": {text: {"Type": text}, "T": {"Type": text}}}))
            for words in (
                ("estimate", "shop", "--template", str(path)),
                ("estimate", "new", "--template", str(path)),
                ("estimate", "shop", "--template", text.replace("\0", "")),
                ("estimate", "shop", "--change-set", text),
                ("estimate", text),
                ("collect", text),
                ("watch", text),
                ("cleanup", text),
            ):
                harmless(shell.run(*words)[1])
            path.write_text(f"Resources: {{a: [{text}")
            harmless(shell.run("estimate", "shop", "--template", str(path))[1])


class TestPreflight:
    def test_findings_about_hostile_templates(self, stage: Stage, shell: Shell) -> None:
        found = set()
        for start in range(0, 300, 30):
            texts = TEXTS[start : start + 30]
            resources: dict[str, Any] = {
                f"Q{n}": {"Type": text, "DependsOn": text} for n, text in enumerate(texts)
            }
            resources |= {
                f"R{n}": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": text}}
                for n, text in enumerate(texts)
            }
            resources |= {
                text: {"Type": "AWS::SQS::Queue", "Properties": {"X": {"Ref": text}}} for text in texts
            }
            parameters = {
                text: {"Type": "String", "AllowedPattern": text, "Description": text} for text in texts
            }
            (stage.root / "template.json").write_text(
                json.dumps({"Parameters": parameters, "Resources": resources})
            )
            words = ("shop", "--template", "template.json", "--environment", texts[0][:50].replace("\n", " "))
            harmless(shell.run("preflight", *words)[1])
            for findings in shell.machine("preflight", *words)[1]:
                found |= {one["code"] for one in findings}
        assert len(found) > 1, found

    def test_inputs_that_are_hostile(self, stage: Stage, shell: Shell) -> None:
        file = stage.root / "inputs.json"
        for text in TEXTS[:12]:
            for name in (
                "stack-name",
                "template",
                "lock",
                "registry",
                "environment",
                "when-busy",
                "parameter-overrides",
            ):
                given = {"stack-name": "shop", "environment": "prod", name: text}
                file.write_text(json.dumps(given))
                harmless(shell.run("preflight", "--inputs", str(file))[1])
            file.write_text(text)
            harmless(shell.run("preflight", "--inputs", str(file))[1])


class TestDoctor:
    def test_words_of_github_and_slack(
        self, shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", "token")
        monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-test")
        cache = tmp_path / "tools" / "deploy-coordinator"
        cache.mkdir(parents=True)
        monkeypatch.setenv("RUNNER_TOOL_CACHE", str(cache.parent))
        with GitHubServer() as github, SlackServer() as slack:
            monkeypatch.setenv("GITHUB_API_URL", github.url)
            monkeypatch.setenv("GITHUB_GRAPHQL_URL", github.graphql_url)
            monkeypatch.setenv("SLACK_API_URL", slack.api_url)
            for number, text in enumerate(TEXTS[:30]):
                status = (401, 403, 404)[number % 3]
                github.fail(status=status, body={"message": text, "documentation_url": text}, times=None)
                slack.fail(status=200, body={"ok": False, "error": text, "needed": text}, times=None)
                (cache / "image-1").write_text(f"{text}\n")
                words = ("doctor", "--repository", "org/app", "--slack-channel", text)
                code, told = shell.run(*words, registry="github")
                assert code == 1, told
                harmless(told)
                read([text], told)
                assert shell.machine(*words, registry="github")[0] == 1
                github.clear_faults()
                slack.clear_faults()
