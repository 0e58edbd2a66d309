"""Facts about the account, from boto3 over real HTTP."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.common.times import iso
from deploy_action.errors import BehindDenied, BehindUnavailable
from deploy_action.preflight.facts import Refusal, Session, Summary
from deploy_action.preflight.sources.account import Account
from deploy_action.preflight.sources.repository import look_at
from tests.fakes.github.server import GitHubServer
from tests.jobs.conftest import stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.jobs.stage import Stage

__all__ = ["stage"]
REF = StackRef("eu-west-1", "shop")


def test_the_expiry_of_credentials_that_a_tool_fetches(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "credentials.py"
    answer = {
        "Version": 1, "AccessKeyId": "a", "SecretAccessKey": "s", "SessionToken": "t",
        "Expiration": "2999-01-01T00:00:00Z",
    }  # fmt: skip
    program.write_text(f"print({json.dumps(json.dumps(answer))})")
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {sys.executable} {program}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    session = Account(AwsClients(), {}).session("eu-west-1")
    assert isinstance(session, Session)
    assert session.expires is not None
    assert iso(session.expires) == "2999-01-01T00:00:00Z"


def test_the_session_tells_account_and_clock(stage: Stage) -> None:
    session = Account(AwsClients(), {}).session("eu-west-1")
    assert isinstance(session, Session)
    assert (session.account, session.expires) == ("123456789012", None)
    assert session.their_time == pytest.approx(stage.clock.now(), abs=1)


def test_a_summary_and_a_refusal(stage: Stage) -> None:
    account = Account(AwsClients(), {})
    body = (
        "Parameters: {A: {Type: String, Default: x, AllowedValues: [x, y]}}\n"
        "Resources: {Q: {Type: AWS::SQS::Queue}}"
    )
    summary = account.summary(REF, body=body, url="")
    assert isinstance(summary, Summary)
    assert [(one.name, one.default) for one in summary.parameters] == [("A", "x")]
    assert isinstance(account.summary(REF, body="Resources: 5", url=""), Refusal)
    assert isinstance(account.summary(REF, body="", url="https://s3.amazonaws.com/gone"), Refusal)


def test_denials_and_silence_are_told_apart(stage: Stage) -> None:
    account = Account(AwsClients(), {})
    stage.server.faults.add("access_denied", operation="DescribeStacks")
    with pytest.raises(BehindDenied, match="cloudformation:DescribeStacks"):
        account.stack(REF)
    stage.server.faults.clear()
    stage.server.faults.add("error", operation="DescribeStacks")
    with pytest.raises(BehindUnavailable):
        account.stack(REF)
    stage.server.faults.clear()
    assert account.stack(REF).is_new


@pytest.mark.parametrize(("permission", "may_write"), [("write", True), ("read", False)])
def test_whether_a_token_may_write_is_found_out_without_writing(permission: str, may_write: bool) -> None:
    with GitHubServer() as server:
        server.state.tokens["t"] = {"contents": permission, "metadata": "read"}
        found = look_at("org/app", token="t", api_url=server.url, probe=True)
        assert (found.status, found.may_write) == (200, may_write)
        assert server.repository.head("refs/heads/deploy-coordinator-probe") is None
        asked = len(server.asked("POST"))
        assert look_at("org/app", token="t", api_url=server.url, probe=False).may_write is None
        assert len(server.asked("POST")) == asked, "a deployment's own checks only read"


def test_a_github_that_is_away() -> None:
    with GitHubServer() as server:
        server.fail("GET", status=502, times=None)
        with pytest.raises(BehindUnavailable):
            look_at("org/app", token="token", api_url=server.url, probe=True)


def test_change_sets_that_may_not_be_read(stage: Stage) -> None:
    account = Account(AwsClients(), {})
    account.require_change_sets(REF)
    stage.server.faults.add("access_denied", operation="DescribeChangeSet")
    with pytest.raises(BehindDenied, match="cloudformation:DescribeChangeSet"):
        account.require_change_sets(REF)
