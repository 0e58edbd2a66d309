"""What the tests of the steps share."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from backoff import _sync

from tests.clock import VirtualClock
from tests.fakes.cloudformation import CloudFormationServer
from tests.jobs.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=[False, True], ids=["nested events without token", "with their root's token"])
def stage_of_both_kinds(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    yield from _stage(tmp_path, monkeypatch, nested_tokens=request.param)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    yield from _stage(tmp_path, monkeypatch, nested_tokens=False)


def _stage(folder: Path, monkeypatch: pytest.MonkeyPatch, *, nested_tokens: bool) -> Iterator[Stage]:
    clock = VirtualClock()
    with CloudFormationServer(clock.now, nested_tokens=nested_tokens) as server:
        server.pass_time = clock.sleep
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        # botocore's pauses between its own tries are real time.
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        # So are those between two reads of GitHub; none of what a job decides depends on their length.
        monkeypatch.setattr(_sync, "time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50)))
        yield Stage(folder, clock, server)
