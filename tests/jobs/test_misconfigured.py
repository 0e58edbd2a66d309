"""A fault that never heals ends `pre` before the lock is asked for; it is never taken for an outage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.fakes.connect_proxy import ConnectProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.jobs.stage import Stage

SECONDS_MAX = 5.0
GOOD = "Resources: {Topic: {Type: AWS::SNS::Topic}}"


@pytest.fixture
def proxy(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    parts = urlsplit(stage.server.endpoint_url)
    folder = tmp_path / "proxy"
    folder.mkdir()
    with ConnectProxy((parts.hostname or "", parts.port or 0), folder, mode="407") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        yield proxy


@pytest.mark.parametrize("how", ["template", "command"])
def test_stacks_that_the_proxy_hides(
    how: str, stage: Stage, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    job = stage.job(**{how: stage.template(GOOD) if how == "template" else "x"})
    began = time.monotonic()
    assert job.run("pre") == 4, job.log
    assert time.monotonic() - began < SECONDS_MAX
    assert "wants a user and a password (407" in job.log
    assert "cloudformation.eu-west-1.amazonaws.com" in job.log
    assert "geheim" not in job.log
    assert stage.registry() == {}


@pytest.mark.parametrize("registry", ["github", "dynamodb://locks"])
def test_a_registry_that_the_proxy_hides_is_not_away(
    registry: str, stage: Stage, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # The stacks stay where they are; only the registry is behind the proxy.
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", stage.server.endpoint_url)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    job = stage.job(template=stage.template(GOOD), registry=registry, github_token="token")
    began = time.monotonic()
    assert job.run("pre") == 4, job.log
    assert time.monotonic() - began < SECONDS_MAX
    assert "wants a user and a password (407" in job.log
    assert "no answer" not in job.log
    assert ("CreateChangeSet", "eu-west-1") not in stage.server.requests


def test_a_way_that_is_barred_to_sts_alone_says_nothing_against_the_credentials(
    stage: Stage, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials from the environment work without it, so that nothing is certain to fail."""
    proxy.mode = "403"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", stage.server.endpoint_url)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    job = stage.job(template=stage.template(GOOD), preflight="strict")
    assert job.deploy() == 0, job.log
    assert "refuses the connection (403 Forbidden)" in job.log
    assert "allowed on the proxy" in job.log
    assert "credentials-missing" not in job.log
