"""What the tests of the CloudFormation test ground share: one server a module, made new for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.cloudformation import CloudFormationServer
from tests.fakes.cloudformation.harness import EPOCH, VirtualClock, client

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture(scope="module")
def shared(clock: VirtualClock) -> Iterator[tuple[CloudFormationServer, Any]]:
    with CloudFormationServer(clock) as server:
        cloudformation = client(server)
        yield server, cloudformation
        cloudformation.close()


@pytest.fixture
def server(shared: tuple[CloudFormationServer, Any], clock: VirtualClock) -> CloudFormationServer:
    shared[0].reset()
    shared[0].templates.clear()
    clock.time = EPOCH
    return shared[0]


@pytest.fixture
def cfn(server: CloudFormationServer, shared: tuple[CloudFormationServer, Any]) -> Any:
    return shared[1]
