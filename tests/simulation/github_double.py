"""GitHub at the border of `GitHubApi`: commits, one branch, ETags, replicas that lag behind."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from deploy_action.github.api import Answer, GitHubUnavailable
from tests.simulation.actor import WRITE_FAULTS, Actor
from tests.simulation.faults import Fault

if TYPE_CHECKING:
    from tests.simulation.history import History

REPOSITORY = "org/app"
BRANCH = "deploy-registry"
DOCUMENT_PATH = ".deployment-registry/deployments.json"
RATE_LIMITED = 0.05
"""Of the requests without an answer."""
_ROOT = f"/repos/{REPOSITORY}/"


class GitHubServer:
    """Objects are immutable and named by number; the branch is the history of its heads."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, dict[str, str]] = {}
        self.commits: dict[str, tuple[float, str]] = {}
        self._count = 0

    def add_blob(self, content: bytes) -> str:
        return self._put(self.blobs, content)

    def add_tree(self, entries: dict[str, str]) -> str:
        return self._put(self.trees, entries)

    def add_commit(self, tree: str, time: float) -> str:
        return self._put(self.commits, (time, tree))

    def move(self, commit: str, by: str) -> None:
        self.history.write(commit, self.blobs[self.trees[self.commits[commit][1]][DOCUMENT_PATH]], by)

    def add(self, content: bytes) -> str:
        """A commit with this document, which nothing points to yet."""
        return self.add_commit(self.add_tree({DOCUMENT_PATH: self.add_blob(content)}), self.history.now)

    def _put(self, place: dict[str, Any], value: Any) -> str:
        self._count += 1
        name = f"{self._count:040x}"
        place[name] = value
        return name


