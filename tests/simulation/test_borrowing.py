"""Several deploy under one ticket, over two attempts of a run, and nobody comes between them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from deploy_action.locking import delegation, ticket
from deploy_action.locking.transitions import release
from tests.simulation.borrowing import play_borrowing

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from deploy_action.locking.document import Document, Ticket

SCHEDULES = 60
MUST_FIRE = (
    "loan in attempt 1",
    "loan in attempt 2",
    "released while somebody deploys",
    "freed by the last",
    "execution",
)


def test_nobody_comes_between_those_that_deploy_under_one_lock() -> None:
    coverage: Counter[str] = Counter()
    for seed in range(SCHEDULES):
        verdict = play_borrowing(seed)
        if verdict.violations:
            trace = "\n".join(verdict.trace[-80:])
            pytest.fail(f"{trace}\nSeed {seed}: {verdict.violations}", pytrace=False)
        coverage.update(verdict.coverage)
    assert [what for what in MUST_FIRE if not coverage[what]] == []


def _a_release_waits_for_nobody(patch: pytest.MonkeyPatch) -> None:
    def give_back(document: Document, own: Ticket, *, ended: Any = (), **how: Any) -> Document:
        return release(document, own, **how)

    patch.setattr(ticket, "give_back", give_back)


def _a_lock_stays_in_the_attempt_that_took_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delegation, "in_attempt_of", lambda lender, borrower: lender)


def _the_last_one_does_not_free_it(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(delegation, "finish", lambda document, own, **how: document)


def _nobody_says_that_he_left(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ticket, "repay", lambda document, *own, **how: document)


@pytest.mark.parametrize(
    "build",
    [
        _a_release_waits_for_nobody,
        _a_lock_stays_in_the_attempt_that_took_it,
        _the_last_one_does_not_free_it,
        _nobody_says_that_he_left,
    ],
)
def test_the_schedules_notice_that(
    build: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    build(monkeypatch)
    assert any(play_borrowing(seed).violations for seed in range(SCHEDULES))
