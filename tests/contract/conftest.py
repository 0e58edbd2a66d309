from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from deploy_action.locking.stores import all_stores
from tests.contract.places import DynamoDbPlace, FilePlace, GitHubPlace, Place, S3Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(params=[store.scheme for store in all_stores()])
def place(request: pytest.FixtureRequest, stack: ExitStack, tmp_path: Path) -> Place:
    if request.param == "file":
        return FilePlace(stack, tmp_path)
    if request.param == "github":
        return GitHubPlace(stack)
    on_aws = {"s3": S3Place, "dynamodb": DynamoDbPlace}
    assert request.param in on_aws, f"The store {request.param} has no Place in tests/contract/places.py."
    return on_aws[request.param](stack, request.getfixturevalue("moto_url"))


@pytest.fixture
def github(stack: ExitStack) -> GitHubPlace:
    return GitHubPlace(stack)


@pytest.fixture
def s3(stack: ExitStack, moto_url: str) -> S3Place:
    return S3Place(stack, moto_url)


@pytest.fixture
def dynamodb(stack: ExitStack, moto_url: str) -> DynamoDbPlace:
    return DynamoDbPlace(stack, moto_url)
