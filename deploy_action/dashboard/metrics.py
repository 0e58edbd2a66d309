"""The figures that a team steers by, of a set of deployments. The page computes the same of what it filters.

Shares are between 0 and 1, times in seconds; None where there is nothing to compute a figure from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy_action.estimation.accuracy import accuracy_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.dashboard.timeline import Entry

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Typical:
    """The middle and what nine of ten stay below; `count` says of how many."""

    count: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True)
class Figures:
    """`per_day`: deployments that changed something, and well. `failure_rate`: of those that came to a
    verdict, the share that failed or was rolled back. `open_failures`: those that no good one followed yet.
    `coverage`: how many estimates held, of `scored`; `median_error`: of the middle, without sign."""

    count: int
    succeeded: int
    failed: int
    per_day: float
    failure_rate: float | None
    restore: Typical | None
    open_failures: int
    lead: Typical | None
    queue: Typical | None
    duration: Typical | None
    scored: int
    coverage: float | None
    median_error: float | None


@dataclass(frozen=True, slots=True)
class Restore:
    """The consequence of a failure: `seconds` from its end to that of the deployment which made all its
    stacks good again, None where none did yet."""

    seconds: float | None


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


def figures(
    entries: Sequence[Entry], restores: Mapping[str, Restore], *, since: float, until: float
) -> Figures:
    """Of the entries that are given; `restores` as `dashboard.restore_times` finds them in the whole
    history, so that
    a cut in time does not hide what came after. `since` and `until`, unix seconds, are the time they span;
    less than a day counts as one."""
    succeeded = sum(entry.succeeded for entry in entries)
    failed = sum(entry.bad for entry in entries)
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
        open_failures=sum(one.seconds is None for one in begun),
        lead=typical(entry.lead_seconds for entry in entries),
        queue=typical(entry.queue_seconds for entry in entries),
        duration=typical(entry.deployment.seconds for entry in entries if entry.succeeded),
        scored=accuracy.count if accuracy else 0,
        coverage=accuracy.coverage if accuracy else None,
        median_error=accuracy.median_error if accuracy else None,
    )
