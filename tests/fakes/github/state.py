"""What the fake GitHub knows: repositories, tokens, rules, runs, and how far its reads lag."""

from __future__ import annotations

import fnmatch
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.fakes.github.objects import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

WORKFLOW_TOKEN = {"metadata": "read", "contents": "write", "actions": "read"}


class Refused(Exception):
    """GitHub says no. `type` is the one of GraphQL, `status` the one of REST."""

    def __init__(self, message: str, *, kind: str = "UNPROCESSABLE", status: int = 422) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status


@dataclass
class State:
    """`lag`: reads show the branches as they were so many seconds ago; writes always see the truth.

    `tokens` maps a token to its permissions (`{"contents": "write"}`), as a workflow's `permissions:` do.
    `reach` narrows a token to the repositories named; to others it is as if they did not exist.
    `rules` are pairs of a glob on branch names and what it forbids: `creation`, `update` or
    `force`.
    """

    now: Callable[[], float] = time.time
    lag: float = 0.0
    tokens: dict[str, dict[str, str]] = field(default_factory=lambda: {"token": dict(WORKFLOW_TOKEN)})
    reach: dict[str, set[str]] = field(default_factory=dict)
    rules: list[tuple[str, str]] = field(default_factory=list)
    repositories: dict[str, Repository] = field(default_factory=dict)
    jobs: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    runs: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    groups: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    deployments: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    comments: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """By the number of the pull request."""
    commented: int = 0
    """How many were ever made: an id is never given twice."""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    """`number`, `head.sha`, `merge_commit_sha`, `merged_at`; the rest is filled in."""

    def add_repository(self, name: str, *, empty: bool = False) -> Repository:
        repository = Repository(name, identity=len(self.repositories) + 1)
        if not empty:
            tree = repository.add_tree({"README.md": repository.add_blob(b"# App\n")})
            repository.move("refs/heads/main", repository.add_commit(tree, (), "First", 0.0), 0.0)
        self.repositories[name] = repository
        return repository

    def find(self, token: str, name: str) -> Repository | None:
        """The repository, where the token can see it."""
        return self.repositories.get(name) if name in self.reach.get(token, {name}) else None

    def allows(self, token: str, permission: str) -> bool:
        scope, _, level = permission.partition(":")
        held = self.tokens[token].get(scope, "none")
        return held in {"write", level}

    def check_rules(self, ref: str, deed: str) -> None:
        branch = ref.removeprefix("refs/heads/")
        if any(fnmatch.fnmatch(branch, glob) and deed == forbidden for glob, forbidden in self.rules):
            reasons = {
                "creation": "Cannot create ref due to creations being restricted.",
                "update": "Changes must be made through a pull request.",
                "force": "Cannot force-push to this branch",
            }
            raise Refused(f"Repository rule violations found\n\n{reasons[deed]}\n\n")
