"""Regions and partitions of AWS, as botocore's data name them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from deploy_action.data import read_botocore_table

ISOLATED_PARTITIONS = frozenset({"aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"})
"""Their consoles have no address that is published."""
_CONSOLES = {
    "aws": "{region}.console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-eusc": "console.amazonaws-eusc.eu",
}
"""Hosts by partition (source: the console's address bar); botocore's data have none."""


@dataclass(frozen=True, slots=True)
class Partition:
    """`home_region`: where the services without a region are asked. `url_suffix`: `AWS::URLSuffix`."""

    name: str
    regions: frozenset[str]
    home_region: str
    url_suffix: str
    pattern: re.Pattern[str]

    def has(self, region: str) -> bool:
        """Also a region that is newer than the data, where it is named like the others."""
        return region in self.regions or self.pattern.fullmatch(region) is not None


@lru_cache(maxsize=1)
def partitions() -> tuple[Partition, ...]:
    """Read when first needed. Raises OSError and ValueError where botocore's data are damaged."""
    return tuple(_partition(row) for row in json.loads(read_botocore_table("partitions.json"))["partitions"])


def partition_of(region: str) -> Partition | None:
    """None for what is no region of AWS."""
    return next((partition for partition in partitions() if partition.has(region)), None)


def similar_regions(text: str) -> list[str]:
    """Names close to the given one, the likeliest first."""
    known = sorted(region for partition in partitions() for region in partition.regions)
    return get_close_matches(text.lower(), known, n=3, cutoff=0.75)


def console_host(partition: str, region: str) -> str:
    """Empty where the partition's console is not known."""
    return _CONSOLES.get(partition, "").format(region=region)


def _partition(row: dict[str, Any]) -> Partition:
    pattern = re.compile(row["regionRegex"], re.ASCII)
    # `aws-global` and the like stand for all regions at once.
    regions = frozenset(region for region in row["regions"] if pattern.fullmatch(region))
    outputs = row["outputs"]
    return Partition(row["id"], regions, outputs["implicitGlobalRegion"], outputs["dnsSuffix"], pattern)
