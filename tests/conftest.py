"""What tests of several rooms share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ground.ministack import ministack, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator of AWS whose conditional writes hold in races."""
    if reason := missing():
        pytest.skip(reason)
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url
