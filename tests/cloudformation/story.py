"""Events told shortly: what happened to a stack, one line an event."""

from __future__ import annotations

from itertools import count

from deploy_action.cloudformation.events import StackEvent
from deploy_action.cloudformation.operation import Operation
from deploy_action.cloudformation.stacks import STACK_TYPE, stack_name_of

ROOT = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1111"
DATABASE = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop-Database-AAAA/2222"
REPLICA = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop-Database-AAAA-Replica-BBBB/3333"

_numbers = count(1)


def stack(
    at: float, status: str, reason: str = "", *, of: str = ROOT, token: str = "t1", operation: str = "o1"
) -> StackEvent:
    """About a stack itself."""
    return _event(at, of, stack_name_of(of), of, STACK_TYPE, status, reason, token, operation)


def resource(
    at: float,
    name: str,
    status: str,
    reason: str = "",
    *,
    of: str = ROOT,
    type_: str = "AWS::Test::Thing",
    detailed: str = "",
    operation: str = "o1",
) -> StackEvent:
    """About a resource of a stack."""
    return _event(at, of, name, f"{name}-id", type_, status, reason, "t1", operation, detailed)


def nested(
    at: float, name: str, status: str, reason: str = "", *, id_: str = DATABASE, of: str = ROOT
) -> StackEvent:
    """What a parent says of a nested stack; CloudFormation's first event of it has no `id_` yet."""
    return _event(at, of, name, id_, STACK_TYPE, status, reason, "t1", "o1")


def told(*events: StackEvent) -> Operation:
    operation = Operation()
    for event in events:
        operation.apply(event)
    return operation


def _event(  # noqa: PLR0917 - an event has that many parts
    at: float,
    stack_id: str,
    logical_id: str,
    physical_id: str,
    type_: str,
    status: str,
    reason: str,
    token: str,
    operation: str,
    detailed: str = "",
) -> StackEvent:
    return StackEvent(
        event_id=f"event-{next(_numbers)}",
        region="eu-west-1",
        stack_id=stack_id,
        logical_id=logical_id,
        physical_id=physical_id,
        resource_type=type_,
        status=status,
        timestamp=at,
        reason=reason,
        token=token,
        operation_id=operation,
        detailed_status=detailed,
    )
