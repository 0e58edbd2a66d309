"""A run that holds the lock while its next job waits for a reviewer: others pass; it takes its turn again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import Busy, LockLost
from deploy_action.locking.client import LockClient
from deploy_action.locking.delegation import Borrower, nonce_of
from deploy_action.locking.document import WHOLE_RUN, Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.locking.review import Review
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.locking.transitions import PASSED
from tests.clock import VirtualClock
from tests.locking.test_client import World, acquire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from deploy_action.locking.transitions import Waiting

TOKEN = "a" * 32
URL = "https://github.com/org/app/actions/runs/7"
REVIEW = Review(idle=True, since="2027-01-15T08:00:00Z", url=URL)
PAUSED = "waits for a reviewer since 2027-01-15T08:00:00Z, at https://github.com/org/app/actions/runs/7"
RUN = {"repository": "org/app", "run_id": "7", "run_attempt": "1", "url": URL}


@dataclass
class Passer:
    """Somebody who wants the lock, and what it is told of the run that holds it."""

    world: World
    review: Review | None = REVIEW
    life: JobStatus = JobStatus.RUNNING
    busy: list[str] = field(default_factory=list)
    account: str = ""
    asked: int = 0
    revoked: list[str] = field(default_factory=list)
    told: list[tuple[str, ...]] = field(default_factory=list)
    on_look: Callable[[], object] = lambda: None
    on_ask: Callable[[], object] = lambda: None

    def client(self) -> LockClient:
        return LockClient(
            self.world.registry,
            self.world.clock,
            Ticket("w", "id-w", ("prod",), ("eu-west-1/other",), account=self.account),
            stacks_in_progress=self._look,
            poll_seconds=5.0,
            life=lambda _ticket: self.life,
            revoke=self._revoke,
            review=self._asked,
        )

    def _look(self, stacks: Iterable[str]) -> list[str]:
        self.on_look()
        return [stack for stack in stacks if stack in self.busy]

    def _asked(self, _ticket: Ticket) -> Review | None:
        self.asked += 1
        self.on_ask()
        return self.review

    def _revoke(self, holder: Ticket) -> bool:
        self.revoked.append(holder.nonce)
        return True

    def waits(self, seconds: float = 300.0) -> bool:
        with pytest.raises(Busy):
            acquire(self.client(), timeout=seconds, tell=self._hear)
        return True

    def _hear(self, waiting: Waiting) -> None:
        self.told.append(waiting.remarks)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(FileRegistry(tmp_path), VirtualClock())


@pytest.fixture
def run(world: World) -> LockClient:
    """It holds the lock, and has deployed a stack under it."""
    return world.hold(nonce_of(TOKEN), job=WHOLE_RUN, lease_seconds=3600.0, **RUN)


def deployment_of_the_run(world: World) -> LockClient:
    return LockClient(
        world.registry,
        world.clock,
        Ticket("own", "id-own", ("prod",), ("eu-west-1/app",), job="22", **RUN),  # type: ignore[arg-type]
        stacks_in_progress=lambda _stacks: [],
        poll_seconds=5.0,
        life=lambda _ticket: JobStatus.RUNNING,
        borrower=Borrower((TOKEN,), URL, "org/app", "7"),
    )


def test_a_run_that_waits_for_a_reviewer_is_passed_at_once(world: World, run: LockClient) -> None:
    passer = Passer(world)
    grant = acquire(passer.client(), wait=False)
    assert grant.ticket.epochs == (("prod", 2),)
    (gone,) = grant.gone
    assert not gone.lock_taken_over
    assert gone.note == (
        f"Passed run id-{nonce_of(TOKEN)}, which {PAUSED}: no job and no stack of it is in progress. "
        "It queues again when it continues."
    )
    line = world.document.farewell(run.ticket.nonce)
    assert line is not None
    assert line.outcome == PASSED
    assert passer.revoked == [run.ticket.nonce]


def test_a_run_that_was_passed_waits_for_its_turn_and_gets_a_new_epoch(world: World, run: LockClient) -> None:
    passer = acquire(Passer(world).client(), wait=False)
    with pytest.raises(LockLost):
        run.renew()
    late = deployment_of_the_run(world)
    with pytest.raises(Busy):
        acquire(late, wait=False)
    world.rewrite(lambda document: document.without(passer.ticket.nonce))
    grant = acquire(late, wait=False)
    assert not late.borrowed
    assert grant.ticket.epochs == (("prod", 3),)


@pytest.mark.parametrize(
    "changes",
    [
        {"review": None},
        {"review": Review(idle=False, since="2027-01-15T08:00:00Z", url=URL)},
        {"life": JobStatus.UNKNOWN},
        {"busy": ["eu-west-1/app"]},
    ],
    ids=["no reviewer", "a job in progress", "nothing is known", "a stack in progress"],
)
def test_a_run_of_which_something_may_be_in_progress_is_not_passed(
    world: World, run: LockClient, changes: dict[str, object]
) -> None:
    assert Passer(world, **changes).waits()  # type: ignore[arg-type]
    run.renew()


def test_a_run_whose_stacks_are_in_another_account_is_not_passed(world: World) -> None:
    world.hold(nonce_of(TOKEN), job=WHOLE_RUN, lease_seconds=3600.0, account="1" * 12, **RUN)
    assert Passer(world, account="2" * 12).waits()


def test_a_job_is_not_passed_whatever_is_said_of_its_run(world: World) -> None:
    world.hold("job", job="21", lease_seconds=3600.0, **RUN)
    passer = Passer(world)
    assert passer.waits()
    assert passer.asked == 0


def test_a_run_that_goes_on_between_the_look_and_the_write_keeps_its_lock(
    world: World, run: LockClient
) -> None:
    late = deployment_of_the_run(world)
    passer = Passer(world)

    def go_on() -> None:
        passer.on_look = lambda: None
        passer.review = None
        acquire(late, wait=False)

    passer.on_look = go_on
    assert passer.waits(60.0)
    assert late.borrowed
    late.renew()


def test_a_run_that_borrows_its_lock_again_is_not_evicted_although_github_lags(
    world: World, run: LockClient
) -> None:
    late = deployment_of_the_run(world)
    passer = Passer(world)

    def go_on() -> None:
        if passer.asked == 2:  # just before the write
            acquire(late, wait=False)
            passer.busy = ["eu-west-1/app"]

    passer.on_ask = go_on
    assert passer.waits(60.0)
    assert passer.asked >= 2
    late.renew()


def test_who_waits_reads_of_the_reviewer(world: World, run: LockClient) -> None:
    passer = Passer(world, busy=["eu-west-1/app"])
    assert passer.waits(60.0)
    assert passer.told[0][0] == f"id-{nonce_of(TOKEN)} {PAUSED}"


def test_github_is_asked_about_a_reviewer_every_two_minutes_only(world: World, run: LockClient) -> None:
    passer = Passer(world, review=None)
    assert passer.waits(600.0)
    assert passer.asked <= 6
