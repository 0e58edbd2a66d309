"""What the registry remembers of plans."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from deploy_action.errors import RegistryUnreadable
from deploy_action.plan.record import BYTES_MAX, RecordedPlan, RecordedStack, find, merged, read, replaced_by

STACK = RecordedStack("eu-west-1", "shop", "id", "arn:one", ("Add shop/A T",))
PLAN = RecordedPlan("org/app", "production", ("c1", "head"), ("eu-west-1/shop",), (STACK,), True, 12)


def found(plans: list[RecordedPlan], commit: str = "head", environment: str = "production") -> str | None:
    plan = find(
        plans, repository="Org/App", environment=environment, commits=[commit], places=["eu-west-1/shop"]
    )
    return plan.stacks[0].arn if plan is not None else None


def test_a_plan_is_found_by_any_of_its_commits() -> None:
    plans = read(merged(None, PLAN))
    assert plans == [PLAN]
    assert found(plans) == found(plans, "c1") == "arn:one"
    assert found(plans, "other") is None
    assert found(plans, "") is None
    assert found(plans, environment="staging") is None


def test_a_later_plan_of_a_pull_request_takes_the_place_of_the_earlier() -> None:
    later = replace(PLAN, commits=("c2",), stacks=(replace(STACK, arn="arn:two"),))
    content = merged(merged(None, PLAN), later)
    assert read(content) == [later]
    assert [one.arn for one in replaced_by([PLAN], later)] == ["arn:one"]


def test_it_stays_small_and_forgets_the_oldest() -> None:
    content = None
    for number in range(320):
        stack = replace(STACK, changes=tuple("x" * 30 for _ in range(100)))
        content = merged(content, replace(PLAN, pull_request=number + 1, stacks=(stack,)))
    assert content is not None
    assert len(content) <= BYTES_MAX
    assert read(content)[-1].pull_request == 320


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"schema": 2, "plans": []}', b'{"schema": 1}'])
def test_what_is_no_document_is_never_overwritten(content: bytes) -> None:
    with pytest.raises(RegistryUnreadable):
        merged(content, PLAN)


@pytest.mark.parametrize("row", [None, {}, {"repository": 1}, {"stacks": [1]}])
def test_what_is_no_plan_in_it_is_left_out(row: object) -> None:
    document = json.loads(merged(None, PLAN))
    document["plans"].insert(0, row)
    assert read(json.dumps(document).encode()) == [PLAN]
