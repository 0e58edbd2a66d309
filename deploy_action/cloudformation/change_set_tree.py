"""A change set with those of the nested stacks, as they hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from deploy_action.cloudformation.change_set import Change, ChangeSet
    from deploy_action.cloudformation.ports import ChangeSetSource

NESTED_STACK = "AWS::CloudFormation::Stack"
CHANGE_SETS_MAX = 100
"""Of one root stack; what lies beyond is said to be unread."""


@dataclass(frozen=True, slots=True)
class PlannedStack:
    """The change set of one stack. `path`: the name of the root stack, with the logical ids of nested ones
    behind it, such as `shop/Database`. `unread`: why the change sets of nested stacks in it could not be
    read; empty where all were."""

    region: str
    path: str
    change_set: ChangeSet
    unread: str = ""

    @property
    def stack(self) -> StackRef:
        return StackRef(self.region, self.change_set.stack_id)


def _left_out(path: str, root: ChangeSet, change: Change) -> str:
    """A nested stack that stays, of which a change set without those of nested stacks tells nothing."""
    if root.include_nested or change.resource_type != NESTED_STACK or change.action != "Modify":
        return ""
    return (
        f"`{path}/{change.logical_id}` is a nested stack, and the change set was made without those of "
        "nested stacks: what changes in it is not known."
    )


def read_tree(
    source: ChangeSetSource, region: str, root: ChangeSet, *, values: bool = False
) -> tuple[PlannedStack, ...]:
    """The root first, nested ones behind their parents. What cannot be read of nested ones is said,
    not raised."""
    found: list[PlannedStack] = []
    waiting = [(root.stack_name, root)]
    read = 1
    while waiting:
        path, change_set = waiting.pop(0)
        unread = ""
        for change in change_set.changes:
            if not change.nested_arn:
                unread = unread or _left_out(path, root, change)
                continue
            if read >= CHANGE_SETS_MAX:
                unread = f"there are more than {CHANGE_SETS_MAX} nested change sets"
                break
            try:
                nested = source.change_set(StackRef(region, ""), change.nested_arn, values=values)
            except StackSourceError as error:
                unread = f"{path}/{change.logical_id}: {error.what}"
                continue
            read += 1
            waiting.append((f"{path}/{change.logical_id}", nested))
        found.append(PlannedStack(region, path, change_set, unread))
    return tuple(found)
