"""The four real stores on something that answers like the real place, each openable by any process."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3

from deploy_action.locking.stores.dynamodb import DynamoDbRegistry
from deploy_action.locking.stores.file import FileRegistry
from deploy_action.locking.stores.github import GitHubRegistry
from deploy_action.locking.stores.s3 import S3Registry
from tests.ground.ministack import ministack

if TYPE_CHECKING:
    from contextlib import ExitStack

    from deploy_action.locking.ports import Registry

KINDS = ("file", "github", "s3", "dynamodb")
ON_AWS = ("s3", "dynamodb")
ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0


def session() -> Any:
    return boto3.Session("key", "secret", region_name="eu-central-1")


@dataclass(frozen=True)
class Store:
    """One place. `place` is a folder, a repository, a bucket or a table; `url` is empty for a file."""

    kind: str
    place: str
    url: str = ""

    def open(self, *, session: Any = None, token: str = "token") -> Registry:
        """The product's own store on it, as another job would have it."""
        if self.kind == "file":
            return FileRegistry(Path(self.place))
        if self.kind == "github":
            return GitHubRegistry(token, self.place, api_url=self.url, graphql_url=f"{self.url}/graphql")
        if self.kind == "s3":
            return S3Registry(self.place, "deployments.json", endpoint_url=self.url, session=session)
        return DynamoDbRegistry(self.place, endpoint_url=self.url, session=session)


def new_store(kind: str, folder: Path, stack: ExitStack, aws_url: str = "") -> Store:
    """An empty place, on servers that end with `stack`; `aws_url` names one that runs already."""
    if kind == "file":
        (folder / "registry").mkdir(parents=True, exist_ok=True)
        return Store(kind, str(folder / "registry"))
    if kind == "github":
        return Store(kind, "org/app", _github(folder, stack))
    url = aws_url or stack.enter_context(ministack(folder))
    name = f"registry-{uuid4().hex}"
    client = session().client(kind, endpoint_url=url)
    if kind == "s3":
        client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    else:
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    client.close()
    return Store(kind, name, url)


def _github(folder: Path, stack: ExitStack) -> str:
    """The fake GitHub in a process of its own."""
    ready = folder / "github-url"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.github", "--ready-file", ready],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the fake GitHub does not start")
        time.sleep(0.02)
    return ready.read_text()
