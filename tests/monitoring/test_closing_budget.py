"""The budget for reading an end, and the requests that keep within it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from deploy_action.cloudformation.aws_clients import AwsClients
from deploy_action.cloudformation.client import CloudFormation
from deploy_action.cloudformation.ports import Traffic
from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.baseline import Baseline
from deploy_action.monitoring.closing_budget import CANCELLED_SECONDS, IN_FLIGHT_SECONDS, Closing
from deploy_action.monitoring.event_stream import EventStream
from deploy_action.monitoring.watch_loop import End, WatchLoop
from tests.clock import VirtualClock
from tests.fakes.cloudformation import CloudFormationServer
from tests.listener import SilentListener

if TYPE_CHECKING:
    from collections.abc import Iterator

SHOP = StackRef("eu-west-1", "shop")
SECONDS = 50.0


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudFormationServer]:
    with CloudFormationServer() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield server


def begun(answered_seconds_ago: float) -> float:
    clock = VirtualClock()
    clock.sleep(1000)
    closing = Closing(clock, cancelled=lambda: False, seconds=SECONDS)
    assert closing.left_seconds() == math.inf
    closing.begin(answered_at=clock.monotonic() - answered_seconds_ago)
    return closing.left_seconds()


def test_it_counts_from_the_last_answer() -> None:
    assert begun(answered_seconds_ago=12) == SECONDS - 12


def test_a_long_silence_before_the_end_does_not_use_it_up() -> None:
    assert begun(answered_seconds_ago=900) == SECONDS - IN_FLIGHT_SECONDS


def test_what_began_again_has_no_limit() -> None:
    closing = Closing(VirtualClock(), cancelled=lambda: False)
    closing.begin()
    closing.again()
    assert closing.left_seconds() == math.inf


def test_a_cancellation_leaves_little_of_it() -> None:
    closing = Closing(VirtualClock(), cancelled=lambda: True)
    closing.begin()
    assert closing.left_seconds() == CANCELLED_SECONDS


def test_a_request_waits_for_no_longer_than_is_left(cloud: CloudFormationServer) -> None:
    cloud.faults.add("delay", seconds=60.0)
    clients = AwsClients()
    clients.limit(lambda: 1.9)
    began = time.monotonic()
    with pytest.raises(StackSourceError) as raised:
        CloudFormation(clients).describe(SHOP)
    assert time.monotonic() - began < 5
    assert raised.value.temporary
    cloud.faults.clear()


def test_with_nothing_left_nothing_is_asked(cloud: CloudFormationServer) -> None:
    clients = AwsClients()
    clients.limit(lambda: 0.0)
    source = CloudFormation(clients)
    with pytest.raises(StackSourceError, match="not asked any more"):
        source.describe(SHOP)
    assert source.traffic().requests == 0
    clients.limit(lambda: math.inf)
    assert source.describe(SHOP) is None


@pytest.mark.parametrize(
    ("left_seconds", "expected"), [(math.inf, 20), (300, 10), (9, 5), (4.9, 2), (0.2, 1)]
)
def test_time_outs_follow_what_is_left(
    cloud: CloudFormationServer, left_seconds: float, expected: float
) -> None:
    clients = AwsClients()
    clients.limit(lambda: left_seconds)
    config = clients.client("cloudformation", "eu-west-1").meta.config
    assert config.read_timeout == expected
    assert config.connect_timeout <= expected


def test_a_registry_in_aws_has_a_budget_of_its_own(cloud: CloudFormationServer) -> None:
    clients = AwsClients()
    clients.limit(lambda: 0.5)
    assert clients.client("s3", "eu-west-1").meta.config.read_timeout == 20


def test_last_looks_at_many_stacks_end_with_it() -> None:
    """Of twelve stacks none answers any more, each for as long as it is waited for."""
    clock = VirtualClock()
    closing = Closing(clock, cancelled=lambda: False, seconds=SECONDS)
    asked_late = []

    class Silent:
        def __getattr__(self, _: str) -> object:
            def ask(*_args: object, **_named: object) -> object:
                asked_late.extend([closing.left_seconds()] if closing.over() else [])
                clock.sleep(min(10.0, closing.left_seconds()))
                raise StackSourceError("no answer")

            return ask

        def traffic(self) -> Traffic:
            return Traffic()

        def their_time(self) -> None:
            return None

    baseline = Baseline(newest=tuple((StackRef("eu-west-1", f"shop{n}"), None) for n in range(12)))
    watcher = EventStream(Silent(), baseline)  # type: ignore[arg-type]  # answers nothing
    began = []

    def done() -> bool:
        began.append(clock.monotonic())
        return True

    loop = WatchLoop(watcher, clock, SilentListener(), done, lambda: False, closing=closing)
    assert loop.run() is End.DONE
    assert clock.monotonic() - began[0] <= SECONDS + 1
    assert not asked_late
