"""Looking behind resources: real boto3 clients and real threads against the fake services."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.common.instants import CloudFormationTime
from deploy_action.diagnosis.service_investigator import ServiceInvestigator
from deploy_action.diagnosis.service_lookups import Finding, Service, Subject
from deploy_action.diagnosis.services.cloudtrail import CloudTrail
from deploy_action.diagnosis.services.custom_resource_log import CustomResource
from deploy_action.diagnosis.services.ecs import Ecs
from deploy_action.diagnosis.services.rds import Rds
from tests.cloudformation.story import ROOT, resource, stack, told
from tests.fakes.behind import BehindServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deploy_action.cloudformation.operation import Operation

T0 = 1_800_000_000.0
WEB = "arn:aws:ecs:eu-west-1:123456789012:service/shop/web"
ECS, RDS, CUSTOM, BUCKET = "AWS::ECS::Service", "AWS::RDS::DBInstance", "Custom::Seed", "AWS::S3::Bucket"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BehindServer]:
    with BehindServer() as found:
        for name in ("ECS", "CLOUDWATCH_LOGS", "LAMBDA", "RDS", "CLOUDTRAIL", "CLOUDFORMATION"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", found.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield found


@pytest.fixture
def looker(server: BehindServer) -> ServiceInvestigator:
    assert server.url
    clients = AwsClients(connect_seconds=1, read_seconds=2, tries=1)
    return ServiceInvestigator((Ecs(clients), CustomResource(clients), Rds(clients), CloudTrail(clients)))


def doing(type_: str, physical_id: str = "", *, failed: str = "", name: str = "Thing") -> Operation:
    """One resource that is being created since T0, or failed 30 s later."""
    events = [resource(T0, name, "CREATE_IN_PROGRESS", type_=type_)]
    if failed:
        events.append(resource(T0 + 30, name, "CREATE_FAILED", failed, type_=type_))
    return told(stack(T0, "CREATE_IN_PROGRESS"), *(replace(e, physical_id=physical_id) for e in events))


def texts(findings: Sequence[Finding]) -> list[str]:
    return [f"{finding.label} ({finding.service}): {finding.text}" for finding in findings]


def seen(looker: ServiceInvestigator, operation: Operation, after: float) -> list[str]:
    """What is told `after` seconds, with the real time that the threads take."""
    found = looker.look(operation, now=CloudFormationTime(T0 + after))
    deadline = time.monotonic() + 10
    while looker._busy and time.monotonic() < deadline:
        time.sleep(0.01)
    return texts([*found, *looker.look(operation, now=CloudFormationTime(T0 + after))])


def service(*events: tuple[float, str], failed_tasks: int = 0) -> dict[str, Any]:
    return {
        "serviceArn": WEB,
        "serviceName": "web",
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/shop",
        "events": [
            {"id": f"event-{at}", "createdAt": T0 + at, "message": message}
            for at, message in reversed(events)
        ],
        "deployments": [
            {
                "id": "ecs-svc/1",
                "rolloutState": "IN_PROGRESS",
                "failedTasks": failed_tasks,
                "desiredCount": 2,
                "runningCount": 0,
            }
        ],
    }


def task(name: str, at: float, reason: str, code: int | None = None, why: str = "") -> dict[str, Any]:
    container: dict[str, Any] = {"name": "app", **({"exitCode": code} if code is not None else {})}
    return {
        "taskArn": f"arn:aws:ecs:eu-west-1:123456789012:task/shop/{name}",
        "desiredStatus": "STOPPED",
        "stoppedAt": T0 + at,
        "stoppedReason": reason,
        "containers": [{**container, **({"reason": why} if why else {})}],
    }


PLACE = "(service web) was unable to place a task because no container instance met all requirements."
EXITED = "Essential container in task exited"
KILLED = "OutOfMemoryError: killed"
PULL = "CannotPullContainerError: pull access denied"


class TestEcs:
    def test_tasks_that_cannot_start_are_told_while_the_service_is_in_progress_each_once(
        self, server: BehindServer, looker: ServiceInvestigator
    ) -> None:
        operation = doing(ECS, WEB, name="Service")
        server.cloud.services[WEB] = service((-100, "(service web) old trouble"), (20, PLACE), failed_tasks=2)
        server.cloud.tasks = [
            task("old", -50, "Essential container in task exited", 1),
            task("a", 30, PULL),
            task("b", 40, EXITED, 137, KILLED),
            task("c", 45, "Scaling activity initiated by (deployment ecs-svc/0)", 0),
        ]
        assert looker.look(operation, now=CloudFormationTime(T0 + 59)) == []
        assert seen(looker, operation, 60) == [
            f"Service (ECS): {PLACE}",
            "Service (ECS): 0 of 2 tasks run, 2 failed; rollout IN_PROGRESS",
            f"Service (ECS): a task stopped: {PULL}",
            f"Service (ECS): a task stopped: {EXITED}; container app: {KILLED}, exit code 137",
        ]
        assert seen(looker, operation, 125) == []
        server.cloud.services[WEB] = service((20, PLACE), (130, "(service web) is unhealthy"), failed_tasks=2)
        assert seen(looker, operation, 260) == ["Service (ECS): (service web) is unhealthy"]

    def test_routine_is_not_told(self, server: BehindServer, looker: ServiceInvestigator) -> None:
        server.cloud.services[WEB] = service((5, "(service web) has started 2 tasks: (task 1) (task 2)."))
        assert seen(looker, doing(ECS, WEB), 60) == []
        assert len(server.asked("DescribeServices")) == 1

    def test_a_service_that_is_not_there(self, server: BehindServer, looker: ServiceInvestigator) -> None:
        old_form = "arn:aws:ecs:eu-west-1:123456789012:service/web"
        assert seen(looker, doing(ECS, old_form), 60) == []
        assert seen(looker, doing(ECS, ""), 60) == []
        assert len(server.asked("/ecs/")) == 1


TRACEBACK = "[ERROR] KeyError: 'Table'\nTraceback (most recent call last):\n  File \"app.py\", line 7"
GET_ATT = {"Fn::GetAtt": ["Seed", "Arn"]}
TOKEN = json.dumps({"Resources": {"Thing": {"Properties": {"ServiceToken": GET_ATT}}}})
YAML = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  Thing:
    Type: Custom::Seed
    Properties:
      ServiceToken: !GetAtt Seed.Arn
      Names: !Split [",", !Ref Names]
"""


