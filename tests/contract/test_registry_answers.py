"""Whatever a server answers, a store raises a RegistryError or tells the truth, and loses no document."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from deploy_action.errors import RegistryError
from deploy_action.locking.ports import Snapshot
from deploy_action.locking.stores.github import ABSENT, GitHubRegistry
from tests.contract.places import DynamoDbPlace, FilePlace, Place, S3Place
from tests.fakes.github.server import GitHubServer
from tests.fakes.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHA = "0123456789abcdef0123456789abcdef01234567"
HISTORY = "deployment-history.json"
BRANCH = "deploy-registry"
PATH = ".deployment-registry/deployments.json"

KEYS = st.sampled_from([
    "object", "sha", "type", "encoding", "content", "size", "tree", "truncated", "path", "message", "errors",
    "data", "createCommitOnBranch", "commit", "oid",
])  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from([SHA, "file", "base64", "none", PATH, "bm90IGFsbA==", "RATE_LIMITED", "NOT_FOUND"])
)  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), some, max_size=5),
)
LIKELY: list[Any] = [
    {"object": {"sha": SHA}},
    {"object": {"sha": "../../../other"}},
    {"message": "Not Found"},
    {"type": "file", "encoding": "base64", "content": "", "size": 3},
    {"type": "file", "encoding": "base64", "content": "e30=\n", "size": 2},
    {"type": "file", "encoding": "base64", "content": "e", "size": 0},
    {"type": "file", "encoding": "none", "content": "", "sha": SHA},
    {"type": "dir"},
    {"tree": [], "truncated": True},
    {"tree": [None], "truncated": False},
    {"tree": [{"path": PATH}], "truncated": False},
    {"full_name": "org/app"},
    {"sha": SHA},
    {"data": {"createCommitOnBranch": {"commit": {"oid": SHA}}}},
    {"data": {"createCommitOnBranch": {"commit": {"oid": "x"}}}},
    {"errors": [{"type": "STALE_DATA", "message": "m"}]},
    {"errors": [None]},
]
BODIES = (
    st.sampled_from(LIKELY)
    | JSON
    | st.sampled_from(["", "<html>Sign in</html>", "[" * 100_000, "NaN", '{"sha": "\\ud800"}'])
    | st.binary(max_size=20)
)
STATUSES = st.sampled_from(
    [200, 201, 202, 204, 301, 302, 304, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503]
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "content-type": st.sampled_from(["text/html", "application/json; charset=nonsense", ""]),
        "location": st.sampled_from(["/", "https://elsewhere.invalid/", "http://[", "x"]),
        "retry-after": st.sampled_from(["1", "-1", "9" * 5000, "x"]),
        "x-ratelimit-remaining": st.sampled_from(["0", "nan", "x", "1e999"]),
        "x-ratelimit-limit": st.sampled_from(["1", "x"]),
        "x-ratelimit-reset": st.sampled_from(["0", "inf", "x", "9" * 400]),
        "date": st.sampled_from(["", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 99 Jan 1970 00:00:00 GMT"]),
        "etag": st.sampled_from(["", '"x"', "ü"]),
    },
)
ANSWERS = st.builds(Response, STATUSES, BODIES, HEADERS)
NOT_FOUND = Response(404, {"message": "Not Found"})
FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def server() -> Iterator[GitHubServer]:
    with GitHubServer() as server:
        yield server


def reset(server: GitHubServer, document: bytes | None = None) -> None:
    server.clear_faults()
    server.state.repositories.clear()
    server.state.add_repository("org/app")
    if document is not None:
        registry = store(server)
        registry.swap(document, ABSENT, message="m", files={HISTORY: document})
        registry.close()


def store(server: GitHubServer) -> GitHubRegistry:
    return GitHubRegistry(
        "token", "org/app", api_url=server.url, graphql_url=server.graphql_url, read_again=0
    )


def answer_with(server: GitHubServer, answer: Response, match: str = "", times: int | None = None) -> None:
    server.fail(match, status=answer.status, body=answer.body, headers=answer.headers, times=times)


@FAST
@given(st.lists(ANSWERS, max_size=6), ANSWERS)
def test_any_answers_give_a_registry_error_or_a_result(
    server: GitHubServer, first: list[Response], rest: Response
) -> None:
    reset(server)
    for answer in first:
        answer_with(server, answer, times=1)
    answer_with(server, rest)
    registry = store(server)
    with suppress(RegistryError):
        assert isinstance(registry.read(), Snapshot)
    with suppress(RegistryError):
        assert isinstance(registry.read_file(HISTORY, SHA), bytes | None)
    for version in (SHA, ABSENT):
        with suppress(RegistryError):
            assert isinstance(registry.swap(b"{}", version, message="m"), str)
    registry.close()


STEPS = st.sampled_from(["/git/ref/", "org/app$", "/contents/", "/git/trees/", "/git/blobs/", "/git/refs$"])


def is_a_perfect_lie(body: Any) -> bool:
    """A whole tree without the document. Nobody can tell it from the truth."""
    return (
        isinstance(body, dict)
        and body.get("truncated") is False
        and isinstance(body.get("tree"), list)
        and all(isinstance(entry, dict) and entry.get("path") != PATH for entry in body["tree"])
    )


@FAST
@given(step=STEPS, answer=ANSWERS, lagging=st.booleans())
@example(step="/git/ref/", answer=NOT_FOUND, lagging=False)
@example(step="/contents/", answer=NOT_FOUND, lagging=False)
@example(step="/git/trees/", answer=NOT_FOUND, lagging=True)
@example(step="/git/trees/", answer=Response(200, {"tree": [], "truncated": True}), lagging=True)
@example(step="/git/trees/", answer=Response(200, {"tree": []}), lagging=True)
@example(step="/git/trees/", answer=Response(200, "<html>Sign in</html>"), lagging=True)
def test_no_wrong_answer_makes_the_document_look_absent_and_lets_a_swap_erase_it(
    server: GitHubServer, step: str, answer: Response, lagging: bool
) -> None:
    assume(not is_a_perfect_lie(answer.body))
    reset(server, b"precious")
    answer_with(server, answer, step)
    if lagging:
        answer_with(server, NOT_FOUND, "/contents/")
    registry = store(server)
    with suppress(RegistryError):
        snapshot = registry.read()
        server.clear_faults()
        if snapshot.document is None:
            registry.swap(b"new", snapshot.version, message="m")
    registry.close()
    assert server.repository.document(BRANCH, PATH) == b"precious"


@cache
def place_of(kind: str, moto_url: str, stack: ExitStack, folder: Path) -> Place:
    if kind == "file":
        return FilePlace(stack, folder)
    return S3Place(stack, moto_url) if kind == "s3" else DynamoDbPlace(stack, moto_url)


@pytest.mark.parametrize("kind", ["file", "s3", "dynamodb", "github"])
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=st.binary(max_size=200), file=st.binary(max_size=200))
@example(document=b"", file=b"")
def test_any_bytes_come_back(
    *,
    kind: str,
    moto_url: str,
    tmp_path: Path,
    stack: ExitStack,
    server: GitHubServer,
    document: bytes,
    file: bytes,
) -> None:
    reset(server)
    registry = place_of(kind, moto_url, stack, tmp_path).open() if kind != "github" else store(server)
    version = registry.swap(document, registry.read().version, message="m", files={HISTORY: file})
    assert registry.read() == Snapshot(document, version)
    assert registry.read_file(HISTORY, version) == file
