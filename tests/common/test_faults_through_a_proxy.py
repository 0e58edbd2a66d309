"""Faults that never heal, met by the real clients: through a company's proxy, and with wrong settings."""

from __future__ import annotations

import os
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.common.fault_classes import FaultClass, fault_of, through_proxy
from deploy_action.common.trusted_certificates import READ_BY_CLIENTS
from deploy_action.errors import (
    BehindUnavailable,
    RegistryForbidden,
    RegistryMisconfigured,
    RegistryUnavailable,
    StackSourceError,
)
from deploy_action.locking.stores.dynamodb import DynamoDbRegistry
from deploy_action.locking.stores.github import GitHubRegistry
from deploy_action.locking.stores.guarded import GuardedRegistry
from deploy_action.locking.stores.s3 import S3Registry
from deploy_action.preflight.sources.account import Account
from deploy_action.preflight.sources.repository import look_at
from deploy_action.slack.api.webhook import SlackWebhook
from deploy_action.slack.outbox import NotDelivered
from deploy_action.slack.ports import Announcement
from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.connect_proxy import ConnectProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHOP = StackRef("eu-west-1", "shop")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy") or "CA_BUNDLE" in name:
            monkeypatch.delenv(name)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectProxy]:
    with CloudFormationServer(time.time) as server:
        parts = urlsplit(server.endpoint_url)
        with ConnectProxy((parts.hostname or "", parts.port or 0), tmp_path) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
            monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
            yield proxy


def stacks() -> object:
    return CloudFormation(AwsClients()).describe(SHOP)


REGISTRIES: dict[str, Callable[[], Any]] = {
    "github": lambda: GitHubRegistry("token", "org/app"),
    "dynamodb": lambda: DynamoDbRegistry("locks", region="eu-west-1"),
    "s3": lambda: S3Registry("locks", "key", region="eu-west-1"),
}
LASTING = {
    "403": ("refuses the connection (403 Forbidden)", "allowed on the proxy"),
    "407": ("wants a user and a password (407 Proxy Authentication Required)", "HTTPS_PROXY"),
    "page": ("answers with a page of its own", "allowed on the proxy"),
    "intercept": ("certificate is not trusted", "AWS_CA_BUNDLE"),
}


@pytest.mark.parametrize("mode", LASTING)
def test_stacks_behind_a_proxy_that_will_not_let_them_through(mode: str, proxy: ConnectProxy) -> None:
    proxy.mode = mode
    with pytest.raises(StackSourceError) as caught:
        stacks()
    assert len(proxy.asked) == 1, "a fault that lasts is asked for once"
    error = caught.value
    assert (error.misconfigured, error.temporary) == (True, False), error
    _told(str(error), mode, proxy, "cloudformation.eu-west-1.amazonaws.com")


@pytest.mark.parametrize("mode", LASTING)
@pytest.mark.parametrize("kind", REGISTRIES)
def test_a_registry_behind_it_is_not_away(kind: str, mode: str, proxy: ConnectProxy) -> None:
    proxy.mode = mode
    with pytest.raises(RegistryMisconfigured) as caught:
        GuardedRegistry(REGISTRIES[kind]()).read()
    assert len(proxy.asked) == 1, "a fault that lasts is asked for once"
    _told(str(caught.value), mode, proxy, "api.github.com" if kind == "github" else "amazonaws.com")


def _told(text: str, mode: str, proxy: ConnectProxy, host: str) -> None:
    for words in LASTING[mode]:
        assert words in text
    assert f"https://{host}" in text or host in text, text
    assert "geheim" not in text
    if mode in {"403", "407"}:
        assert f"127.0.0.1:{urlsplit(proxy.address).port}" in text


BAD_AT_TLS = {
    "another name": "its certificate is another server's",
    "short key": "its certificate is too weak to be trusted",
    "old cipher": "it offers no TLS that is safe",
}


