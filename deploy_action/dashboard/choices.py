"""The figures of everything that a reader of the page can choose: a period, an environment, a stack.

They are computed here alone; the page looks them up.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from deploy_action.dashboard.metrics import DAY, Figures, figures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.dashboard.metrics import Restore
    from deploy_action.dashboard.timeline import Entry

PERIODS_DAYS = (7, 30, 90, 365)
KEYS_MAX = 3_000
"""Environments, stacks and pairs of them; those with the fewest deployments are left out."""
ALL = ""

Key = tuple[str | None, str | None]
"""Environment and stack; None for all."""


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
