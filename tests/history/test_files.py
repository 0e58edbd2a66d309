"""What a release rewrites of the history stays small, and years of it can be read."""

from __future__ import annotations

from typing import Any

import pytest

from deploy_action.errors import RegistryUnreadable
from deploy_action.history import document, files
from deploy_action.history.document import NAME as RECENT
from deploy_action.history.files import ARCHIVE, ESTIMATES, learned, remembered, whole

RESOURCES = [f"+{n} 4.5 UPDATE AWS::Lambda::Function Handler{n}" for n in range(10)]


def record(number: int, *, stack: str = "") -> dict[str, Any]:
    day, second = divmod(number, 50)
    month, day = divmod(day, 28)
    at = f"{2027 + month // 12}-{month % 12 + 1:02}-{day + 1:02}T08:{second:02}:00Z"
    return {
        "correlation_id": f"d{number:06}",
        "environment": "production",
        "account": "123456789012",
        "stacks": [f"eu-west-1/{stack or f'shop-{number % 30}'}"],
        "outcome": "succeeded",
        "released_at": at,
        "duration_seconds": 250.5,
        "commit": f"{number:040x}",
        "runs": [
            {
                "stack": f"eu-west-1/{stack or f'shop-{number % 30}'}",
                "operation": "update",
                "outcome": "succeeded",
                "seconds": 250.5,
                "resources": RESOURCES,
            }
        ],
    }


class Kept(dict[str, bytes]):
    """The documents of a registry, and what was written to it in all."""

    written = 0
    largest = 0

    def remember(self, *numbers: int) -> None:
        for number in numbers:
            changed = remembered(self.get, record(number))
            self.written += sum(map(len, changed.values()))
            self.largest = max(self.largest, *map(len, changed.values()))
            self.update(changed)

    def names(self) -> set[str]:
        return {one["correlation_id"] for _, content in whole(self.get) for one in document.records(content)}


def test_a_release_writes_what_it_adds_and_no_more() -> None:
    kept = Kept()
    kept.remember(*range(300))
    # In one document of 350 KB, each of the later ones wrote 300 KB and more.
    assert kept.written / 300 < 45_000
    assert len(kept[RECENT]) <= files.RECENT_BYTES_MAX


def test_years_can_be_read_and_no_document_outgrows_an_item() -> None:
    kept = Kept()
    kept.remember(*range(1500))
    assert kept.names() == {f"d{number:06}" for number in range(1500)}
    assert kept.largest <= document.BYTES_MAX
    sealed = [name for name in kept if files.SEALED.fullmatch(name)]
    assert sealed
    before = {name: kept[name] for name in sealed}
    kept.remember(*range(1500, 1560))
    assert {name: kept[name] for name in sealed} == before


def test_estimates_know_each_of_thirty_stacks() -> None:
    kept = Kept()
    kept.remember(*range(900))
    past = document.read(learned(kept.get), {})
    known = {one.stack: 0 for one in past.runs}
    for run in past.runs:
        known[run.stack] += 1
    assert len(known) == 30
    assert min(known.values()) >= 15


def test_a_stack_that_is_deployed_seldom_is_not_pushed_out() -> None:
    kept = Kept()
    kept.update(remembered(kept.get, record(0, stack="quiet")))
    kept.remember(*range(1, 900))
    assert document.read(learned(kept.get), {}).of("eu-west-1/quiet")


def test_the_one_document_of_an_earlier_version_is_carried_over() -> None:
    old = document.merged_all(None, [record(number) for number in range(250)])
    kept = Kept({RECENT: old})
    before = kept.names()
    kept.remember(250)
    assert kept.names() == before | {"d000250"}
    assert len(kept[RECENT]) <= files.RECENT_BYTES_MAX
    assert len(document.records(learned(kept.get))) == len(before) + 1


def test_what_an_earlier_version_writes_in_between_is_kept() -> None:
    kept = Kept()
    kept.remember(*range(100))
    kept[RECENT] = document.merged_all(kept[RECENT], [record(number) for number in range(100, 140)])
    kept.remember(140)
    assert kept.names() == {f"d{number:06}" for number in range(141)}


@pytest.mark.parametrize("missed", [1, 2, 3])
def test_a_file_store_that_stopped_half_way_counts_nothing_twice(missed: int) -> None:
    kept = Kept()
    number = 0
    while len(changed := remembered(kept.get, record(number))) == 1:
        kept.update(changed)
        number += 1
    kept.update(dict(list(changed.items())[:-missed]))
    kept.remember(number)
    told = [one["correlation_id"] for one in document.records(learned(kept.get))]
    assert sorted(told) == [f"d{n:06}" for n in range(number + 1)]
    assert kept.names() == set(told)


def test_an_operation_that_was_moved_on_is_not_collected_again() -> None:
    kept = Kept()
    kept.remember(*range(60))
    earlier = [record(0) | {"correlation_id": "collected:0"}]
    assert remembered(kept.get, None, earlier=earlier) == {RECENT: kept[RECENT]}


@pytest.mark.parametrize("name", [ESTIMATES, ARCHIVE])
def test_a_damaged_document_is_named_and_left(name: str) -> None:
    kept = Kept()
    kept.remember(*range(60))
    kept[name] = b"{half"
    with pytest.raises(RegistryUnreadable, match=name):
        kept.remember(*range(60, 100))
    assert kept[name] == b"{half"
