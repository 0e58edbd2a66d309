"""A change set with those of the nested stacks, as they hang together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import StackSourceError

if TYPE_CHECKING:
    from deploy_action.cloudformation.change_set import ChangeSet
    from deploy_action.cloudformation.ports import ChangeSetSource

NESTED_STACK = "AWS::CloudFormation::Stack"
CHANGE_SETS_MAX = 100
"""Of one root stack; what lies beyond is said to be unread."""


@dataclass(frozen=True, slots=True)
class PlannedStack:
    """The change set of one stack. `path`: the name of the root stack, with the logical ids of nested ones
    behind it, such as `shop/Database`. `unread`: the nested stacks in it whose change sets could not be read,
    as pairs of logical id and why; `left_out`: those of whose changes the change set says nothing."""

    region: str
    path: str
    change_set: ChangeSet
    unread: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def stack(self) -> StackRef:
        return StackRef(self.region, self.change_set.stack_id)

    @property
    def gaps(self) -> tuple[str, ...]:
        """A sentence for each nested stack whose changes are not known."""
        said = [f"`{self.path}/{name}` could not be looked into: {why}" for name, why in self.unread]
        said += [
            f"`{self.path}/{name}` is a nested stack, and the change set was made without those of nested "
            "stacks: what changes in it is not known."
            for name in self.left_out
        ]
        return tuple(said)


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
        unread: list[tuple[str, str]] = []
        for change in change_set.changes:
            if not change.nested_arn:
                continue
            if read >= CHANGE_SETS_MAX:
                why = f"there are more than {CHANGE_SETS_MAX} nested change sets."
                unread.append((change.logical_id, why))
                continue
            try:
                nested = source.change_set(StackRef(region, ""), change.nested_arn, values=values)
            except StackSourceError as error:
                unread.append((change.logical_id, error.what))
                continue
            read += 1
            waiting.append((f"{path}/{change.logical_id}", nested))
        found.append(PlannedStack(region, path, change_set, tuple(unread), _left_out(root, change_set)))
    return tuple(found)


def _left_out(root: ChangeSet, change_set: ChangeSet) -> tuple[str, ...]:
    """Nested stacks that stay, of which a change set without those of nested stacks tells nothing."""
    return tuple(
        change.logical_id
        for change in change_set.changes
        if change.resource_type == NESTED_STACK
        and change.action == "Modify"
        and not (root.include_nested or change.nested_arn)
    )
