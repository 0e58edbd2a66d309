"""What tests of several rooms share."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import botocore.compat
import botocore.hooks
import botocore.session
import botocore.useragent
import pytest
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser, NodeList

from tests.ground.ministack import ministack, missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser

ENGINE = Path(__file__).parent / "e2e" / "engine"
ENGINE_STARTED = "DEPLOY_COORDINATOR_ENGINE_STARTED"
"""Names the file that says so."""
UNEXTENDED = frozenset({"cloudformation", "sts"})
"""Services to whose clients no session adds methods."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-tools",
        action="store_true",
        help="try the matrix of shapes with sam, sceptre, cdk and serverless",
    )


def pytest_configure(config: pytest.Config) -> None:
    """A container engine that a test starts serves all workers, and ends with the run that started it."""
    if ENGINE_STARTED in os.environ:
        return
    marker = Path(tempfile.mkdtemp(prefix="deploy-coordinator-tests-")) / "engine"
    os.environ[ENGINE_STARTED] = str(marker)

    def end() -> None:
        del os.environ[ENGINE_STARTED]
        if marker.exists():
            subprocess.run([ENGINE / "stop"], check=False)
        shutil.rmtree(marker.parent)

    config.add_cleanup(end)


@pytest.fixture(scope="session", autouse=True)
def _sdk_works_out_once_what_never_changes() -> Iterator[None]:
    """A job's steps are processes, so each makes sessions and clients anew; tests play hundreds in one.

    What botocore then reads (megabytes of JSON about AWS's services) and works out (names of its events,
    whether its own handlers take keywords, a client's class, the words of its user agent) depends on nothing
    but its code: once serves all. Nothing else of the SDK is changed.
    """
    alias = functools.cache(functools.partial(EventAliaser._alias_event_name, EventAliaser(None)))
    accepts_keywords = functools.cache(botocore.hooks.accepts_kwargs)
    client_class = ClientCreator._create_client_class
    classes: dict[str, Any] = {}

    def class_once(self: ClientCreator, service: str, model: object) -> Any:
        if service not in UNEXTENDED:
            return client_class(self, service, model)
        if service not in classes:
            classes[service] = client_class(self, service, model)
        return classes[service]

    def accepts_keywords_once(handler: Callable[..., object]) -> object:
        function = getattr(handler, "__func__", handler)
        own = isinstance(function, FunctionType) and function.__module__.startswith(("botocore.", "boto3."))
        return accepts_keywords(function) if own else botocore.compat.accepts_kwargs(handler)

    def copied(tree: object, node: dict[str, Any]) -> dict[str, Any]:
        """As botocore's own, without asking each list of thousands how it is copied."""
        copy: dict[str, Any] = {}
        for key, value in node.items():
            if isinstance(value, dict):
                copy[key] = copied(tree, value)
            elif isinstance(value, NodeList):
                copy[key] = NodeList(value.first[:], value.middle[:], value.last[:])
            else:
                copy[key] = value
        return copy

    sanitized = functools.cache(botocore.useragent.sanitize_user_agent_string_component)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        patch.setattr(EventAliaser, "_alias_event_name", lambda _, name: alias(name))
        patch.setattr(botocore.hooks, "accepts_kwargs", accepts_keywords_once)
        patch.setattr(botocore.hooks._PrefixTrie, "_recursive_copy", copied)
        patch.setattr(botocore.useragent, "sanitize_user_agent_string_component", sanitized)
        patch.setattr(ClientCreator, "_create_client_class", class_once)
        yield


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("there is no chromium or google-chrome on this machine")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator of AWS whose conditional writes hold in races."""
    if reason := missing():
        pytest.skip(reason)
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url
