"""The longest way through what must be done one after the other, with durations that are not certain.

Drawn, not computed: the middle of a maximum is more than the maximum of the middles. The draws are the same
each time, so the same question has the same answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from deploy_action.cloudformation.stacks import STACK_TYPE
from deploy_action.cloudformation.template_graph import nearest
from deploy_action.estimation.type_dependencies import WAITS_FOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deploy_action.history.duration_distribution import DurationDistribution
    from deploy_action.history.resource_order import Order

DRAWS = 160
SHARES = [((index * 61) % DRAWS + 0.5) / DRAWS for index in range(DRAWS)]
"""An even share for each draw, in an order that no task has: for what all tasks share."""
LAG_SECONDS = 0.6
"""From the end of a resource to the start of what waited for it (median of the real event logs)."""
TASKS_MAX = 250
"""Of more than this only the longest count."""


@dataclass(frozen=True, slots=True)
class Task:
    """One resource that is not done yet. `after`: seconds that it has been running, None before."""

    label: str
    resource_type: str
    spread: DurationDistribution
    after: float | None = None


@lru_cache(maxsize=512)
def _shares(number: int) -> tuple[float, ...]:
    """An even share for each draw, in an order of this task's own."""
    shares = [(index + 0.5) / DRAWS for index in range(DRAWS)]
    random.Random(number).shuffle(shares)  # noqa: S311 - no secret: the order of even shares
    return tuple(shares)


def totals(tasks: Sequence[Task], waits: Mapping[str, Sequence[str]], *, start: float = 0.0) -> list[float]:
    """Seconds from now until all are done, one a draw, in the order of the draws.

    `waits` maps labels to those they wait for; cycles are broken. `start`: seconds before the first begins.
    """
    if len(tasks) > TASKS_MAX:
        tasks = sorted(tasks, key=lambda task: -task.spread.mid)[:TASKS_MAX]
        kept = {task.label for task in tasks}
        waits = {label: nearest(label, waits, kept) for label in kept}
    ends: dict[str, list[float]] = {}
    latest = [0.0] * DRAWS
    for number, task in enumerate(_in_order(tasks, waits)):
        shares = _shares(number)
        if task.after is not None:
            mine = [task.spread.quantile(share, after=task.after) - task.after for share in shares]
        else:
            mine = [task.spread.quantile(share) for share in shares]
            before = [ends[label] for label in waits.get(task.label, ()) if label in ends]
            for draw in range(DRAWS):
                begin = max((end[draw] for end in before), default=start - LAG_SECONDS)
                mine[draw] += begin + LAG_SECONDS
        ends[task.label] = mine
        latest = [max(pair) for pair in zip(latest, mine, strict=True)]
    return latest


def _in_order(tasks: Sequence[Task], waits: Mapping[str, Sequence[str]]) -> list[Task]:
    """Each after those it waits for; one that waits for itself in a circle comes where it is met."""
    by_label = {task.label: task for task in tasks}
    found: dict[str, Task] = {}
    for root in by_label:
        stack: list[tuple[str, bool]] = [(root, False)]
        entered: set[str] = set()
        while stack:
            label, leaving = stack.pop()
            if leaving:
                found.setdefault(label, by_label[label])
                continue
            if label in entered or label in found:
                continue
            entered.add(label)
            stack.append((label, True))
            stack.extend((other, False) for other in waits.get(label, ()) if other in by_label)
    return list(found.values())


def structure(
    tasks: Sequence[tuple[str, str]],
    *,
    order: Order,
    graph: Mapping[str, frozenset[str]] | None = None,
    reverse: bool = False,
) -> dict[str, list[str]]:
    """The dependencies among (label, type): by the template, else as seen before, else by type.

    `graph` maps labels to those they wait for. `reverse`: for deletion.
    """
    labels = {label for label, _ in tasks}
    of_type: dict[tuple[str, str], list[str]] = {}
    for label, kind in tasks:
        of_type.setdefault((_folder(label), kind), []).append(label)
    waits: dict[str, list[str]] = {}
    for label, kind in tasks:
        if graph is not None and label in graph:
            found = nearest(label, graph, labels)
        else:
            found = order.waits_for(label, labels)
            by_type = (
                other
                for waited in WAITS_FOR.get(kind, ())
                for other in of_type.get((_folder(label), waited), ())
            )
            found += [o for o in by_type if not order.contradicts(label, o) and o not in found]
        waits[label] = found
    _within_nested(tasks, waits)
    return _reversed(waits) if reverse else waits


def _within_nested(tasks: Sequence[tuple[str, str]], waits: dict[str, list[str]]) -> None:
    """Resources of a nested stack begin after the stack does, so after its dependencies."""
    nested = [label for label, kind in tasks if kind == STACK_TYPE]
    for label, _ in tasks:
        for stack in nested:
            if label.startswith(f"{stack}/"):
                waits[label] = [*waits[label], *(o for o in waits[stack] if not o.startswith(f"{stack}/"))]


def _reversed(waits: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {label: [] for label in waits}
    for label, others in waits.items():
        for other in others:
            found[other].append(label)
    return found


def _folder(label: str) -> str:
    return label.rpartition("/")[0]


def quantiles(values: Sequence[float], shares: Sequence[float] = (0.1, 0.5, 0.9)) -> tuple[float, ...]:
    ordered = sorted(values)
    return tuple(ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in shares)
