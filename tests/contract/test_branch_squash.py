"""The registry's branch does not grow for ever, and squashing it never loses a write."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryConflict
from deploy_action.locking.stores import github_branch
from tests.contract.places import GitHubPlace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.locking.stores.github import GitHubRegistry
    from tests.fakes.http import Request, Response

FILES = {"deployment-history.json": b"{}"}


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubPlace]:
    monkeypatch.setattr(github_branch, "COMMITS_MAX", 5)
    monkeypatch.setattr(github_branch, "ODDS", 1)
    with contextlib.ExitStack() as stack:
        yield GitHubPlace(stack)


def write(registry: GitHubRegistry, text: str) -> str:
    version = registry.read().version
    return registry.swap(text.encode(), version, message=text, files=FILES)


def commits(github: GitHubPlace) -> list[str]:
    return [commit.message for commit in github.server.repository.log("deploy-registry")]


def test_a_long_branch_becomes_one_commit_with_the_same_files(github: GitHubPlace) -> None:
    registry = github.open()
    for number in range(6):
        version = write(registry, str(number))
    assert commits(github) == ["6 commits as one [skip ci]"]
    assert registry.read() == github.open().read()
    assert registry.read().version == version
    assert github.open().read().document == b"5"
    assert github.open().read_file("deployment-history.json", version) == b"{}"
    write(registry, "6")
    assert commits(github) == ["6 [skip ci]", "6 commits as one [skip ci]"]


def test_a_renewal_does_not_ask_for_it(github: GitHubPlace) -> None:
    registry = github.open()
    for number in range(9):
        registry.swap(str(number).encode(), registry.read().version, message="renew")
    assert len(commits(github)) == 9


def test_who_swaps_against_a_commit_from_before_meets_a_conflict(github: GitHubPlace) -> None:
    registry, other = github.open(), github.open()
    for number in range(5):
        write(registry, str(number))
    before = other.read().version
    write(registry, "5")
    with pytest.raises(RegistryConflict):
        other.swap(b"late", before, message="late")
    write(other, "6")
    assert registry.read().document == b"6"


def test_no_write_is_lost_where_many_write_and_squash_at_once(github: GitHubPlace) -> None:
    write(github.open(), "0")

    def count(registry: GitHubRegistry) -> None:
        done = 0
        while done < 12:
            snapshot = registry.read()
            following = str(int(snapshot.document or b"0") + 1).encode()
            with contextlib.suppress(RegistryConflict):
                registry.swap(following, snapshot.version, message=following.decode(), files=FILES)
                done += 1

    writers = [threading.Thread(target=count, args=(github.open(),)) for _ in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert github.open().read().document == b"48"
    assert "commits as one" in commits(github)[-1]


def test_a_write_right_before_the_branch_moves_is_not_lost(github: GitHubPlace) -> None:
    registry, server = github.open(), github.server
    for number in range(5):
        write(registry, str(number))
    respond = server.respond

    def somebody_writes_then(request: Request) -> Response:
        response = respond(request)
        if request.path.endswith("/git/commits"):
            repository, ref = server.repository, "refs/heads/deploy-registry"
            head = repository.head(ref) or ""
            path = ".deployment-registry/deployments.json"
            tree = repository.add_tree({**repository.files(head), path: repository.add_blob(b"other")})
            repository.move(ref, repository.add_commit(tree, (head,), "other", 1.0), server.state.now())
        return response

    server.respond = somebody_writes_then  # type: ignore[method-assign]
    write(registry, "5")
    assert registry.read().document == b"other"
    assert commits(github)[:2] == ["other", "5 [skip ci]"]


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_a_lost_answer_leaves_a_registry_that_can_be_read(github: GitHubPlace, kind: str) -> None:
    registry = github.open()
    for number in range(5):
        write(registry, str(number))
    github.server.fail("POST .*/git/commits$", kind=kind, when="after", status=502)
    write(registry, "5")
    assert registry.read().document == b"5"
    github.heal()
    write(registry, "6")
    assert commits(github) == ["7 commits as one [skip ci]"]


def test_a_rule_against_force_pushes_costs_the_squashing_only(github: GitHubPlace) -> None:
    github.server.state.rules.append(("deploy-registry", "force"))
    registry = github.open()
    for number in range(8):
        write(registry, str(number))
    assert registry.read().document == b"7"
    assert len(commits(github)) == 8


def test_not_each_release_tries(github: GitHubPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(github_branch, "ODDS", 1_000_000_000)
    registry = github.open()
    for number in range(9):
        write(registry, str(number))
    assert len(commits(github)) == 9
