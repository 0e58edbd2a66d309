"""What is special about the registry on a branch of GitHub."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from graphql import parse, validate

from deploy_action.errors import RegistryConflict, RegistryForbidden, RegistryUnavailable
from deploy_action.github.api import GitHubApi, GitHubUnavailable
from deploy_action.locking.stores.github import GitHubRegistry
from deploy_action.locking.stores.github_branch import CREATE_COMMIT
from tests.fakes.github.graphql import schema

if TYPE_CHECKING:
    from tests.contract.places import GitHubPlace

PATH = ".deployment-registry/deployments.json"
BRANCH = "deploy-registry"
HISTORY = "deployment-history.json"


def write(place: GitHubPlace, document: bytes, message: str = "test") -> str:
    registry = place.open()
    return registry.swap(document, registry.read().version, message=message)


def forbidden(registry: GitHubRegistry, version: str | None = None) -> RegistryForbidden:
    with pytest.raises(RegistryForbidden) as caught:
        registry.swap(b"x", version or registry.read().version, message="m")
    return caught.value


def test_the_mutation_fits_the_official_schema() -> None:
    assert validate(schema(), parse(CREATE_COMMIT)) == []
    assert validate(schema(), parse(CREATE_COMMIT.replace("oid", "sha")))


def test_the_branch_is_an_orphan_and_its_history_is_the_audit_log(github: GitHubPlace) -> None:
    write(github, b"1", "app/prod: acquire by ada")
    write(github, b"2", "app/prod: release by ada")
    log = github.server.repository.log(BRANCH)
    assert [commit.message for commit in log] == [
        "app/prod: release by ada [skip ci]",
        "app/prod: acquire by ada [skip ci]",
    ]
    assert log[-1].parents == ()
    assert set(github.server.repository.files(log[0].sha)) == {PATH}
    assert github.server.repository.log("main")[0].message == "First"


def test_a_look_at_an_unchanged_branch_costs_nothing_and_at_a_changed_one_two_requests(
    github: GitHubPlace,
) -> None:
    write(github, b"1")
    waiter = github.open()
    waiter.read()

    def look() -> tuple[bytes | None, list[int], int]:
        cost, asked = github.server.cost, len(github.server.exchanges)
        document = waiter.read().document
        answers = [response.status for _, response in github.server.exchanges[asked:]]
        return document, answers, github.server.cost - cost

    assert look() == (b"1", [304], 0)
    write(github, b"2")
    assert look() == (b"2", [200, 200], 2)
    assert look() == (b"2", [304], 0)


def test_a_document_over_one_megabyte_is_read_whole(github: GitHubPlace) -> None:
    document = json.dumps({"history": "ö" * 300_000}).encode()
    write(github, document)
    assert github.open().read().document == document


def test_files_are_part_of_the_same_commit(github: GitHubPlace) -> None:
    registry = github.open()
    version = registry.swap(b"1", registry.read().version, message="first", files={HISTORY: b"one"})
    registry.swap(b"2", version, message="second", files={HISTORY: b"two"})
    log = github.server.repository.log(BRANCH)
    assert [commit.message for commit in log] == ["second [skip ci]", "first [skip ci]"]
    assert set(github.server.repository.files(log[-1].sha)) == {PATH, f".deployment-registry/{HISTORY}"}


def test_a_file_can_be_read_as_it_was(github: GitHubPlace) -> None:
    registry = github.open()
    first = registry.swap(b"1", registry.read().version, message="m", files={HISTORY: b"one"})
    second = registry.swap(b"2", first, message="m", files={HISTORY: b"two"})
    assert (registry.read_file(HISTORY, first), registry.read_file(HISTORY, second)) == (b"one", b"two")


@pytest.mark.parametrize("size", [900_000, 1_500_000])
def test_a_large_file_is_read_whole(github: GitHubPlace, size: int) -> None:
    registry = github.open()
    content = bytes(range(256)) * (size // 256)
    version = registry.swap(b"1", registry.read().version, message="m", files={HISTORY: content})
    assert github.open().read_file(HISTORY, version) == content


def test_a_lagging_replica_never_shows_a_written_file_as_never_written(github: GitHubPlace) -> None:
    registry = github.open()
    version = registry.swap(b"1", registry.read().version, message="m", files={HISTORY: b"precious"})
    not_found = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
    github.server.fail("GET .*/(contents|git/trees)/", status=404, body=not_found, times=None)
    with pytest.raises(RegistryUnavailable, match="newest commit"):
        github.open().read_file(HISTORY, version)


def test_a_tree_that_was_cut_short_shows_nothing_as_absent(github: GitHubPlace) -> None:
    write(github, b"precious")
    not_found = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
    github.server.fail("GET .*/contents/", status=404, body=not_found)
    github.server.fail("GET .*/git/trees/", status=200, body={"tree": [], "truncated": True})
    with pytest.raises(RegistryUnavailable, match="not the whole tree"):
        github.open().read()


@pytest.mark.parametrize("matching", ["GET .*/git/ref/", "GET .*/contents/", "POST"])
def test_a_repository_that_moved_out_of_sight_is_neither_read_nor_written_there(
    github: GitHubPlace, matching: str
) -> None:
    """GitHub's redirect keeps `ref`, but PyGithub drops it, and would read the default branch."""
    version = write(github, b"{}")
    location = f"{github.server.url}/elsewhere/1/x?ref=y"
    github.server.fail(matching, status=301, headers={"location": location}, times=None)
    registry = github.open()
    with pytest.raises(RegistryForbidden, match="new name"):
        registry.swap(b"x", version, message="m") if matching == "POST" else registry.read()
    assert not github.server.asked("/elsewhere/1")


