"""Whether somebody is working on the stacks, and waiting until nobody is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.stacks import StackRef, StackState
from deploy_action.errors import Busy, Cancelled, LockLost, StackSourceError
from deploy_action.locking.stack_activity import (
    PATIENCE_SECONDS,
    POLL_SECONDS,
    account_of,
    doubtful,
    in_progress,
    ref_of,
    wait_until_idle,
)
from tests.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.cloudformation.events import StackEvent
    from deploy_action.cloudformation.ports import Traffic
    from deploy_action.common.instants import CloudFormationTime

APP = StackRef("eu-west-1", "app")
ALL = StackRef("eu-west-1", "app-*")
ARN = "arn:aws:cloudformation:eu-west-1:123456789012:stack/app/uuid"


class Stacks:
    """`ports.StackSource` over a table of names and statuses; `trouble` is raised first, one a look."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = {name.replace("_", "-"): status for name, status in statuses.items()}
        self.trouble: list[StackSourceError | None] = []

    def _look(self) -> None:
        error = self.trouble.pop(0) if self.trouble else None
        if error:
            raise error

    def describe(self, stack: StackRef) -> StackState | None:
        self._look()
        status = self.statuses.get(stack.short_name)
        return StackState(stack, ARN, status) if status else None

    def events(self, stack: StackRef, *, stop: Callable[[StackEvent], bool]) -> Sequence[StackEvent]:
        raise AssertionError("nobody asked for events")

    def their_time(self) -> CloudFormationTime | None:
        return None

    def deleted(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        raise AssertionError("nobody asked for deleted stacks")

    def matching(
        self, pattern: StackRef, *, between_pages: Callable[[], object] = lambda: None
    ) -> Sequence[StackState]:
        self._look()
        return [
            StackState(StackRef(pattern.region, name), ARN, status)
            for name, status in self.statuses.items()
            if pattern.matches(name)
        ]

    def in_progress(self, pattern: StackRef) -> Sequence[StackState]:
        return [state for state in self.matching(pattern) if state.in_progress]

    def traffic(self) -> Traffic:
        raise AssertionError("nobody asked how much was sent")


class Scene:
    def __init__(self, source: Stacks) -> None:
        self.source = source
        self.clock = VirtualClock()
        self.told: list[tuple[list[str], float]] = []
        self.signs_of_life = 0

    def wait(
        self,
        *stacks: StackRef,
        timeout: float = 600.0,
        cancelled: Callable[[], bool] = lambda: False,
        alive: Callable[[], None] | None = None,
    ) -> float:
        return wait_until_idle(
            self.source,
            self.clock,
            stacks or (APP,),
            timeout_seconds=timeout,
            tell=lambda busy, waited: self.told.append(([str(state.ref) for state in busy], waited)),
            cancelled=cancelled,
            alive=alive or self._alive,
        )

    def _alive(self) -> None:
        self.signs_of_life += 1

    def becomes(self, elapsed: float, name: str, status: str) -> None:
        self.clock.at(elapsed, lambda: self.source.statuses.update({name: status}))


def silence() -> StackSourceError:
    return StackSourceError("CloudFormation did not answer.")


def refusal() -> StackSourceError:
    return StackSourceError("Access denied.", temporary=False)


def test_what_is_in_progress_is_found_by_name_and_by_glob() -> None:
    source = Stacks(
        app="UPDATE_IN_PROGRESS",
        app_one="CREATE_COMPLETE",
        app_two="UPDATE_ROLLBACK_IN_PROGRESS",
        web="DELETE_IN_PROGRESS",
    )
    assert [state.ref.name for state in in_progress(source, [APP, ALL])] == ["app", "app-two"]


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "REVIEW_IN_PROGRESS", ""]
)
def test_a_stack_at_rest_under_review_or_absent_is_not_in_progress(status: str) -> None:
    assert in_progress(Stacks(app=status), [APP]) == []


def test_doubt_counts_as_in_progress() -> None:
    source = Stacks(one="CREATE_COMPLETE", two="UPDATE_IN_PROGRESS")
    source.trouble = [None, None, silence(), refusal()]
    texts = ["eu-west-1/one", "eu-west-1/two", "eu-west-1/three", "eu-west-1/four", "eu-west-1/five"]
    assert doubtful(source, texts) == texts[1:4]


