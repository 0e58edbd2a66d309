"""What tests of several rooms share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import botocore.session
import pytest

from tests.ground.ministack import ministack, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--real-tools",
        action="store_true",
        help="try the matrix of shapes with sam, sceptre, cdk and serverless",
    )


@pytest.fixture(scope="session", autouse=True)
def _aws_models_are_read_once() -> Iterator[None]:
    """Megabytes of JSON say what AWS's services can do, and each session of the SDK reads them anew. A loader
    keeps what it has read, so one serves all sessions of this process; nothing else of the SDK is changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator of AWS whose conditional writes hold in races."""
    if reason := missing():
        pytest.skip(reason)
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url
