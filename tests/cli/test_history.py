"""What was deployed, as operators see it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from deploy_action import cli
from deploy_action.common.times import iso
from deploy_action.history import document as history
from deploy_action.locking.compare_and_swap import FileChange, Swapper

if TYPE_CHECKING:
    import pytest

    from tests.cli.desk import Desk
    from tests.jobs.stage import Stage


def remember(desk: Desk, *records: dict[str, Any]) -> None:
    change = FileChange(history.NAME, lambda content: history.merged_all(content, records))
    desk.arrives(records[0]["correlation_id"])
    Swapper(desk.store, desk.clock).apply(
        lambda document: (document.with_operation("x"), None), message="test", file=change
    )


def record(name: str, **more: Any) -> dict[str, Any]:
    return {
        "correlation_id": name,
        "environment": "production",
        "stacks": ["eu-west-1/shop"],
        "outcome": "succeeded",
        "released_at": "2027-01-15T08:00:00Z",
        "duration_seconds": 250,
        "queue_seconds": 30,
        "actor": "ada",
        "estimate": {"low": 200, "mid": 240, "high": 280, "basis": "the same resources", "samples": 4},
        **more,
    }


def test_nothing_is_remembered_yet(desk: Desk) -> None:
    assert desk.run("history") == (0, "No deployment is remembered.\n")
    assert desk.run("history", "--json") == (0, "[]\n")


def test_the_newest_first_and_how_good_the_estimates_were(desk: Desk) -> None:
    remember(desk, record("20270115-080000-aaaaaa"), record("20270115-090000-bbbbbb", duration_seconds=500))
    code, told = desk.run("history")
    lines = told.splitlines()
    assert code == 0
    assert " ".join(lines[0].split()) == "ENDED OUTCOME ENVIRONMENT STACKS TOOK EXPECTED QUEUED BY DEPLOYMENT"
    assert lines[1].split()[:3] == ["2027-01-15", "08:00:00", "UTC"]
    assert lines[1].split()[6:] == ["8m20s", "3m20s", "to", "4m40s", "30s", "ada", "20270115-090000-bbbbbb"]
    assert lines[2].endswith("20270115-080000-aaaaaa")
    assert "1 of 2 deployments ended within their interval; the middle was off by 28% (median)." in told


def test_one_stack_or_environment(desk: Desk) -> None:
    remember(
        desk,
        record("a", stacks=["eu-west-1/shop"]),
        record("b", stacks=["eu-west-1/shop-api"], environment="test"),
    )
    assert [one["correlation_id"] for one in _json(desk, "--stack", "shop")] == ["a"]
    assert [one["correlation_id"] for one in _json(desk, "--stack", "eu-west-1/shop-api")] == ["b"]
    assert [one["correlation_id"] for one in _json(desk, "--environment", "test")] == ["b"]
    code, told = desk.run("history", "--limit", "1")
    assert (code, "1 older ones are not shown" in told) == (0, True)


def test_by_outcome_age_and_glob(desk: Desk) -> None:
    now = desk.clock.now()
    for name, outcome, days in (("a", "failed", 1), ("b", "succeeded", 1), ("c", "failed", 9)):
        remember(desk, record(name, outcome=outcome, released_at=iso(now - days * 86400)))
    assert [one["correlation_id"] for one in _json(desk, "--outcome", "failed")] == ["c", "a"]
    assert [one["correlation_id"] for one in _json(desk, "--outcome", "failed", "--since", "7d")] == ["a"]
    assert len(_json(desk, "--stack", "sh*")) == 3
    assert _json(desk, "--stack", "db*") == []
    assert desk.run("history", "--stack", "db*") == (0, "No deployment fits these filters.\n")
    assert desk.run("history", "--since", "1h") == (0, "No deployment fits these filters.\n")
    assert desk.run("history", "--outcome", "sad")[0] == cli.USAGE
    assert desk.run("history", "--since", "soon")[0] == cli.USAGE


def test_one_deployment_whole_by_the_beginning_of_its_id(desk: Desk) -> None:
    run = {
        "stack": "eu-west-1/shop",
        "operation": "update",
        "outcome": "succeeded",
        "seconds": 250,
        "phases": {"deploy": 240, "cleanup": 10, "rollback": 0},
        "resources": ["+3 8 UPDATE AWS::Lambda::Function Handler", "+3 200 UPDATE AWS::ECS::Service Web"],
    }
    remember(desk, record("20270115-080000-aaaaaa", runs=[run]), record("20270115-090000-bbbbbb"))
    code, told = desk.run("show", "20270115-08")
    assert code == 0
    assert "Expected:     3m20s to 4m40s" in told
    assert "eu-west-1/shop: update succeeded in 4m10s (deploy 4m00s, clean-up 10s)" in told
    assert told.index("Web") < told.index("Handler"), "the slowest first"
    assert json.loads(desk.run("show", "20270115-08", "--json")[1])["runs"] == [run]
    assert desk.run("show", "20270115") == (
        cli.NOT_FOUND,
        "2 deployments have an id that begins so; `history` lists them.\n",
    )
    assert desk.run("show", "x")[0] == cli.NOT_FOUND


def test_a_damaged_record_leaves_its_cells_empty(desk: Desk) -> None:
    remember(desk, {"correlation_id": "odd", "stacks": 3, "outcome": None, "actor": {}, "runs": "x"})
    assert desk.run("history")[1].splitlines()[1].split() == ["odd"]
    assert desk.run("show", "odd")[0] == 0


def test_a_history_that_cannot_be_read_is_told(desk: Desk) -> None:
    remember(desk, record("a"))
    path = next(desk.folder.glob(f"**/{history.NAME}"))
    path.write_text("{half", "utf-8")
    code, told = desk.run("history")
    assert (code, "The deployment history cannot be used" in told) == (cli.REGISTRY, True)


def test_hostile_names_write_nothing_of_their_own(desk: Desk) -> None:
    remember(desk, record("a\x1b[2J", actor="x\nFAKE  line", root_cause="\x07\r::error::x"))
    for words in (("history",), ("show", "a")):
        told = desk.run(*words)[1]
        assert not {"\x1b", "\x07", "\r"} & set(told)
        assert not [line for line in told.splitlines() if line.startswith(("FAKE", "::"))]


def _json(desk: Desk, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(desk.run("history", "--json", *words)[1])
    return found


BAD = """
Resources:
  First: {Type: AWS::SNS::Topic, Metadata: {TestGround: {Seconds: 200}}}
  Topic: {Type: AWS::SNS::Topic, DependsOn: First, Metadata: {TestGround: {Fail: "no topic"}}}
"""


def test_a_deployment_that_was_rolled_back_shows_its_resources_the_failed_ones_first(
    desk: Desk, stage: Stage
) -> None:
    job = stage.job(template=stage.template(BAD))
    assert job.deploy() == 1
    name = job.outputs()["correlation-id"]
    code, told = desk.run("show", name)
    assert code == 0
    rows = [line.split() for line in told.splitlines() if " +" in line]
    assert [(row[2], row[3]) for row in rows] == [("CREATE_FAILED", "Topic"), ("CREATE", "First")]
    (run,) = json.loads(desk.run("show", name, "--json")[1])["runs"]
    assert (run["resources"], len(run["attempted"])) == ([], 2), "estimates learn from resources alone"


def test_the_times_of_one_deployment_are_in_this_machines_zone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(desk, record("a"))
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        assert "2027-01-15 13:30:00 IST" in desk.run("show", "a")[1]
        assert "2027-01-15T08:00:00Z" in desk.run("show", "a", "--utc")[1]
    finally:
        monkeypatch.undo()
        time.tzset()
