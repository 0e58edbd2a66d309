"""The verdict under fire: whatever the answers of CloudFormation suffer, it is right or `unknown`, and never
green by mistake. The requests are those of boto3, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation.harness import client

if TYPE_CHECKING:
    from tests.jobs.stage import Stage

LASTING = "Metadata: {TestGround: {Seconds: 100%s}}"
GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic, " + LASTING % "" + "}}"
BAD = "Resources: {Topic: {Type: AWS::SNS::Topic, " + LASTING % ", Fail: nope" + "}}"
EVENTS, STACKS, READS = "DescribeStackEvents", "DescribeStacks", "Describe*"
RIGHT = {GOOD: (0, "succeeded"), BAD: (1, "rolled-back")}


@dataclass(frozen=True)
class Row:
    """Rules for the fault server, their times in seconds after the start of `main`."""

    name: str
    faults: tuple[dict[str, Any], ...]
    unknown: bool = False
    told: str = ""
    inputs: dict[str, str] = field(default_factory=dict)


TABLE = (
    Row("throttled throughout", ({"kind": "throttle", "operation": READS, "probability": 0.5},)),
    Row(
        "events throttled to the end", ({"kind": "throttle", "operation": EVENTS, "after": 30, "until": 400},)
    ),
    Row(
        "bursts of 500",
        ({"kind": "error", "after": 20, "until": 60}, {"kind": "error", "after": 90, "until": 140}),
    ),
    Row("a burst of 503", ({"kind": "error", "status": 503, "after": 20, "until": 140},)),
    Row("the connection is lost", ({"kind": "reset_before", "after": 20, "until": 140},)),
    Row("answers are lost", ({"kind": "reset_after", "operation": READS, "probability": 0.5},)),
    Row("every second page is short", ({"kind": "page_size", "size": 2},)),
    Row("stale reads of the stack", ({"kind": "stale", "operation": STACKS, "seconds": 8, "after": 10},)),
    Row("stale events", ({"kind": "stale", "operation": EVENTS, "seconds": 20, "after": 10},)),
    Row(
        "credentials expire",
        ({"kind": "expired_token", "operation": "*", "after": 30},),
        unknown=True,
        told="credentials have expired",
    ),
    Row(
        "events denied midway",
        ({"kind": "access_denied", "operation": EVENTS, "after": 30},),
        told="its status alone is watched",
    ),
    Row(
        "events denied from the start",
        ({"kind": "access_denied", "operation": EVENTS},),
        told="cannot be read",
    ),
    Row(
        "events denied, stack read late",
        (
            {"kind": "access_denied", "operation": EVENTS},
            {"kind": "stale", "operation": STACKS, "seconds": 30, "after": 10},
        ),
    ),
    Row(
        "events and stack denied",
        ({"kind": "access_denied", "operation": READS, "after": 30},),
        unknown=True,
        told="AWS denies access",
    ),
    Row(
        "only the end cannot be confirmed",
        ({"kind": "access_denied", "operation": STACKS, "after": 30},),
        told="could not be confirmed",
    ),
    Row("garbage", ({"kind": "garbage", "operation": READS, "after": 20, "until": 60},)),
    Row(
        "garbage to the end",
        ({"kind": "garbage", "operation": READS, "after": 20},),
        inputs={"timeout_in_minutes": "10"},
        unknown=True,
    ),
)


def deploy(stage: Stage, row: Row, body: str) -> tuple[int, str, str]:
    job = stage.job(template=stage.template(body), **row.inputs)
    assert job.run("pre") == 0, job.log
    start = stage.clock.now()
    for rule in row.faults:
        times: dict[str, Any] = {name: start + rule[name] for name in ("after", "until") if name in rule}
        stage.server.faults.add(**{**rule, **times})
    code = job.run("main")
    stage.server.faults.clear()
    job.run("post")
    return code, job.outputs()["outcome"], job.log


@pytest.mark.parametrize("body", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name.replace(" ", "-"))
def test_the_verdict_under(row: Row, body: str, stage: Stage) -> None:
    code, outcome, log = deploy(stage, row, body)
    if row.unknown:
        assert (code in {6, 7}, outcome) == (True, "unknown"), log
    else:
        assert (code, outcome) == RIGHT[body], log
    assert row.told in log
    assert stage.registry()["tickets"] == []


def test_a_stack_that_is_deleted_while_only_its_status_is_watched_is_a_failure(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.run("pre")
    stage.server.faults.add("access_denied", operation=EVENTS)
    cloudformation = client(stage.server)
    stage.clock.at(stage.clock.elapsed + 60, lambda: cloudformation.delete_stack(StackName="shop"))
    assert job.run("main") == 1, job.log
    cloudformation.close()
    assert job.outputs()["outcome"] == "failed"


def test_a_status_from_before_is_not_taken_for_the_end(stage: Stage) -> None:
    """A stack that was good before looks good to a read that comes late, although its update fails."""
    stage.job("first", template=stage.template(GOOD)).deploy()
    stage.clock.sleep(600)
    worse = BAD.replace("Metadata", "Properties: {DisplayName: x}, Metadata").replace(
        "Seconds", "UpdateSeconds"
    )
    worse = worse.replace("Fail:", "FailOn: update, Fail:")
    job = stage.job("second", template=stage.template(worse))
    job.run("pre")
    start = stage.clock.now()
    stage.server.faults.add("access_denied", operation=EVENTS)
    stage.server.faults.add("stale", operation=STACKS, seconds=60, after=start + 5)
    assert job.run("main") == 1, job.log
    assert job.outputs()["outcome"] == "rolled-back"


def test_what_somebody_did_since_does_not_stand_for_ours(stage: Stage) -> None:
    job = stage.job(template=stage.template(GOOD))
    job.run("pre")
    stage.server.faults.add("access_denied", operation=EVENTS)
    cloudformation = client(stage.server)

    def theirs() -> None:
        if cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] != "CREATE_COMPLETE":
            stage.clock.at(stage.clock.elapsed + 0.2, theirs)
            return
        more = GOOD.replace("Topic: {", "More: {Type: AWS::SNS::Topic}, Topic: {")
        cloudformation.update_stack(StackName="shop", TemplateBody=more, ClientRequestToken="theirs")

    stage.clock.at(stage.clock.elapsed + 60, theirs)
    assert job.run("main") == 7, job.log
    cloudformation.close()
    assert job.outputs()["outcome"] == "unknown"
