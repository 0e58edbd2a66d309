"""Commands on a registry that is on another GitHub than the clone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.cli import checkout
from tests.jobs.test_registry_on_another_github import OWN, THERE, Servers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.desk import Desk


@pytest.fixture
def servers(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    both = Servers(tmp_path)
    for name, text in {**both.environ, "GITHUB_TOKEN": OWN}.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", both.certificates)
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("PATH", "/nowhere")
    checkout.kept_by_gh.cache_clear()
    with both.own, both.there:
        yield both


@pytest.mark.parametrize("words", [("active",), ("doctor", "--region", ""), ("freeze", "p", "--reason", "r")])
def test_the_server_of_the_registry_sees_its_token_only(
    words: tuple[str, ...], desk: Desk, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(checkout.VARIABLE, THERE)
    code, told = desk.run(*words, registry=servers.registry)
    assert servers.tokens() == (set(), {THERE})
    if words[0] == "doctor":
        assert "ok   GitHub token" in told
    else:
        assert code == 0, told


@pytest.mark.parametrize("command", ["active", "doctor"])
def test_the_token_of_the_clone_never_stands_in(command: str, desk: Desk, servers: Servers) -> None:
    _, told = desk.run(command, registry=servers.registry)
    assert f"The registry on localhost:{servers.there.port} needs a token of that server." in told
    assert "$DEPLOY_COORDINATOR_REGISTRY_TOKEN" in told
    assert servers.tokens() == (set(), set())


def test_the_preflight_asks_there_too(desk: Desk, servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    servers.there.state.tokens[THERE] = {"metadata": "read", "contents": "read"}
    monkeypatch.setenv(checkout.VARIABLE, THERE)
    _, told = desk.run(
        "preflight", "shop", "--region", "eu-west-1", "--command", "x", registry=servers.registry
    )
    assert "token-cannot-write" in told
    assert "`registry-token`" in told
    assert servers.tokens()[1] == {THERE}
    assert THERE not in servers.tokens()[0]
