"""`expect-changes-within`: a command that starts its deployment remotely ends before anything began.

A pipeline, a hosted build or an orchestrator answers at once and deploys later, so that neither the command's
exit code nor stacks at rest say that the deployment is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy_action.common.times import duration
from deploy_action.errors import VerdictUnknown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from deploy_action.cloudformation.operation import Operation
    from deploy_action.cloudformation.stacks import StackRef
    from deploy_action.common.instants import MonotonicTime

    Places = Collection[tuple[str, str]]
    """(region, name) of stacks on which an operation was seen since the command began."""


class ExpectedChanges:
    """The stacks on which a change has to begin within `seconds` after the command's end, or after the last
    change that was seen: stacks are often deployed one after the other. None expects none."""

    def __init__(self, stacks: Iterable[StackRef], seconds: float | None) -> None:
        self._stacks = tuple(stacks)
        self._seconds = seconds
        self._since: float | None = None
        self._missing: tuple[StackRef, ...] = ()

    def __bool__(self) -> bool:
        return self._seconds is not None

    def still_to_come(self, changed: Places, now: MonotonicTime, *, tell: Callable[[str], None]) -> bool:
        """Whether to wait on. Asked while all is at rest; the first call says that the command has ended.
        `now`: seconds of this machine's monotonic clock."""
        if self._seconds is None:
            return False
        missing = _unchanged(self._stacks, changed)
        if self._since is None or missing != self._missing:
            self._since, self._missing = now, missing
            if missing:
                tell(
                    f"The command ended. Waiting up to {duration(self._seconds)} for a change to begin on "
                    f"{_names(missing)}, as `expect-changes-within` asks."
                )
        return bool(missing) and now - self._since < self._seconds

    def check(self, changed: Places, *, note: Callable[[str], None]) -> None:
        """At the end. Notes the stacks on which nothing began; raises VerdictUnknown where nothing began at
        all."""
        missing = _unchanged(self._stacks, changed)
        if self._seconds is None or not missing:
            return
        if not changed:
            raise nothing_began(missing, self._seconds)
        note(
            f"Nothing began on {_names(missing)} within {duration(self._seconds)} (`expect-changes-within`)."
        )


def nothing_began(stacks: Iterable[StackRef], seconds: float) -> VerdictUnknown:
    return VerdictUnknown(
        f"No change began on {_names(stacks)} within {duration(seconds)}, as `expect-changes-within` asks.",
        why="The deployment is started remotely: it may still begin, or have failed before CloudFormation "
        "heard of it. Unknown is not success.",
        remedy="Look at the tool that was started, such as the pipeline's page. Raise "
        "`expect-changes-within` if it needs longer; take the input away where a run may change nothing.",
    )


def places_of(operation: Operation) -> frozenset[tuple[str, str]]:
    """Where an operation was seen."""
    return frozenset((root.region, root.name) for root in operation.roots if root.started is not None)


def is_of(wanted: StackRef, region: str, name: str) -> bool:
    """Whether a stack is the one that was asked for, or one of its glob."""
    return region == wanted.region and (name == wanted.short_name or wanted.matches(name))


def _unchanged(stacks: Iterable[StackRef], changed: Places) -> tuple[StackRef, ...]:
    return tuple(stack for stack in stacks if not any(is_of(stack, *place) for place in changed))


def _names(stacks: Iterable[StackRef]) -> str:
    return ", ".join(str(stack) for stack in stacks)
