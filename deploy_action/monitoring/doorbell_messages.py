"""Messages of the doorbell: CloudFormation's events as EventBridge sends them into a queue.

Shapes: "CloudFormation Stack Status Change" and "CloudFormation Resource Status Change" of the source
`aws.cloudformation` (AWS CloudFormation User Guide, "Managing events with CloudFormation and EventBridge"). A
message comes from outside: whatever is none of these is none, and no text of it is shown to people.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

BODY_LENGTH_MAX = 262_144
"""Of a message in SQS, in bytes."""
WORD_LENGTH_MAX = 255
_STACK_ID = re.compile(
    r"arn:aws[a-z-]{0,20}:cloudformation:(?P<region>[a-z0-9-]{5,30}):(?P<account>[0-9]{12})"
    r":stack/(?P<name>[A-Za-z][A-Za-z0-9-]{0,127})/[A-Za-z0-9-]{1,64}"
)
_STATUS = re.compile(r"[A-Z_]{4,60}")
_KINDS = {"CloudFormation Stack Status Change", "CloudFormation Resource Status Change"}


@dataclass(frozen=True, slots=True)
class Ring:
    """Something happened on a stack: on `logical_id`, or on the stack itself where that is empty."""

    message_id: str
    """EventBridge's, the same each time that an event is delivered."""
    stack_id: str
    region: str
    account: str
    stack_name: str
    status: str
    logical_id: str = ""

    @property
    def urgent(self) -> bool:
        """The stack may have ended, or something failed: worth a look at once."""
        return not self.logical_id or self.status.endswith("_FAILED")


class Belonging(Enum):
    """To whom a message of a queue that jobs share belongs."""

    OWN = "own"
    LIKELY = "likely"
    """The name is that of a watched stack, and whether it is in the same account is not known yet."""
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Ears:
    """The stacks that a job listens for: ids of those that it has seen, and (region, name) of its roots."""

    stack_ids: Collection[str] = frozenset()
    names: Collection[tuple[str, str]] = frozenset()

    def belonging(self, ring: Ring) -> Belonging:
        if ring.stack_id in self.stack_ids:
            return Belonging.OWN
        if (ring.region, ring.stack_name) not in self.names:
            return Belonging.FOREIGN
        accounts = {stack_id.split(":")[4] for stack_id in self.stack_ids if stack_id.startswith("arn:")}
        if not accounts:
            return Belonging.LIKELY
        return Belonging.OWN if ring.account in accounts else Belonging.FOREIGN


def parse_ring(body: str) -> Ring | None:
    """None for whatever is no event of CloudFormation."""
    if len(body) > BODY_LENGTH_MAX:
        return None
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("source") != "aws.cloudformation":
        return None
    kind, detail = message.get("detail-type"), message.get("detail")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(detail, dict):
        return None
    details = detail.get("status-details")
    status = _word(details.get("status")) if isinstance(details, dict) else ""
    stack_id, message_id = _word(detail.get("stack-id")), _word(message.get("id"))
    found = _STACK_ID.fullmatch(stack_id)
    logical_id = _word(detail.get("logical-resource-id"))
    of_resource = kind == "CloudFormation Resource Status Change"
    if found is None or not _STATUS.fullmatch(status) or of_resource is not bool(logical_id):
        return None
    return Ring(message_id, stack_id, found["region"], found["account"], found["name"], status, logical_id)


def _word(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= WORD_LENGTH_MAX else ""