def test_a_renamed_repository_is_found_by_its_new_name_on_the_same_host(github: GitHubPlace) -> None:
    version = write(github, b"{}")
    name = github.server.repository.name
    github.server.fail(
        "GET /repos/org/old/git/ref/",
        status=301,
        headers={"location": f"{github.server.url}/repositories/1/git/ref/heads/{BRANCH}"},
        times=None,
    )
    github.server.fail("GET /repositories/1$", status=200, body={"full_name": name}, times=None)
    registry = github.open(repository="org/old")
    assert registry.read().version == version
    assert name in registry.location
    assert f"The repository org/old is called {name} now" in registry.advice
    assert github.open().advice == ""
    registry.swap(b'{"new": 1}', version, message="m")
    assert github.open().read().document == b'{"new": 1}'


def test_a_redirect_to_another_host_is_not_followed(github: GitHubPlace) -> None:
    write(github, b"{}")
    elsewhere = "https://elsewhere.example/repositories/1"
    github.server.fail("GET .*/git/ref/", status=301, headers={"location": elsewhere}, times=None)
    with pytest.raises(RegistryForbidden, match="new name"):
        github.open().read()
    assert not github.server.asked("/repositories/1")


def test_an_answer_that_is_not_ready_is_not_asked_for_for_ever(github: GitHubPlace) -> None:
    github.server.fail("GET", status=202, body={}, times=None)
    with pytest.raises(RegistryUnavailable, match="answered 202"):
        github.open().read()


def test_a_branch_without_the_document_can_be_taken_over(github: GitHubPlace) -> None:
    github.server.repository.move(
        "refs/heads/deploy-registry", github.server.repository.log("main")[0].sha, 1
    )
    registry = github.open()
    assert registry.read().document is None
    registry.swap(b"{}", registry.read().version, message="m")
    assert github.server.repository.document(BRANCH, "README.md") == b"# App\n"
    assert github.open().read().document == b"{}"


def test_a_folder_in_the_place_of_the_document_is_refused(github: GitHubPlace) -> None:
    write(github, b"{}")
    registry = GitHubRegistry(
        "token",
        "org/app",
        path=".deployment-registry",
        api_url=github.server.url,
        graphql_url=github.server.graphql_url,
    )
    github.stack.callback(registry.close)
    with pytest.raises(RegistryForbidden, match="is not a file"):
        registry.read()


