"""The differences since the review: templates, parameters, changes."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.cloudformation.change_set import Change, ChangeSet, Parameter

LINES_MAX = 60
LINE_MAX = 200
HIDDEN = "****"


def of_templates(reviewed: object, now: object) -> tuple[str, ...]:
    """Lines of a diff of two templates as data, so that their layout and comments do not count; () where they
    are the same."""
    if reviewed == now:
        return ()
    return _diff(_lines(reviewed), _lines(now))


def of_parameters(reviewed: ChangeSet, now: Sequence[Parameter]) -> tuple[str, ...]:
    """A line for each parameter that is given another value now. Those of which CloudFormation shows no value
    (NoEcho), and those that keep what the stack has, cannot be compared."""
    values = dict(reviewed.parameters)
    found = []
    for parameter in now:
        then = values.get(parameter.name, "without it")
        if parameter.value is not None and then not in {parameter.value, HIDDEN}:
            line = f"parameter {parameter.name}: reviewed {then}, now {parameter.value}"
            found.append(line[: LINE_MAX * 2])
    return tuple(found)


def of_tags(reviewed: ChangeSet, now: Sequence[tuple[str, str]] | None) -> tuple[str, ...]:
    """A line where the stack's tags are others; None leaves them as they are."""
    if now is None or dict(reviewed.tags) == dict(now):
        return ()
    return (f"tags: reviewed {_map(reviewed.tags)}, now {_map(now)}"[: LINE_MAX * 2],)


def summary_of(path: str, changes: Iterable[Change]) -> tuple[str, ...]:
    """One line a resource, by which two plans are compared."""
    found = []
    for change in changes:
        replaced = {"True": " (replaced)", "Conditional": " (perhaps replaced)"}.get(change.replacement, "")
        found.append(f"{change.action} {path}/{change.logical_id} {change.resource_type}{replaced}")
    return tuple(found)


def of_changes(reviewed: Iterable[str], now: Iterable[str]) -> tuple[str, ...]:
    """Lines of a diff of two summaries."""
    return _diff(sorted(reviewed), sorted(now))


def _diff(before: Sequence[str], after: Sequence[str]) -> tuple[str, ...]:
    lines = [
        line[:LINE_MAX]
        for line in difflib.unified_diff(before, after, n=1, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]
    more = len(lines) - LINES_MAX
    return tuple(lines[:LINES_MAX] + ([f"and {more} more lines"] if more > 0 else []))


def _lines(template: object) -> list[str]:
    return json.dumps(template, indent=1, sort_keys=True, default=str).splitlines()


def _map(pairs: Iterable[tuple[str, str]] | Mapping[str, str]) -> str:
    return json.dumps(dict(pairs), sort_keys=True)
