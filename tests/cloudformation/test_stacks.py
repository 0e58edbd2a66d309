"""Addresses of stacks: the console's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore
import pytest

from deploy_action.cloudformation.stacks import console_url

ISOLATED = {"aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"}
PARTITIONS = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text("utf-8"))


def url(partition: str, region: str) -> str:
    return console_url(region, f"arn:{partition}:cloudformation:{region}:123456789012:stack/shop/1")


@pytest.mark.parametrize("partition", PARTITIONS["partitions"], ids=lambda one: str(one["id"]))
def test_every_partition_of_the_sdk_has_its_console_or_none(partition: dict[str, Any]) -> None:
    """A link to a console that knows nothing of the stack is worse than none."""
    name, region = partition["id"], max(partition["regions"])
    found = url(name, region)
    assert bool(found) == (name not in ISOLATED)
    assert ("console.aws.amazon.com" in found) == (name == "aws")


def test_the_console_is_that_of_the_partition() -> None:
    assert url("aws", "eu-west-1").startswith(
        "https://eu-west-1.console.aws.amazon.com/cloudformation/home?region=eu-west-1#/stacks/events?stackId=arn:aws:"
    )
    assert url("aws-cn", "cn-north-1").startswith("https://console.amazonaws.cn/")
    assert url("aws-us-gov", "us-gov-west-1").startswith("https://console.amazonaws-us-gov.com/")
    assert url("aws-eusc", "eusc-de-east-1").startswith("https://console.amazonaws-eusc.eu/")
    assert url("aws-iso-b", "us-isob-east-1") == ""
