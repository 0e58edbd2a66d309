"""Calls of CloudFormation about stack sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from deploy_action.monitoring.stack_sets import StackSetInstance, StackSetOperation, StackSetRef


class StackSetSource(Protocol):
    """Read-only view of StackSets. Every method raises StackSourceError and nothing else."""

    def operations(self, stack_set: StackSetRef, known: Collection[str]) -> Sequence[StackSetOperation]:
        """Its operations whose ids are not known; () where there is no such stack set."""
        ...

    def instances(self, stack_set: StackSetRef, operation_id: str) -> Sequence[StackSetInstance]:
        """The state of each account and region in an operation, without the ids of their stacks."""
        ...

    def stack_ids(self, stack_set: StackSetRef, operation_id: str) -> Mapping[tuple[str, str], str]:
        """By (account, region), of the stacks that the operation was the last to work on."""
        ...
