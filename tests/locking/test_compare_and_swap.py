"""A transition takes effect exactly once, whatever the store answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_action.errors import (
    RegistryConflict,
    RegistryForbidden,
    RegistryUnavailable,
    RegistryUnreadable,
)
from deploy_action.locking.codec import encode
from deploy_action.locking.compare_and_swap import (
    FILE_READS,
    PATIENCE_SECONDS,
    PAUSE_SECONDS_MAX,
    STALE_PATIENCES,
    Swapper,
    read_beside,
)
from deploy_action.locking.document import KEPT_OPERATIONS, Document, Lock
from deploy_action.locking.stores.file import FileRegistry
from tests.clock import VirtualClock
from tests.locking.memory_registry import (
    FALSE_CONFLICT,
    LATE_EFFECT,
    LOST_ANSWER,
    LOST_REQUEST,
    REFUSED,
    REJECTED,
    MemoryRegistry,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from deploy_action.locking.ports import Snapshot


def count_up(document: Document) -> tuple[Document, int]:
    """A transition that shows how often it took effect."""
    number = counted(document) + 1
    return replace(document, locks={**document.locks, "counter": Lock(number)}), number


def counted(document: Document) -> int:
    return document.locks.get("counter", Lock()).epoch


class Scene:
    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.clock = VirtualClock()

    def apply(
        self,
        decide: Callable[[Document], tuple[Document | None, int]] = count_up,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> int:
        return Swapper(self.registry, self.clock).apply(
            decide, message="count", patience_seconds=patience_seconds
        )

    def somebody_counts(self) -> None:
        new, _ = count_up(self.registry.document)
        self.registry.overwrite(encode(new.with_operation(f"other-{len(self.registry.written)}")))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_healthy_store_is_read_once_and_written_once(scene: Scene) -> None:
    assert scene.apply() == 1
    assert (scene.registry.reads, scene.registry.swaps, scene.clock.elapsed) == (1, 1, 0.0)
    assert len(scene.registry.document.operations) == 1


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, LATE_EFFECT, FALSE_CONFLICT])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_failed_write_takes_effect_exactly_once(scene: Scene, fault: str, times: int) -> None:
    scene.registry.swap_faults = [fault] * times
    assert scene.apply() == 1
    assert counted(scene.registry.document) == 1
    assert scene.apply() == 2


@pytest.mark.parametrize("passed", [1, 2, 3])
def test_a_late_effect_after_further_tries_takes_effect_exactly_once(scene: Scene, passed: int) -> None:
    scene.registry.swap_faults = [LATE_EFFECT, LOST_REQUEST]
    scene.registry.late_by = passed
    assert scene.apply() == 1
    assert counted(scene.registry.document) == 1


def test_one_after_another_of_all_faults_takes_effect_exactly_once(scene: Scene) -> None:
    scene.registry.swap_faults = [LOST_REQUEST, scene.somebody_counts, LATE_EFFECT, LOST_REQUEST, LOST_ANSWER]
    scene.registry.read_faults = [0, LOST_REQUEST, 0, LOST_REQUEST, 0]
    assert scene.apply() == 2
    assert counted(scene.registry.document) == 2


SOMEBODY_COUNTS = "somebody else counts up"
WRITE_FAULTS = ["", LOST_REQUEST, LOST_ANSWER, LATE_EFFECT, FALSE_CONFLICT, SOMEBODY_COUNTS]
READ_FAULTS: list[str | int] = [0, 1, 2, LOST_REQUEST, SOMEBODY_COUNTS]


@given(
    st.lists(st.sampled_from(WRITE_FAULTS), max_size=6),
    st.lists(st.sampled_from(READ_FAULTS), max_size=8),
    st.integers(0, 6),
)
@settings(deadline=None, max_examples=300)
def test_any_mixture_of_faults_stale_reads_and_rivals_takes_effect_exactly_once(
    writes: list[str], reads: list[str | int], late_by: int
) -> None:
    scene = Scene()
    rivals = 0

    def rival() -> None:
        nonlocal rivals
        rivals += 1
        scene.somebody_counts()

    scene.somebody_counts()
    scene.somebody_counts()
    scene.registry.swap_faults = [rival if fault == SOMEBODY_COUNTS else fault for fault in writes]
    scene.registry.read_faults = [rival if fault == SOMEBODY_COUNTS else fault for fault in reads]
    scene.registry.late_by = late_by
    result = scene.apply(patience_seconds=1000.0)
    scene.registry.late_by = 0
    scene.registry.read_faults.clear()
    scene.registry.read()
    assert counted(scene.registry.document) == 2 + rivals + 1
    assert 3 <= result <= 2 + rivals + 1


def test_a_conflict_leads_to_a_new_decision_on_the_newest_document(scene: Scene) -> None:
    scene.registry.swap_faults = [scene.somebody_counts, scene.somebody_counts]
    assert scene.apply() == 3
    assert counted(scene.registry.document) == 3


def test_a_lost_answer_is_found_under_somebody_elses_later_write(scene: Scene) -> None:
    scene.registry.swap_faults = [LOST_ANSWER]
    scene.registry.read_faults = [0, scene.somebody_counts]
    assert scene.apply() == 1
    assert counted(scene.registry.document) == 2


def test_a_write_that_lost_to_somebody_else_is_decided_again(scene: Scene) -> None:
    scene.registry.swap_faults = [LATE_EFFECT]
    scene.registry.late_by = 1
    scene.registry.read_faults = [0, scene.somebody_counts]
    assert scene.apply() == 2
    assert counted(scene.registry.document) == 2


@pytest.mark.parametrize("stale_reads", [1, 2, 3])
def test_stale_reads_delay_and_never_write_twice(scene: Scene, stale_reads: int) -> None:
    for _ in range(3):
        scene.apply()
    scene.registry.read_faults = [1] * stale_reads
    assert scene.apply() == 4
    assert counted(scene.registry.document) == 4


@pytest.mark.parametrize("fault", [LOST_ANSWER, LATE_EFFECT])
def test_an_older_read_after_an_ambiguous_answer_does_not_write_twice(scene: Scene, fault: str) -> None:
    for _ in range(3):
        scene.apply()
    scene.registry.swap_faults = [fault]
    scene.registry.read_faults = [0, 2, 1]
    assert scene.apply() == 4
    assert counted(scene.registry.document) == 4


def test_a_read_as_old_as_the_own_write_sends_the_same_write_again(scene: Scene) -> None:
    scene.registry.swap_faults = [LOST_ANSWER]
    scene.registry.read_faults = [0, 1]
    assert scene.apply() == 1
    assert counted(scene.registry.document) == 1


def test_nothing_to_write_writes_nothing(scene: Scene) -> None:
    assert scene.apply(lambda document: (None, 7)) == 7
    assert scene.apply(lambda document: (document, 8)) == 8
    assert scene.registry.swaps == 0


def test_conflicts_do_not_count_against_patience(scene: Scene) -> None:
    scene.registry.swap_faults = [scene.somebody_counts] * 60
    assert scene.apply() == 61
    assert scene.clock.elapsed > 2 * PATIENCE_SECONDS


def test_a_conflict_starts_patience_anew(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda least, most: most)
    scene.registry.read_faults = [*[LOST_REQUEST] * 3, 0, *[LOST_REQUEST] * 3]
    scene.registry.swap_faults = [FALSE_CONFLICT]
    assert scene.apply(patience_seconds=12.0) == 1
    assert scene.clock.elapsed > 12.0


@pytest.mark.parametrize("patience", [0.0, 3.0, PATIENCE_SECONDS])
def test_a_store_without_answers_is_given_up_after_the_patience_and_not_before(
    scene: Scene, patience: float
) -> None:
    scene.registry.read_faults = [LOST_REQUEST] * 500
    with pytest.raises(RegistryUnavailable):
        scene.apply(patience_seconds=patience)
    assert patience <= scene.clock.elapsed <= patience + PAUSE_SECONDS_MAX


def test_a_store_that_answers_no_write_is_given_up_after_the_patience(scene: Scene) -> None:
    scene.registry.swap_faults = [LOST_REQUEST] * 500
    with pytest.raises(RegistryUnavailable):
        scene.apply()
    assert PATIENCE_SECONDS <= scene.clock.elapsed <= PATIENCE_SECONDS + PAUSE_SECONDS_MAX
    assert scene.registry.document == Document()


def test_a_store_that_comes_back_in_time_is_used(scene: Scene) -> None:
    scene.registry.read_faults = [LOST_REQUEST] * 5
    assert scene.apply() == 1


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"schema": 99}', b'{"Resources": {}}'])
def test_an_unreadable_document_is_told_at_once_and_never_overwritten(content: bytes) -> None:
    registry, clock = MemoryRegistry(content), VirtualClock()
    with pytest.raises(RegistryUnreadable):
        Swapper(registry, clock).apply(count_up, message="count")
    assert registry.written == [content]
    assert (registry.swaps, clock.elapsed) == (0, 0.0)


def test_a_document_that_becomes_unreadable_between_two_tries_is_not_overwritten(scene: Scene) -> None:
    scene.registry.swap_faults = [lambda: scene.registry.overwrite(b"damaged")]
    with pytest.raises(RegistryUnreadable):
        scene.apply()
    assert scene.registry.written[-1] == b"damaged"


def test_a_refusal_passes_through_at_once(scene: Scene) -> None:
    scene.registry.swap_faults = [REFUSED]
    with pytest.raises(RegistryForbidden):
        scene.apply()
    scene.registry.read_faults = [REFUSED]
    with pytest.raises(RegistryForbidden):
        scene.apply()
    assert scene.clock.elapsed == 0.0
    assert (scene.registry.reads, scene.registry.swaps) == (2, 1)


def test_what_the_transition_raises_passes_through_and_nothing_is_written(scene: Scene) -> None:
    def refuse(document: Document) -> tuple[Document, int]:
        raise LookupError("no")

    with pytest.raises(LookupError):
        scene.apply(refuse)
    assert scene.registry.swaps == 0


def test_the_documents_memory_of_operations_is_bounded(scene: Scene) -> None:
    for _ in range(KEPT_OPERATIONS + 5):
        scene.apply()
    assert len(set(scene.registry.document.operations)) == KEPT_OPERATIONS


def test_a_store_that_asks_to_be_left_alone_is_left_alone(scene: Scene) -> None:
    asked: list[float] = []

    def limit() -> None:
        asked.append(scene.clock.elapsed)
        raise RegistryUnavailable("The rate limit is used up.", retry_seconds=12.0)

    scene.registry.read_faults = [limit, limit]
    assert scene.apply() == 1
    assert asked[0] == 0.0
    assert 12.0 < asked[1] < 12.0 + (PATIENCE_SECONDS - 12.0) / 4
    assert 24.0 < scene.clock.elapsed < PATIENCE_SECONDS


def test_one_that_asks_for_longer_than_the_patience_is_told_at_once(scene: Scene) -> None:
    def limit() -> None:
        raise RegistryUnavailable("The rate limit is used up.", retry_seconds=PATIENCE_SECONDS)

    scene.registry.read_faults = [limit]
    with pytest.raises(RegistryUnavailable):
        scene.apply()
    assert scene.clock.elapsed == 0.0


def test_a_read_that_lags_behind_an_own_write_decides_nothing(scene: Scene) -> None:
    """The write landed, was answered as a conflict, and the next read is from before the last one."""
    scene.apply()
    scene.somebody_counts()
    decided: list[int] = []

    def decide(document: Document) -> tuple[Document, int]:
        decided.append(document.revision)
        return count_up(document)

    scene.registry.swap_faults = [FALSE_CONFLICT]
    scene.registry.read_faults = [0, 2, 1, 0]
    assert scene.apply(decide) == 3
    assert decided == [2, 2]


def test_conflicts_that_move_nothing_come_to_an_end(scene: Scene) -> None:
    """A server whose conditions never match, or reads that do not catch up."""
    scene.registry.swap_faults = [REJECTED] * 100_000
    with pytest.raises(RegistryUnavailable, match="reads as before"):
        scene.apply()
    most = STALE_PATIENCES * PATIENCE_SECONDS + PAUSE_SECONDS_MAX
    assert STALE_PATIENCES * PATIENCE_SECONDS <= scene.clock.elapsed <= most


def test_two_replicas_that_stand_still_are_no_progress(scene: Scene) -> None:
    for _ in range(3):
        scene.somebody_counts()
    scene.registry.swap_faults = [REJECTED] * 100_000
    scene.registry.read_faults = [0, 1] * 50_000
    with pytest.raises(RegistryUnavailable, match="reads as before"):
        scene.apply()


def test_conflicts_with_others_that_make_progress_are_no_reason_to_give_up(scene: Scene) -> None:
    def somebody() -> None:
        scene.somebody_counts()

    scene.registry.swap_faults = [somebody] * 60
    assert scene.apply(patience_seconds=2.0) == 61


def test_a_request_that_hangs_counts_as_silence_from_its_beginning(scene: Scene) -> None:
    class Hanging(MemoryRegistry):
        def read(self) -> Snapshot:
            scene.clock.sleep(20)
            self.reads += 1
            raise RegistryUnavailable("gave no answer")

    scene.registry = Hanging()
    with pytest.raises(RegistryUnavailable):
        scene.apply(patience_seconds=3)
    assert scene.registry.reads == 1
    with pytest.raises(RegistryUnavailable):
        scene.apply(patience_seconds=30)
    assert scene.registry.reads == 3


class Moving(FileRegistry):
    """Somebody else writes to it after each of the first `moves` reads."""

    moves = 0

    def read(self) -> Snapshot:
        snapshot = super().read()
        if self.moves:
            self.moves -= 1
            self.swap(f"{self.moves} more".encode(), snapshot.version, message="m")
        return snapshot


@pytest.mark.parametrize("moves", [0, 1, FILE_READS - 1, FILE_READS])
def test_a_document_that_moves_while_a_file_is_read_is_a_conflict_and_never_silence(
    tmp_path: Path, moves: int
) -> None:
    registry = Moving(tmp_path)
    registry.swap(b"{}", registry.read().version, message="m", files={"history.json": b"all"})
    registry.moves = moves
    if moves < FILE_READS:
        assert read_beside(registry, lambda read: read("history.json")) == b"all"
    else:
        with pytest.raises(RegistryConflict):
            read_beside(registry, lambda read: read("history.json"))
