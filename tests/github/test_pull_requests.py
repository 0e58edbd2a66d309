"""The comment on a pull request: one, whoever else writes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from deploy_action.errors import PullRequestUnavailable
from deploy_action.github.pull_requests import PullRequests
from tests.fakes.github.described import held_to_its_description
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "<!-- deploy-coordinator plan 1 -->"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with held_to_its_description(GitHubServer()) as server:
        server.state.tokens["token"] |= {"pull-requests": "write"}
        yield server


@pytest.fixture
def client(github: GitHubServer) -> PullRequests:
    return PullRequests("token", "org/app", api_url=github.url)


def bodies(github: GitHubServer) -> list[str]:
    return [row["body"].partition("\n")[2] for _, row in github.state.comments]


def test_two_plans_at_once_leave_one_comment_with_what_was_written_last(
    github: GitHubServer, client: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.comment(12, MARKER, f"{MARKER}\nfirst")
    whole, asked = PullRequests._find, 0

    def find(self: PullRequests, number: int, marker: str) -> Any:
        """As somebody saw it who asked before the first comment was written."""
        nonlocal asked
        asked += 1
        return [] if asked == 1 else whole(self, number, marker)

    monkeypatch.setattr(PullRequests, "_find", find)
    address = client.comment(12, MARKER, f"{MARKER}\nsecond")
    assert bodies(github) == ["second"]
    assert address == github.state.comments[0][1]["html_url"]


def test_comments_that_were_left_double_become_one(github: GitHubServer, client: PullRequests) -> None:
    client.comment(12, MARKER, f"{MARKER}\nfirst")
    (number, first), *_ = github.state.comments
    github.state.comments.append((number, {**first, "id": 1}))
    theirs = {**first, "id": 2, "user": {**first["user"], "type": "User"}}
    github.state.comments.append((number, theirs))
    client.comment(12, MARKER, f"{MARKER}\nsecond")
    assert [row["id"] for _, row in github.state.comments] == [first["id"], 2]
    assert bodies(github) == ["second", "first"]


def test_a_comment_that_somebody_deleted_is_written_anew(
    github: GitHubServer, client: PullRequests, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.comment(12, MARKER, f"{MARKER}\nfirst")
    whole = PullRequests._find

    def find(self: PullRequests, number: int, marker: str) -> Any:
        found = whole(self, number, marker)
        github.state.comments.clear()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(PullRequests, "_find", find)
        client.comment(12, MARKER, f"{MARKER}\nsecond")
    assert client.comment(12, MARKER, f"{MARKER}\nthird")
    assert bodies(github) == ["third"]


def test_the_comment_is_found_behind_many_others(github: GitHubServer, client: PullRequests) -> None:
    client.comment(12, "other", "other\n")
    (number, first), *_ = github.state.comments
    github.state.comments += [(number, {**first, "id": identity}) for identity in range(1, 130)]
    client.comment(12, MARKER, f"{MARKER}\nfirst")
    client.comment(12, MARKER, f"{MARKER}\nsecond")
    assert bodies(github)[130:] == ["second"]


def test_the_newest_commit_is_told_where_it_may_be_read(github: GitHubServer, client: PullRequests) -> None:
    github.state.pulls.append({"number": 12, "head": {"sha": "d" * 40}})
    assert client.head_of(12) == "d" * 40
    assert client.head_of(13) == ""
    github.state.tokens["token"] = {"metadata": "read"}
    assert client.head_of(12) == ""


def test_a_read_only_token_is_refused_with_what_to_do(github: GitHubServer, client: PullRequests) -> None:
    github.state.tokens["token"]["pull-requests"] = "read"
    with pytest.raises(PullRequestUnavailable, match="answers 403") as raised:
        client.comment(12, MARKER, MARKER)
    assert "A pull request from a fork cannot have it." in raised.value.remedy
