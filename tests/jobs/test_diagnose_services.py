"""What services tell of a failed resource reaches log and summary, and never the verdict."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes.behind import BehindServer
from tests.jobs.test_attach import SLOW
from tests.reporting.readers import GITHUB_ACTS, prose_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.jobs.stage import Stage

BAD = SLOW.replace("Seconds: 100", 'Seconds: 100, Fail: "Access Denied"')
HOSTILE = "##[error]x\r\n::set-env name=A::b @everyone <img src=x> [a](http://x) | `c`\x1b[31m"


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[BehindServer]:
    with BehindServer() as server:
        for name in ("ECS", "CLOUDWATCH_LOGS", "LAMBDA", "RDS", "CLOUDTRAIL"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", server.url)
        yield server


def call(stage: Stage, message: str) -> dict[str, object]:
    return {
        "EventId": "call-1",
        "EventName": "CreateTopic",
        "EventTime": stage.clock.now() + 50,
        "CloudTrailEvent": json.dumps(
            {
                "eventSource": "sns.amazonaws.com",
                "userAgent": "cloudformation.amazonaws.com",
                "errorCode": "AccessDenied",
                "errorMessage": message,
            }
        ),
    }


def test_the_call_behind_a_failure_stands_beside_its_cause(stage: Stage, behind: BehindServer) -> None:
    behind.cloud.trail = [call(stage, "not authorized to perform: SNS:CreateTopic")]
    job = stage.job(template=stage.template(BAD), diagnose_services="true")
    assert job.deploy() == 1
    told = "sns:CreateTopic failed with AccessDenied: not authorized to perform: SNS:CreateTopic"
    assert f"   ⤷ Topic (CloudTrail): {told}" in job.log.splitlines()
    assert "- Topic (CloudTrail): sns:CreateTopic failed with AccessDenied" in job.summary
    assert job.outputs()["root-cause"] == "Topic (AWS::SNS::Topic): Access Denied"


def test_hostile_text_is_harmless(stage: Stage, behind: BehindServer) -> None:
    behind.cloud.trail = [call(stage, HOSTILE)]
    job = stage.job(template=stage.template(BAD), diagnose_services="true")
    assert job.deploy() == 1
    (line,) = (line for line in job.log.splitlines() if "CloudTrail" in line)
    assert "##[" not in line
    assert "\x1b" not in line
    assert not any(line.lstrip().startswith("::set-env") for line in job.log.splitlines())
    (item,) = (line for line in job.summary.splitlines() if "CloudTrail" in line)
    assert "<img" not in item
    assert not GITHUB_ACTS.search(prose_of(item))
    assert "[a](" not in item


def test_without_a_failure_nobody_is_asked(stage: Stage, behind: BehindServer) -> None:
    job = stage.job(template=stage.template(SLOW), diagnose_services="true")
    assert job.deploy() == 0
    assert behind.requests == []


def test_it_can_be_switched_off(stage: Stage, behind: BehindServer) -> None:
    job = stage.job(template=stage.template(BAD), diagnose_services="false")
    assert job.deploy() == 1
    assert behind.requests == []


SERVICE = "Resources: {Web: {Type: AWS::ECS::Service, Metadata: {TestGround: {Seconds: 300}}}}"


def test_a_time_out_asks_about_what_still_runs(stage: Stage, behind: BehindServer) -> None:
    job = stage.job(template=stage.template(SERVICE), diagnose_services="true", timeout_in_minutes="2")
    assert job.deploy() == 6
    assert behind.asked("/ecs/DescribeServices")


def test_a_cancelled_job_has_no_time_to_ask(stage: Stage, behind: BehindServer) -> None:
    job = stage.job(template=stage.template(SERVICE), diagnose_services="true")
    stage.clock.at(40, lambda: setattr(job.cancel, "now", True))
    assert job.deploy() == 130
    assert not behind.asked("/ecs/")


@pytest.mark.parametrize("trouble", ["denied", "throttled", "hanging", "garbage", "gone"])
def test_no_trouble_with_a_service_changes_the_verdict(
    stage: Stage, behind: BehindServer, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "deploy_action.diagnosis.service_investigator.ServiceInvestigator.finish.__kwdefaults__",
        {"patience_seconds": 1.0},
    )
    if trouble == "denied":
        behind.deny("cloudtrail", "LookupEvents")
    elif trouble == "throttled":
        behind.refuse("cloudtrail", "LookupEvents", "ThrottlingException")
    elif trouble == "gone":
        behind.fail("/cloudtrail/", kind="drop", times=None)
    else:
        kind = {"hanging": "hang", "garbage": "status"}[trouble]
        behind.fail("/cloudtrail/", kind=kind, status=200, body=b"<", times=None)
    job = stage.job(template=stage.template(BAD), diagnose_services="true")
    began = time.monotonic()
    assert job.deploy() == 1
    assert time.monotonic() - began < 10
    assert job.outputs()["outcome"] == "rolled-back"
    assert job.outputs()["root-cause"] == "Topic (AWS::SNS::Topic): Access Denied"
    assert not any("::warning" in line and "CloudTrail" in line for line in job.log.splitlines())