class TestCustomResources:
    @pytest.mark.parametrize("template", [TOKEN, YAML], ids=["json", "yaml"])
    def test_the_traceback_of_its_function_is_told(
        self, server: BehindServer, looker: ServiceInvestigator, template: str
    ) -> None:
        server.cloud.templates[ROOT] = template
        server.cloud.resources[ROOT, "Seed"] = "shop-Seed-X"
        server.cloud.groups["/aws/lambda/shop-Seed-X"] = [
            (T0 - 500, "[ERROR] an older run"),
            (T0 + 1, "START RequestId: 1"),
            (T0 + 2, "reading the table"),
            (T0 + 3, TRACEBACK),
            (T0 + 4, "END RequestId: 1"),
        ]
        assert seen(looker, doing(CUSTOM), 60) == [
            f"Thing (Lambda log): shop-Seed-X: {' '.join(TRACEBACK.split())}"
        ]

    def test_without_an_error_the_last_lines_are_told(
        self, server: BehindServer, looker: ServiceInvestigator
    ) -> None:
        server.cloud.templates[ROOT] = TOKEN
        server.cloud.resources[ROOT, "Seed"] = "seed"
        server.cloud.groups["/aws/lambda/seed"] = [
            (T0, "START RequestId: 1"),
            *((T0 + n, f"waiting {n}") for n in range(9)),
        ]
        assert [text[-9:] for text in seen(looker, doing(CUSTOM), 60)] == [
            f"waiting {n}" for n in range(4, 9)
        ]

    def test_a_function_that_logs_elsewhere(self, server: BehindServer, looker: ServiceInvestigator) -> None:
        server.cloud.templates[ROOT] = TOKEN.replace(json.dumps(GET_ATT), '{"Ref": "Arn"}')
        server.cloud.parameters["Arn"] = "arn:aws:lambda:eu-west-1:123456789012:function:seed"
        server.cloud.functions["seed"] = "own-group"
        server.cloud.groups["own-group"] = [(T0 + 1, "Task timed out after 3.00 seconds")]
        assert seen(looker, doing(CUSTOM), 60) == [
            "Thing (Lambda log): seed: Task timed out after 3.00 seconds"
        ]

    def test_where_it_logs_may_be_denied(self, server: BehindServer, looker: ServiceInvestigator) -> None:
        server.cloud.templates[ROOT] = TOKEN
        server.cloud.resources[ROOT, "Seed"] = "seed"
        server.deny("lambda", "GetFunctionConfiguration")
        (line,) = seen(looker, doing(CUSTOM), 60)
        assert "AWS denies `lambda:GetFunctionConfiguration`" in line
        assert seen(looker, doing(CUSTOM), 120) == []
        assert len(server.asked("GetFunctionConfiguration")) == 1
        server.cloud.groups["/aws/lambda/seed"] = [(T0 + 1, "ERROR found")]
        assert seen(looker, doing(CUSTOM), 240) == ["Thing (Lambda log): seed: ERROR found"]

    def test_a_resource_without_a_function(self, server: BehindServer, looker: ServiceInvestigator) -> None:
        server.cloud.templates[ROOT] = "{}"
        assert seen(looker, doing(CUSTOM), 60) == []


