"""How long failures lasted: from a bad deployment to the next good one of the same stacks."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from deploy_action.dashboard.metrics import Restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.dashboard.timeline import Entry

    Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outage:
    """A stack that no good deployment followed the last bad one of. `since`: the end of the first bad one,
    unix seconds; `tries`: the bad ones so far; `last`: the newest of them."""

    environment: str
    stack: str
    since: float
    tries: int
    last: Entry


def restores_of(entries: Sequence[Entry]) -> dict[str, Restore]:
    """By correlation id, of each deployment that began a failure; `entries` are the oldest first.

    Failures in a row of one stack are one: only the first is there. A deployment of several stacks is over
    when each of them was deployed well again, or found to need no change. Others than good and bad ones
    (cancelled, unknown) neither begin nor end a failure.
    """
    return _followed(entries)[0]


def broken_now(entries: Sequence[Entry]) -> tuple[Outage, ...]:
    """The stacks that are broken still, the newest first; `entries` are the oldest first."""
    return tuple(sorted(_followed(entries)[1], key=lambda one: -one.since))


def _followed(entries: Sequence[Entry]) -> tuple[dict[str, Restore], list[Outage]]:
    found: dict[str, Restore] = {}
    broken: dict[Place, list[Entry]] = {}
    left: dict[str, set[Place]] = {}
    tries: dict[str, int] = {}
    for entry in entries:
        if entry.bad:
            new = {place for place in entry.places if place not in broken}
            for place in entry.places:
                broken.setdefault(place, []).append(entry)
            for name in {broken[place][0].deployment.correlation_id for place in entry.places} & left.keys():
                tries[name] += 1
            if new:
                name = entry.deployment.correlation_id
                left[name], tries[name] = new, 1
                found[name] = Restore(None)
        elif entry.good and broken:
            for place in _mended(entry, broken):
                first = broken.pop(place)[0]
                name = first.deployment.correlation_id
                left[name].discard(place)
                if not left[name]:
                    found[name] = Restore(entry.ended - first.ended, tries[name] + 1)
    return found, [
        Outage(series[-1].environment, place[1], series[0].ended, len(series), series[-1])
        for place, series in broken.items()
    ]


def _mended(entry: Entry, broken: dict[Place, list[Entry]]) -> list[Place]:
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
