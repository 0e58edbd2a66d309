"""When a waiter's own turn may come."""

from __future__ import annotations

import pytest

from deploy_action.job.own_turn import turn_seconds
from deploy_action.locking.document import Freeze, Ticket
from deploy_action.locking.transitions import Waiting
from deploy_action.reporting.log.lines import LogStyle

USUAL: dict[tuple[str, ...], float] = {("eu-west-1/shop",): 300.0, ("eu-west-1/web",): 600.0}
HOLDER = Ticket("h", "holder", ("prod",), ("eu-west-1/shop",), epochs=(("prod", 1),))


def usual(stacks: tuple[str, ...]) -> float | None:
    return USUAL.get(stacks)


def waiter(name: str, *stacks: str) -> Ticket:
    return Ticket(name, name, ("prod",), stacks)


@pytest.mark.parametrize(
    ("ahead", "left", "expected"),
    [
        ((HOLDER,), 120.0, 120.0),
        ((HOLDER, waiter("a", "eu-west-1/shop"), waiter("b", "eu-west-1/web")), 120.0, 1020.0),
        ((HOLDER, waiter("a", "eu-west-1/shop")), -30.0, 300.0),
        ((HOLDER, waiter("a", "eu-west-1/new")), 120.0, None),
        ((HOLDER, waiter("a")), 120.0, None),
        ((HOLDER, waiter("a", "eu-west-1/shop")), None, None),
        ((waiter("a", "eu-west-1/shop"),), 10.0, None),
    ],
)
def test_a_turn_is_told_where_all_ahead_are_known(
    ahead: tuple[Ticket, ...], left: float | None, expected: float | None
) -> None:
    assert turn_seconds(Waiting(ahead, 0.0, left_seconds=left), usual) == expected


def test_a_turn_is_not_told_where_one_ahead_may_take_any_time() -> None:
    ahead = (HOLDER, waiter("a", "eu-west-1/new"))
    assert turn_seconds(Waiting(ahead, 0.0, left_seconds=120.0), usual) is None


def test_nobody_knows_when_a_freeze_ends() -> None:
    waiting = Waiting((HOLDER,), 0.0, freeze=Freeze("ada", "sale", "2026-01-01T00:00:00Z"), left_seconds=9.0)
    assert turn_seconds(waiting, usual) is None


def test_the_line_about_waiting_tells_it() -> None:
    ahead = (HOLDER, *(waiter(f"w{number}", "eu-west-1/shop") for number in range(19)))
    waiting = Waiting(ahead, 60.0, 3600.0, left_seconds=120.0)
    found = turn_seconds(waiting, usual)
    assert found == 120.0 + 19 * 300.0
    line = LogStyle(color=False).waiting(Waiting(ahead, 60.0, 3600.0, turn_seconds=found), now=0.0)
    assert "position 21 in the queue" in line
    assert "; own turn in about 1h35m; waited 1m00s of 1h00m." in line