def database_event(at: float, message: str) -> dict[str, Any]:
    return {"SourceIdentifier": "db", "SourceType": "db-instance", "Date": T0 + at, "Message": message}


def test_events_of_a_database_are_told(server: BehindServer, looker: ServiceInvestigator) -> None:
    server.cloud.database_events = [database_event(-900, "Backing up"), database_event(9, "No space left")]
    assert seen(looker, doing(RDS, "db"), 60) == ["Thing (RDS): No space left"]


def call(at: float, code: str = "AccessDenied", by: str = "cloudformation.amazonaws.com") -> dict[str, Any]:
    event = {
        "eventSource": "s3.amazonaws.com",
        "sourceIPAddress": by,
        "errorCode": code,
        "errorMessage": "not authorized to perform: s3:CreateBucket",
    }
    return {
        "EventId": f"call-{at}-{by}",
        "EventName": "CreateBucket",
        "EventTime": T0 + at,
        "CloudTrailEvent": json.dumps({k: v for k, v in event.items() if v}),
    }


class TestCloudTrail:
    def test_the_denied_call_of_a_failure_is_told(
        self, server: BehindServer, looker: ServiceInvestigator
    ) -> None:
        server.cloud.trail = [call(20), call(21, ""), call(22, by="198.51.100.7"), call(900)]
        operation = doing(BUCKET, failed="Access Denied")
        told_ = "s3:CreateBucket failed with AccessDenied: not authorized to perform: s3:CreateBucket"
        assert seen(looker, operation, 31) == [f"Thing (CloudTrail): {told_}"]
        assert looker.finish(operation) == []
        assert [finding.text for finding in looker.about(operation)] == [told_]

    def test_that_it_lags_is_told_at_the_end(self, server: BehindServer, looker: ServiceInvestigator) -> None:
        assert server.url
        operation = doing(BUCKET, failed="Access Denied")
        assert seen(looker, operation, 31) == []
        (line,) = looker.finish(operation)
        assert "no failed call for Thing so far; it shows calls 5 to 15 minutes after" in line.text
        assert looker.about(operation) == ()


CASES = [
    ("ecs", "DescribeServices", doing(ECS, WEB)),
    ("rds", "DescribeEvents", doing(RDS, "db")),
    ("cloudformation", "GetTemplate", doing(CUSTOM)),
    ("cloudtrail", "LookupEvents", doing(BUCKET, failed="Access Denied")),
]
each_service = pytest.mark.parametrize(
    ("service_", "operation_", "operation"), CASES, ids=[c[0] for c in CASES]
)