def test_a_lagging_replica_never_shows_a_written_registry_as_empty(github: GitHubPlace) -> None:
    write(github, b"precious")
    not_found = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
    github.server.fail("GET .*/contents/", status=404, body=not_found, times=None)
    assert github.open().read().document == b"precious"
    github.server.fail("GET .*/git/trees/", status=404, body=not_found, times=None)
    with pytest.raises(RegistryUnavailable, match="newest commit"):
        github.open().read()


def test_a_lagging_read_delays_but_never_grants(github: GitHubPlace) -> None:
    now = 1000.0
    github.server.state.now = lambda: now
    old = write(github, b"old")
    now = 1010.0
    write(github, b"new")
    github.server.state.lag = 5.0
    registry = github.open()
    assert (registry.read().document, registry.read().version) == (b"old", old)
    with pytest.raises(RegistryConflict):
        registry.swap(b"stale", old, message="m")
    now = 1015.0
    assert registry.read().document == b"new"


def test_addresses_of_an_enterprise_server(github: GitHubPlace) -> None:
    registry = GitHubRegistry(
        "token",
        "org/app",
        api_url=f"{github.server.url}/api/v3",
        graphql_url=f"{github.server.url}/api/graphql",
    )
    github.stack.callback(registry.close)
    version = registry.swap(b"", registry.read().version, message="m", files={HISTORY: b"[]"})
    version = registry.swap(b"{}", version, message="m")
    assert registry.read().document == b"{}"
    assert registry.read_file(HISTORY, version) == b"[]"
    assert len(github.server.asked("^POST /api/graphql$")) == 1
    assert not [r for r in github.server.requests if not r.path.startswith("/api/")]


def test_another_branch_and_path(github: GitHubPlace) -> None:
    registry = GitHubRegistry(
        "token",
        "org/app",
        branch="state/deploy",
        path="a folder/registry.json",
        api_url=github.server.url,
        graphql_url=github.server.graphql_url,
    )
    github.stack.callback(registry.close)
    version = registry.swap(b"1", registry.read().version, message="m")
    registry.swap(b"2", version, message="m")
    assert registry.read().document == b"2"
    assert github.server.repository.document("state/deploy", "a folder/registry.json") == b"2"
    assert registry.location == "branch state/deploy of org/app"


@pytest.mark.parametrize("vague", [False, True])
def test_losing_the_race_to_create_the_branch_is_a_conflict(github: GitHubPlace, vague: bool) -> None:
    registry = github.open()
    version = registry.read().version
    write(github, b"theirs")
    if vague:
        github.server.fail("POST .*/git/refs$", status=422, body={"message": "Reference update failed"})
    with pytest.raises(RegistryConflict):
        registry.swap(b"ours", version, message="m")
    assert github.open().read().document == b"theirs"


def test_a_branch_that_was_made_in_spite_of_an_error_is_ours(github: GitHubPlace) -> None:
    registry = github.open()
    version = registry.read().version
    body = {"message": "Reference update failed", "documentation_url": "https://docs.github.com/rest"}
    github.server.fail("POST .*/git/refs$", status=422, body=body, when="after")
    commit = registry.swap(b"ours", version, message="m")
    assert (github.open().read().document, github.open().read().version) == (b"ours", commit)


def test_a_deleted_branch_is_a_conflict_then_an_empty_registry(github: GitHubPlace) -> None:
    registry = github.open()
    version = registry.swap(b"{}", registry.read().version, message="m")
    github.server.repository.history.pop("refs/heads/deploy-registry")
    with pytest.raises(RegistryConflict):
        registry.swap(b"x", version, message="m")
    assert registry.read().document is None


@pytest.mark.parametrize("exists", [False, True])
def test_a_token_that_may_only_read(github: GitHubPlace, exists: bool) -> None:
    if exists:
        write(github, b"{}")
    error = forbidden(github.forbidden())
    assert "Resource not accessible by integration" in error.what
    assert "permissions: contents: write" in error.remedy


def test_a_token_that_may_not_even_read(github: GitHubPlace) -> None:
    github.server.state.tokens["blind"] = {"metadata": "read"}
    with pytest.raises(RegistryForbidden, match="permissions: contents: write"):
        github.open("blind").read()


