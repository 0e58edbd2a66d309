"""The proxy as jobs name it: what one client understands, all do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from deploy_action.common.proxy_variables import in_order
from tests.common.test_trusted_certificates import CLIENTS, TRUSTED, Answers
from tests.fakes.connect_proxy import ConnectProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "https://api.example.test"
"""It is in no name service, so a client that does not use the proxy fails."""


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[ConnectProxy]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    host, port = server.server_address[:2]
    with ConnectProxy((str(host), int(port)), tmp_path, "intercept") as proxy:
        yield proxy
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "given",
    [
        {"ALL_PROXY": "http://{}"},
        {"all_proxy": "http://{}", "https_proxy": ""},
        {"HTTPS_PROXY": " http://{}\n"},
        {"HTTPS_PROXY": "u:p%40ss@{}"},
        {"https_proxy": "HTTP://u:p@{}/"},
    ],
)
def test_every_client_finds_it(proxy: ConnectProxy, tmp_path: Path, given: dict[str, str]) -> None:
    address = proxy.address.rpartition("@")[2]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("AWS_") and "CA_" not in name
    }
    done = subprocess.run(
        [sys.executable, "-c", "import deploy_action.main as m; m.set_up_network()\n" + CLIENTS, URL],
        env={
            **inherited,
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": URL,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "s",
            "NODE_EXTRA_CA_CERTS": str(proxy.ca_file),
            **{name: text.format(address) for name, text in given.items()},
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == TRUSTED
    assert len(proxy.asked) == 4


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({}, {}),
        ({"HTTPS_PROXY": "http://p:1", "HTTP_PROXY": "https://p:1", "NO_PROXY": " a , b "}, {}),
        ({"HTTPS_PROXY": "http://p:1", "ALL_PROXY": "http://q:1"}, {}),
        ({"HTTP_PROXY": "p:1", "https_proxy": " "}, {"HTTP_PROXY": "http://p:1"}),
        ({"ALL_PROXY": "http://q:1"}, {"HTTPS_PROXY": "http://q:1"}),
        ({"ALL_PROXY": "socks5h://q:1"}, {}),
        ({"HTTPS_PROXY": "SOCKS5://q:1"}, {"HTTPS_PROXY": "socks5://q:1"}),
    ],
)
def test_what_is_changed(given: dict[str, str], changed: dict[str, str]) -> None:
    """EC2's metadata service is asked by http://, where ALL_PROXY stays without effect."""
    assert in_order(given) == changed
