"""Git objects in memory, with git's own hashes, and the branches that point to them."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field


def git_hash(kind: str, content: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    seconds: float  # Unix time at which it was made


@dataclass
class Repository:
    """`trees` maps a root tree to its files: full path to blob. Folders exist in hashes only."""

    name: str
    identity: int
    default_branch: str = "main"
    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, dict[str, str]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    history: dict[str, list[tuple[float, str]]] = field(default_factory=dict)  # ref: when it moved where

    def add_blob(self, content: bytes) -> str:
        sha = git_hash("blob", content)
        self.blobs[sha] = content
        return sha

    def add_tree(self, files: dict[str, str]) -> str:
        sha = _hash_tree(files)
        self.trees[sha] = dict(files)
        return sha

    def add_commit(self, tree: str, parents: tuple[str, ...], message: str, seconds: float) -> str:
        who = f"github-actions[bot] <bot@example.invalid> {int(seconds)} +0000"
        lines = [
            f"tree {tree}",
            *(f"parent {p}" for p in parents),
            f"author {who}",
            f"committer {who}",
            "",
            message,
        ]
        sha = git_hash("commit", "\n".join(lines).encode())
        self.commits.setdefault(sha, Commit(sha, tree, parents, message, seconds))
        return sha

    def move(self, ref: str, sha: str, seconds: float) -> None:
        self.history.setdefault(ref, []).append((seconds, sha))

    def head(self, ref: str, at: float = float("inf")) -> str | None:
        """Where `ref` pointed at that Unix time."""
        known = [sha for seconds, sha in self.history.get(ref, ()) if seconds <= at]
        return known[-1] if known else None

    def files(self, commit: str) -> dict[str, str]:
        return self.trees[self.commits[commit].tree]

    def log(self, branch: str) -> list[Commit]:
        """The commits of a branch, newest first."""
        head = self.head(f"refs/heads/{branch}")
        return [self.commits[sha] for sha in self.ancestors(head)] if head else []

    def ancestors(self, sha: str) -> list[str]:
        """By first parents, itself first."""
        line = [sha]
        while parents := self.commits[line[-1]].parents:
            line.append(parents[0])
        return line

    def document(self, branch: str, path: str) -> bytes | None:
        """A file at the head of a branch, for assertions."""
        head = self.head(f"refs/heads/{branch}")
        blob = self.files(head).get(path) if head else None
        return self.blobs[blob] if blob else None


def _hash_tree(files: dict[str, str]) -> str:
    entries: dict[str, tuple[str, str]] = {}
    folders: dict[str, dict[str, str]] = {}
    for path, sha in files.items():
        first, _, rest = path.partition("/")
        if rest:
            folders.setdefault(first, {})[rest] = sha
        else:
            entries[first] = ("100644", sha)
    entries |= {name: ("40000", _hash_tree(inside)) for name, inside in folders.items()}
    ordered = sorted(entries.items(), key=lambda item: item[0] + "/" * (item[1][0] == "40000"))
    return git_hash(
        "tree", b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(sha) for name, (mode, sha) in ordered)
    )


def iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
