"""A registry on another GitHub than the job's own: two servers, and each sees its own token only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from deploy_action.github.run_context import run_context
from deploy_action.inputs.settings import parse_inputs
from deploy_action.locking.document import Ticket
from deploy_action.locking.job_status import JobStatus
from deploy_action.wiring import Wiring
from tests.fakes.authority import Authority
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.jobs.stage import Job, Stage

GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"
OWN, THERE = "ghs-of-this-job-0123456789", "pat-of-that-server-0123456789"
"""Tokens: of the job's own GitHub, and of the registry's."""


class Servers:
    """The job's own GitHub with `org/app`, and one with `org/locks`, both by a company's authority."""

    def __init__(self, folder: Path) -> None:
        company = Authority(folder)
        self.own = GitHubServer()
        self.there = GitHubServer(repositories=("org/locks",))
        for server in (self.own, self.there):
            server._server.socket = company.served(server._server.socket)
        self.certificates = str(company.file)
        self.own.state.tokens = {OWN: {"metadata": "read", "actions": "read", "deployments": "write"}}
        self.there.state.tokens = {THERE: {"metadata": "read", "contents": "write", "actions": "read"}}
        self.registry = f"github://localhost:{self.there.port}/org/locks"
        base = f"https://localhost:{self.own.port}"
        self.environ = {
            "GITHUB_REPOSITORY": "org/app",
            "GITHUB_SERVER_URL": base,
            "GITHUB_API_URL": f"{base}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{base}/api/graphql",
            "GITHUB_SHA": self.own.repository.head("refs/heads/main") or "",
        }

    def tokens(self) -> tuple[set[str], set[str]]:
        """Those that the job's own GitHub saw, and those that the registry's did."""
        own, there = (
            {request.headers.get("authorization", "").partition(" ")[2] for request in server.requests}
            for server in (self.own, self.there)
        )
        return own, there

    def wiring(self, **inputs: str) -> Wiring:
        given = {"stack-name": "shop", "registry": self.registry, "github-token": OWN, **inputs}
        environ = {**self.environ, "AWS_REGION": "eu-west-1", "DEPLOY_COORDINATOR_INPUTS": json.dumps(given)}
        return Wiring(parse_inputs(environ), run_context(environ), environ)


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    both = Servers(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", both.certificates)
    monkeypatch.setenv("NO_PROXY", "localhost")
    with both.own, both.there:
        yield both


def job_of(stage: Stage, servers: Servers, **inputs: str) -> Job:
    given = {"github_token": OWN, "registry_token": THERE, "github_deployment": "true", **inputs}
    job = stage.job(template=stage.template(GOOD), registry=servers.registry, **given)
    job.environ |= servers.environ
    return job


def test_each_server_sees_its_own_token_only(stage: Stage, servers: Servers) -> None:
    job = job_of(stage, servers)
    assert job.deploy() == 0, job.log
    assert servers.tokens() == ({OWN}, {THERE})
    (page,) = servers.own.deployments
    assert page["statuses"][-1]["state"] == "success"
    assert len(servers.there.repository.log("deploy-registry")) > 1
    assert servers.own.repository.head("refs/heads/deploy-registry") is None
    assert not any(token in job.log for token in (OWN, THERE))


def test_the_job_s_own_token_never_stands_in(stage: Stage, servers: Servers) -> None:
    job = job_of(stage, servers, registry_token="")
    assert job.run("pre") == 3
    assert f"`registry-token` is empty, and the registry is on localhost:{servers.there.port}" in job.log
    assert servers.tokens() == (set(), set())


def test_a_server_that_leads_to_another_gets_nothing_passed_on(servers: Servers) -> None:
    location = f"{servers.environ['GITHUB_API_URL']}/repositories/1/git/ref/heads/deploy-registry"
    servers.there.fail("GET ", status=301, headers={"location": location}, times=None)
    with pytest.raises(Exception, match="is at another address"):
        servers.wiring(**{"registry-token": THERE}).registry().read()
    assert servers.tokens() == (set(), {THERE})


@pytest.mark.parametrize(
    ("server", "repository", "token"),
    [
        ("own", "org/app", OWN),
        ("own", "org/other", OWN),
        ("there", "org/app", THERE),
        ("there", "o/x", THERE),
    ],
)
def test_a_holder_s_job_is_asked_about_at_its_own_server(
    servers: Servers, server: str, repository: str, token: str
) -> None:
    there = getattr(servers, server)
    there.state.add_repository(repository) if repository not in there.state.repositories else None
    there.state.jobs[repository, 21] = {"id": 21, "run_id": 7, "status": "completed"}
    url = f"https://localhost:{there.port}/{repository}/actions/runs/7"
    ticket = Ticket(
        nonce="n", correlation_id="c", locks=("p",), repository=repository, run_id="7", job="21", url=url
    )
    runs = servers.wiring(**{"registry-token": THERE}).runs
    assert runs is not None
    assert runs.life(ticket) is JobStatus.COMPLETED
    assert servers.tokens() == (({token}, set()) if server == "own" else (set(), {token}))


def test_a_server_of_neither_is_asked_nothing(servers: Servers) -> None:
    url = "https://ghe.example/org/app/actions/runs/7"
    ticket = Ticket(
        nonce="n", correlation_id="c", locks=("p",), repository="org/app", run_id="7", job="21", url=url
    )
    runs = servers.wiring(**{"registry-token": THERE}).runs
    assert runs is not None
    assert runs.life(ticket) is JobStatus.UNKNOWN
    assert servers.tokens() == (set(), set())


def test_on_the_own_server_a_registry_token_is_for_other_repositories(servers: Servers) -> None:
    """A GitHub App's for the registry, and `github.token` for what it alone may see."""
    servers.own.state.add_repository("org/locks")
    servers.own.state.tokens[THERE] = {"metadata": "read", "contents": "write", "actions": "read"}
    wiring = servers.wiring(registry="github://org/locks", **{"registry-token": THERE})
    registry, runs = wiring.registry(), wiring.runs
    registry.swap(b"1", registry.read().version, message="m")
    assert servers.tokens() == ({THERE}, set())
    servers.own.requests.clear()
    assert runs is not None
    assert runs.job_name("21") == ""
    assert servers.tokens() == ({OWN}, set())
    look = wiring.repository_look(probe=True)
    assert look is not None
    assert look().may_write is True


def test_its_own_server_by_name_is_no_other(servers: Servers) -> None:
    """One address of the registry, for workflows of several servers."""
    own = f"github://localhost:{servers.own.port}/org/app"
    servers.own.state.tokens[OWN]["contents"] = "write"
    registry = servers.wiring(registry=own).registry()
    registry.swap(b"1", registry.read().version, message="m")
    assert servers.tokens() == ({OWN}, set())
    assert registry.location == "branch deploy-registry of org/app"