def test_a_token_that_is_not_accepted(github: GitHubPlace) -> None:
    with pytest.raises(RegistryForbidden, match=r"does not accept the token \(401\)") as caught:
        github.open("ghp_secret").read()
    assert "ghp_secret" not in str(caught.value)


@pytest.mark.parametrize("known", [False, True])
def test_a_token_that_expires_before_the_write(github: GitHubPlace, known: bool) -> None:
    version = write(github, b"{}") if known else None
    registry = github.open()
    version = version or registry.read().version
    github.server.state.tokens.clear()
    assert "valid token" in forbidden(registry, version).remedy


def test_a_repository_that_is_not_there(github: GitHubPlace) -> None:
    version = write(github, b"{}")
    registry = GitHubRegistry(
        "token", "org/other", api_url=github.server.url, graphql_url=github.server.graphql_url
    )
    github.stack.callback(registry.close)
    with pytest.raises(RegistryForbidden, match="no repository org/other"):
        registry.read()
    assert "no repository org/other" in forbidden(registry, version).what


def test_a_repository_without_a_commit(github: GitHubPlace) -> None:
    github.server.state.add_repository("org/empty", empty=True)
    registry = GitHubRegistry(
        "token", "org/empty", api_url=github.server.url, graphql_url=github.server.graphql_url
    )
    github.stack.callback(registry.close)
    with pytest.raises(RegistryForbidden, match="first commit"):
        registry.read()


def test_a_ruleset_that_forbids_creating_the_branch(github: GitHubPlace) -> None:
    github.server.state.rules.append(("*", "creation"))
    error = forbidden(github.open())
    assert "forbids creating the branch deploy-registry" in error.what
    assert "Cannot create ref due to creations being restricted." in error.what
    assert github.open().read().document is None


def test_a_ruleset_that_forbids_updating_the_branch(github: GitHubPlace) -> None:
    write(github, b"before")
    github.server.state.rules.append((BRANCH, "update"))
    assert "forbids updating the branch deploy-registry" in forbidden(github.open()).what
    assert github.open().read().document == b"before"


@pytest.mark.parametrize(
    "limit", [{}, {"secondary": True}, {"secondary": True, "status": 429}, {"message": ""}]
)
def test_a_rate_limit_is_no_lasting_refusal_and_says_how_long(
    github: GitHubPlace, limit: dict[str, Any]
) -> None:
    version = write(github, b"{}")
    github.server.state.now = lambda: 1000.0
    fault = github.server.limit_rate(seconds=90, **{k: v for k, v in limit.items() if k != "message"})
    fault.body["message"] = limit.get("message", fault.body["message"])
    registry = github.open()
    for attempt in (
        registry.read,
        lambda: registry.read_file(HISTORY, version),
        lambda: registry.swap(b"x", version, message="m"),
    ):
        with pytest.raises(RegistryUnavailable) as caught:
            attempt()
        assert "GitHub asks to wait 90 s." in str(caught.value)
        assert caught.value.retry_seconds == 90


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"retry-after": "999999"}, 3600),
        (429, {"retry-after": "9" * 5000}, 3600),
        (429, {"retry-after": "soon"}, 60),
        (429, {}, 60),
        (429, {"x-ratelimit-reset": "1000", "date": "Thu, 01 Jan 1970 00:30:00 GMT"}, 0),
        (429, {"x-ratelimit-reset": "1000", "date": "yesterday"}, 60),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1e9"}, 60),
        (403, {"retry-after": "-5"}, 60),
        (503, {"retry-after": "120"}, 120),
        (502, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}, None),
    ],
)
def test_how_long_to_stay_away_is_told_within_bounds(
    github: GitHubPlace, status: int, headers: dict[str, str], seconds: float | None
) -> None:
    github.server.fail(status=status, headers=headers, times=None)
    with pytest.raises(RegistryUnavailable) as caught:
        github.open().read()
    assert caught.value.retry_seconds == seconds


def test_a_used_up_budget_of_graphql_says_how_long(github: GitHubPlace) -> None:
    version = write(github, b"{}")
    github.server.fail(
        "/graphql",
        status=200,
        body={"data": None, "errors": [{"type": "RATE_LIMITED", "message": "Limit"}]},
        headers={
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "1000",
            "date": "Thu, 01 Jan 1970 00:10:00 GMT",
        },
    )
    with pytest.raises(RegistryUnavailable) as caught:
        github.open().swap(b"x", version, message="m")
    assert caught.value.retry_seconds == 400


