"""Which queue the doorbell's messages come from, as the input `events` names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

_QUEUE = re.compile(r"[A-Za-z0-9_-]{1,80}")
_REGION = re.compile(r"[a-z]{2,5}(-[a-z]{2,12}){1,3}-[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class DoorbellAddress:
    """A queue in SQS, of the account that is deployed to. `region` is empty where it is the job's own."""

    queue: str
    region: str = ""


def parse_doorbell(text: str) -> DoorbellAddress:
    """Parses the input `events`; raises ValueError with a sentence for people."""
    scheme, _, rest = text.partition("://")
    queue, question, query = rest.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if scheme.lower() != "sqs" or not queue:
        raise ValueError(f"`{text}` is not the address of a queue: write sqs://QUEUE?region=REGION.")
    if queue.endswith(".fifo"):
        raise ValueError(f"`{queue}` is a FIFO queue. EventBridge's events need a standard queue here.")
    if not _QUEUE.fullmatch(queue):
        raise ValueError(f"`{queue}` is not the name of a queue: letters, digits, `-` and `_`, 80 at most.")
    if question and options.keys() != {"region"}:
        raise ValueError(f"after the ? in `{text}` stands something else than region=REGION.")
    region = options.get("region", "")
    if region and not _REGION.fullmatch(region):
        raise ValueError(f"`{region}` is not the name of a region, such as eu-west-1.")
    return DoorbellAddress(queue, region)
