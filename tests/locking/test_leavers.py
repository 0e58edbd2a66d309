"""Many waiters are cancelled at once: the holder gives its lock back, and the next one gets it."""

from __future__ import annotations

import pytest

from tests.locking.leavers import DYNAMODB, GITHUB, Store, play


@pytest.mark.parametrize("waiters", [3, 20, 40])
@pytest.mark.parametrize("store", [GITHUB, DYNAMODB], ids=["github", "dynamodb"])
def test_the_release_is_written_at_once_and_who_leaves_writes_little(store: Store, waiters: int) -> None:
    leaving = play(waiters, store)
    assert leaving.released <= 5.0
    assert leaving.writes <= 2.0 * waiters + 10


@pytest.mark.parametrize("store", [GITHUB, DYNAMODB], ids=["github", "dynamodb"])
def test_who_is_next_gets_the_lock_with_its_next_look(store: Store) -> None:
    leaving = play(40, store, next_lives=True)
    assert leaving.granted <= leaving.released + store.poll_seconds + 5.0


def test_who_stands_behind_all_of_them_gets_it_once_they_have_left() -> None:
    leaving = play(40, GITHUB)
    assert leaving.granted <= leaving.ended + 3 * GITHUB.poll_seconds + 5.0
