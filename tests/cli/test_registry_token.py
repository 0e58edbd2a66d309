"""Commands on a registry that is on another GitHub than the clone's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action import cli
from deploy_action.cli import checkout
from deploy_action.cli.checkout import Remote
from tests.cli.test_checkout import git
from tests.jobs.test_registry_on_another_github import OWN, THERE, Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


SERVER, HOST, API = "GITHUB_SERVER_URL", "GH_HOST", "GITHUB_API_URL"
TOKENS = {
    "GH_TOKEN": "gh",
    "GITHUB_TOKEN": "github",
    "GH_ENTERPRISE_TOKEN": "gh-company",
    "GITHUB_ENTERPRISE_TOKEN": "github-company",
}


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes this shell stand in a clone of that remote; `gh` keeps a token for `kept.example`."""
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\n[ "$4" = kept.example ] && echo "kept$GH_TOKEN$GH_ENTERPRISE_TOKEN"\n')
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in (*TOKENS, SERVER, HOST, API, "GITHUB_REPOSITORY", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-q", "-b", "main")

    def at(url: str) -> None:
        git(tmp_path, "remote", "add", "origin", url)
        checkout.remote.cache_clear()

    checkout.kept_by_gh.cache_clear()
    yield at
    checkout.kept_by_gh.cache_clear()
    checkout.remote.cache_clear()


@pytest.mark.parametrize(
    ("remote", "variables", "token"),
    [
        ("github.com", TOKENS, "gh"),
        ("acme.ghe.com", TOKENS, "gh"),
        ("elsewhere.example", TOKENS, "gh-company"),
        ("elsewhere.example", {"GITHUB_TOKEN": "x", "GITHUB_ENTERPRISE_TOKEN": "company"}, "company"),
        ("elsewhere.example", {"GH_TOKEN": "x", "GITHUB_TOKEN": "y"}, ""),
        ("kept.example", {"GH_TOKEN": "x", "GITHUB_TOKEN": "y"}, "kept"),
        ("github.com.evil.example", {"GH_TOKEN": "x"}, ""),
        ("evilghe.com", {"GH_TOKEN": "x"}, ""),
        ("code.example", {"GH_TOKEN": "x", HOST: "code.example"}, "x"),
        ("code.example", {"GH_TOKEN": "x", HOST: "other.example"}, ""),
        ("code.example", {"GITHUB_TOKEN": "x", SERVER: "https://Code.example/"}, "x"),
        ("code.example", {"GITHUB_TOKEN": "x", API: "https://code.example/api/v3"}, "x"),
        ("github.com", {"GH_ENTERPRISE_TOKEN": "company"}, ""),
        ("github.com", {"GH_ENTERPRISE_TOKEN": "company", "GH_HOST": "kept.example"}, ""),
    ],
)
def test_a_token_goes_to_the_github_that_it_is_of(
    remote: str,
    variables: dict[str, str],
    token: str,
    clone: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clone(f"https://{remote}/acme/shop.git")
    assert checkout.remote() == Remote(remote, "acme/shop")
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert checkout.github_token(variables) == token


@pytest.mark.parametrize("name", [SERVER, API])
def test_a_server_that_is_named_takes_no_address_from_the_clone(
    name: str, clone: Callable[[str], None]
) -> None:
    clone("git@evil.example:acme/shop.git")
    told = checkout.environment({name: "https://code.example"})
    assert told["GITHUB_REPOSITORY"] == "acme/shop"
    assert not any("evil.example" in text for text in told.values())
    if name == SERVER:
        assert told["GITHUB_API_URL"] == "https://code.example/api/v3"


def test_the_token_of_the_registry_goes_to_no_server_that_only_the_clone_names(
    clone: Callable[[str], None],
) -> None:
    clone("git@code.example:acme/shop.git")
    given = {checkout.VARIABLE: "given"}
    assert checkout.registry_token(given, "") == ""
    assert checkout.registry_token({**given, HOST: "code.example"}, "") == "given"
    assert checkout.registry_token(given, "code.example") == "given", "the registry's address names it"


@pytest.mark.parametrize("words", ["active", "freeze p --reason r", "run --stack shop make"])
def test_a_server_that_only_the_clone_names_is_asked_nothing(
    words: str,
    desk: Desk,
    clone: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clone("https://code.example/org/app.git")
    monkeypatch.setenv("GITHUB_TOKEN", OWN)
    monkeypatch.setenv("DEPLOY_COORDINATOR_REGISTRY", "github")
    assert cli.main(words.split(), desk.clock) == cli.USAGE
    told = capsys.readouterr().err
    assert "The registry `github` on code.example needs a token of that server." in told
    for name in (*TOKENS, "GH_HOST", "GITHUB_SERVER_URL", "gh auth login --hostname code.example"):
        assert name in told
