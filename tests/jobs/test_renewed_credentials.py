"""Credentials that are renewed while a deployment runs: by a file, late, by a program, or not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients, SharedSession
from deploy_action.cloudformation.aws_credentials import PATIENCE_SECONDS
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.stage import Job, Stage

HOUR = 3600.0
LONG = "Resources: {Topic: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 5400}}}}"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The credentials file, with the first keys."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    write(path, "FIRST")
    return path


def write(path: Path, key: str) -> None:
    """As a refresher does: a new file takes the old one's place."""
    new = path.with_suffix(".new")
    new.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
    new.replace(path)


def at(stage: Stage, seconds: float, action: Any) -> None:
    stage.clock.at(stage.clock.elapsed + seconds, action)


def expire(stage: Stage, key: str, seconds: float) -> None:
    stage.server.faults.add("expired_token", access_key=key, after=stage.clock.now() + seconds)


def deploy(stage: Stage) -> tuple[int, Job]:
    job = stage.job(template=stage.template(LONG))
    return job.deploy(), job


def keys(stage: Stage) -> set[str]:
    return {entry["access_key"] for entry in stage.server.log}


@pytest.mark.parametrize("moment", [HOUR - 300, HOUR - 3, HOUR + 60])
def test_ninety_minutes_with_credentials_of_sixty(stage: Stage, file: Path, moment: float) -> None:
    expire(stage, "FIRST", HOUR)
    at(stage, moment, lambda: write(file, "SECOND"))
    code, job = deploy(stage)
    assert code == 0, job.log
    assert job.outputs()["outcome"] == "succeeded"
    assert keys(stage) == {"FIRST", "SECOND"}
    assert not stage.registry()["tickets"]


def test_credentials_that_nobody_renews_end_the_watch_soon(stage: Stage, file: Path) -> None:
    assert file.exists()
    expire(stage, "FIRST", HOUR)
    code, job = deploy(stage)
    assert code == 7, job.log
    assert job.outputs()["outcome"] == "unknown"
    assert "one hour" in job.log
    assert stage.clock.elapsed < HOUR + PATIENCE_SECONDS + 300


def test_what_the_environment_gives_is_not_waited_for(stage: Stage) -> None:
    expire(stage, "test", HOUR)
    code, job = deploy(stage)
    assert code == 7, job.log
    assert stage.clock.elapsed < HOUR + PATIENCE_SECONDS


def test_a_program_is_asked_again(stage: Stage, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = file.parent / "answer.json"

    def says(key: str) -> None:
        answer.write_text(json.dumps({"Version": 1, "AccessKeyId": key, "SecretAccessKey": "s"}))

    (file.parent / "config").write_text(f"[profile deploy]\ncredential_process = cat {answer}\n")
    monkeypatch.setenv("AWS_PROFILE", "deploy")
    says("THIRD")
    source = CloudFormation(AwsClients(session=SharedSession(stage.clock.monotonic)))
    shop = StackRef("eu-west-1", "shop")
    assert source.describe(shop) is None
    expire(stage, "THIRD", 0)
    with pytest.raises(StackSourceError) as late:
        source.describe(shop)
    assert late.value.temporary
    says("FOURTH")
    stage.clock.sleep(10)
    assert source.describe(shop) is None
    assert keys(stage) == {"THIRD", "FOURTH"}


def test_the_chain_is_read_again_at_a_bounded_pace(stage: Stage, file: Path) -> None:
    source = CloudFormation(AwsClients(session=SharedSession(stage.clock.monotonic)))
    shop = StackRef("eu-west-1", "shop")
    source.describe(shop)
    expire(stage, "FIRST", 0)
    with pytest.raises(StackSourceError):
        source.describe(shop)
    write(file, "SECOND")
    with pytest.raises(StackSourceError):
        source.describe(shop)
    stage.clock.sleep(3)
    assert source.describe(shop) is None


def test_what_nobody_renews_within_two_minutes_has_expired_for_good(stage: Stage, file: Path) -> None:
    assert file.exists()
    source = CloudFormation(AwsClients(session=SharedSession(stage.clock.monotonic)))
    expire(stage, "FIRST", 0)
    assert [_temporary(source, stage, after) for after in (0, 60, 59, 2)] == [True, True, True, False]


def test_patience_begins_anew_with_each_renewal(stage: Stage, file: Path) -> None:
    source = CloudFormation(AwsClients(session=SharedSession(stage.clock.monotonic)))
    expire(stage, "FIRST", 0)
    assert _temporary(source, stage, 0)
    write(file, "SECOND")
    stage.clock.sleep(100)
    assert source.describe(StackRef("eu-west-1", "shop")) is None
    expire(stage, "SECOND", 0)
    assert [_temporary(source, stage, after) for after in (60, 60, 61)] == [True, True, False]


def _temporary(source: CloudFormation, stage: Stage, after: float) -> bool:
    """Whether what is refused that many seconds later may pass."""
    stage.clock.sleep(after)
    with pytest.raises(StackSourceError) as refused:
        source.describe(StackRef("eu-west-1", "shop"))
    return refused.value.temporary
