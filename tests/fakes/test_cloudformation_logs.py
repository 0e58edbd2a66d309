"""The test ground held against real event logs.

The folder comes from `CFN_LOGS`, or is `shared/cfn-logs` beside the repository; without it they are skipped.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import EPOCH, VirtualClock, client, status
from tests.fakes.cloudformation.recording import moment_of, read_jsonl

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGS = Path(os.environ.get("CFN_LOGS") or Path(__file__).parents[3] / "shared" / "cfn-logs")
FILES = sorted(LOGS.glob("*.jsonl"))
pytestmark = pytest.mark.skipif(not FILES, reason="no real event logs at hand (set CFN_LOGS)")

Rows = list[dict[str, Any]]
Transitions = dict[str, set[tuple[str, str]]]

# What AWS documents or is widely seen to do, but what none of the logs happens to show.
UNSEEN_STACK_STEPS = {
    ("CREATE_IN_PROGRESS", "CREATE_FAILED"),  # a nested stack, or rollback disabled
    ("CREATE_FAILED", "DELETE_IN_PROGRESS"),  # the parent rolls back
    ("UPDATE_IN_PROGRESS", "UPDATE_FAILED"),  # rollback disabled
    ("UPDATE_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"),  # RollbackStack
    ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"),
    ("UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS"),  # ContinueUpdateRollback
    ("DELETE_IN_PROGRESS", "DELETE_FAILED"),
    ("ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"),
    ("CREATE_COMPLETE", "DELETE_IN_PROGRESS"),
    ("UPDATE_COMPLETE", "DELETE_IN_PROGRESS"),
    (
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
    ),  # a child whose parent failed later
    ("UPDATE_ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS"),
}
UNSEEN_RESOURCE_STEPS = {
    ("UPDATE_IN_PROGRESS", "UPDATE_FAILED"),  # the logs hold no failed update of a resource
    ("UPDATE_FAILED", "UPDATE_IN_PROGRESS"),
    ("UPDATE_FAILED", "UPDATE_COMPLETE"),  # skipped by ContinueUpdateRollback
    ("DELETE_COMPLETE", "DELETE_SKIPPED"),  # a replaced copy went, the last one is retained
}
_CURRENTLY = "Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason"
_UPDATES = "The following resource(s) failed to update: []. "
UNSEEN_WORDING = {
    ("UPDATE_FAILED", "Resource update cancelled"),
    ("UPDATE_FAILED", 'Resource handler returned message: ""'),
    ("UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: []. "),
    ("CREATE_FAILED", "The following resource(s) failed to create: []. "),
    ("UPDATE_FAILED", f"Embedded stack ARN was not successfully updated. {_CURRENTLY}: {_UPDATES}"),
    ("UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: []. "),
    ("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated"),
    ("UPDATE_ROLLBACK_IN_PROGRESS", ""),
    ("UPDATE_ROLLBACK_IN_PROGRESS", f"The following resource(s) failed to create: []. {_UPDATES}"),
    ("UPDATE_COMPLETE", "Update successful. One or more resources could not be deleted."),
}

STARTS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS"}


def rows_of(file: Path) -> Rows:
    return sorted(read_jsonl(file), key=moment_of)


def pattern(reason: str) -> str:
    """A reason without its names, numbers and quoted text."""
    reason = re.sub(r"\[[^\]]*\]", "[]", reason)
    reason = re.sub(r"arn:\S+", "ARN", reason)
    return re.sub(
        r'^Resource handler returned message: ".*',
        'Resource handler returned message: ""',
        reason,
        flags=re.DOTALL,
    )


def steps(rows: Rows, stack_level: bool) -> set[tuple[str, str]]:
    """Every pair of statuses that follow one another in one resource (or stack) of the rows."""
    last: dict[tuple[str, str], str] = {}
    found = set()
    for item in rows:
        if bool(item["is_stack"]) is not stack_level:
            continue
        key = (item["stack"], item["logical_id"])
        if key in last:
            found.add((last[key], item["status"]))
        last[key] = item["status"]
    return found


def event_id_form(item: dict[str, Any]) -> tuple[bool, str]:
    """Whether the event is about a stack, and the form of its id; empty for an id that AWS did not make."""
    uuid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    logical, told = re.escape(item["logical_id"]), item["EventId"]
    if re.fullmatch(uuid, told):
        return item["is_stack"], "uuid"
    if re.fullmatch(f"{logical}-{uuid}", told):
        return item["is_stack"], "name-uuid"
    timed = rf"{logical}-{item['status']}-\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z"
    return item["is_stack"], "name-status-time" if re.fullmatch(timed, told) else ""


@pytest.fixture(scope="module")
def ground() -> Iterator[tuple[CloudFormationServer, VirtualClock, Any]]:
    clock = VirtualClock()
    with CloudFormationServer(clock) as server:
        cloudformation = client(server)
        yield server, clock, cloudformation
        cloudformation.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recordings_replay_in_order(
    file: Path, ground: tuple[CloudFormationServer, VirtualClock, Any]
) -> None:
    server, clock, cloudformation = ground
    server.reset()
    clock.time = EPOCH
    rows = rows_of(file)
    server.load_recording_file("eu-west-1", file, start=EPOCH)
    moments = [moment_of(item) for item in rows]
    length = moments[-1] - moments[0]
    for share, size in ((0.5, 7), (1.0, 3 if len(rows) < 60 else 40), (1.0, 100)):
        clock.time = EPOCH + length * share + 0.001
        server.faults.clear()
        server.faults.add("page_size", size=size)
        for name in dict.fromkeys(item["stack"] for item in rows):
            own = [
                i
                for i, m in zip(rows, moments, strict=True)
                if i["stack"] == name and m - moments[0] <= length * share
            ]
            if own:
                replays(cloudformation, server.world.region("eu-west-1"), clock.time, name, own)


def replays(cloudformation: Any, region: Any, now: float, name: str, own: Rows) -> None:
    (stack,) = [stack for stack in region.every(now) if stack.name == name]
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack.stack_id)
    events = [event for page in pages for event in page["StackEvents"]][::-1]
    assert [event["ResourceStatus"] for event in events] == [item["status"] for item in own]
    assert [event["LogicalResourceId"] for event in events] == [item["logical_id"] for item in own]
    assert len({event["EventId"] for event in events}) == len(events)
    assert all(item.get("EventId") in {None, e["EventId"]} for e, item in zip(events, own, strict=True))
    own_statuses = [item["status"] for item in own if item["is_stack"]]
    if own_statuses:
        assert status(cloudformation, stack.stack_id) == own_statuses[-1]


def test_nested_stacks_of_recordings_are_found(
    ground: tuple[CloudFormationServer, VirtualClock, Any],
) -> None:
    server, clock, _ = ground
    for file in FILES:
        rows = rows_of(file)
        names = {item["stack"] for item in rows}
        if len(names) == 1:
            continue
        server.reset()
        clock.time = EPOCH
        server.load_recording_file("eu-west-1", file, start=EPOCH)
        clock.advance(100_000)
        nested = [stack for stack in server.world.region("eu-west-1").every(clock.time) if stack.parent_id]
        assert {stack.name for stack in nested} == names - {min(names, key=len)}
        for stack in nested:
            parent = server.world.region("eu-west-1").stacks[str(stack.parent_id)]
            assert stack.stack_id in {event.physical_id for event in parent.events}


COMMON = """
Parameters: {Step: {Type: String, Default: "1"}}
Resources:
  Vpc: {Type: "AWS::EC2::VPC"}
  Table: {Type: "AWS::DynamoDB::Table", DependsOn: Vpc, Properties: {Throughput: !Ref Step}}
  Kept: {Type: "AWS::S3::Bucket", DeletionPolicy: Retain, Properties: {BucketName: !Sub "name-${Step}"}}
  Role: {Type: "AWS::IAM::Role", DeletionPolicy: Retain, DependsOn: Vpc}
  Nested:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://b/child", Parameters: {Step: !Ref Step}}
