"""Which stacks globs mean, and which of the watched ones have ended: told by lists, not stack by stack.

A list of all stacks costs a request for each hundred in the account, so it is read at the begin (the
baseline) and at the end only. In between, the list of those in progress says what has begun and what is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import StackRef
from deploy_action.errors import StackSourceError
from deploy_action.monitoring.baseline import change_mark, lived_since

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from deploy_action.cloudformation.ports import StackSource
    from deploy_action.cloudformation.stacks import StackState
    from deploy_action.common.instants import MonotonicTime
    from deploy_action.monitoring.baseline import Baseline

LISTING_SECONDS = 10.0
"""Between two lists of the stacks in progress."""


@dataclass(slots=True)
class Listed:
    """The result of one look at the lists: stacks that belong to the deployment, and those of which `True`
    says that all of their events do."""

    found: list[tuple[StackState, bool]] = field(default_factory=list)
    statuses: dict[str, str] | None = None
    """By stack id; of all stacks, or of those in progress. None where not every list could be read."""


class StackListing:
    """Never raises StackSourceError: errors are appended to the list that is handed in."""

    def __init__(self, source: StackSource, baseline: Baseline) -> None:
        self._source = source
        self._baseline = baseline
        self._globs = [(pattern, dict(seen)) for pattern, seen in baseline.glob_seen]
        self._due = 0.0
        self._whole_failed: StackSourceError | None = None
        self._busy_failed: StackSourceError | None = None
        self._deleted_failed: StackSourceError | None = None

    def __bool__(self) -> bool:
        return bool(self._globs)

    @property
    def failed(self) -> StackSourceError | None:
        """Why the last list of living stacks could not be read."""
        return self._whole_failed or self._busy_failed

    @property
    def readable(self) -> bool:
        return self.failed is None and self._deleted_failed is None

    def due(self, now: MonotonicTime) -> bool:
        return bool(self._globs) and now >= self._due

    def wait_seconds(self, now: MonotonicTime) -> float:
        return max(0.0, self._due - now)

    def hurry(self, now: MonotonicTime) -> None:
        self._due = now

    def in_progress(self, now: MonotonicTime, errors: list[StackSourceError]) -> Listed:
        """The stacks that CloudFormation is working on."""
        self._busy_failed, self._due = None, now + LISTING_SECONDS
        listed = Listed(statuses={})
        for pattern, seen in self._globs:
            try:
                states = self._source.in_progress(pattern)
            except StackSourceError as error:
                errors.append(error)
                self._busy_failed, listed.statuses = error, None
                self._due = now + 2 * LISTING_SECONDS
                continue
            _add(listed, states)
            listed.found += [(state, state.stack_id not in seen) for state in states if state.in_progress]
        return listed

    def whole(
        self,
        now: MonotonicTime,
        watched: Iterable[str],
        errors: list[StackSourceError],
        between: Callable[[], object],
    ) -> Listed:
        """All stacks that are not deleted, and what became of those that are not listed any more."""
        self._whole_failed = self._busy_failed = None
        self._due = now + LISTING_SECONDS
        listed, known = Listed(statuses={}), set(watched)
        for pattern, seen in self._globs:
            try:
                states = self._source.matching(pattern, between_pages=between)
            except StackSourceError as error:
                errors.append(error)
                self._whole_failed, listed.statuses = error, None
                self._due = now + 2 * LISTING_SECONDS
                continue
            _add(listed, states)
            listed.found += [
                (state, state.stack_id not in seen)
                for state in states
                if seen.get(state.stack_id) != change_mark(state) or state.in_progress
            ]
            for stack_id in sorted(seen.keys() - {state.stack_id for state in states} - known):
                between()
                self._look_for(StackRef(pattern.region, stack_id), seen[stack_id], listed, errors)
        return listed

    def _look_for(self, stack: StackRef, mark: float, listed: Listed, errors: list[StackSourceError]) -> None:
        """A list leaves out what is deleted, and may leave out what it does not show yet."""
        try:
            state = self._source.describe(stack)
        except StackSourceError as error:
            errors.append(error)
            self._whole_failed = error
            return
        if state is not None and (state.status.startswith("DELETE_") or change_mark(state) != mark):
            listed.found.append((state, False))

    def deleted(
        self, roots: Iterable[StackRef], errors: list[StackSourceError], between: Callable[[], object]
    ) -> list[StackState]:
        """A stack that was created and deleted again between two looks: no list of living stacks shows it."""
        names = [root for root in roots if not root.name.startswith("arn:")]
        found: list[StackState] = []
        self._deleted_failed = None
        for pattern in [*(pattern for pattern, _ in self._globs), *names]:
            try:
                states = self._source.deleted(pattern, between_pages=between)
            except StackSourceError as error:
                errors.append(error)
                self._deleted_failed = error
                return found
            found += [state for state in states if lived_since(self._baseline, state)]
        return found

    @property
    def deleted_known(self) -> bool:
        return self._deleted_failed is None


def _add(listed: Listed, states: Iterable[StackState]) -> None:
    if listed.statuses is not None:
        listed.statuses |= {state.stack_id: state.status for state in states}