@pytest.mark.parametrize("mode", BAD_AT_TLS)
def test_a_proxy_that_is_bad_at_tls_does_not_heal(
    mode: str, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its authority is trusted, and its TLS is no good."""
    for name in READ_BY_CLIENTS:
        monkeypatch.setenv(name, str(proxy.ca_file))
    proxy.mode = mode
    with pytest.raises(StackSourceError) as caught:
        stacks()
    assert caught.value.misconfigured, caught.value
    told = [str(caught.value)]
    for registry in REGISTRIES.values():
        with pytest.raises(RegistryMisconfigured) as away:
            GuardedRegistry(registry()).read()
        told.append(str(away.value))
    with pytest.raises(NotDelivered) as lost:
        SlackWebhook("https://hooks.slack.com/services/T/B/secret").say(Announcement("Deployed", ()))
    told.append(lost.value.trouble.reason)
    assert all(BAD_AT_TLS[mode] in text for text in told), told
    assert not any("REQUESTS_CA_BUNDLE" in text or "geheim" in text for text in told)
    assert len(proxy.asked) == len(told), "a fault that lasts is asked for once"


def test_a_server_that_wants_a_certificate_does_not_heal_either() -> None:
    error = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required")
    fault = fault_of(error, url="https://api.github.com")
    assert fault.kind is FaultClass.CONFIGURATION
    assert "it wants a client certificate" in fault.what


@pytest.mark.parametrize("kind", REGISTRIES)
def test_a_proxy_in_trouble_is_temporary(kind: str, proxy: ConnectProxy) -> None:
    proxy.mode = "503"
    with pytest.raises(RegistryUnavailable) as away:
        REGISTRIES[kind]().read()
    with pytest.raises(StackSourceError) as caught:
        stacks()
    assert caught.value.temporary
    for error in (away.value, caught.value):
        assert f"through the proxy http://127.0.0.1:{urlsplit(proxy.address).port}" in str(error)
        assert "geheim" not in str(error)


@pytest.mark.parametrize(
    ("url", "names", "proxied"),
    [
        ("https://api.github.com", "", True),
        ("https://api.github.com", "hub.com,api.github.com.example", True),
        ("https://api.github.com", "localhost, .GitHub.com", False),
        ("https://api.github.com:8443/x", "api.github.com:443", False),
        ("https://api.github.com", "*", False),
        ("http://169.254.169.254", "169.254.169.254", False),
    ],
)
def test_the_proxy_is_named_where_it_stands_before_the_address(
    url: str, names: str, *, proxied: bool
) -> None:
    given = {"HTTPS_PROXY": "http://u:p@proxy:3128", "HTTP_PROXY": "http://proxy:3128", "NO_PROXY": names}
    assert through_proxy(url, given) == (" through the proxy http://proxy:3128" if proxied else "")


def test_a_proxy_that_hangs_is_temporary(proxy: ConnectProxy) -> None:
    """It may answer again: a registry behind it is away, and stacks are asked again."""
    proxy.mode = "hangs"
    with pytest.raises(RegistryUnavailable):
        GitHubRegistry("token", "org/app", timeout=1).read()
    with pytest.raises(StackSourceError) as caught:
        CloudFormation(AwsClients(connect_seconds=1, read_seconds=1, tries=1)).describe(SHOP)
    assert (caught.value.temporary, caught.value.misconfigured) == (True, False), caught.value
    assert "geheim" not in str(caught.value)


def test_a_company_s_authority_that_is_named_is_trusted(
    proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.mode = "intercept"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(proxy.ca_file))
    assert stacks() is None
    assert proxy.asked == ["cloudformation.eu-west-1.amazonaws.com:443"]


def test_a_file_of_certificates_that_is_gone(proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/gone/ca.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/gone/ca.pem")
    with pytest.raises(StackSourceError) as caught:
        stacks()
    assert caught.value.misconfigured, caught.value
    for make in REGISTRIES.values():
        with pytest.raises(RegistryMisconfigured) as refused:
            GuardedRegistry(make()).read()
        assert "file of trusted certificates cannot be used" in str(refused.value)


PROFILE = "[default]\nregion = eu-west-1\n"


@pytest.mark.parametrize(
    ("environ", "config", "words"),
    [
        ({"AWS_MAX_ATTEMPTS": "many"}, PROFILE, "AWS_MAX_ATTEMPTS"),
        ({"AWS_ENDPOINT_URL": "no address"}, PROFILE, "no address"),
        ({"AWS_PROFILE": "gone"}, PROFILE, "gone"),
        ({"HTTPS_PROXY": "socks5://127.0.0.1:1"}, PROFILE, "SOCKS is not supported"),
        ({}, PROFILE + "credential_process = /gone/helper\n", "/gone/helper"),
        ({}, PROFILE + "credential_process = /bin/echo no json\n", "credential_process"),
        ({}, PROFILE + "role_arn = arn:aws:iam::1:role/x\nsource_profile = missing\n", "missing"),
        (
            {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/gone/token"},
            PROFILE,
            "/gone/token",
        ),
        (
            {},
            PROFILE
            + "sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 1\n"
            "sso_role_name = x\n",
            "aws sso login",
        ),
    ],
    ids=[
        *("attempts", "endpoint", "profile", "socks", "process-gone", "process-no-json"),
        *("source-profile", "web-identity", "sso"),
    ],
)
def test_settings_that_cannot_work_are_told_at_once(
    environ: dict[str, str], config: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(config, "utf-8")
    keyless = "AWS_ROLE_ARN" in environ or config != PROFILE
    for name in () if keyless else ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StackSourceError) as caught:
        stacks()
    assert (caught.value.misconfigured, caught.value.temporary) == (True, False), caught.value
    assert words in str(caught.value)
    assert "defect" not in str(caught.value)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_so_they_are_for_registries(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # boto3 does not read ALL_PROXY.
    monkeypatch.setenv("ALL_PROXY" if kind == "github" else "HTTPS_PROXY", "socks5://127.0.0.1:1")
    with pytest.raises(RegistryMisconfigured):
        GuardedRegistry(REGISTRIES[kind]()).read()


@pytest.mark.parametrize("mode", LASTING)
def test_so_it_is_for_slack_without_the_address(mode: str, proxy: ConnectProxy) -> None:
    proxy.mode = mode
    with pytest.raises(NotDelivered) as caught:
        SlackWebhook("https://hooks.slack.com/services/T/B/secret").say(Announcement("Deployed", ()))
    reason = caught.value.trouble.reason
    assert LASTING[mode][0] in reason
    assert "T/B/secret" not in reason
    assert "geheim" not in reason
    assert not caught.value.trouble.doubtful, "nothing was sent"


@pytest.mark.parametrize("mode", LASTING)
def test_so_it_is_for_checks_and_looks_with_the_remedy(mode: str, proxy: ConnectProxy) -> None:
    proxy.mode = mode
    with pytest.raises(BehindUnavailable) as barred:
        Account(AwsClients(), {}).session("eu-west-1")
    assert LASTING[mode][0] in barred.value.what
    assert LASTING[mode][1] in barred.value.remedy
    with pytest.raises(BehindUnavailable) as caught:
        Account(AwsClients(), {}).stack(SHOP)
    assert LASTING[mode][1] in caught.value.remedy
    with pytest.raises(BehindUnavailable) as refused:
        look_at("org/app", token="token", api_url="https://api.github.com", probe=False)
    assert LASTING[mode][1] in refused.value.remedy


@pytest.mark.parametrize("spared", ["", "127.0.0.1,169.254.169.254"])
def test_a_metadata_service_behind_a_proxy_is_named(
    spared: str, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.mode = "403"
    monkeypatch.setenv("http_proxy", proxy.address)
    monkeypatch.setenv("NO_PROXY", spared)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(StackSourceError) as caught:
        stacks()
    with pytest.raises(RegistryForbidden) as refused:
        DynamoDbRegistry("locks", region="eu-west-1").read()
    for told in (str(caught.value), str(refused.value)):
        assert ("add it to NO_PROXY=169.254.169.254" in told) is not bool(spared)
        assert "geheim" not in told
