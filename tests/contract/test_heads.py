"""Heads in the stores that have them: they follow the document, cost little, and decide nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryConflict, RegistryUnavailable
from deploy_action.locking.stores.guarded import GuardedRegistry
from tests.contract.places import DynamoDbPlace, FilePlace, GitHubPlace, Place, S3Place

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

HEAD, OTHER = "head-07.json", "head-08.json"


@pytest.fixture(params=["github", "s3", "dynamodb"])
def place(request: pytest.FixtureRequest, stack: ExitStack) -> Place:
    if request.param == "github":
        return GitHubPlace(stack)
    moto = request.getfixturevalue("moto_url")
    return S3Place(stack, moto) if request.param == "s3" else DynamoDbPlace(stack, moto)


def write(place: Place, document: bytes, **heads: bytes) -> GuardedRegistry:
    registry = GuardedRegistry(place.open())
    files = {f"head-{name[1:]}.json": content for name, content in heads.items()}
    registry.swap(document, registry.read().version, message="test", files=files)
    return registry


def head(place: Place, name: str = HEAD) -> bytes | None:
    registry = GuardedRegistry(place.open())
    assert registry.heads
    return registry.read_head(name)


def test_a_head_that_was_never_written_is_none(place: Place) -> None:
    assert head(place) is None
    write(place, b"1", h08=b"other")
    assert head(place) is None


def test_a_head_follows_the_document(place: Place) -> None:
    registry = write(place, b"1", h07=b"one")
    assert (head(place), registry.read_head(HEAD)) == (b"one", b"one")
    write(place, b"2", h07=b"two", h08=b"other")
    assert (head(place), registry.read_head(HEAD)) == (b"two", b"two")
    write(place, b"3", h08=b"another")
    assert (head(place), registry.read_head(HEAD), registry.read_head(OTHER)) == (b"two", b"two", b"another")
    assert place.open().read().document == b"3"


def test_a_head_of_a_swap_that_lost_does_not_appear(place: Place) -> None:
    loser = place.open()
    old = loser.read().version
    write(place, b"1", h07=b"winner")
    with pytest.raises(RegistryConflict):
        loser.swap(b"2", old, message="late", files={HEAD: b"loser"})
    assert head(place) == b"winner"


def test_files_and_heads_go_together(place: Place) -> None:
    registry = place.open()
    version = registry.swap(
        b"1", registry.read().version, message="m", files={HEAD: b"head", "history.json": b"file"}
    )
    assert place.open().read_file("history.json", version) == b"file"
    assert head(place) == b"head"


def test_a_store_that_is_away_says_so(place: Place) -> None:
    write(place, b"1", h07=b"one")
    place.fail_next_read()
    with pytest.raises(RegistryUnavailable):
        GuardedRegistry(place.open()).read_head(HEAD)


def test_a_local_file_is_read_itself(stack: ExitStack, tmp_path: Path) -> None:
    assert not GuardedRegistry(FilePlace(stack, tmp_path).open()).heads


def test_on_github_a_foreign_commit_costs_a_waiter_nothing(stack: ExitStack) -> None:
    place = GitHubPlace(stack)
    waiter = write(place, b"1", h07=b"one")
    waiter.read_head(HEAD)
    for number in range(5):
        write(place, b"foreign %d" % number, h08=b"%d" % number)
        before = place.server.cost
        assert waiter.read_head(HEAD) == b"one"
        assert place.server.cost == before


def test_a_head_that_cannot_be_written_leaves_the_document_written(stack: ExitStack, moto_url: str) -> None:
    place = S3Place(stack, moto_url)
    write(place, b"1", h07=b"one")
    place.proxy.fail("PUT .*head-07", status=500, times=None)
    write(place, b"2", h07=b"two")
    place.heal()
    assert (place.open().read().document, head(place)) == (b"2", b"one")
