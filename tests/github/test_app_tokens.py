"""A GitHub App signs in, and its tokens are replaced before they end, by a server that verifies both."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from deploy_action.github.api import GitHubApi, GitHubMisconfigured, GitHubUnavailable
from deploy_action.github.app_key import AppKey
from deploy_action.github.app_signature import app_jwt
from deploy_action.github.app_tokens import InstallationTokens
from tests.clock import VirtualClock
from tests.fakes.github.apps import GitHubApp
from tests.fakes.github.server import GitHubServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JWT_SECONDS_MAX = 600


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def server(clock: VirtualClock) -> Iterator[GitHubServer]:
    with GitHubServer(now=clock.now) as made:
        made.app = GitHubApp()
        yield made


def tokens(
    server: GitHubServer,
    clock: VirtualClock,
    *,
    key: str = "",
    repository: str = "org/app",
    now: Callable[[], float] | None = None,
) -> InstallationTokens:
    assert server.app is not None
    app = AppKey(server.app.app_id, key or server.app.private_key())
    return InstallationTokens(
        app, repository, api_url=server.url, now=now or clock.now, monotonic=clock.monotonic
    )


def app_of(server: GitHubServer) -> GitHubApp:
    assert server.app is not None
    return server.app


@pytest.mark.parametrize("pkcs8", [False, True])
def test_the_app_is_known_by_a_token_that_lives_minutes(
    server: GitHubServer, clock: VirtualClock, pkcs8: bool
) -> None:
    source = tokens(server, clock, key=app_of(server).private_key(pkcs8=pkcs8))
    assert source().startswith("ghs_")
    for claims in app_of(server).claims:
        assert claims["iss"] == "123456"
        assert claims["iat"] <= clock.now() - 30, "clocks differ"
        assert claims["exp"] - claims["iat"] <= JWT_SECONDS_MAX


def test_a_token_is_used_again_and_replaced_before_its_hour_is_over(
    server: GitHubServer, clock: VirtualClock
) -> None:
    api = GitHubApi(tokens(server, clock), api_url=server.url)
    for _ in range(320):
        assert api.get("/repos/org/app").status == 200
        clock.sleep(60.0)
    assert len(app_of(server).tokens) == 7, "six, where each is used until GitHub refuses it"


def test_a_token_that_github_ended_early_is_replaced_and_the_request_sent_again(
    server: GitHubServer, clock: VirtualClock
) -> None:
    api = GitHubApi(tokens(server, clock), api_url=server.url, graphql_url=server.graphql_url)
    assert api.get("/repos/org/app").status == 200
    (token,) = app_of(server).tokens
    app_of(server).tokens[token] = 0.0
    answer = api.post("/repos/org/app/git/refs", {"ref": "refs/heads/x", "sha": "0" * 40})
    assert answer.status == 422, "no commit of that name; 401 would be the token"
    assert len(app_of(server).tokens) == 2


def test_a_token_that_is_refused_at_once_is_asked_for_once_more_and_no_more(
    server: GitHubServer, clock: VirtualClock
) -> None:
    api = GitHubApi(tokens(server, clock), api_url=server.url)
    server.fail("GET /repos/org/app/git", status=401, body={"message": "Bad credentials"}, times=None)
    assert api.get("/repos/org/app/git/ref/heads/main").status == 401
    assert len(app_of(server).tokens) == 2


@pytest.mark.parametrize("seconds", [-7200.0, 300.0, 7200.0])
def test_a_clock_that_is_wrong_is_set_by_githubs_own(
    server: GitHubServer, clock: VirtualClock, seconds: float
) -> None:
    source = tokens(server, clock, now=lambda: clock.now() + seconds)
    assert source().startswith("ghs_")


def test_an_app_that_is_not_installed_is_told_with_what_to_do(
    server: GitHubServer, clock: VirtualClock
) -> None:
    with pytest.raises(GitHubMisconfigured) as caught:
        tokens(server, clock, repository="org/other")()
    assert "GitHub App 123456 is not installed in org/other." in str(caught.value)
    assert "Install it there" in caught.value.remedy


def test_another_apps_key_is_told(server: GitHubServer, clock: VirtualClock) -> None:
    with pytest.raises(GitHubMisconfigured) as caught:
        tokens(server, clock, key=GitHubApp().private_key())()
    assert "does not know GitHub App 123456 by this key" in str(caught.value)


def test_a_github_that_is_down_is_no_fault_of_the_app(server: GitHubServer, clock: VirtualClock) -> None:
    server.fail("installation", status=503, times=None)
    with pytest.raises(GitHubUnavailable) as caught:
        tokens(server, clock)()
    assert not isinstance(caught.value, GitHubMisconfigured)


def test_a_limit_is_told_with_its_pause(server: GitHubServer, clock: VirtualClock) -> None:
    server.limit_rate("installation", seconds=50)
    with pytest.raises(GitHubUnavailable) as caught:
        tokens(server, clock)()
    assert caught.value.retry_seconds is not None


class TestTheKey:
    def test_it_stands_in_no_file_argument_or_variable_of_what_signs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = GitHubApp().private_key()
        tool = tmp_path / "openssl"
        tool.write_text(
            f"#!{sys.executable}\n"
            "import os, pathlib, sys\n"
            f"seen = pathlib.Path({str(tmp_path / 'seen')!r})\n"
            "seen.write_text(repr(sys.argv) + repr(dict(os.environ)))\n"
            "sys.stdin.read()\n"
            "print('signature')\n"
        )
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("OF_THE_JOB", "hunter2")
        assert app_jwt("1", key, now=0.0).count(".") == 2
        seen = (tmp_path / "seen").read_text()
        assert not any(line in seen for line in key.splitlines() if len(line) > 10)
        assert "hunter2" not in seen
        assert sorted(path.name for path in tmp_path.iterdir()) == ["openssl", "seen"]

    def test_without_openssl_it_says_so(
        self, server: GitHubServer, clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(GitHubMisconfigured) as caught:
            tokens(server, clock)()
        assert "openssl is not on the PATH" in str(caught.value)
        assert "PRIVATE" not in str(caught.value)

    def test_it_is_in_no_text_of_the_objects_that_hold_it(self) -> None:
        key = GitHubApp().private_key()
        assert key.splitlines()[1] not in repr(AppKey("1", key))
