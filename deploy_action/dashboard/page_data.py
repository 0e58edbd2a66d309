"""The data of the dashboard's page: columns of numbers, and each text once.

Everything here is data. The page shows it by `textContent` only; addresses are checked here.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from deploy_action.common.escape import one_line
from deploy_action.dashboard.cause_groups import group_of
from deploy_action.dashboard.metrics import Figures, Typical, choices, quantile
from deploy_action.dashboard.sections import web_address
from deploy_action.history.estimate import holds

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from deploy_action.common.instants import WallTime
    from deploy_action.dashboard.metrics import Restore
    from deploy_action.dashboard.timeline import Entry

RESOURCES_MAX = 400
PER_STACK_MAX = 20
MEASUREMENTS_MAX = 100
"""Of one resource, the newest."""
CAUSES_MAX = 2_000
COMMIT_LENGTH = 12
"""Enough for GitHub to find it."""
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_OUTCOMES = ("succeeded", "no-changes", "failed", "rolled-back", "busy", "skipped", "cancelled", "unknown")


class Table:
    """Each value once, in the order in which they came; a row holds its place."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}
        self.values: list[Any] = []

    def place(self, key: Hashable, shown: object = None) -> int:
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(key if shown is None else shown)
        return self._places[key]


def page_data(
    entries: Sequence[Entry],
    restores: Mapping[str, Restore],
    unusual: Mapping[str, Sequence[str]],
    *,
    now: WallTime,
) -> dict[str, Any]:
    """`entries` are the oldest first. Times in whole unix seconds, durations in seconds, null if unknown.

    `outcome` of a row: what is counted, by its place in `_OUTCOMES`; `word`: how people are shown it.
    `why` of a row: the group of its cause, null where it did not fail. `restore`: seconds, -1 where the
    failure lasts still, null where the row began none.
    """
    environments, stacks, sets, actors, heads, repositories, whys, words = (Table() for _ in range(8))
    rows: dict[str, list[Any]] = defaultdict(list)
    causes_from = len(entries) - CAUSES_MAX
    for number, entry in enumerate(entries):
        deployment, estimate = entry.deployment, entry.deployment.estimate
        names = [stacks.place(one_line(stack, 200)) for stack in entry.stacks]
        head, tail = _parted(entry.url)
        restore = restores.get(deployment.correlation_id)
        for name, value in {
            "ended": round(entry.ended),
            "environment": environments.place(one_line(entry.environment, 100)),
            "stacks": sets.place(tuple(names), names),
            "outcome": _OUTCOMES.index(entry.outcome),
            "word": words.place(entry.words),
            "seconds": _short(deployment.seconds),
            "queue": _short(entry.queue_seconds),
            "lead": _short(entry.lead_seconds),
            "turnaround": _short(entry.turnaround_seconds),
            "low": _short(estimate.low_seconds if estimate else None),
            "mid": _short(estimate.mid_seconds if estimate else None),
            "high": _short(estimate.high_seconds if estimate else None),
            "held": _held(entry),
            "restore": _restore(restore),
            "actor": actors.place(one_line(entry.actor, 100)),
            "id": one_line(deployment.correlation_id, 60),
            "repository": repositories.place(one_line(entry.repository, 100)),
            "commit": entry.commit[:COMMIT_LENGTH] if _COMMIT.fullmatch(entry.commit) else "",
            "head": heads.place(head),
            "tail": tail,
            "cause": one_line(entry.cause, 240) if number >= causes_from else "",
            "why": whys.place(group_of(entry.cause)) if entry.bad else None,
        }.items():
            rows[name].append(value)
    places = {entry.deployment.correlation_id: number for number, entry in enumerate(entries)}
    return {
        "generated": round(now),
        "words": words.values,
        "environments": environments.values,
        "stacks": stacks.values,
        "sets": sets.values,
        "actors": actors.values,
        "heads": heads.values,
        "repositories": repositories.values,
        "whys": whys.values,
        "rows": rows,
        "unusual": {
            str(places[name]): [one_line(why, 600) for why in found] for name, found in unusual.items()
        },
        "resources": _resources(entries, stacks),
        "figures": _choices(entries, restores, environments, stacks, now=now),
        "figureNames": [one.name for one in fields(Figures)],
    }


