"""The differences since the review: templates, parameters, changes."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING

from deploy_action.cloudformation.change_set_reader import hidden, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from deploy_action.cloudformation.change_set import Change, ChangeSet, ChangeSetRequest, Parameter

LINES_MAX = 60
LINE_MAX = 200
HIDDEN = "****"
"""CloudFormation's own word for the value of a NoEcho parameter."""


def of_templates(reviewed: object, now: object) -> tuple[str, ...]:
    """Lines of a diff of two templates as data, so that their layout and comments do not count; () where they
    are the same."""
    if reviewed == now:
        return ()
    return _diff(_lines(reviewed), _lines(now))


def of_parameters(
    reviewed: ChangeSet, now: Sequence[Parameter], others: Mapping[str, str]
) -> tuple[str, ...]:
    """A line for each parameter that would have another value now. `others`: the values of those that are not
    given, as far as they are known. Those of which CloudFormation shows no value (NoEcho) cannot be compared.
    """
    values = {name: hidden(value) for name, value in others.items()}
    values |= {parameter.name: hidden(parameter.value) for parameter in now if parameter.value is not None}
    found = []
    for name, value in values.items():
        then = dict(reviewed.parameters).get(name)
        given = any(parameter.name == name for parameter in now)
        if HIDDEN in {then, value} or then == value or (then is None and not given):
            continue
        shown = f"reviewed {'without it' if then is None else then}, now {value}"
        line = f"parameter {name}: {'another value than reviewed' if is_secret_name(name) else shown}"
        found.append(line[: LINE_MAX * 2])
    return tuple(found)


def others_of(template: object, stack: Mapping[str, str]) -> dict[str, str]:
    """The values of parameters that are not given: those that the stack has, else the template's defaults."""
    declared = template.get("Parameters") if isinstance(template, dict) else None
    found = {}
    for name, body in declared.items() if isinstance(declared, dict) else ():
        default = body.get("Default") if isinstance(body, dict) else None
        if name in stack:
            found[str(name)] = stack[name]
        elif isinstance(default, str | int):
            found[str(name)] = str(default).lower() if isinstance(default, bool) else str(default)
    return found


def not_compared(reviewed: ChangeSet) -> tuple[str, ...]:
    """The names of parameters of which CloudFormation shows no value."""
    return tuple(name for name, value in reviewed.parameters if value == HIDDEN)


def of_settings(reviewed: ChangeSet, now: ChangeSetRequest, role: str | None) -> tuple[str, ...]:
    """A line for each setting beside template and parameters that is given now and differs. `role`: the one
    that the reviewed change set was made with, where that is known.

    Of capabilities only those count that are not given any more: what was accepted needs no further ones.
    """
    options = now.options
    pairs: list[tuple[str, object, object]] = []
    if now.capabilities:
        withdrawn = sorted(set(reviewed.capabilities) - set(now.capabilities))
        pairs.append(("capabilities", ", ".join(withdrawn), ""))
    if now.role_arn and role is not None:
        pairs.append(("role-arn", role, now.role_arn))
    if options.notification_arns is not None:
        pairs.append(
            ("notification-arns", sorted(reviewed.notification_arns), sorted(options.notification_arns))
        )
    if options.rollback_triggers is not None:
        then = sorted(reviewed.rollback_triggers)
        pairs.append(("rollback triggers", then, sorted(one.arn for one in options.rollback_triggers)))
    if options.monitoring_minutes is not None:
        pairs.append(("monitoring minutes", reviewed.monitoring_minutes, options.monitoring_minutes))
    return tuple(
        f"{name}: reviewed {_words(then)}, now {_words(given)}"[: LINE_MAX * 2]
        for name, then, given in pairs
        if then != given
    )


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


def _words(value: object) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) and value else str(value or "none")


def _map(pairs: Iterable[tuple[str, str]] | Mapping[str, str]) -> str:
    return json.dumps(dict(pairs), sort_keys=True)