class GitHubDouble:
    """Stands for one process's `GitHubApi`. Its hidden repetition of reads is not simulated."""

    host = "api.github.com"

    def __init__(self, server: GitHubServer, actor: Actor) -> None:
        self._server = server
        self._actor = actor

    def get(self, path: str, *, etag: str | None = None) -> Answer:
        return self._actor.request(f"GET {path[-40:]}", lambda: self._get(path, etag), self._no_answer)

    def post(self, path: str, body: dict[str, object]) -> Answer:
        what = path.removeprefix(f"{_ROOT}git/")
        return self._actor.request(
            f"POST {what}",
            lambda: self._post(what, body),
            self._no_answer,
            kinds=WRITE_FAULTS if what == "refs" else (Fault.LOST_REQUEST, Fault.LOST_ANSWER),
            refused=lambda: GitHubUnavailable("api.github.com answered 503.", soon=True),
        )

    def graphql(self, query: str, variables: dict[str, object]) -> Answer:
        answer: Answer
        try:
            answer = self._actor.request(
                "commit",
                lambda: self._commit(variables["input"]),
                self._no_answer,
                kinds=WRITE_FAULTS,
                refused=_Stale,
            )
        except _Stale:
            answer = _stale_data()
        return answer

    def close(self) -> None:
        pass

    def _no_answer(self) -> GitHubUnavailable:
        if self._actor.dice.random() < RATE_LIMITED:
            self._actor.faults.count("rate limit: to be left alone for a minute")
            return GitHubUnavailable("The rate limit is used up.", soon=False, retry_seconds=60.0)
        return GitHubUnavailable("api.github.com answered 502.", soon=True)

    def _get(self, path: str, etag: str | None) -> Answer:
        if path == _ROOT.rstrip("/"):
            return Answer(200, {}, {"full_name": REPOSITORY})
        parts = urlsplit(path.removeprefix(_ROOT))
        staleness = self._actor.faults.staleness(self._actor.scheduler.time)
        if parts.path == f"git/ref/heads/{BRANCH}":
            return self._head(staleness, etag)
        if parts.path.startswith("contents/"):
            ref = parse_qs(parts.query)["ref"][0]
            path = parts.path.removeprefix("contents/")
            return self._newest(path, staleness, etag) if ref == BRANCH else self._contents(ref, staleness)
        kind, _, name = parts.path.removeprefix("git/").partition("/")
        if kind == "trees":
            return self._tree(name, staleness)
        if kind == "blobs":
            return Answer(200, {}, _encoded(self._server.blobs[name]))
        raise AssertionError(f"GitHub has no {path}")

    def _head(self, staleness: float, etag: str | None) -> Answer:
        version, _ = self._server.history.seen(staleness)
        if version != self._server.history.version:
            self._actor.faults.count("stale read")
        if not version:
            return Answer(404, {}, {"message": "Not Found"})
        if etag == f'"{version}"':
            return Answer(304, {}, None)
        return Answer(200, {"etag": f'"{version}"'}, {"object": {"sha": version}})

    def _newest(self, path: str, staleness: float, etag: str | None) -> Answer:
        """A file as the branch has it, or had it."""
        version, _ = self._server.history.seen(staleness)
        blob = self._server.trees[self._server.commits[version][1]].get(path) if version else None
        if blob is None:
            return Answer(404, {}, {"message": "Not Found"})
        if etag == f'"{blob}"':
            return Answer(304, {}, None)
        return Answer(
            200, {"etag": f'"{blob}"'}, {"type": "file", "sha": blob, **_encoded(self._server.blobs[blob])}
        )

    def _contents(self, commit: str, staleness: float) -> Answer:
        if self._is_hidden(commit, staleness):
            self._actor.faults.count("replica without the newest commit")
            return Answer(404, {}, {"message": "Not Found"})
        blob = self._server.trees[self._server.commits[commit][1]].get(DOCUMENT_PATH)
        if blob is None:
            return Answer(404, {}, {"message": "Not Found"})
        return Answer(200, {}, {"type": "file", "sha": blob, **_encoded(self._server.blobs[blob])})

    def _tree(self, commit: str, staleness: float) -> Answer:
        if self._is_hidden(commit, staleness):
            return Answer(404, {}, {"message": "Not Found"})
        entries = self._server.trees[self._server.commits[commit][1]]
        tree = [{"path": path, "sha": blob} for path, blob in entries.items()]
        return Answer(200, {}, {"tree": tree, "truncated": False})

    def _is_hidden(self, commit: str, staleness: float) -> bool:
        return staleness > 0 and self._server.commits[commit][0] > self._actor.scheduler.time - staleness

    def _post(self, what: str, body: dict[str, Any]) -> Answer:
        server = self._server
        if what == "blobs":
            return _created(server.add_blob(base64.b64decode(body["content"])))
        if what == "trees":
            return _created(server.add_tree({entry["path"]: entry["sha"] for entry in body["tree"]}))
        if what == "commits":
            return _created(server.add_commit(body["tree"], self._actor.scheduler.time))
        if what == "refs":
            if server.history.version:
                return Answer(422, {}, {"message": "Reference already exists"})
            server.move(body["sha"], self._actor.name)
            return Answer(201, {}, {"object": {"sha": body["sha"]}})
        raise AssertionError(f"GitHub has no POST {what}")

    def _commit(self, wanted: Any) -> Answer:
        server = self._server
        head = server.history.version
        if not head:
            return _graphql_error("NOT_FOUND", "No such branch")
        if wanted["expectedHeadOid"] != head:
            return _stale_data()
        entries = dict(server.trees[server.commits[head][1]])
        for addition in wanted["fileChanges"]["additions"]:
            entries[addition["path"]] = server.add_blob(base64.b64decode(addition["contents"]))
        commit = server.add_commit(server.add_tree(entries), self._actor.scheduler.time)
        server.move(commit, self._actor.name)
        return Answer(200, {}, {"data": {"createCommitOnBranch": {"commit": {"oid": commit}}}})


class _Stale(Exception):
    """A refusal on its way to the client."""


def _encoded(content: bytes) -> dict[str, object]:
    return {"encoding": "base64", "content": base64.b64encode(content).decode(), "size": len(content)}


def _created(sha: str) -> Answer:
    return Answer(201, {}, {"sha": sha})


def _stale_data() -> Answer:
    return _graphql_error("STALE_DATA", "Expected branch to point to something else")


def _graphql_error(kind: str, message: str) -> Answer:
    return Answer(200, {}, {"data": None, "errors": [{"type": kind, "message": message}]})
