"""From the input `registry` to a store that works, for a registry in another repository than the job's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.errors import RegistryForbidden
from deploy_action.github.run_context import run_context
from deploy_action.inputs.settings import parse_inputs
from deploy_action.wiring import Wiring
from tests.fakes.authority import Authority
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy_action.locking.ports import Registry

HISTORY = "deployment-history.json"


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    with GitHubServer(repositories=("org/app", "org/locks")) as server:
        server.state.tokens = {
            name: {"metadata": "read", "contents": "write"} for name in ("app", "locks", "public")
        }
        server.state.reach = {"app": {"org/app"}, "locks": {"org/locks"}}
        yield server


def wired(server: GitHubServer, address: str, token: str, prefix: tuple[str, str] = ("", "")) -> Registry:
    inputs = {"stack-name": "shop", "registry": address, "github-token": "app", "registry-token": token}
    environ = {
        "AWS_REGION": "eu-west-1",
        "GITHUB_REPOSITORY": "org/app",
        "GITHUB_API_URL": f"{server.url}{prefix[0]}",
        "GITHUB_GRAPHQL_URL": f"{server.url}{prefix[1]}/graphql",
        "DEPLOY_COORDINATOR_INPUTS": json.dumps(inputs),
    }
    return Wiring(parse_inputs(environ), run_context(environ), environ).registry()


def write_twice(registry: Registry) -> None:
    version = registry.swap(b"1", registry.read().version, message="first", files={HISTORY: b"[]"})
    version = registry.swap(b"2", version, message="second")
    assert registry.read().document == b"2"
    assert registry.read_file(HISTORY, version) == b"[]"


@pytest.mark.parametrize("prefix", [("", ""), ("/api/v3", "/api")], ids=["github.com", "GHES"])
@pytest.mark.parametrize(
    ("address", "branch"),
    [("github://org/locks", "deploy-registry"), ("github://org/locks#state/deploy", "state/deploy")],
)
def test_a_registry_in_another_repository(
    github: GitHubServer, address: str, branch: str, prefix: tuple[str, str]
) -> None:
    registry = wired(github, address, "locks", prefix)
    write_twice(registry)
    assert registry.location == f"branch {branch} of org/locks"
    assert len(github.state.repositories["org/locks"].log(branch)) == 2
    assert set(github.state.repositories["org/app"].history) == {"refs/heads/main"}
    assert all(request.path.startswith(prefix[1]) for request in github.requests)


def test_a_registry_on_another_github(
    github: GitHubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(company.file))
    monkeypatch.setenv("NO_PROXY", "localhost")
    elsewhere = GitHubServer(repositories=("org/locks",))
    elsewhere._server.socket = company.served(elsewhere._server.socket)
    with elsewhere:
        elsewhere.state.tokens = {"locks": {"metadata": "read", "contents": "write"}}
        registry = wired(github, f"github://localhost:{elsewhere.port}/org/locks", "locks")
        write_twice(registry)
        assert registry.location == f"branch deploy-registry of localhost:{elsewhere.port}/org/locks"
        assert {request.path.split("/")[1] for request in elsewhere.requests} == {"api"}
    assert not github.requests


@pytest.mark.parametrize("address", ["github", "github://org/app", "github://Org/App"])
def test_for_the_own_repository_the_remedy_is_the_jobs_permissions(
    github: GitHubServer, address: str
) -> None:
    github.state.tokens["app"] = {"metadata": "read"}
    github.state.repositories["Org/App"] = github.state.repositories["org/app"]
    github.state.reach["app"].add("Org/App")
    with pytest.raises(RegistryForbidden) as caught:
        wired(github, address, "app").read()
    assert "Add `permissions: contents: write` to the job" in caught.value.remedy


def test_a_token_that_cannot_see_the_other_repository(github: GitHubServer) -> None:
    with pytest.raises(
        RegistryForbidden, match="no repository org/locks, or the token cannot see it"
    ) as caught:
        wired(github, "github://org/locks", "app").read()
    assert "that has `contents: write` in org/locks" in caught.value.remedy
    assert "permissions:" not in caught.value.remedy


@pytest.mark.parametrize("exists", [False, True])
def test_a_token_that_may_only_read_the_other_repository(github: GitHubServer, exists: bool) -> None:
    if exists:
        write_twice(wired(github, "github://org/locks", "locks"))
    github.state.tokens["public"] = {"metadata": "read", "contents": "read"}
    registry = wired(github, "github://org/locks", "public")
    version = registry.read().version
    with pytest.raises(RegistryForbidden, match="may not be written with this token") as caught:
        registry.swap(b"3", version, message="m")
    assert "that has `contents: write` in org/locks" in caught.value.remedy


@pytest.mark.parametrize(("deed", "told"), [("creation", "creating"), ("update", "updating")])
def test_a_ruleset_of_the_other_repository(github: GitHubServer, deed: str, told: str) -> None:
    registry = wired(github, "github://org/locks#state", "locks")
    version = registry.read().version
    if deed == "update":
        version = registry.swap(b"1", version, message="m")
    github.state.rules.append(("state", deed))
    with pytest.raises(RegistryForbidden, match=f"forbids {told} the branch state of org/locks") as caught:
        registry.swap(b"2", version, message="m")
    assert "Exclude `state` from the rule" in caught.value.remedy