def _choices(
    entries: Sequence[Entry],
    restores: Mapping[str, Restore],
    environments: Table,
    stacks: Table,
    *,
    now: WallTime,
) -> dict[str, dict[str, list[Any]]]:
    """By period, then by `ENVIRONMENT,STACK` as places in their tables (-1: all): the figures in the order of
    `figureNames`, and those of the time before as one more list. A typical value is [count, median, p90]."""

    def place(table: Table, name: str | None, limit: int) -> int:
        return -1 if name is None else table.place(one_line(name, limit))

    return {
        period: {
            f"{place(environments, key[0], 100)},{place(stacks, key[1], 200)}": [
                _figures(now_),
                None if before is None else _figures(before),
            ]
            for key, (now_, before) in of_period.items()
        }
        for period, of_period in choices(entries, restores, now=now).items()
    }


def _figures(found: Figures) -> list[Any]:
    def told(value: object) -> object:
        if isinstance(value, Typical):
            return [value.count, _short(value.median), _short(value.p90)]
        return round(value, 4) if isinstance(value, float) else value

    return [told(getattr(found, one.name)) for one in fields(Figures)]


def script_json(data: object) -> str:
    """JSON for inside of a script element: nothing in it ends the element, or a line of script."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _restore(restore: Restore | None) -> float | int | None:
    if restore is None:
        return None
    return -1 if restore.seconds is None else _short(restore.seconds)


def _held(entry: Entry) -> int | None:
    """Of an estimate that can be scored, as in `estimation.accuracy`: 1 or 0."""
    deployment = entry.deployment
    if not (deployment.estimate and deployment.seconds and deployment.good):
        return None
    return int(holds(deployment.estimate, deployment.seconds))


def _short(seconds: float | None) -> float | int | None:
    if seconds is None:
        return None
    return round(seconds) if seconds >= 100 or seconds == round(seconds) else round(seconds, 1)


def _parted(url: str) -> tuple[str, str]:
    """The repository's address, and the rest; empty texts for what is no address of the web."""
    if not web_address(url):
        return "", ""
    head, sign, tail = url.partition("/actions/")
    return (head, sign + tail) if sign else ("", url)


def _resources(entries: Sequence[Entry], stacks: Table) -> list[dict[str, Any]]:
    """The slowest of each stack, each with its newest measurements by row."""
    found: dict[tuple[str, str, str], list[tuple[int, float]]] = defaultdict(list)
    types: dict[tuple[str, str, str], str] = {}
    for number, entry in enumerate(entries):
        for run in entry.deployment.runs:
            for step in run.steps:
                key = (run.stack, step.label, step.action)
                found[key].append((number, step.seconds))
                types[key] = step.resource_type
    slow = {
        key: quantile([seconds for _, seconds in of[-MEASUREMENTS_MAX:]], 0.5) for key, of in found.items()
    }
    chosen: list[tuple[str, str, str]] = []
    taken: dict[str, int] = defaultdict(int)
    for key in sorted(slow, key=lambda key: (-slow[key], key)):
        taken[key[0]] += 1
        if taken[key[0]] <= PER_STACK_MAX:
            chosen.append(key)
    return [
        {
            "stack": stacks.place(one_line(key[0], 200)),
            "label": one_line(key[1], 200),
            "type": one_line(types[key], 100),
            "action": one_line(key[2], 20),
            "at": [number for number, _ in found[key][-MEASUREMENTS_MAX:]],
            "seconds": [_short(seconds) for _, seconds in found[key][-MEASUREMENTS_MAX:]],
        }
        for key in chosen[:RESOURCES_MAX]
    ]
