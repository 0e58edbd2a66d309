"""What is remembered of deployments."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.cloudformation.outcome import Outcome, StackLine
from deploy_action.errors import RegistryUnreadable
from deploy_action.estimation.estimator import before
from deploy_action.history import document as history
from deploy_action.history.deployments import DeploymentHistory
from deploy_action.history.estimate import Estimate
from deploy_action.history.operations import ResourceTiming
from deploy_action.history.record_codec import run_record
from deploy_action.job.history import record_of
from deploy_action.locking.document import Ticket
from deploy_action.reporting.report import Report
from tests.cloudformation.story import resource, stack, told
from tests.history.past_story import FUNCTION, PRIOR, STACK, plan, run

AT = "2027-01-15T08:10:00Z"
TICKET = Ticket("n", "id", ("prod",), ("eu-west-1/shop-*",), epochs=(("prod", 7),), actor="ada")
REPORT = Report(
    "id",
    Outcome.SUCCEEDED,
    environment="prod",
    queue_seconds=12.4,
    duration_seconds=90.6,
    stacks=(StackLine("eu-west-1", "shop-web", "arn", "UPDATE_COMPLETE"),),
)


def deployments(content: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(content)["deployments"]
    return found


def record(name: str, **more: object) -> dict[str, Any]:
    return {"correlation_id": name, **more}


def test_a_record_says_who_deployed_what_and_how_it_went() -> None:
    found = record_of(TICKET, REPORT, at=AT)
    assert (found["turn"], found["outcome"], found["actor"]) == (7, "succeeded", "ada")
    assert (found["queue_seconds"], found["duration_seconds"]) == (12, 90.6)
    assert found["stacks"] == ["eu-west-1/shop-web"]
    assert record_of(TICKET, Report("id"), at=AT)["stacks"] == ["eu-west-1/shop-*"]


def test_records_stand_in_order_and_one_deployment_has_one() -> None:
    content = None
    for name, outcome in (("a", "failed"), ("b", "succeeded"), ("a", "succeeded")):
        content = history.merged(content, record(name, outcome=outcome))
    assert content is not None
    assert [(one["correlation_id"], one["outcome"]) for one in deployments(content)] == [
        ("b", "succeeded"),
        ("a", "succeeded"),
    ]


def test_what_a_later_version_knows_more_is_kept() -> None:
    content = json.dumps({"schema": 1, "deployments": [{"correlation_id": "a", "resources": {"x": 1}}]})
    assert deployments(history.merged(content.encode(), record("b")))[0]["resources"] == {"x": 1}


def test_it_stays_within_its_bounds_and_loses_the_oldest_first() -> None:
    old = [record(f"old-{number}", note="x" * 1000) for number in range(500)]
    content = json.dumps({"schema": 1, "deployments": old}).encode()
    merged = history.merged(content, record("new"))
    assert len(merged) <= history.BYTES_MAX
    kept = [one["correlation_id"] for one in deployments(merged)]
    assert kept[-2:] == ["old-499", "new"]
    assert len(kept) > 250


@pytest.mark.parametrize(
    "content",
    [b"", b"{half", b"[]", b"{}", b'{"schema": 2}', b'{"schema": 1, "deployments": [1]}', b"[" * 99_999],
)
def test_what_is_no_history_is_refused(content: bytes) -> None:
    with pytest.raises(RegistryUnreadable, match="left as it is"):
        history.merged(content, record("a"))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_a_history_or_refused(content: bytes) -> None:
    with contextlib.suppress(RegistryUnreadable):
        assert deployments(history.merged(content, record("a")))[-1] == record("a")


def test_what_a_later_version_writes_beside_the_deployments_is_kept() -> None:
    content = json.dumps({"schema": 1, "deployments": [], "summary": {"x": 1}}).encode()
    assert json.loads(history.merged(content, record("a")))["summary"] == {"x": 1}


def test_a_quiet_stack_is_remembered_beside_a_busy_one() -> None:
    quiet = record("quiet", stacks=["eu-west-1/quiet"])
    busy = [record(f"busy-{number}", stacks=["eu-west-1/busy"], note="x" * 2000) for number in range(400)]
    kept = [one["correlation_id"] for one in deployments(history.merged_all(None, [quiet, *busy]))]
    assert kept[0] == "quiet"
    assert kept[-1] == "busy-399"
    assert "busy-0" not in kept


def test_many_stacks_of_a_few_deployments_stay_within_bounds() -> None:
    many = [record(str(number), stacks=[f"eu-west-1/pr-{number}"], note="x" * 2000) for number in range(400)]
    merged = history.merged_all(None, many)
    assert len(merged) <= history.BYTES_MAX
    assert deployments(merged)[-1]["correlation_id"] == "399"


def test_a_deployment_of_thousands_of_resources_is_remembered_without_them() -> None:
    steps = tuple(
        ResourceTiming(f"Nested{'x' * 300}/R{number}", FUNCTION, "UPDATE", 1, 2) for number in range(120)
    )
    long = replace(run(15, "A"), steps=steps)
    merged = history.merged(None, record("a", outcome="succeeded", runs=[run_record(long)]))
    assert len(merged) < history.RECORD_BYTES_MAX
    (found,) = history.read(merged, PRIOR).runs
    assert (found.seconds, found.steps) == (15, ())


def test_what_was_learned_is_read_as_it_was_written() -> None:
    report = replace(REPORT, runs=(run(15, "A", "B"),), estimate=Estimate(80, 90, 100, "basis", 3))
    past = history.read(history.merged(None, record_of(TICKET, report, at=AT)), PRIOR)
    (found,) = past.deployments
    assert found.runs == report.runs
    assert found.estimate == report.estimate
    assert (found.seconds, found.queue_seconds, past.skipped, past.trouble) == (90.6, 12, 0, "")


def test_a_record_says_how_good_its_estimate_was() -> None:
    report = replace(REPORT, estimate=Estimate(80, 85, 90, "basis", 3))
    told_by = record_of(TICKET, report, at=AT)["estimate"]
    assert (told_by["error"], told_by["held"]) == (-0.062, False)
    failed = record_of(TICKET, replace(report, outcome=Outcome.FAILED), at=AT)["estimate"]
    assert "error" not in failed


def test_records_of_an_earlier_version_still_teach() -> None:
    content = history.merged(
        None,
        record("a", outcome="succeeded", stacks=[STACK], duration_seconds=44, queue_seconds=0),
    )
    found = before(replace(plan("A"), changes=None), history.read(content, PRIOR))
    assert (found.mid_seconds, found.samples) == (44, 1)


def test_a_stack_of_another_account_teaches_nothing() -> None:
    content = history.merged_all(
        None,
        [
            record(name, outcome="succeeded", account=account, runs=[run_record(run(seconds, "A"))])
            for name, account, seconds in (("a", "111", 15), ("b", "222", 90), ("c", "", 16))
        ],
    )
    assert [one.seconds for one in history.read(content, PRIOR, account="111").runs] == [15, 16]
    assert len(history.read(content, PRIOR).runs) == 3


def test_damaged_records_are_left_out_and_counted() -> None:
    good = record("a", outcome="succeeded", runs=[run_record(run(15, "A"))])
    bad: list[dict[str, Any]] = [
        {},
        record("b"),
        record("c", outcome=7),
        record("d", outcome="succeeded", runs=[{"stack": STACK, "seconds": "long"}]),
        record("e", outcome="succeeded", runs=[{**run_record(run(15, "A")), "seconds": float("nan")}]),
        record("f", outcome="succeeded", runs=[{**run_record(run(15, "A")), "seconds": 1e300}]),
    ]
    past = history.read(json.dumps({"schema": 1, "deployments": [*bad, good]}).encode(), PRIOR)
    assert past.skipped == len(bad)
    assert [one.seconds for one in past.runs] == [15]


def test_a_damaged_history_is_never_overwritten_and_estimates_go_on() -> None:
    for content in (b"{half", b'{"schema": 9, "deployments": []}', b"[1]", b"x" * 5_000_000):
        with pytest.raises(RegistryUnreadable):
            history.merged(content, record("a"))
        past = history.read(content, PRIOR)
        assert "cannot be used" in past.trouble
        assert "typical durations" in past.trouble
        assert before(plan("A"), past) == before(plan("A"), DeploymentHistory(prior=PRIOR))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    *(
                        "correlation_id",
                        "outcome",
                        "stacks",
                        "runs",
                        "estimate",
                        "seconds",
                        "stack",
                        "phases",
                    ),
                    *("operation", "resources", "cleanup", "low", "mid", "high", "count", "duration_seconds"),
                ]
            ),
            inner,
            max_size=8,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["correlation_id", "outcome", "runs", "estimate"]), JSON)))
def test_a_hostile_history_never_raises(rows: list[dict[str, Any]]) -> None:
    whole = [{"correlation_id": str(n), "outcome": "succeeded", **row} for n, row in enumerate(rows)]
    past = history.read(json.dumps({"schema": 1, "deployments": whole}).encode(), PRIOR)
    found = before(plan("A"), past)
    assert 0 <= found.low_seconds <= found.mid_seconds <= found.high_seconds


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_a_hostile_resource_is_left_out(text: str) -> None:
    hostile = {**run_record(run(15, "A")), "resources": [text, "+1 2 UPDATE T A", "+nan inf U T A"]}
    content = json.dumps({"schema": 1, "deployments": [record("a", outcome="succeeded", runs=[hostile])]})
    past = history.read(content.encode(), PRIOR)
    assert ResourceTiming("A", "T", "UPDATE", 1, 2) in past.runs[0].steps


class TestCollected:
    OPERATION = told(
        stack(1_800_000_000, "UPDATE_IN_PROGRESS"),
        resource(1_800_000_002, "A", "UPDATE_IN_PROGRESS", type_=FUNCTION),
        resource(1_800_000_012, "A", "UPDATE_COMPLETE", type_=FUNCTION),
        stack(1_800_000_015, "UPDATE_COMPLETE"),
    )

    def test_events_that_are_still_there_become_records(self) -> None:
        (found,) = history.records_from_events([self.OPERATION])
        assert (found["stacks"], found["outcome"], found["duration_seconds"]) == ([STACK], "succeeded", 15)
        past = history.read(history.merged_all(None, [found]), PRIOR)
        assert before(plan("A"), past).mid_seconds == 15

    def test_collecting_twice_remembers_once(self) -> None:
        records = history.records_from_events([self.OPERATION])
        once = history.merged_all(None, records)
        assert history.merged_all(once, history.records_from_events([self.OPERATION])) == once

    def test_what_is_remembered_already_is_not_collected(self) -> None:
        records = history.records_from_events([self.OPERATION])
        known = history.read(history.merged_all(None, records), PRIOR)
        assert history.records_from_events([self.OPERATION], known=known) == []

    def test_older_ones_stand_before_what_is_there(self) -> None:
        content = history.merged_all(history.merged(None, record("new")), [record("old")], older=True)
        assert [one["correlation_id"] for one in deployments(content)] == ["old", "new"]

    def test_half_an_operation_is_left_out(self) -> None:
        assert history.records_from_events([told(stack(1000, "UPDATE_IN_PROGRESS"))]) == []


def test_what_is_seeded_is_never_remembered_twice() -> None:
    known, other = run(30.0, "A"), run(40.0, "A")
    own = {"correlation_id": "own", "outcome": "succeeded", "runs": [run_record(known)]}
    collected = [
        {"correlation_id": f"collected:{one.seconds}", "outcome": "succeeded", "runs": [run_record(one)]}
        for one in (other, known)
    ]
    content = history.seeded(history.merged(None, own), collected)
    assert [one["correlation_id"] for one in deployments(content)] == ["collected:40.0", "own"]
    assert history.seeded(content, collected) == content


def test_a_damaged_history_is_not_seeded() -> None:
    with pytest.raises(RegistryUnreadable):
        history.seeded(b"{", [record("a", outcome="succeeded")])


def test_more_deployments_than_bytes_can_hold_are_refused_before_each_costs_time() -> None:
    """3.6 MB of them took 13 s of CPU to be made to fit, in the step that gives the lock back."""
    content = b'{"schema":1,"deployments":[' + b",".join([b"{}"] * 1_200_000) + b"]}"
    with pytest.raises(RegistryUnreadable, match="too many for its size"):
        history.merged(content, record("a", outcome="succeeded"))
    assert history.read(content, {}).trouble
