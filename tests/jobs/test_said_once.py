"""The log repeats nothing: causes, expired credentials, nested stacks, services that refuse."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.operation import Operation
from deploy_action.diagnosis.service_lookups import Finding
from deploy_action.github.runner_files import JobLog
from deploy_action.job.job_log import JobLogReporter
from deploy_action.reporting.log.lines import LogStyle
from tests.clock import VirtualClock
from tests.cloudformation.story import DATABASE, nested, resource, stack

if TYPE_CHECKING:
    from deploy_action.cloudformation.events import StackEvent
    from tests.jobs.stage import Job, Stage

ROOT = Path(__file__).resolve().parents[2]
BAD = 'Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 9, Fail: "nope"}}}}'
EXPIRED = "The AWS credentials have expired (ExpiredToken)."


def reporter() -> tuple[JobLogReporter, io.StringIO]:
    stream = io.StringIO()
    return JobLogReporter(JobLog(stream), VirtualClock(), LogStyle(color=False)), stream


def test_a_cause_is_annotated_once_and_the_verdict_names_the_way_out(stage: Stage) -> None:
    job = stage.job(template=stage.template(BAD))
    assert job.deploy() == 1
    errors = [line for line in job.log.splitlines() if line.startswith("::error")]
    assert [line for line in errors if "nope" in line] == errors[:1]
    assert "was rolled back" in errors[1]
    assert "nope" in job.outputs()["root-cause"]
    assert "nope" in job.summary


def test_also_by_a_coordinator_that_was_started_again() -> None:
    first, stream = reporter()
    written: list[str] = []
    first.on_printed = written.append
    first.once("cause a", "::error::a")
    second, again = reporter()
    second.printed.update(written)
    second.once("cause a", "::error::a")
    second.once("cause b", "::error::b")
    assert (stream.getvalue(), again.getvalue()) == ("::error::a\n", "::error::b\n")


def test_expired_credentials_are_annotated_once() -> None:
    said, stream = reporter()
    for sentence in (EXPIRED, f"shop could not be read: {EXPIRED}", "Something else.", "Something else."):
        said.note(sentence)
    lines = stream.getvalue().splitlines()
    assert [line.startswith("::warning") for line in lines] == [True, False, True, False]
    assert lines[1] == "shop could not be read: the credentials have expired, as reported above."
    assert len(said.notes) == 4


def test_start_and_good_end_of_a_nested_stack_are_told_by_its_parent() -> None:
    events: tuple[StackEvent, ...] = (
        stack(0.0, "CREATE_IN_PROGRESS"),
        nested(1.0, "Database", "CREATE_IN_PROGRESS"),
        stack(2.0, "CREATE_IN_PROGRESS", of=DATABASE),
        resource(3.0, "Table", "CREATE_IN_PROGRESS", of=DATABASE),
        resource(4.0, "Table", "CREATE_COMPLETE", of=DATABASE),
        stack(5.0, "CREATE_COMPLETE", of=DATABASE),
        nested(6.0, "Database", "CREATE_COMPLETE"),
        stack(7.0, "ROLLBACK_IN_PROGRESS", "no"),
        stack(8.0, "ROLLBACK_IN_PROGRESS", "no", of=DATABASE),
    )
    operation = Operation()
    said, stream = reporter()
    said.grouped = False
    for event in events:
        operation.apply(event)
        said.events((event,), operation)
    lines = [line for line in stream.getvalue().splitlines() if "AWS::CloudFormation::Stack" in line]
    statuses = [line.split()[3] for line in lines]
    assert statuses == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "ROLLBACK_IN_PROGRESS"], stream.getvalue()
    assert stream.getvalue().count("Database/Table") == 2


def test_what_is_wrong_with_a_service_is_told_once_and_not_among_the_events() -> None:
    said, stream = reporter()
    refused = Finding("", "", "", "CloudTrail", "CloudTrail: it could not be asked (403).", "CloudTrail 403")
    said.found([refused, Finding("s", "Web", "Web", "ECS", "no capacity", "k")])
    said.line("the last event")
    said.found([refused])
    said.remarks()
    said.remarks()
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith("Web (ECS): no capacity")
    assert lines[1:] == ["the last event", "CloudTrail: it could not be asked (403)."]


def test_a_librarys_warning_does_not_reach_the_log(tmp_path: Path) -> None:
    """While another thread imports something that filters warnings for the time being."""
    script = (
        "import sys, threading, warnings\n"
        "from deploy_action.main import main\n"
        "main(['pre'])\n"
        "from urllib3.exceptions import DependencyWarning\n"
        "def other():\n"
        "    for _ in range(2000):\n"
        "        with warnings.catch_warnings():\n"
        "            warnings.simplefilter('ignore', DependencyWarning)\n"
        "threads = [threading.Thread(target=other) for _ in range(2)]\n"
        "[thread.start() for thread in threads]\n"
        "for number in range(2000): warnings.warn(f'SOCKS support {number}', DependencyWarning)\n"
        "[thread.join() for thread in threads]\n"
    )
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(("PYTHONWARNINGS", "GITHUB_"))
    }
    environment["DEPLOY_COORDINATOR_STATE"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_one_wrong_input_is_told_once_and_of_several_there_is_a_list(stage: Stage) -> None:
    template = stage.template(BAD)
    one = stage.job(template=template, when_busy="perhaps")
    assert one.deploy() == 3
    assert one.log.count("`perhaps` is none of wait, fail, skip.") == 1
    assert one.summary.count("`perhaps` is none of wait, fail, skip.") == 1
    two = stage.job("second", template=template, when_busy="perhaps", on_timeout="never")
    assert two.deploy() == 3
    assert "- `when-busy`: `perhaps`" in two.log
    assert "- `on-timeout`: `never`" in two.log


class TestNoCredentials:
    """One cause is one warning, however much depends on it."""

    @pytest.fixture(autouse=True)
    def none(self, stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        assert stage.server.port, "it sets credentials, which go after it"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("HOME", str(tmp_path))

    @staticmethod
    def deploy(stage: Stage, **environ: str) -> Job:
        job = stage.job(command="x", preflight="warn", diagnose_services="true")
        job.environ.update(environ)
        assert job.run("pre") == 0, job.log
        job.launch_command(lambda _there: 0)
        assert job.run("main") == 0, job.log
        job.run("post")
        return job

    def test_they_are_one_warning(self, stage: Stage) -> None:
        job = self.deploy(stage)
        warnings = [line for line in job.log.splitlines() if line.startswith("::warning")]
        assert len([line for line in warnings if "credentials" in line]) == 1, "\n".join(warnings)
        assert job.page.count("There are no usable AWS credentials") == 1
        assert (
            "cannot be watched while the command runs: there are no AWS credentials, as reported above"
            in job.log
        )
        assert job.outputs()["outcome"] == "unknown"

    def test_dependabot_is_named(self, stage: Stage) -> None:
        job = self.deploy(stage, GITHUB_ACTOR="dependabot[bot]", GITHUB_EVENT_NAME="push")
        assert job.log.count("This run is Dependabot's: GitHub gives it no secrets") == 1

    def test_a_fork_is_named(self, stage: Stage) -> None:
        event = stage.root / "event.json"
        event.write_text('{"pull_request": {"head": {"repo": {"full_name": "eve/app"}}}}', "utf-8")
        given = {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "pull_request"}
        job = self.deploy(stage, **given)
        assert job.log.count("a pull request from the fork eve/app") == 1

    @pytest.mark.parametrize(
        "event", ['{"pull_request": {"head": {"repo": {"full_name": "org/app"}}}}', "[", ""]
    )
    def test_any_other_run_is_not(self, stage: Stage, event: str) -> None:
        path = stage.root / "event.json"
        path.write_text(event, "utf-8")
        job = self.deploy(stage, GITHUB_EVENT_PATH=str(path), GITHUB_EVENT_NAME="pull_request")
        assert "This run is" not in job.log
        assert "aws-actions/configure-aws-credentials" in job.log
