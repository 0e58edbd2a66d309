"""Faults, the control endpoint, recordings and the command line of the CloudFormation test ground."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.__main__ import accelerated
from tests.fakes.cloudformation.harness import EPOCH, VirtualClock, all_events, client, status

TOPIC = "Resources: {T: {Type: 'AWS::SNS::Topic'}}"


def control(server: CloudFormationServer, method: str, name: str, body: Any = None) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    with urlopen(Request(f"{server.endpoint_url}/_testground/{name}", data, method=method)) as answer:
        return json.load(answer)


@pytest.mark.parametrize(
    ("kind", "code", "http"),
    [
        ("throttle", "Throttling", 400),
        ("expired_token", "ExpiredToken", 403),
        ("access_denied", "AccessDenied", 403),
        ("error", "InternalFailure", 500),
    ],
)
def test_refusing_faults(server: CloudFormationServer, cfn: Any, kind: str, code: str, http: int) -> None:
    fault = server.faults.add(kind, operation="Describe*", count=1)
    with pytest.raises(ClientError) as caught:
        cfn.describe_stacks()
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, http)
    assert cfn.describe_stacks()["Stacks"] == []
    assert fault.fired == 1


def test_boto3_retries_what_aws_asks_it_to_retry(server: CloudFormationServer) -> None:
    patient = client(server, attempts=3)
    server.faults.add("throttle", operation="DescribeStacks", count=1)
    server.faults.add("error", operation="DescribeStacks", status=503, count=1)
    patient.describe_stacks()
    patient.close()
    assert server.requests["DescribeStacks", "eu-west-1"] == 2


def test_access_denied_names_who_and_what(server: CloudFormationServer, cfn: Any) -> None:
    server.faults.add("access_denied", operation="CreateStack")
    with pytest.raises(
        ClientError, match=r"is not authorized to perform: cloudformation:CreateStack on resource: arn:aws:"
    ):
        cfn.create_stack(StackName="s", TemplateBody=TOPIC)


def test_a_connection_can_break_before_or_after_the_effect(server: CloudFormationServer, cfn: Any) -> None:
    server.faults.add("reset_before", operation="CreateStack", count=1)
    with pytest.raises(ConnectionClosedError):
        cfn.create_stack(StackName="s", TemplateBody=TOPIC)
    assert cfn.describe_stacks()["Stacks"] == []
    server.faults.add("reset_after", operation="CreateStack", count=1)
    with pytest.raises(ConnectionClosedError):
        cfn.create_stack(StackName="s", TemplateBody=TOPIC)
    assert status(cfn, "s") == "CREATE_IN_PROGRESS"
    server.faults.add("error_after", operation="DeleteStack", count=1)
    with pytest.raises(ClientError, match="InternalFailure"):
        cfn.delete_stack(StackName="s")
    assert status(cfn, "s") == "DELETE_IN_PROGRESS"


def test_windows_skips_and_probability(server: CloudFormationServer, cfn: Any, clock: VirtualClock) -> None:
    def throttled() -> bool:
        try:
            cfn.describe_stacks()
        except ClientError:
            return True
        return False

    server.faults.add("throttle", after=EPOCH + 10, until=EPOCH + 20)
    seen = []
    for _ in range(3):
        seen.append(throttled())
        clock.advance(10)
    assert seen == [False, True, False]
    server.faults.clear()
    server.faults.add("throttle", skip=2, count=1)
    assert [throttled() for _ in range(4)] == [False, False, True, False]
    server.faults.clear()
    server.faults.add("throttle", probability=0.5)
    assert 20 < sum(throttled() for _ in range(80)) < 60


def test_stale_reads(server: CloudFormationServer, cfn: Any, clock: VirtualClock) -> None:
    cfn.create_stack(StackName="s", TemplateBody=TOPIC)
    clock.advance(600)
    server.faults.add("stale", operation="DescribeStacks", seconds=599)
    assert status(cfn, "s") == "CREATE_IN_PROGRESS"
    assert all_events(cfn, "s")[-1]["ResourceStatus"] == "CREATE_COMPLETE"


def test_a_delay_is_real_time(server: CloudFormationServer, cfn: Any) -> None:
    server.faults.add("delay", seconds=0.05, count=1)
    begin = time.monotonic()
    cfn.describe_stacks()
    assert time.monotonic() - begin >= 0.05


def test_the_control_endpoint(server: CloudFormationServer, cfn: Any) -> None:
    control(server, "POST", "faults", [{"kind": "throttle", "operation": "ListStacks"}])
    with pytest.raises(ClientError):
        cfn.list_stacks()
    assert control(server, "GET", "faults")["faults"][0]["fired"] == 1
    assert control(server, "GET", "requests") == {"eu-west-1": {"ListStacks": 1}}
    assert control(server, "GET", "log")[0]["error"] == "Throttling"
    assert control(server, "GET", "clock") == {"now": EPOCH}
    with pytest.raises(HTTPError, match="400"):
        control(server, "POST", "faults", {"kind": "earthquake"})
    with pytest.raises(HTTPError, match="404"):
        control(server, "GET", "nothing")
    url = control(server, "PUT", "templates/t.yaml", {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})["url"]
    control(server, "POST", "reset", {})
    assert control(server, "GET", "requests") == {}
    cfn.create_stack(StackName="s", TemplateURL=url)
    with urlopen(url) as answer:
        assert b"AWS::SNS::Topic" in answer.read()


def test_unsigned_calls_are_refused(server: CloudFormationServer) -> None:
    with pytest.raises(HTTPError) as caught:
        urlopen(server.endpoint_url, b"Action=DescribeStacks&Version=2010-05-15")
    assert caught.value.code == 403
    assert b"MissingAuthenticationToken" in caught.value.read()
    caught.value.close()


def test_a_bug_of_the_test_ground_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fakes.cloudformation import operations

    monkeypatch.setitem(operations.HANDLERS, "DescribeStacks", lambda call, params: {"Stax": []})
    server = CloudFormationServer(VirtualClock()).start()
    cloudformation = client(server)
    with pytest.raises(ClientError, match="TestGroundBug"):
        cloudformation.describe_stacks()
    cloudformation.close()
    with pytest.raises(RuntimeError, match=r"no member \['Stax'\]"):
        server.__exit__(None, None, None)


def row(second: float, logical: str, status_: str, **more: Any) -> dict[str, Any]:
    is_stack = logical == more.get("stack", "shop")
    kind = "AWS::CloudFormation::Stack" if is_stack or logical == "Child" else "AWS::SNS::Topic"
    return {
        "t": second,
        "stack": "shop",
        "logical_id": logical,
        "type": kind,
        "status": status_,
        "is_stack": is_stack,
    } | more


RECORDED = [
    row(100, "shop", "CREATE_IN_PROGRESS", reason="User Initiated"),
    row(102, "Child", "CREATE_IN_PROGRESS"),
    row(103, "Child", "CREATE_IN_PROGRESS", reason="Resource creation Initiated"),
    row(104, "shop-Child-ABCDEF", "CREATE_IN_PROGRESS", stack="shop-Child-ABCDEF"),
    row(105, "Leaf", "CREATE_IN_PROGRESS", stack="shop-Child-ABCDEF"),
    row(107, "shop-Child-ABCDEF", "CREATE_COMPLETE", stack="shop-Child-ABCDEF"),
    row(110, "Child", "CREATE_COMPLETE"),
    row(112, "shop", "CREATE_COMPLETE"),
]


def test_a_recording_plays_on_the_clock(server: CloudFormationServer, cfn: Any, clock: VirtualClock) -> None:
    server.load_recording("eu-west-1", "shop", RECORDED, start=EPOCH)
    assert status(cfn, "shop") == "CREATE_IN_PROGRESS"
    assert len(all_events(cfn, "shop")) == 1
    clock.advance(3)
    child = all_events(cfn, "shop")[-1]["PhysicalResourceId"]
    clock.advance(5)
    (stack,) = cfn.describe_stacks(StackName=child)["Stacks"]
    assert (stack["StackName"], stack["StackStatus"]) == ("shop-Child-ABCDEF", "CREATE_COMPLETE")
    assert stack["ParentId"] == cfn.describe_stacks(StackName="shop")["Stacks"][0]["StackId"]
    clock.advance(4)
    assert status(cfn, "shop") == "CREATE_COMPLETE"
    ids = [event["EventId"] for event in all_events(cfn, "shop")]
    assert len(set(ids)) == len(ids) == 5


def test_a_recording_can_start_midway(
    server: CloudFormationServer, cfn: Any, clock: VirtualClock, tmp_path: Path
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(json.dumps(item) for item in RECORDED), "utf-8")
    server.load_recording_file("eu-west-1", file, start=EPOCH, skip_seconds=10)
    assert len(all_events(cfn, "shop")) == 4
    clock.advance(2)
    assert status(cfn, "shop") == "CREATE_COMPLETE"


def test_the_accelerated_clock() -> None:
    origin = time.time() - 10
    assert accelerated(f"{origin}:60")() == pytest.approx(origin + 600, abs=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_line(tmp_path: Path, number: int) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "tests.fakes.cloudformation", "--clock", f"{time.time()}:100"]
    process = subprocess.Popen(
        [*command, "--ready-file", str(ready)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("ready http://127.0.0.1:")
        with urlopen(f"{line.split()[1]}/_testground/clock") as answer:
            assert json.load(answer)["now"] > 0
        assert ready.read_text("utf-8") == line.split()[1]
        process.send_signal(number)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
