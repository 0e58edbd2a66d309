"""What tests need beside the server: a clock they move themselves and boto3 clients that talk to it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from tests.fakes.cloudformation.server import CloudFormationServer

EPOCH = 1_790_000_000.0


class VirtualClock:
    """Unix seconds that stand still until they are moved."""

    def __init__(self, start: float = EPOCH) -> None:
        self.time = start

    def __call__(self) -> float:
        return self.time

    def advance(self, seconds: float) -> float:
        self.time += seconds
        return self.time


@lru_cache(maxsize=1)
def _session() -> boto3.session.Session:
    return boto3.session.Session(aws_access_key_id="testground", aws_secret_access_key="testground")


def client(
    server: CloudFormationServer,
    region: str = "eu-west-1",
    service: str = "cloudformation",
    attempts: int = 1,
) -> Any:
    """A real boto3 client for the server; `attempts` is how often it tries in all. Close it when done."""
    return _session().client(
        service,
        region_name=region,
        endpoint_url=server.endpoint_url,
        config=Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=5,
            read_timeout=10,
            parameter_validation=True,
        ),
    )


def all_events(cloudformation: Any, stack: str) -> list[dict[str, Any]]:
    """Every visible event of a stack, oldest first."""
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
    return [event for page in pages for event in page["StackEvents"]][::-1]


def status(cloudformation: Any, stack: str) -> str:
    return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def line(event: dict[str, Any]) -> tuple[str, str, str]:
    """What people look at in an event: the resource, its status, the reason."""
    return event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", "")


def statuses(events: list[dict[str, Any]], logical: str) -> list[str]:
    return [event["ResourceStatus"] for event in events if event["LogicalResourceId"] == logical]
