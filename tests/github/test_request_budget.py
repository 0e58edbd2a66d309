"""How waiters stretch their pauses by what is left of an API's budget."""

from __future__ import annotations

import pytest

from deploy_action.github.request_budget import STRAIN_MAX, RequestBudget, waiter_pause_seconds
from deploy_action.locking.expiry import CLAIM_SECONDS
from deploy_action.locking.stores import all_stores


@pytest.mark.parametrize(
    ("limit", "remaining", "left_seconds", "strain"),
    [
        (0, 0, 3600.0, 1.0),  # nothing was told yet
        (1000, 1000, 3600.0, 1.0),
        (1000, 900, 1800.0, 1.0),
        (1000, 600, 1800.0, 1.0),
        (1000, 400, 1800.0, 3.0),
        (1000, 500, 1800.0, 5 / 3),
        (1000, 200, 600.0, STRAIN_MAX),
        (1000, 0, 5.0, STRAIN_MAX),
        (1000, 990, 3599.0, 1.0),
        (5000, 5001, -7.0, 1.0),
    ],
)
def test_a_budget_is_made_to_last_until_it_is_whole_again(
    limit: int, remaining: int, left_seconds: float, strain: float
) -> None:
    assert RequestBudget(limit, remaining, left_seconds).strain == pytest.approx(strain)


def test_even_the_longest_pause_leaves_several_looks_at_a_free_lock() -> None:
    longest = max(
        waiter_pause_seconds(store.poll_seconds, ahead=500, strain=STRAIN_MAX) for store in all_stores()
    )
    assert longest <= CLAIM_SECONDS / 3
