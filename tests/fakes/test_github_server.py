"""The fake GitHub itself: it answers as the official description says, and refuses as GitHub does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests
from graphql import validate_schema

from tests.fakes.github.described import description, operations, problems
from tests.fakes.github.graphql import schema
from tests.fakes.github.objects import git_hash
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Client:
    """Plain HTTP as the holder of the workflow's token."""

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer token"

    def ask(self, verb: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.session.request(verb, self.server.url + path, json=body, timeout=5, **options)

    def repo(self, verb: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.ask(verb, f"/repos/org/app{path}", body, **options)

    def made(self, path: str, body: Any) -> str:
        answer = self.repo("POST", path, body)
        assert answer.status_code == 201, answer.text
        return str(answer.json().get("sha"))

    def commit(self, text: str, parents: list[str]) -> str:
        tree = self.made("/git/trees", {"tree": [_entry("a/b.txt", content=text)]})
        return self.made("/git/commits", {"message": text, "tree": tree, "parents": parents})

    def graphql(self, query: str, variables: dict[str, Any] | None = None) -> Any:
        return self.ask("POST", "/graphql", {"query": query, "variables": variables or {}}).json()


def _entry(path: str, **target: str) -> dict[str, str]:
    return {"path": path, "mode": "100644", "type": "blob", **target}


@pytest.fixture
def server() -> Iterator[GitHubServer]:
    with GitHubServer(now=lambda: 1_000_000.0) as server:
        yield server
    found = problems(server.exchanges)
    assert not found, "\n".join(found)


@pytest.fixture
def client(server: GitHubServer) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.session.close()


MUTATION = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) {
    clientMutationId commit { oid messageHeadline } ref { name target { oid } }
  }
}"""


def commit_input(head: str, **changes: Any) -> dict[str, Any]:
    whole = {
        "branch": {"repositoryNameWithOwner": "org/app", "branchName": "main"},
        "expectedHeadOid": head,
        "message": {"headline": "Second", "body": "why"},
        "fileChanges": {"additions": [{"path": "a.txt", "contents": "aGk="}]},
    }
    return {"input": whole | changes}


def head_of(client: Client, branch: str = "main") -> str:
    return str(client.repo("GET", f"/git/ref/heads/{branch}").json()["object"]["sha"])


def test_the_cut_descriptions_hold_together() -> None:
    assert description()["info"]["license"]["name"] == "MIT"
    assert validate_schema(schema()) == []
    assert len(operations()) == 28


def test_the_comparison_with_the_description_can_fail(server: GitHubServer, client: Client) -> None:
    assert client.repo("GET", "").status_code == 200
    request, response = server.exchanges.pop()
    response.body.pop("full_name")
    assert problems([(request, response)]) == [
        "GET /repos/org/app answers 200: $ 'full_name' is a required property"
    ]


def test_every_described_operation_is_answered(server: GitHubServer, client: Client) -> None:
    blob = client.made("/git/blobs", {"content": "aGk=", "encoding": "base64"})
    tree = client.made("/git/trees", {"tree": [_entry("a/b.txt", sha=blob)]})
    commit = client.made("/git/commits", {"message": "m", "tree": tree, "parents": [head_of(client)]})
    assert client.repo("POST", "/git/refs", {"ref": "refs/heads/x/y", "sha": commit}).status_code == 201
    assert client.repo("PATCH", "/git/refs/heads/main", {"sha": commit}).status_code == 200
    server.state.jobs["org/app", 7] = {"id": 7, "run_id": 5, "status": "completed", "conclusion": "cancelled"}
    server.state.runs["org/app", 5] = {"id": 5}
    assert client.repo("GET", "/actions/runs").json()["total_count"] == 1
    server.state.groups["org/app", "deploy-prod"] = [5, 6]
    server.state.tokens["token"]["deployments"] = "write"
    given = {"ref": "main", "auto_merge": False, "required_contexts": []}
    deployment = client.repo("POST", "/deployments", given).json()["id"]
    statuses = f"/deployments/{deployment}/statuses"
    assert client.repo("POST", statuses, {"state": "success"}).status_code == 201
    assert client.repo("GET", "/deployments?environment=production").json()[0]["id"] == deployment
    assert client.repo("GET", statuses).json()[0]["state"] == "success"
    server.state.tokens["token"]["pull-requests"] = "write"
    comment = client.repo("POST", "/issues/12/comments", {"body": "the plan"}).json()["id"]
    assert client.repo("PATCH", f"/issues/comments/{comment}", {"body": "changed"}).status_code == 200
    assert [row["body"] for row in client.repo("GET", "/issues/12/comments").json()] == ["changed"]
    merged = {"number": 12, "merge_commit_sha": commit, "merged_at": "2026-01-01T00:00:00Z"}
    server.state.pulls.append({**merged, "head": {"sha": "a" * 40}})
    assert client.repo("GET", f"/commits/{commit}/pulls").json()[0]["number"] == 12
    assert client.repo("GET", "/pulls/12").json()["merged"] is True
    assert client.repo("DELETE", f"/issues/comments/{comment}").status_code == 204
    reads = {
        "": "full_name",
        "/git/ref/heads/x/y": "object",
        f"/git/commits/{commit}": "message",
        f"/git/trees/{commit}?recursive=1": "tree",
        f"/git/blobs/{blob}": "content",
        f"/contents/a/b.txt?ref={commit}": "content",
        "/actions/jobs/7": "conclusion",
        "/actions/runs/5": "status",
        "/actions/runs/5/attempts/1": "status",
        "/actions/runs/5/attempts/1/jobs": "jobs",
        "/actions/runs/5/concurrency_groups": "concurrency_groups",
        f"/compare/{commit}...{commit}": "status",
    }
    for path, key in reads.items():
        answer = client.repo("GET", path)
        assert answer.status_code == 200, path
        assert key in answer.json(), path
    assert client.repo("GET", "/contents/a?ref=x/y").json()[0]["name"] == "b.txt"
    asked = {(request.method, op.template) for request, _ in server.exchanges for op in [_operation(request)]}
    assert asked == {(op.method, op.template) for op in operations()}


def _operation(request: Any) -> Any:
    from tests.fakes.github.described import operation_of

    return operation_of(request)


def test_object_names_are_those_of_git() -> None:
    assert git_hash("blob", b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"


def test_trees_hash_as_git_does(client: Client) -> None:
    entries = [_entry("a/b.txt", content="hello\n"), _entry("c", content="hello\n")]
    assert client.made("/git/trees", {"tree": entries}) == "2c2cc3535e109ec22f8d8437161e639b8c24715f"


def test_a_tree_may_build_on_another_and_drop_files(server: GitHubServer, client: Client) -> None:
    base = client.made("/git/trees", {"tree": [_entry("a", content="1"), _entry("b", content="2")]})
    dropped: dict[str, Any] = {"path": "a", "mode": "100644", "type": "blob", "sha": None}
    tree = client.made("/git/trees", {"base_tree": base, "tree": [dropped]})
    assert set(server.repository.trees[tree]) == {"b"}


@pytest.mark.parametrize(
    ("verb", "path", "body", "refusal"),
    [
        ("POST", "/git/refs", {"ref": "refs/heads/main", "sha": "HEAD"}, (422, "Reference already exists")),
        ("POST", "/git/refs", {"ref": "refs/heads/x", "sha": "0" * 40}, (422, "Object does not exist")),
        ("POST", "/git/refs", {"ref": "main", "sha": "HEAD"}, (422, "main is not a valid ref name.")),
        ("PATCH", "/git/refs/heads/x", {"sha": "HEAD"}, (422, "Reference does not exist")),
        ("PATCH", "/git/refs/heads/main", {"sha": "0" * 40}, (422, "Object does not exist")),
        ("POST", "/git/trees", {"tree": [_entry("a", sha="00")]}, (422, "tree.sha 00 is not a valid blob")),
        ("POST", "/git/commits", {"message": "m", "tree": "0" * 40}, (422, "Tree SHA does not exist")),
        ("GET", "/git/ref/heads/x", None, (404, "Not Found")),
        ("GET", "/git/ref/heads/mai", None, (404, "Not Found")),
        ("GET", f"/git/commits/{'0' * 40}", None, (404, "Not Found")),
        ("GET", f"/git/trees/{'0' * 40}", None, (404, "Not Found")),
        ("GET", f"/git/blobs/{'0' * 40}", None, (404, "Not Found")),
        ("GET", "/contents/none?ref=main", None, (404, "Not Found")),
        ("GET", "/contents/none?ref=x", None, (404, "No commit found for the ref x")),
        ("GET", "/actions/jobs/1", None, (404, "Not Found")),
        ("GET", "/actions/runs/1", None, (404, "Not Found")),
        ("GET", "/pulls/1", None, (403, "Resource not accessible by integration")),
    ],
)  # fmt: skip
def test_refusals(client: Client, verb: str, path: str, body: Any, refusal: tuple[int, str]) -> None:
    if body and body.get("sha") == "HEAD":
        body = body | {"sha": head_of(client)}
    answer = client.repo(verb, path, body)
    assert (answer.status_code, answer.json()["message"]) == refusal


def test_a_ref_moves_forward_only_unless_forced(client: Client) -> None:
    orphan = client.commit("orphan", [])
    answer = client.repo("PATCH", "/git/refs/heads/main", {"sha": orphan})
    assert (answer.status_code, answer.json()["message"]) == (422, "Update is not a fast forward")
    assert client.repo("PATCH", "/git/refs/heads/main", {"sha": orphan, "force": True}).status_code == 200
    assert head_of(client) == orphan


def test_a_commit_on_a_branch(server: GitHubServer, client: Client) -> None:
    head = head_of(client)
    answer = client.graphql(MUTATION, commit_input(head, clientMutationId="7"))
    done = answer["data"]["createCommitOnBranch"]
    assert done["commit"]["messageHeadline"] == "Second"
    assert done["ref"] == {"name": "main", "target": {"oid": done["commit"]["oid"]}}
    assert head_of(client) == done["commit"]["oid"]
    assert set(server.repository.files(head_of(client))) == {"README.md", "a.txt"}
    assert server.repository.log("main")[0].message == "Second\n\nwhy"
    gone = {"deletions": [{"path": "a.txt"}]}
    client.graphql(MUTATION, commit_input(head_of(client), fileChanges=gone))
    assert server.repository.document("main", "a.txt") is None


def test_a_stale_head_is_typed_as_github_types_it(client: Client) -> None:
    head = head_of(client)
    client.graphql(MUTATION, commit_input(head))
    answer = client.graphql(MUTATION, commit_input(head, message={"headline": "Third"}))
    assert answer["data"] == {"createCommitOnBranch": None}
    (error,) = answer["errors"]
    assert error["type"] == "STALE_DATA"
    assert error["path"] == ["createCommitOnBranch"]
    assert error["message"] == f'Expected branch to point to "{head}" but it did not.  Pull and try again.'


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"expectedHeadOid": "0" * 40}, "NOT_FOUND", "No commit exists with specified expectedHeadOid"),
        (
            {"branch": {"repositoryNameWithOwner": "a/b", "branchName": "main"}},
            "NOT_FOUND",
            "to a Repository",
        ),
        ({"branch": {"repositoryNameWithOwner": "org/app", "branchName": "x"}}, "NOT_FOUND", "to a Ref"),
        ({"message": {}}, None, "headline"),
        ({"fileChanges": {"additions": [{"path": "a", "contents": "no base64!"}]}}, None, ""),
    ],
)
def test_mutations_that_are_refused(
    client: Client, changes: dict[str, Any], kind: str | None, words: str
) -> None:
    head = head_of(client)
    (error,) = client.graphql(MUTATION, commit_input(head, **changes))["errors"]
    assert error.get("type") == kind
    assert words in error["message"]
    assert head_of(client) == head


def test_a_query_outside_the_schema_is_refused(client: Client) -> None:
    assert client.graphql("{ repository(owner: 1) { stars } }")["errors"]
    ref = 'ref(qualifiedName: "refs/heads/main") { target { oid } }'
    query = f'{{ repository(owner: "org", name: "app") {{ {ref} }} }}'
    answer = client.graphql(query)
    assert answer["data"]["repository"]["ref"]["target"]["oid"] == head_of(client)


def test_permissions_are_those_of_the_token(server: GitHubServer, client: Client) -> None:
    head = head_of(client)
    server.state.tokens["token"] = {"metadata": "read", "contents": "read"}
    assert head_of(client) == head
    answer = client.repo("POST", "/git/refs", {"ref": "refs/heads/x", "sha": head})
    assert (answer.status_code, answer.json()["message"]) == (403, "Resource not accessible by integration")
    assert client.graphql(MUTATION, commit_input(head))["errors"][0]["type"] == "FORBIDDEN"
    assert client.repo("GET", "/actions/jobs/1").status_code == 403
    client.session.headers["Authorization"] = "Bearer other"
    assert client.repo("GET", "").json()["message"] == "Bad credentials"


def test_rules_stop_creations_and_updates(server: GitHubServer, client: Client) -> None:
    head = head_of(client)
    server.state.rules += [("deploy-*", "creation"), ("main", "update")]
    answer = client.repo("POST", "/git/refs", {"ref": "refs/heads/deploy-x", "sha": head})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Repository rule violations found")
    assert client.repo("POST", "/git/refs", {"ref": "refs/heads/x", "sha": head}).status_code == 201
    (error,) = client.graphql(MUTATION, commit_input(head))["errors"]
    assert "Changes must be made through a pull request." in error["message"]


def test_an_unchanged_resource_costs_nothing(server: GitHubServer, client: Client) -> None:
    first = client.repo("GET", "/git/ref/heads/main")
    cost = server.cost
    again = client.repo("GET", "/git/ref/heads/main", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, server.cost) == (304, b"", cost)
    client.graphql(MUTATION, commit_input(head_of(client)))
    changed = client.repo("GET", "/git/ref/heads/main", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_reads_lag_and_writes_do_not(server: GitHubServer, client: Client) -> None:
    old = head_of(client)
    new = client.graphql(MUTATION, commit_input(old))["data"]["createCommitOnBranch"]["commit"]["oid"]
    server.state.lag = 5
    assert head_of(client) == old
    assert client.repo("GET", f"/contents/a.txt?ref={new}").status_code == 404
    assert client.graphql(MUTATION, commit_input(old))["errors"][0]["type"] == "STALE_DATA"
    server.state.now = lambda: 1_000_005.0
    assert head_of(client) == new


def test_faults_before_and_after_the_effect(server: GitHubServer, client: Client) -> None:
    head = head_of(client)
    server.fail("POST /graphql", status=502)
    assert (
        client.ask("POST", "/graphql", {"query": MUTATION, "variables": commit_input(head)}).status_code
        == 502
    )
    assert head_of(client) == head
    server.fail("POST /graphql", kind="drop", when="after")
    with pytest.raises(requests.ConnectionError):
        client.graphql(MUTATION, commit_input(head))
    assert head_of(client) != head


def test_comments_are_bounded_paged_and_never_numbered_twice(server: GitHubServer, client: Client) -> None:
    server.state.tokens["token"]["pull-requests"] = "write"
    long = client.repo("POST", "/issues/12/comments", {"body": "x" * 65_537})
    assert (long.status_code, "maximum is 65536 characters" in long.json()["message"]) == (422, True)
    first = client.repo("POST", "/issues/12/comments", {"body": "x" * 65_536}).json()["id"]
    server.state.comments.clear()
    assert client.repo("PATCH", f"/issues/comments/{first}", {"body": "y"}).status_code == 404
    ids = [client.repo("POST", "/issues/12/comments", {"body": "z"}).json()["id"] for _ in range(3)]
    assert first not in ids
    rows = client.repo("GET", "/issues/12/comments?per_page=2&page=2").json()
    assert [row["id"] for row in rows] == ids[2:]


def test_a_hanging_server(server: GitHubServer, client: Client) -> None:
    server.fail("GET", kind="hang", seconds=5)
    with pytest.raises(requests.Timeout):
        client.session.get(f"{server.url}/repos/org/app", timeout=0.05)


def test_rate_limits_look_like_those_of_github(server: GitHubServer, client: Client) -> None:
    fault = server.limit_rate(seconds=30)
    answer = client.repo("GET", "")
    assert answer.status_code == 403
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answer.headers["x-ratelimit-reset"] == "1000030"
    server.faults.remove(fault)
    server.limit_rate(secondary=True, status=429)
    assert client.repo("GET", "").headers["retry-after"] == "60"
    server.clear_faults()
    assert client.repo("GET", "").status_code == 200


def test_the_test_ground_over_http(server: GitHubServer, client: Client) -> None:
    def ground(verb: str, what: str, body: Any = None) -> int:
        return client.ask(verb, f"/_testground/{what}", body).status_code

    assert ground("POST", "faults", {"match": "GET", "status": 500, "times": None}) == 201
    assert client.repo("GET", "").status_code == 500
    assert ground("DELETE", "faults") == 204
    assert ground("POST", "jobs", {"id": 9, "status": "completed", "conclusion": "failure"}) == 201
    assert client.repo("GET", "/actions/jobs/9").json()["conclusion"] == "failure"
    assert ground("POST", "runs", {"id": 3, "status": "queued"}) == 201
    assert client.repo("GET", "/actions/runs/3").json()["status"] == "queued"
    assert ground("POST", "groups", {"group": "g", "runs": [3, 4]}) == 201
    groups = client.repo("GET", "/actions/runs/4/concurrency_groups").json()["concurrency_groups"]
    assert [m["status"] for m in groups[0]["group_members"]] == ["in_progress", "pending"]
    assert ground("POST", "repositories", {"repository": "org/other"}) == 201
    assert client.ask("GET", "/repos/org/other").status_code == 200
    assert ground("POST", "rules", {"branch": "x", "forbids": "creation"}) == 201
    assert server.state.rules == [("x", "creation")]
    assert ground("POST", "tokens", {"token": "t2", "permissions": {"metadata": "read"}}) == 201
    assert server.state.tokens["t2"] == {"metadata": "read"}
    assert ground("POST", "lag", {"seconds": 3}) == 201
    assert server.state.lag == 3
    assert ground("GET", "nothing") == 404
    assert "GET /repos/org/other" in client.ask("GET", "/_testground/requests").json()


@pytest.mark.parametrize(
    ("module", "options"),
    [("tests.fakes.github", ["--repository", "o/r", "--token", "t"]), ("tests.fakes.slack", [])],
)
def test_the_command_line(module: str, options: list[str], tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", module, "--port", "0", "--ready-file", str(ready), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": "."})
    try:
        deadline = time.monotonic() + 10
        while not ready.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        url = ready.read_text()
        answer = requests.get(f"{url}/_testground/requests", timeout=5)
        assert answer.json() == []
        if options:
            asked = requests.get(f"{url}/repos/o/r", headers={"Authorization": "token t"}, timeout=5)
            assert asked.json()["full_name"] == "o/r"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