@pytest.mark.parametrize(
    "text", ["", "app", "nowhere/app", "eu-west-1/", "eu-west-1/a b", "eu-west-1/../app", "/app"]
)
def test_a_text_that_names_no_stack_is_doubt(text: str) -> None:
    assert doubtful(Stacks(), [text]) == [text]


def test_no_stacks_are_no_doubt() -> None:
    assert doubtful(Stacks(), []) == []


def test_the_registrys_texts_are_names_or_ids() -> None:
    assert ref_of("eu-west-1/app") == APP
    assert ref_of("eu-west-1/app-*") == ALL
    assert ref_of(f"eu-west-1/{ARN}") == StackRef("eu-west-1", ARN)
    with pytest.raises(ValueError, match="no region"):
        ref_of("app")


def test_stacks_at_rest_are_not_waited_for() -> None:
    scene = Scene(Stacks(app="UPDATE_COMPLETE"))
    assert scene.wait() == 0.0
    assert (scene.told, scene.signs_of_life) == ([], 0)


def test_waiting_ends_one_poll_after_the_last_stack_rests_and_shows_life_meanwhile() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS", app_one="CREATE_IN_PROGRESS"))
    scene.becomes(12.0, "app", "UPDATE_COMPLETE")
    scene.becomes(33.0, "app-one", "CREATE_COMPLETE")
    assert scene.wait(APP, ALL) == 35.0
    assert scene.told[0] == (["eu-west-1/app", "eu-west-1/app-one"], 0.0)
    assert scene.told[-1] == (["eu-west-1/app-one"], 30.0)
    assert scene.signs_of_life == len(scene.told) == 7


def test_a_time_out_is_busy_and_names_the_stack() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS"))
    with pytest.raises(Busy, match=r"eu-west-1/app \(UPDATE_IN_PROGRESS\) after 32 s") as told:
        scene.wait(timeout=32.0)
    assert told.value.exit_code == 2
    assert scene.clock.elapsed == 32.0


def test_a_time_out_of_nothing_looks_once() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS"))
    with pytest.raises(Busy):
        scene.wait(timeout=0.0)
    assert scene.clock.elapsed == 0.0


def test_cancellation_ends_the_wait() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS"))
    with pytest.raises(Cancelled):
        scene.wait(cancelled=lambda: scene.clock.elapsed >= 10.0)
    assert scene.clock.elapsed == 10.0


def test_a_lost_lock_ends_the_wait() -> None:
    def lost() -> None:
        raise LockLost("gone")

    with pytest.raises(LockLost):
        Scene(Stacks(app="UPDATE_IN_PROGRESS")).wait(alive=lost)


def test_a_refusal_is_told_at_once() -> None:
    scene = Scene(Stacks())
    scene.source.trouble = [refusal()]
    with pytest.raises(StackSourceError):
        scene.wait()
    assert scene.clock.elapsed == 0.0


def test_silence_is_borne_for_the_patience_and_not_longer() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS"))
    scene.source.trouble = [None, *(silence() for _ in range(100))]
    with pytest.raises(StackSourceError):
        scene.wait()
    assert PATIENCE_SECONDS <= scene.clock.elapsed <= PATIENCE_SECONDS + POLL_SECONDS


def test_silence_is_never_taken_for_rest() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS"))
    scene.source.trouble = [silence(), silence(), None, silence()]
    scene.becomes(22.0, "app", "UPDATE_COMPLETE")
    assert scene.wait() == 25.0


def test_every_answer_starts_the_patience_anew() -> None:
    scene = Scene(Stacks(app="UPDATE_IN_PROGRESS"))
    spell = [silence() for _ in range(int(PATIENCE_SECONDS / POLL_SECONDS) - 2)]
    scene.source.trouble = [*spell, None, *spell, None]
    scene.becomes(105.0, "app", "UPDATE_COMPLETE")
    assert scene.wait() == 105.0


def test_a_stack_that_is_left_may_name_its_account() -> None:
    assert ref_of("123456789012/eu-west-1/app") == StackRef("eu-west-1", "app")
    assert account_of("123456789012/eu-west-1/app") == "123456789012"
    assert account_of("eu-west-1/app") == ""
    with pytest.raises(ValueError, match="not a region"):
        ref_of("12345/eu-west-1/app")
