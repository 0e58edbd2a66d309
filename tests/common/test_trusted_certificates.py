"""One set of certificates: whatever names a company's own, every client trusts it."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from deploy_action.common.trusted_certificates import (
    HOST_STORE,
    NAMES,
    READ_BY_CLIENTS,
    trust_set,
    without_strict_form,
)
from tests.fakes.authority import Authority

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = """
import json, os, sys
from deploy_action.common.trusted_certificates import established
from deploy_action.github.api import GitHubApi
url = sys.argv[1]
told = {"problems": established().problems}

if os.environ.get("AS_PYTHON_3_13"):  # what its standard library and urllib3 do there
    import ssl
    from urllib3.util import ssl_
    new = ssl.create_default_context
    def strict(*args, **options):
        context = new(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context
    ssl.create_default_context = ssl._create_default_https_context = strict
    ssl_.sys = type("sys", (), {"version_info": (3, 13)})

def attempt(name, call):
    try:
        call()
        told[name] = "trusted"
    except Exception as error:
        while error.__cause__ or error.__context__:
            error = error.__cause__ or error.__context__
        told[name] = f"{type(error).__name__}: {error}"

def aws():
    from deploy_action.cloudformation.aws_clients import AwsClients
    AwsClients(tries=1).client("sts", "eu-west-1").get_caller_identity()

def registry():
    from deploy_action.locking.stores.s3 import S3Registry
    S3Registry("bucket", "key", region="eu-west-1", endpoint_url=url).read()

def slack():
    from deploy_action.slack.api.client import web_client
    web_client("xoxb-1", url, 5.0).api_call("auth.test")

attempt("aws", aws)
attempt("s3", registry)
attempt("github", lambda: GitHubApi("t", api_url=url, read_again=0).get("/meta"))
attempt("slack", slack)
print(json.dumps(told))
"""
STS = (
    b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>"
    b"</GetCallerIdentityResponse>"
)


class Answers(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b'{"ok": true}'
        if "sts" in self.headers.get("Authorization", ""):
            body = STS
        self.send_response(200)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer  # noqa: N815 - the base class calls them so

    def log_message(self, *_: object) -> None:
        """The tests speak, the server does not."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def url(company: Authority) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.socket = company.served(server.socket)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def clients(url: str, folder: Path, **environment: str) -> dict[str, object]:
    """What the four clients of a fresh process say of the company's server."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in NAMES and not name.lower().endswith("_proxy") and not name.startswith("AWS_")
    }
    done = subprocess.run(
        [sys.executable, "-c", CLIENTS, url],
        env={
            **inherited,
            "HOME": str(folder),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "s",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


TRUSTED = {"aws": "trusted", "s3": "trusted", "github": "trusted", "slack": "trusted", "problems": []}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "SSL_CERT_DIR"])
def test_one_variable_is_enough_for_all_clients(
    url: str, company: Authority, tmp_path: Path, name: str
) -> None:
    assert clients(url, tmp_path, **{name: str(company.file)}) == TRUSTED


def test_an_authority_s_form_counts_for_no_client_on_a_newer_python(
    url: str, company: Authority, tmp_path: Path
) -> None:
    """Since 3.13 the standard library and urllib3 want key identifiers, and boto3 does not."""
    named = {"NODE_EXTRA_CA_CERTS": str(company.file), "AS_PYTHON_3_13": "1"}
    assert clients(url, tmp_path, **named) == TRUSTED


def test_the_form_is_taken_out_of_a_context() -> None:
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert not without_strict_form(context).verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_folder_of_certificates_is_too(url: str, company: Authority, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "any name").write_bytes(company.pem)
    assert clients(url, tmp_path, SSL_CERT_DIR=str(tmp_path / "store")) == TRUSTED


def test_the_profile_s_is_too(url: str, company: Authority, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        f"[default]\nca_bundle = /elsewhere\n[profile deploy]\ns3 =\n  x = 1\nca_bundle = {company.file}\n"
    )
    assert clients(url, tmp_path, AWS_PROFILE="deploy") == TRUSTED


def test_the_host_s_store_is_too_in_a_container(url: str, company: Authority, tmp_path: Path) -> None:
    (tmp_path / HOST_STORE).write_bytes(company.pem)
    assert clients(url, tmp_path, DEPLOY_COORDINATOR_STATE=str(tmp_path)) == TRUSTED


def test_nobody_trusts_it_unasked(url: str, tmp_path: Path) -> None:
    told = clients(url, tmp_path)
    assert all("CERTIFICATE_VERIFY_FAILED" in str(told[name]) for name in ("aws", "s3", "github", "slack"))


def test_what_is_named_and_of_no_use_is_told(company: Authority, tmp_path: Path) -> None:
    (tmp_path / "page.pem").write_text("<html>Sign in</html>")
    (tmp_path / "damaged.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIB\n-----END CERTIFICATE-----\n"
    )
    found = trust_set(
        {
            "AWS_CA_BUNDLE": str(tmp_path / "gone.pem"),
            "REQUESTS_CA_BUNDLE": str(tmp_path / "page.pem"),
            "NODE_EXTRA_CA_CERTS": str(tmp_path / "damaged.pem"),
            "SSL_CERT_FILE": str(company.file),
        }
    )
    told = "\n".join(found.problems)
    assert f"AWS_CA_BUNDLE names {tmp_path / 'gone.pem'}, which does not exist." in told
    assert f"REQUESTS_CA_BUNDLE names {tmp_path / 'page.pem'}, which holds no certificate in PEM form" in told
    assert f"NODE_EXTRA_CA_CERTS names {tmp_path / 'damaged.pem'}, which holds only damaged" in told
    assert found.named == (f"SSL_CERT_FILE: {company.file}",)
    assert company.pem.strip() in found.bundle


def test_a_damaged_certificate_costs_its_neighbours_nothing(company: Authority, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"-----BEGIN CERTIFICATE-----\nMIIBszCC\n-----END CERTIFICATE-----\n" + company.pem)
    found = trust_set({"SSL_CERT_FILE": str(both)})
    assert not found.problems
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=found.bundle.decode())
    assert b"MIIBszCC\n" not in found.bundle


def test_every_client_is_told_of_the_one_file() -> None:
    assert set(READ_BY_CLIENTS) < set(NAMES)