class TestBadDays:
    @each_service
    def test_a_denial_is_one_line_and_the_service_is_not_asked_again(
        self,
        server: BehindServer,
        looker: ServiceInvestigator,
        service_: str,
        operation_: str,
        operation: Operation,
    ) -> None:
        server.deny(service_, operation_)
        (line,) = seen(looker, operation, 60)
        assert f"AWS denies `{service_}:{operation_}`, so it is not asked again in this job" in line
        assert seen(looker, operation, 1000) == []
        assert looker.finish(operation) == []
        assert len(server.asked(f"/{service_}/")) == 1

    @each_service
    def test_throttling_is_one_line_and_the_service_is_asked_again(
        self,
        server: BehindServer,
        looker: ServiceInvestigator,
        service_: str,
        operation_: str,
        operation: Operation,
    ) -> None:
        server.refuse(service_, operation_, "ThrottlingException", "Rate exceeded")
        (line,) = seen(looker, operation, 60)
        assert "could not be asked (ThrottlingException); the deployment is not affected" in line
        assert looker.finish(operation) == []
        assert len(server.asked(f"/{service_}/")) == 2

    @each_service
    def test_a_service_that_hangs_does_not_hold_up_the_end(
        self,
        server: BehindServer,
        looker: ServiceInvestigator,
        service_: str,
        operation_: str,
        operation: Operation,
    ) -> None:
        server.fail(f"/{service_}/{operation_}", kind="hang", times=None)
        began = time.monotonic()
        assert looker.look(operation, now=CloudFormationTime(T0 + 60)) == []
        assert time.monotonic() - began < 0.5
        assert looker.finish(operation, patience_seconds=0.2) == []
        assert time.monotonic() - began < 1.5

    @each_service
    @pytest.mark.parametrize("body", [b"\x00<garbage", b"[]", b"{}", b'{"services": 7, "Events": [1]}'])
    def test_garbage_is_survived(  # noqa: PLR0917 - a parametrised test
        self,
        server: BehindServer,
        looker: ServiceInvestigator,
        service_: str,
        operation_: str,
        operation: Operation,
        body: bytes,
    ) -> None:
        server.fail(f"/{service_}/{operation_}", status=200, body=body, times=None)
        told_ = seen(looker, operation, 60)
        assert len(told_) <= 1
        assert all("the deployment is not affected" in line for line in told_)
        assert all("defect" not in line for line in told_)

    def test_one_service_that_hangs_does_not_keep_another_from_telling(
        self, server: BehindServer, looker: ServiceInvestigator
    ) -> None:
        server.cloud.trail = [{**call(20), "EventName": "CreateService"}]
        server.fail("/ecs/", kind="hang", times=None)
        found = looker.finish(doing(ECS, WEB, failed="no"), patience_seconds=1.5)
        assert [finding.service for finding in found] == ["CloudTrail"]


class Broken:
    """A service whose adapter has a defect."""

    service = Service.ECS

    def look(self, subject: Subject) -> Sequence[Finding]:
        raise ZeroDivisionError(subject.label)


def test_a_defect_is_told_once_and_ends_the_looking() -> None:
    looker = ServiceInvestigator([Broken()])
    (line,) = seen(looker, doing(ECS, WEB), 60)
    assert "a defect of deploy-coordinator (ZeroDivisionError: Thing)" in line
    assert seen(looker, doing(ECS, WEB), 1000) == []
    assert looker.finish(doing(ECS, WEB)) == []


def test_a_defect_in_the_planning_is_told_once() -> None:
    looker = ServiceInvestigator([Broken()])
    nonsense: Any = None
    (line,) = looker.look(nonsense, now=CloudFormationTime(0))
    assert "ended by a defect" in line.text
    assert looker.look(nonsense, now=CloudFormationTime(1)) == []
    assert looker.finish(nonsense) == []
    assert looker.about(nonsense) == ()


def test_nothing_to_look_at_costs_nothing(server: BehindServer, looker: ServiceInvestigator) -> None:
    operation = doing(BUCKET, "bucket")
    assert seen(looker, operation, 1000) == []
    began = time.monotonic()
    assert looker.finish(operation) == []
    assert time.monotonic() - began < 0.5
    assert server.requests == []
