"""A plan as a page: bounded, the most severe first."""

from __future__ import annotations

import pytest

from deploy_action.cloudformation.change_set import Change, ChangeSet, PropertyChange
from deploy_action.cloudformation.change_set_tree import PlannedStack
from deploy_action.plan.planned import Plan
from deploy_action.reporting.plan_page import plan_page
from deploy_action.reporting.report import Links

COMMENT_CHARACTERS_MAX = 65_536
"""GitHub's own bound."""


def page_of(count: int, *, name: str = "Resource", value: str = "after") -> str:
    """One table is replaced, behind many queues that are changed."""
    properties = (PropertyChange("/Properties/Name", "before", value),)
    changes = [
        Change("Modify", f"{name}{number}", "AWS::SQS::Queue", replacement="False", properties=properties)
        for number in range(count)
    ]
    changes.append(Change("Modify", "Orders", "AWS::DynamoDB::Table", replacement="True"))
    made = ChangeSet("arn", "c", "id", "CREATE_COMPLETE", "AVAILABLE", changes=tuple(changes))
    return plan_page(Plan((PlannedStack("eu-west-1", "shop", made),)), title="production", links=Links())


@pytest.mark.parametrize("count", [500, 2_500])
def test_of_many_resources_the_table_has_those_that_fit_and_the_severe_ones_first(count: int) -> None:
    page = page_of(count, name="A" * 200)
    assert len(page) <= COMMENT_CHARACTERS_MAX
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert "`Orders`" in rows[2]
    assert "more resources: the job's summary has them." in page
    assert "The rest was left out" in page


def test_a_hostile_value_is_bounded_in_characters_and_in_bytes() -> None:
    page = page_of(100, value="\U0001f4a5`|<!--" * 400)
    assert len(page.encode("utf-16-le")) // 2 <= COMMENT_CHARACTERS_MAX
    assert len(page.encode()) <= COMMENT_CHARACTERS_MAX
    assert page.count("<details>") == page.count("</details>")


def test_of_few_resources_nothing_is_left_out() -> None:
    page = page_of(20)
    assert page.count("<details>") == 20
    assert "left out" not in page
    assert "more resources" not in page
