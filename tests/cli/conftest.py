"""What the tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy_action.cli import checkout
from tests.cli.desk import Desk
from tests.jobs.conftest import stage

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["stage"]


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in ("GITHUB_ACTOR", "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    checkout.remote.cache_clear()
    return Desk(tmp_path / "registry", capsys)
