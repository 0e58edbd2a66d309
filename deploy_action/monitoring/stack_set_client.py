"""StackSets by boto3: operations, their results by account and region, and the stacks behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from deploy_action.cloudformation.aws_clients import error_code, pages
from deploy_action.cloudformation.client import explained
from deploy_action.monitoring.stack_sets import StackSetInstance, StackSetOperation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from deploy_action.cloudformation.aws_clients import AwsClients
    from deploy_action.monitoring.stack_sets import StackSetRef

T = TypeVar("T")

_SERVICE = "cloudformation"
PAGE = 100
OPERATIONS_MAX = 5 * PAGE
"""At most this many of a set's operations are looked through."""

_NOT_DELEGATED = {"StackSetNotFoundException", "ValidationError", "AccessDenied", "AccessDeniedException"}
"""How the same question is refused to whom no organization has delegated its stack sets."""


class StackSets:
    """Implements ports.StackSetSource. One try: whoever asks, asks again."""

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._as: dict[StackSetRef, dict[str, str]] = {}

    def operations(self, stack_set: StackSetRef, known: Collection[str]) -> tuple[StackSetOperation, ...]:
        def read(**who: Any) -> tuple[StackSetOperation, ...]:
            found: list[StackSetOperation] = []
            client = self._client(stack_set)
            rows = pages(client.list_stack_set_operations, "Summaries", StackSetName=stack_set.name, **who)
            for number, row in enumerate(rows):
                # Their order is not promised, so a page is read to its end.
                if number >= OPERATIONS_MAX or (number >= PAGE and len(found) < number):
                    break
                if row["OperationId"] not in known:
                    found.append(_operation(row))
            return tuple(found)

        with explained():
            try:
                return self._asked(stack_set, read)
            except Exception as error:
                if error_code(error) == "StackSetNotFoundException":
                    return ()
                raise

    def instances(self, stack_set: StackSetRef, operation_id: str) -> tuple[StackSetInstance, ...]:
        def read(**who: Any) -> tuple[StackSetInstance, ...]:
            rows = pages(
                self._client(stack_set).list_stack_set_operation_results,
                "Summaries",
                StackSetName=stack_set.name,
                OperationId=operation_id,
                **who,
            )
            return tuple(
                StackSetInstance(
                    row.get("Account", ""), row.get("Region", ""), row["Status"], row.get("StatusReason", "")
                )
                for row in rows
            )

        with explained():
            return self._asked(stack_set, read)

    def stack_ids(self, stack_set: StackSetRef, operation_id: str) -> dict[tuple[str, str], str]:
        def read(**who: Any) -> dict[tuple[str, str], str]:
            rows = pages(
                self._client(stack_set).list_stack_instances,
                "Summaries",
                StackSetName=stack_set.name,
                Filters=[{"Name": "LAST_OPERATION_ID", "Values": operation_id}],
                **who,
            )
            return {(row["Account"], row["Region"]): row.get("StackId", "") for row in rows}

        with explained():
            return self._asked(stack_set, read)

    def _asked(self, stack_set: StackSetRef, read: Callable[..., T]) -> T:
        """As oneself, and as a delegated administrator where oneself has no such stack set."""
        if stack_set in self._as:
            return read(**self._as[stack_set])
        try:
            found = read()
        except Exception as error:
            if error_code(error) != "StackSetNotFoundException":
                raise
            who = {"CallAs": "DELEGATED_ADMIN"}
            try:
                found = read(**who)
            except Exception as second:
                if error_code(second) in _NOT_DELEGATED:
                    raise error from None
                raise
            self._as[stack_set] = who
            return found
        self._as[stack_set] = {}
        return found

    def _client(self, stack_set: StackSetRef) -> Any:
        return self._clients.client(_SERVICE, stack_set.region, one_try=True)


def _operation(row: dict[str, Any]) -> StackSetOperation:
    return StackSetOperation(
        operation_id=row["OperationId"],
        action=row.get("Action", ""),
        status=row.get("Status", ""),
        created_at=row["CreationTimestamp"].timestamp() if "CreationTimestamp" in row else 0.0,
        reason=row.get("StatusReason", ""),
    )
