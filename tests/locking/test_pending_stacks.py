"""What earlier holders left in progress, as the registry names it."""

from __future__ import annotations

import pytest

from deploy_action.cloudformation.stacks import StackRef, StackState
from deploy_action.errors import Busy, Cancelled
from deploy_action.locking.document import Loan, Ticket
from deploy_action.locking.pending_stacks import LOOK_SECONDS, LOOKS_MAX, Settling, look_at_settling
from deploy_action.locking.stack_activity import doubtful, revoke, wait_until_idle
from tests.clock import VirtualClock
from tests.locking.test_stack_activity import Stacks

MANY = tuple(f"eu-west-1/stack-{number}" for number in range(2_000))


class Slow(Stacks):
    """Each request takes so many seconds, and is counted."""

    def __init__(self, clock: VirtualClock, seconds: float = 0.0, **statuses: str) -> None:
        super().__init__(**statuses)
        self.clock, self.seconds, self.asked = clock, seconds, 0
        self.deleted_for: list[object] = []

    def describe(self, stack: StackRef) -> StackState | None:
        self.asked += 1
        self.clock.sleep(self.seconds)
        return super().describe(stack)

    def delete_unexecuted_change_sets(self, stack: StackRef, correlation_ids: object) -> None:
        self.deleted_for.append((stack, correlation_ids))


class Scene:
    def __init__(self, seconds: float = 0.0, **statuses: str) -> None:
        self.clock = VirtualClock()
        self.source = Slow(self.clock, seconds, **statuses)
        self.notes: list[str] = []
        self.alive = 0
        self.cancel_at = float("inf")

    def cancelled(self) -> bool:
        return self.source.asked >= self.cancel_at

    def show_life(self) -> None:
        self.alive += 1

    def look(
        self, texts: tuple[str, ...], *, timeout_seconds: float = 600.0, own_account: str = ""
    ) -> Settling:
        return look_at_settling(
            self.source,
            self.clock,
            texts,
            own_account=own_account,
            timeout_seconds=timeout_seconds,
            note=self.notes.append,
            cancelled=self.cancelled,
            alive=self.show_life,
        )


def test_a_long_list_is_bounded_and_the_rest_is_kept() -> None:
    scene = Scene()
    found = scene.look(MANY)
    assert (scene.source.asked, scene.alive) == (LOOKS_MAX, LOOKS_MAX)
    assert (found.wait_for, found.forget) == ((), MANY[:LOOKS_MAX])
    (note,) = scene.notes
    assert "2000 stacks" in note
    assert "200 of them were looked at" in note


def test_one_that_is_at_rest_is_asked_for_once_and_one_that_is_not_is_waited_for() -> None:
    scene = Scene(busy="UPDATE_IN_PROGRESS", calm="UPDATE_COMPLETE")
    found = scene.look(("eu-west-1/busy", "eu-west-1/calm", "eu-west-1/gone"))
    assert found.wait_for == (StackRef("eu-west-1", "busy"),)
    assert found.forget == ("eu-west-1/busy", "eu-west-1/calm", "eu-west-1/gone")
    assert scene.source.asked == 3


def test_who_does_not_know_the_own_account_clears_nothing_of_a_known_one() -> None:
    scene = Scene(busy="UPDATE_IN_PROGRESS")
    found = scene.look(("111122223333/eu-west-1/gone", "111122223333/eu-west-1/busy", "eu-west-1/gone"))
    assert found.wait_for == (StackRef("eu-west-1", "busy"),)
    assert found.forget == ("eu-west-1/gone",)
    assert scene.look(("111122223333/eu-west-1/gone",), own_account="111122223333").forget != ()


def test_slow_answers_end_with_the_time_to_wait() -> None:
    scene = Scene(seconds=10.0)
    assert len(scene.look(MANY, timeout_seconds=0.0).forget) == LOOK_SECONDS / 10
    assert scene.clock.elapsed == LOOK_SECONDS


def test_a_cancel_is_heard_between_two_requests() -> None:
    scene = Scene()
    scene.cancel_at = 7
    with pytest.raises(Cancelled):
        scene.look(MANY)
    assert scene.source.asked == 7


def test_what_cannot_be_read_is_told_once() -> None:
    scene = Scene()
    scene.look(tuple(f"nonsense {number}" for number in range(100)))
    (note,) = scene.notes
    assert "and 95 more" in note


@pytest.mark.parametrize("ends", ["cancel", "time"])
def test_a_look_at_many_own_stacks_hears_a_cancel_and_the_time(ends: str) -> None:
    scene = Scene(seconds=1.0, busy="UPDATE_IN_PROGRESS")
    own = [
        StackRef("eu-west-1", "busy"),
        *(StackRef("eu-west-1", f"stack-{number}") for number in range(1_000)),
    ]
    if ends == "cancel":
        scene.cancel_at = 20
    with pytest.raises(Cancelled if ends == "cancel" else Busy):
        wait_until_idle(
            scene.source,
            scene.clock,
            own,
            timeout_seconds=1_010.0,
            tell=lambda busy, waited: None,
            cancelled=scene.cancelled,
            alive=scene.show_life,
        )
    assert scene.source.asked == (20 if ends == "cancel" else 1_001 + 4)
    assert scene.alive >= scene.source.asked // 5 - 1


def test_a_takeovers_looks_at_a_poisoned_ticket_hear_a_cancel() -> None:
    scene = Scene()
    scene.cancel_at = 5
    assert doubtful(scene.source, MANY, stop=scene.cancelled) == list(MANY[5:])
    holder = Ticket("n", "20270115-080000-abcdef", ("production",), MANY)
    assert not revoke(scene.source, holder, stop=scene.cancelled)  # type: ignore[arg-type]
    assert scene.source.deleted_for == []


def test_a_revocation_asks_once_a_stack_however_many_borrowed_the_lock() -> None:
    scene = Scene()
    loans = tuple(Loan(f"20270115-080000-{number:06x}") for number in range(500))
    holder = Ticket("n", "20270115-080000-abcdef", ("production",), MANY[:3] * 2, loans=loans)
    assert revoke(scene.source, holder)  # type: ignore[arg-type]
    assert len(scene.source.deleted_for) == 3
