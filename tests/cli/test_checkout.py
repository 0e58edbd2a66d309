"""What a clone tells of its repository, and where a token is found."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from deploy_action.cli import checkout
from deploy_action.cli.checkout import Remote, parse_remote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    for known in (checkout.remote, checkout.kept_by_gh):
        known.cache_clear()
    yield
    for known in (checkout.remote, checkout.kept_by_gh):
        known.cache_clear()


@pytest.mark.parametrize(
    ("url", "host", "name"),
    [
        ("https://github.com/acme/shop.git", "github.com", "acme/shop"),
        ("https://x-access-token:secret@github.com/acme/shop", "github.com", "acme/shop"),
        ("git@github.com:acme/shop.git", "github.com", "acme/shop"),
        ("ssh://git@ssh.github.com:443/acme/shop.git", "github.com", "acme/shop"),
        ("git@code.acme.example:acme/shop.web.git", "code.acme.example", "acme/shop.web"),
        ("https://code.acme.example/acme/shop/", "code.acme.example", "acme/shop"),
    ],
)
def test_an_address_names_a_repository(url: str, host: str, name: str) -> None:
    assert parse_remote(url) == Remote(host, name)


@pytest.mark.parametrize(
    "url", ["", "/srv/git/shop.git", "../shop", "file:///srv/shop", "https://github.com/acme"]
)
def test_another_address_names_none(url: str) -> None:
    assert parse_remote(url) is None


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def test_the_remote_of_the_branch_counts_then_origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    monkeypatch.chdir(tmp_path)
    assert checkout.remote() is None
    checkout.remote.cache_clear()
    git(tmp_path, "remote", "add", "fork", "git@github.com:ann/shop.git")
    assert checkout.remote() == Remote("github.com", "ann/shop")
    checkout.remote.cache_clear()
    git(tmp_path, "remote", "add", "origin", "git@github.com:acme/shop.git")
    assert checkout.remote() == Remote("github.com", "acme/shop")
    checkout.remote.cache_clear()
    git(tmp_path, "config", "branch.main.remote", "fork")
    assert checkout.environment({}) == {"GITHUB_REPOSITORY": "ann/shop"}
    assert checkout.environment({"GITHUB_REPOSITORY": "org/app"}) == {}


def test_a_companys_own_server_is_asked_at_its_api() -> None:
    variables = Remote("code.acme.example", "acme/shop").variables
    assert variables["GITHUB_API_URL"] == "https://code.acme.example/api/v3"
    variables = Remote("acme.ghe.com", "acme/shop").variables
    assert variables["GITHUB_API_URL"] == "https://api.acme.ghe.com"
    assert variables["GITHUB_GRAPHQL_URL"] == "https://api.acme.ghe.com/graphql"


def test_a_token_is_that_of_the_shell_else_of_gh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\n[ "$1 $2" = "auth token" ] && echo from-gh\n')
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert checkout.github_token({"GH_TOKEN": "a", "GITHUB_TOKEN": "b"}) == "a"
    assert checkout.github_token({"GITHUB_TOKEN": "b"}) == "b"
    assert checkout.github_token({}) == "from-gh"
    gh.write_text('#!/bin/sh\n[ "$3 $4" = "--hostname ghe.example" ] && echo "kept$GH_TOKEN$GITHUB_TOKEN"\n')
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN"):
        monkeypatch.setenv(name, "of-another-server")
    checkout.kept_by_gh.cache_clear()
    assert checkout.registry_token({}, "ghe.example") == "kept"
    assert checkout.registry_token({}, "other.example") == ""
    assert checkout.registry_token({}, "") == "", "the clone's own token is meant"
    assert checkout.registry_token({checkout.VARIABLE: "given"}, "ghe.example") == "given"
    checkout.kept_by_gh.cache_clear()
    gh.write_text("#!/bin/sh\nexit 1\n")
    assert checkout.github_token({}) == ""
