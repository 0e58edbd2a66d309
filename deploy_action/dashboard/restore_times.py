"""How long failures lasted: from a bad deployment to the next good one of the same stacks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from deploy_action.dashboard.metrics import Restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.dashboard.timeline import Entry

    Place = tuple[str, str]


def restores_of(entries: Sequence[Entry]) -> dict[str, Restore]:
    """By correlation id, of each deployment that began a failure; `entries` are the oldest first.

    Failures in a row of one stack are one: only the first is there. A deployment of several stacks is over
    when each of them was deployed well again, or found to need no change. Others than good and bad ones
    (cancelled, unknown) neither begin nor end a failure.
    """
    found: dict[str, Restore] = {}
    broken: dict[Place, Entry] = {}
    left: dict[str, set[Place]] = {}
    for entry in entries:
        if entry.bad:
            new = {place for place in entry.places if place not in broken}
            if new:
                broken |= dict.fromkeys(new, entry)
                name = entry.deployment.correlation_id
                left[name] = new
                found[name] = Restore(None)
        elif entry.good and broken:
            for place in _mended(entry, broken):
                first = broken.pop(place)
                name = first.deployment.correlation_id
                left[name].discard(place)
                if not left[name]:
                    found[name] = Restore(entry.ended - first.ended)
    return found


def _mended(entry: Entry, broken: dict[Place, Entry]) -> list[Place]:
    """A deployment that failed before a stack was seen knows its stacks by a pattern only."""
    places = entry.places
    exact = [place for place in places if place in broken]
    patterns = [
        (home, pattern)
        for home, pattern in broken
        if _is_pattern(pattern)
        and any(home == at and fnmatchcase(stack, pattern) for at, stack in places if not _is_pattern(stack))
    ]
    return [*exact, *(place for place in patterns if place not in exact)]


def _is_pattern(stack: str) -> bool:
    return not stack or any(sign in stack for sign in "*?[")
