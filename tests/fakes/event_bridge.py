"""CloudFormation's events as EventBridge delivers them, and a doorbell in virtual time that hears them.

Shapes: AWS CloudFormation User Guide, "Managing events with CloudFormation and EventBridge".
"""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from deploy_action.monitoring.doorbell_messages import Belonging, Ears, parse_ring

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deploy_action.monitoring.doorbell_messages import Ring
    from tests.fakes.cloudformation import CloudFormationServer

STACK_ID = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/0e6d1a40-0000-11ee-8000-0a1b2c3d4e5f"


def message(
    stack_id: str = STACK_ID,
    status: str = "CREATE_COMPLETE",
    *,
    logical_id: str = "",
    resource_type: str = "AWS::SNS::Topic",
    event_id: str = "",
    time: float = 1_800_000_000.0,
) -> dict[str, Any]:
    """`time`: unix seconds."""
    detail: dict[str, Any] = {
        "stack-id": stack_id,
        "status-details": {"status": status, "status-reason": ""},
        "client-request-token": "",
    }
    if logical_id:
        detail |= {
            "logical-resource-id": logical_id,
            "physical-resource-id": "",
            "resource-type": resource_type,
        }
    return {
        "version": "0",
        "source": "aws.cloudformation",
        "account": stack_id.split(":")[4],
        "id": event_id or str(uuid.uuid4()),
        "region": stack_id.split(":")[3],
        "detail-type": f"CloudFormation {'Resource' if logical_id else 'Stack'} Status Change",
        "time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "resources": [stack_id],
        "detail": detail,
    }


@dataclass
class VirtualDoorbell:
    """Implements Doorbell: hears of all events of the server's stacks in a region, each after a delay.

    `delivered(stack_id, status, logical_id)`: how often a message is delivered; 0 loses it.
    """

    server: CloudFormationServer
    region: str
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    delay_seconds: tuple[float, float] = (0.3, 1.5)
    delivered: Callable[[str, str, str], int] = lambda _stack, _status, _logical: 1
    hears: bool = True
    ears: Ears = field(default_factory=Ears)
    closed: bool = False
    _delays: dict[str, float] = field(default_factory=dict)
    _due: dict[str, list[Ring]] = field(default_factory=dict)

    def listen(self, ears: Ears) -> None:
        self.ears = ears

    def _ready(self) -> dict[str, list[Ring]]:
        now = self.server.now()
        for stack in list(self.server.world.region(self.region).stacks.values()):
            for event in stack.events:
                delay = self._delays.get(event.event_id)
                if delay is None and event.time <= now:
                    delay = self._delays[event.event_id] = self.chance.uniform(*self.delay_seconds)
                if delay is None or delay < 0.0 or event.time + delay > now:
                    continue
                self._delays[event.event_id] = -1.0
                logical = "" if event.about_stack else event.logical_id
                body = message(stack.stack_id, event.status, logical_id=logical, event_id=event.event_id)
                ring = parse_ring(json.dumps(body))
                if ring is not None:
                    self._due[event.event_id] = [ring] * self.delivered(stack.stack_id, event.status, logical)
        return self._due

    def rung(self) -> bool:
        return self.hears and any(
            self.ears.belonging(ring) is not Belonging.FOREIGN
            for rings in self._ready().values()
            for ring in rings
        )

    def rings(self) -> Sequence[Ring]:
        found: list[Ring] = []
        for event_id, rings in list(self._ready().items()):
            mine = [ring for ring in rings if self.ears.belonging(ring) is not Belonging.FOREIGN]
            if mine or not rings:
                found += mine
                del self._due[event_id]
        return found if self.hears else []

    def listening(self) -> bool:
        return self.hears and not self.closed

    def troubles(self) -> Sequence[str]:
        return ()

    def close(self) -> None:
        self.closed = True
