"""Deleting resources, dependants first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.fakes.cloudformation import nested

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fakes.cloudformation.resources import Definition
    from tests.fakes.cloudformation.run import Run

RETRY_SECONDS = 180.0


@dataclass(frozen=True)
class Doomed:
    """A physical resource to delete; `physical` is None if it was never made."""

    definition: Definition
    physical: str | None
    keep: bool = False


def remove(
    run: Run, doomed: Sequence[Doomed], start: float, *, attempts: int = 1, cleanup: bool = False
) -> tuple[float, list[str]]:
    """Write the deletions; gives the moment of the last and the logical ids that could not be deleted."""
    by_name: dict[str, list[Doomed]] = {}
    for item in doomed:
        by_name.setdefault(item.definition.logical_id, []).append(item)
    dependants: dict[str, set[str]] = {name: set() for name in by_name}
    for name, items in by_name.items():
        for item in items:
            for target in item.definition.depends:
                if target in dependants and target != name:
                    dependants[target].add(name)
    finish: dict[str, float] = {}
    failed: list[str] = []
    for name in _last_first(dependants):
        waits = [finish[other] for other in dependants[name]]
        begin = max([start, *waits]) + run.lag(0.05, 0.6, name, "remove")
        for item in by_name[name]:
            end, gone = _remove_one(run, item, begin, attempts, cleanup)
            finish[name] = max(end, finish.get(name, end))
            if not gone:
                failed.append(name)
    run.stack.events.sort(key=lambda event: event.time)
    return max([start, *finish.values()]), failed


def _last_first(dependants: dict[str, set[str]]) -> list[str]:
    waiting = {name: set(others) for name, others in dependants.items()}
    ordered: list[str] = []
    while waiting:
        ready = [name for name, others in waiting.items() if not others] or list(waiting)
        for name in ready:
            del waiting[name]
        for others in waiting.values():
            others.difference_update(ready)
        ordered += ready
    return ordered


def _remove_one(run: Run, item: Doomed, begin: float, attempts: int, cleanup: bool) -> tuple[float, bool]:
    definition, physical = item.definition, item.physical
    if item.keep:
        return run.emit(begin, definition, "DELETE_SKIPPED", physical=physical, unique=cleanup), True
    if physical is None:
        return run.emit(begin + 0.4, definition, "DELETE_COMPLETE", unique=cleanup), True
    when = begin
    for attempt in range(attempts):
        when += RETRY_SECONDS + 1 if attempt else 0.0
        run.emit(when, definition, "DELETE_IN_PROGRESS", physical=physical, unique=cleanup)
        when, reason = _try(run, item, when)
        if reason is None:
            return run.emit(when, definition, "DELETE_COMPLETE", physical=physical, unique=cleanup), True
        run.emit(when, definition, "DELETE_FAILED", reason, physical=physical, unique=cleanup)
    return when, False


def _try(run: Run, item: Doomed, when: float) -> tuple[float, str | None]:
    definition = item.definition
    if definition.is_nested and item.physical:
        return nested.delete_child(run, item.physical, when)
    reason = run.ground_failure(definition, "delete", when)
    if run.hangs(definition, "delete"):
        return when + 86_400.0, "Resource is not in the state resourceDeleteComplete"
    return when + run.seconds(definition, "delete"), reason
