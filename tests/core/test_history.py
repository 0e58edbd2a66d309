"""What is remembered of deployments."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.core import history
from deploy_action.core.document import Ticket
from deploy_action.core.report import Outcome, Report, StackLine
from deploy_action.errors import RegistryUnreadable

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
    found = history.record_of(TICKET, REPORT, at=AT)
    assert (found["turn"], found["outcome"], found["actor"]) == (7, "succeeded", "ada")
    assert (found["queue_seconds"], found["duration_seconds"]) == (12, 90.6)
    assert found["stacks"] == ["eu-west-1/shop-web"]
    assert history.record_of(TICKET, Report("id"), at=AT)["stacks"] == ["eu-west-1/shop-*"]


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
