"""The four kinds of place where a registry can be, each with the failures that it can suffer."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import filelock
import pytest

from deploy_action.locking.stores.dynamodb import DynamoDbRegistry
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.locking.stores.github import GitHubRegistry
from deploy_action.locking.stores.s3 import S3Registry
from tests.fakes.github.described import problems
from tests.fakes.github.server import GitHubServer
from tests.fakes.proxy import Proxy

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from deploy_action.locking.ports import Registry

SESSION = boto3.Session("key", "secret", region_name="eu-central-1")


class Place(ABC):
    """One place. `open` gives a new store on it, as another job would have it."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    @abstractmethod
    def open(self) -> Registry: ...

    @abstractmethod
    def lose_next_answer(self, kind: str) -> None:
        """The next write takes effect, but its answer is lost: `drop` or `status` (a 5xx)."""

    @abstractmethod
    def fail_next_write(self, kind: str) -> None:
        """The next write fails before it takes effect."""

    @abstractmethod
    def fail_next_read(self) -> None:
        """The next read fails for good measure: more often than the store repeats it."""

    @abstractmethod
    def heal(self) -> None:
        """End all failures."""

    @abstractmethod
    def delete(self) -> None:
        """Somebody deletes the document, and what it lies on."""

    @abstractmethod
    def forbidden(self) -> Registry:
        """A store on this place that lacks what it needs."""


class FilePlace(Place):
    def __init__(self, stack: ExitStack, folder: Path) -> None:
        super().__init__(stack)
        self.folder = folder
        (folder / "registry").mkdir()
        self.lock = filelock.FileLock(folder / "registry" / "deployments.json.lock")

    def open(self) -> FileRegistry:
        return FileRegistry(self.folder / "registry", lock_timeout=0.02)

    def lose_next_answer(self, kind: str) -> None:
        pytest.skip("a file has no answer that could be lost")

    def fail_next_write(self, kind: str) -> None:
        self.stack.enter_context(self.lock)

    def fail_next_read(self) -> None:
        pytest.skip("no temporary failure of a file read can be made here")

    def heal(self) -> None:
        self.lock.release(force=True)

    def delete(self) -> None:
        shutil.rmtree(self.folder / "registry")
        (self.folder / "registry").mkdir()

    def forbidden(self) -> FileRegistry:
        obstacle = self.folder / "obstacle"
        obstacle.touch()
        return FileRegistry(obstacle / "registry")


class GitHubPlace(Place):
    def __init__(self, stack: ExitStack) -> None:
        super().__init__(stack)
        self.server = stack.enter_context(GitHubServer())
        stack.callback(self._hold_to_description)

    def open(self, token: str = "token", *, repository: str = "org/app") -> GitHubRegistry:
        registry = GitHubRegistry(
            token, repository, api_url=self.server.url, graphql_url=self.server.graphql_url, read_again=0
        )
        self.stack.callback(registry.close)
        return registry

    def _hold_to_description(self) -> None:
        found = problems(self.server.exchanges)
        assert not found, "\n".join(found)

    def lose_next_answer(self, kind: str) -> None:
        self.server.fail("POST (/graphql|.*/git/refs)$", kind=kind, when="after")

    def fail_next_write(self, kind: str) -> None:
        self.server.fail("POST (/graphql|.*/git/refs)$", kind=kind)

    def fail_next_read(self) -> None:
        self.server.fail("GET", times=None)

    def heal(self) -> None:
        self.server.clear_faults()

    def delete(self) -> None:
        del self.server.repository.history["refs/heads/deploy-registry"]

    def forbidden(self) -> GitHubRegistry:
        self.server.state.tokens["reader"] = {"contents": "read", "metadata": "read"}
        return self.open("reader")


class AwsPlace(Place):
    """A new bucket or table on a moto server, behind a proxy that makes it atomic and breaks it."""

    def __init__(self, stack: ExitStack, moto_url: str) -> None:
        super().__init__(stack)
        self.proxy = stack.enter_context(Proxy(moto_url))
        self.name = f"registry-{uuid4().hex}"

    def lose_next_answer(self, kind: str) -> None:
        self.proxy.fail(self.write, kind=kind, when="after", status=500)

    def fail_next_write(self, kind: str) -> None:
        self.proxy.fail(self.write, kind=kind, status=500)

    def fail_next_read(self) -> None:
        self.proxy.fail(times=None, status=500)

    def heal(self) -> None:
        self.proxy.clear_faults()

    write: str


class S3Place(AwsPlace):
    write = "PUT .*json$"

    def __init__(self, stack: ExitStack, moto_url: str) -> None:
        super().__init__(stack, moto_url)
        client = SESSION.client("s3", endpoint_url=moto_url)
        client.create_bucket(
            Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        client.close()

    def open(self) -> S3Registry:
        return self._open(self.name)

    def _open(self, bucket: str) -> S3Registry:
        registry = S3Registry(bucket, "r/deployments.json", endpoint_url=self.proxy.url, session=SESSION)
        self.stack.callback(registry.close)
        return registry

    def delete(self) -> None:
        with closing(SESSION.client("s3", endpoint_url=self.proxy.url)) as client:
            client.delete_object(Bucket=self.name, Key="r/deployments.json")

    def forbidden(self) -> S3Registry:
        return self._open(f"{self.name}-missing")


class DynamoDbPlace(AwsPlace):
    write = "POST"

    def __init__(self, stack: ExitStack, moto_url: str) -> None:
        super().__init__(stack, moto_url)
        client = SESSION.client("dynamodb", endpoint_url=moto_url)
        client.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        client.close()

    def open(self) -> DynamoDbRegistry:
        return self._open(self.name)

    def _open(self, table: str) -> DynamoDbRegistry:
        registry = DynamoDbRegistry(table, endpoint_url=self.proxy.url, session=SESSION)
        self.stack.callback(registry.close)
        return registry

    def delete(self) -> None:
        with closing(SESSION.client("dynamodb", endpoint_url=self.proxy.url)) as client:
            client.delete_item(TableName=self.name, Key={"id": {"S": "deploy-registry"}})

    def forbidden(self) -> DynamoDbRegistry:
        return self._open(f"{self.name}-missing")
