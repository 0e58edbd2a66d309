"""The figures that a team steers by, of a set of deployments.

Shares are between 0 and 1, times in seconds; None where there is nothing to compute a figure from.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.estimation.accuracy import accuracy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.dashboard.timeline import Entry

DAY = 86_400.0
TREND_HALF_MIN = 4
PERIODS_DAYS = (7, 30, 90, 365)
KEYS_MAX = 3_000
"""Environments, stacks and pairs of them; those with the fewest deployments are left out."""
ALL = ""

Key = tuple[str | None, str | None]
"""Environment and stack; None for all."""


@dataclass(frozen=True, slots=True)
class Typical:
    """The middle and what nine of ten stay below; `count` says of how many."""

    count: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`lead`: from the commit to the end of the deployment that brought it; `turnaround`: from the request to
    that end. `tries`: deployments until a failure was over, the first bad and the good one included. `trend`:
    by which share the newer half of the good ones takes longer than the older half.
    `per_day`: deployments that changed something, and well. `failure_rate`: of those that came to a
    verdict, the share that failed or was rolled back. `open_failures`: those that no good one followed yet.
    `coverage`: how many estimates held, of `scored`; `median_error`: of the middle, without sign."""

    count: int
    succeeded: int
    failed: int
    per_day: float
    failure_rate: float | None
    restore: Typical | None
    tries: Typical | None
    open_failures: int
    lead: Typical | None
    turnaround: Typical | None
    queue: Typical | None
    longest_wait: float | None
    duration: Typical | None
    trend: float | None
    scored: int
    coverage: float | None
    median_error: float | None


@dataclass(frozen=True, slots=True)
class Restore:
    """The consequence of a failure: `seconds` from its end to that of the deployment which made all its
    stacks good again, None where none did yet; `tries`: how many deployments that took, with both ends."""

    seconds: float | None
    tries: int | None = None


def quantile(values: Iterable[float], share: float) -> float:
    """Between the two nearest values, in proportion. Raises IndexError where there are none."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def typical(values: Iterable[float | None]) -> Typical | None:
    known = [value for value in values if value is not None]
    return Typical(len(known), quantile(known, 0.5), quantile(known, 0.9)) if known else None


def trend(values: Sequence[float]) -> float | None:
    """How much larger the middle of the newer half is, as a share; None of too few. The oldest is first."""
    half = len(values) // 2
    if half < TREND_HALF_MIN:
        return None
    older, newer = quantile(values[:half], 0.5), quantile(values[-half:], 0.5)
    return newer / older - 1 if older > 0 else None


def figures(
    entries: Sequence[Entry], restores: Mapping[str, Restore], *, since: float, until: float
) -> Figures:
    """Of the entries that are given; `restores` as `dashboard.restore_times` finds them in the whole
    history, so that
    a cut in time does not hide what came after. `since` and `until`, unix seconds, are the time they span;
    less than a day counts as one."""
    succeeded = sum(entry.succeeded for entry in entries)
    failed = sum(entry.bad for entry in entries)
    durations = [
        entry.deployment.seconds for entry in entries if entry.succeeded and entry.deployment.seconds
    ]
    waits = [entry.queue_seconds for entry in entries if entry.queue_seconds is not None]
    accuracy = accuracy_of(entry.deployment for entry in entries)
    begun = [
        restores[entry.deployment.correlation_id]
        for entry in entries
        if entry.deployment.correlation_id in restores
    ]
    return Figures(
        count=len(entries),
        succeeded=succeeded,
        failed=failed,
        per_day=succeeded / max(1.0, (until - since) / DAY),
        failure_rate=failed / (succeeded + failed) if succeeded + failed else None,
        restore=typical(one.seconds for one in begun),
        tries=typical(one.tries for one in begun),
        open_failures=sum(one.seconds is None for one in begun),
        lead=typical(entry.lead_seconds for entry in entries),
        turnaround=typical(entry.turnaround_seconds for entry in entries),
        queue=typical(waits),
        longest_wait=max(waits, default=None),
        duration=typical(durations),
        trend=trend(durations),
        scored=accuracy.count if accuracy else 0,
        coverage=accuracy.coverage if accuracy else None,
        median_error=accuracy.median_error if accuracy else None,
    )


def choices(
    entries: Sequence[Entry], restores: Mapping[str, Restore], *, now: WallTime
) -> dict[str, dict[Key, tuple[Figures, Figures | None]]]:
    """By period in days as a text (empty: everything), then by key: the figures, and those of as long a time
    before it, None where there are none. Choices without deployments are not there."""
    by_key: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        for stack in (None, *dict.fromkeys(entry.stacks)):
            by_key[None, stack].append(entry)
            by_key[entry.environment, stack].append(entry)
    keys = sorted(by_key, key=lambda key: -len(by_key[key]))[:KEYS_MAX]
    last = max([now, *(entry.ended for entry in entries[-1:])])
    first = entries[0].ended if entries else now
    found: dict[str, dict[Key, tuple[Figures, Figures | None]]] = {
        ALL: {key: (figures(by_key[key], restores, since=first, until=last), None) for key in keys}
    }
    for days in PERIODS_DAYS:
        since = now - days * DAY
        of_period: dict[Key, tuple[Figures, Figures | None]] = {}
        for key in keys:
            within = [entry for entry in by_key[key] if entry.ended >= since]
            if not within:
                continue
            before = [entry for entry in by_key[key] if since - days * DAY <= entry.ended < since]
            of_period[key] = (
                figures(within, restores, since=since, until=last),
                figures(before, restores, since=since - days * DAY, until=since) if before else None,
            )
        found[str(days)] = of_period
    return found