"""
CHILD = """
Parameters: {Step: {Type: String}}
Resources: {Leaf: {Type: "AWS::SQS::Queue", Properties: {DelaySeconds: !Ref Step}%s}}
"""
BAD = """
  Bad:
    Type: AWS::KMS::Key
    DependsOn: Table
    Metadata: {TestGround: {Fail: denied, HandlerErrorCode: AccessDenied, %s}}
"""


def play() -> Rows:
    """Many lives on the test ground, as rows like those of the logs."""
    clock = VirtualClock()
    server = CloudFormationServer(clock)
    server.templates["https://b/child"] = CHILD % ""
    with server:
        cloudformation = client(server)
        for number, act in enumerate(
            (_good, _bad_create, _bad_update, _bad_child, _bad_child_update, _stuck)
        ):
            act(server, cloudformation, clock, f"stack{number}")
            server.templates["https://b/child"] = CHILD % ""
        cloudformation.close()
    rows: Rows = []
    for stack in server.world.region("eu-west-1").stacks.values():
        rows += [
            {"stack": stack.stack_id, "logical_id": e.logical_id, "status": e.status, "reason": e.reason,
             "is_stack": e.about_stack, "EventId": e.event_id, "timestamp": e.time}
            for e in stack.events
        ]  # fmt: skip
    return rows


CAPABLE = {"Capabilities": ["CAPABILITY_IAM"]}


def _update(
    cloudformation: Any, clock: VirtualClock, name: str, body: str = COMMON, step: int = 2, **more: Any
) -> None:
    given = [{"ParameterKey": "Step", "ParameterValue": str(step)}]
    cloudformation.update_stack(StackName=name, TemplateBody=body, Parameters=given, **CAPABLE, **more)
    clock.advance(3000)


def _good(server: CloudFormationServer, cloudformation: Any, clock: VirtualClock, name: str) -> None:
    cloudformation.create_change_set(
        StackName=name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=COMMON, **CAPABLE
    )
    clock.advance(9)
    cloudformation.execute_change_set(StackName=name, ChangeSetName="c")
    clock.advance(3000)
    _update(cloudformation, clock, name)
    _update(cloudformation, clock, name, COMMON.replace("  Role: {Type", "  Role2: {Type"), 3)
    cloudformation.delete_stack(StackName=name)
    clock.advance(3000)


def _bad_create(server: CloudFormationServer, cloudformation: Any, clock: VirtualClock, name: str) -> None:
    for at in ("FailAfter: 0.2", "FailAfter: 5"):
        cloudformation.create_stack(StackName=name, TemplateBody=COMMON + BAD % at, **CAPABLE)
        clock.advance(3000)
        cloudformation.delete_stack(StackName=name)
        clock.advance(3000)


def _bad_update(server: CloudFormationServer, cloudformation: Any, clock: VirtualClock, name: str) -> None:
    cloudformation.create_stack(StackName=name, TemplateBody=COMMON, **CAPABLE)
    clock.advance(3000)
    for step, at in enumerate(("FailAfter: 0.2", "FailAfter: 5")):
        _update(cloudformation, clock, name, COMMON + BAD % at, step + 2)
    _update(
        cloudformation,
        clock,
        name,
        COMMON.replace("Table: {", "Table: {Metadata: {TestGround: {Fail: x, HandlerErrorCode: Y}}, "),
    )


def _bad_child(server: CloudFormationServer, cloudformation: Any, clock: VirtualClock, name: str) -> None:
    server.templates["https://b/child"] = CHILD % ", Metadata: {TestGround: {Fail: x, HandlerErrorCode: Y}}"
    cloudformation.create_stack(StackName=name, TemplateBody=COMMON, **CAPABLE)
    clock.advance(3000)


def _bad_child_update(
    server: CloudFormationServer, cloudformation: Any, clock: VirtualClock, name: str
) -> None:
    cloudformation.create_stack(StackName=name, TemplateBody=COMMON, **CAPABLE)
    clock.advance(3000)
    server.templates["https://b/child"] = CHILD % ", Metadata: {TestGround: {Fail: x, HandlerErrorCode: Y}}"
    _update(cloudformation, clock, name)


def _stuck(server: CloudFormationServer, cloudformation: Any, clock: VirtualClock, name: str) -> None:
    stuck = COMMON.replace(
        "Table: {", "Table: {Metadata: {TestGround: {Fail: x, FailOn: delete, HandlerErrorCode: Y}}, "
    )
    cloudformation.create_stack(StackName=name, TemplateBody=stuck, **CAPABLE)
    clock.advance(3000)
    _update(cloudformation, clock, name, stuck.replace("Table: {", "Desk: {"))


@pytest.fixture(scope="module")
def real() -> Rows:
    return [item | {"stack": f"{file.stem}/{item['stack']}"} for file in FILES for item in rows_of(file)]


@pytest.fixture(scope="module")
def played() -> Rows:
    return play()


@pytest.mark.parametrize(
    ("stack_level", "unseen"),
    [(True, UNSEEN_STACK_STEPS), (False, UNSEEN_RESOURCE_STEPS)],
    ids=["stacks", "resources"],
)
def test_the_engine_takes_only_steps_that_aws_takes(
    real: Rows, played: Rows, stack_level: bool, unseen: set[tuple[str, str]]
) -> None:
    assert steps(played, stack_level) - steps(real, stack_level) - unseen == set()


def test_the_engine_uses_only_words_that_aws_uses(real: Rows, played: Rows) -> None:
    known = {(item["status"], pattern(item.get("reason") or "")) for item in real} | UNSEEN_WORDING
    assert {(item["status"], pattern(item["reason"])) for item in played} - known == set()


def test_event_ids_have_awss_forms(real: Rows, played: Rows) -> None:
    forms: dict[tuple[bool, str, str], set[tuple[bool, str]]] = defaultdict(set)
    for item in real:
        if item.get("EventId") and event_id_form(item)[1]:
            forms[item["is_stack"], item["status"], pattern(item.get("reason") or "")].add(
                event_id_form(item)
            )
    for item in played:
        key = (item["is_stack"], item["status"], pattern(item["reason"]))
        if key in forms:
            assert event_id_form(item) in forms[key], item


def test_event_ids_are_unique(played: Rows) -> None:
    assert len({item["EventId"] for item in played}) == len(played)


def test_cancelled_siblings_follow_their_cause_as_quickly_as_awss(real: Rows, played: Rows) -> None:
    observed = [gap for item in _cancellations(real) for gap in item]
    made = [gap for item in _cancellations(played) for gap in item]
    assert made
    assert max(made) <= max(observed)


def _cancellations(rows: Rows) -> Iterator[list[float]]:
    """For each stack, the seconds from the last event before a cancelled resource to its cancellation."""
    causes: dict[str, float] = {}
    for item in rows:
        if not item["status"].endswith("_FAILED") or item["is_stack"]:
            continue
        if "cancelled" in item.get("reason", ""):
            if item["stack"] in causes:
                yield [moment_of(item) - causes[item["stack"]]]
        else:
            causes[item["stack"]] = moment_of(item)


def test_pauses_are_like_awss(real: Rows, played: Rows) -> None:
    """The median pause before and after each stack-level event lies within what the logs show."""
    observed, made = _pauses(real), _pauses(played)
    shared = [name for name in made if len(observed.get(name, [])) >= 4]
    assert len(shared) >= 8
    for name in shared:
        assert min(observed[name]) <= median(made[name]) <= max(observed[name]), name


def _pauses(rows: Rows) -> dict[str, list[float]]:
    """Seconds from a stack's event to its next resource event, and from a resource event to a stack's."""
    found: dict[str, list[float]] = defaultdict(list)
    last: dict[str, dict[str, Any]] = {}
    for item in sorted((item for item in rows if "t" not in item), key=moment_of):
        before = last.get(item["stack"])
        last[item["stack"]] = item
        if before is None or before["is_stack"] is item["is_stack"]:
            continue
        pause = moment_of(item) - moment_of(before)
        if before["is_stack"] and before["status"].endswith("_IN_PROGRESS"):
            found[f"after {before['status']}"].append(pause)
        elif item["is_stack"] and item["status"] not in STARTS:
            found[f"before {item['status']}"].append(pause)
    return found