def test_who_asks_to_be_left_alone_is_not_asked_again(github: GitHubPlace) -> None:
    api = GitHubApi("token", api_url=github.server.url, read_again=4)
    github.stack.callback(api.close)
    github.server.fail(status=503, headers={"retry-after": "120"}, times=None)
    with pytest.raises(GitHubUnavailable):
        api.get("/repos/org/app")
    assert len(github.server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            {"data": None, "errors": [{"type": "RATE_LIMITED", "message": "Limit"}]},
            "rate limit of this token",
        ),
        ({"data": None, "errors": [{"message": "Something went wrong."}]}, "Something went wrong"),
        ({"data": {"createCommitOnBranch": None}}, "no data.createCommitOnBranch.commit.oid"),
        ("<html>proxy</html>", "no data.createCommitOnBranch.commit.oid"),
    ],
)
def test_an_answer_that_says_nothing_certain_is_unknown(
    github: GitHubPlace, answer: object, told: str
) -> None:
    version = write(github, b"{}")
    github.server.fail("/graphql", status=200, body=answer)
    with pytest.raises(RegistryUnavailable, match=told):
        github.open().swap(b"x", version, message="m")


def test_classic_branch_protection(github: GitHubPlace) -> None:
    version = write(github, b"{}")
    errors = [{"type": "BRANCH_PROTECTION_RULE_VIOLATION", "message": "Branch is protected"}]
    github.server.fail("/graphql", status=200, body={"data": None, "errors": errors})
    assert "branch protection forbids updating" in forbidden(github.open(), version).what


def test_a_write_is_never_repeated(github: GitHubPlace) -> None:
    version = write(github, b"{}")
    github.server.fail("/graphql", times=None)
    with pytest.raises(RegistryUnavailable):
        github.open().swap(b"x", version, message="m")
    assert len(github.server.asked("/graphql")) == 1


def test_a_read_is_repeated_where_that_may_help(github: GitHubPlace) -> None:
    api = GitHubApi("token", api_url=github.server.url, read_again=4)
    github.stack.callback(api.close)
    github.server.fail("GET /repos/org/app$", kind="drop")
    assert api.get("/repos/org/app").status == 200
    github.server.limit_rate("GET /repos/org/app$")
    before = len(github.server.requests)
    with pytest.raises(GitHubUnavailable):
        api.get("/repos/org/app")
    assert len(github.server.requests) == before + 1


@pytest.mark.parametrize("kind", ["drop", "status"])
def test_nothing_is_repeated_behind_our_back(github: GitHubPlace, kind: str) -> None:
    api = GitHubApi("token", api_url=github.server.url, read_again=0)
    github.stack.callback(api.close)
    github.server.fail(kind=kind, times=None)
    with pytest.raises(GitHubUnavailable):
        api.get("/repos/org/app")
    assert len(github.server.requests) == 1


def test_what_was_just_written_is_not_fetched_again(github: GitHubPlace) -> None:
    registry = github.open()
    registry.swap(b"{}", registry.read().version, message="m")
    assert registry.read().document == b"{}"
    assert github.server.asked("/contents/") == []


def test_a_graphql_address_on_another_host_is_honoured(github: GitHubPlace) -> None:
    version = write(github, b"{}")
    host = github.server.url.replace("127.0.0.1", "localhost")
    registry = GitHubRegistry(
        "token", "org/app", api_url="http://192.0.2.1:9", graphql_url=f"{host}/graphql", read_again=0
    )
    github.stack.callback(registry.close)
    registry.swap(b"over there", version, message="m")
    assert github.open().read().document == b"over there"


def test_text_of_the_token_goes_only_where_it_belongs(github: GitHubPlace) -> None:
    write(github, b"{}")
    for request in github.server.requests:
        assert request.headers["authorization"] == "token token"
        assert "token" not in request.target
        assert base64.b64encode(b"token") not in request.body
