"""Remembered deployments as tables for a terminal. What is damaged or missing in a record is left empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.cli.text.tables import shown_time, table
from deploy_action.common.escape import log_text
from deploy_action.common.times import duration
from deploy_action.history.operations import FAILED
from deploy_action.history.record_codec import deployment_of
from deploy_action.reporting.subject import subject

if TYPE_CHECKING:
    from deploy_action.estimation.accuracy import Accuracy
    from deploy_action.history.deployments import Deployment
    from deploy_action.history.operations import OperationRecord

SLOWEST_MAX = 15


def listing(records: list[dict[str, Any]], *, filtered: bool = False, utc: bool = True) -> list[str]:
    """One line a deployment, in their order. `filtered`: others may be remembered."""
    if not records:
        return ["No deployment fits these filters." if filtered else "No deployment is remembered."]
    head = ("ENDED", "OUTCOME", "ENVIRONMENT", "STACKS", "TOOK", "EXPECTED", "QUEUED", "BY", "DEPLOYMENT")
    return table(head, [_row(record, utc=utc) for record in records])


def accuracy(found: Accuracy) -> str:
    """`Estimates: 17 of 20 deployments ended within their interval; the middle was off by 6 % (median).`"""
    return (
        f"Estimates: {found.inside} of {found.count} deployments ended within their interval; the middle was "
        f"off by {found.median_error:.0%} (median)."
    )


def whole(record: dict[str, Any], *, utc: bool = True) -> list[str]:
    """Everything that people ask about one deployment."""
    one = deployment_of(record)
    named = subject([one.rpartition("/")[2] for one in _list(record, "stacks")], _text(record, "environment"))
    of = f" of {named}" if named else ""
    lines = [log_text(f"Deployment {_text(record, 'correlation_id')}{of}: {_text(record, 'outcome')}")]
    facts = (
        ("Environment", _text(record, "environment")),
        ("Stacks", _names(record, "stacks")),
        ("Locks", _names(record, "locks")),
        ("By", _text(record, "actor")),
        ("Repository", _text(record, "repository")),
        ("Commit", _text(record, "commit")),
        ("Run", _text(record, "url")),
        ("Asked for", shown_time(_text(record, "requested_at"), utc=utc)),
        ("Held since", shown_time(_text(record, "held_since"), utc=utc)),
        ("Ended", shown_time(_text(record, "released_at"), utc=utc)),
        ("Queued", _queued(one)),
        ("Took", _took(one)),
        ("Expected", _expected(one)),
        ("Root cause", _text(record, "root_cause")),
    )
    lines += [f"  {name + ':':<13} {log_text(value)}" for name, value in facts if value]
    for run in one.runs if one else ():
        lines += ["", *_run(run)]
    return lines


def _run(run: OperationRecord) -> list[str]:
    phases = [
        f"{name} {duration(seconds)}"
        for name, seconds in (
            ("deploy", run.deploy_seconds),
            ("clean-up", run.cleanup_seconds),
            ("rollback", run.rollback_seconds),
        )
        if seconds
    ]
    told = f"{run.stack}: {run.kind} {run.outcome} in {duration(run.seconds)} ({', '.join(phases)})"
    lines = [log_text(told)]
    steps = run.steps or run.attempted
    slowest = sorted(steps, key=lambda step: (not step.action.endswith(FAILED), -step.seconds))[:SLOWEST_MAX]
    if slowest:
        rows = [
            (duration(step.seconds), f"+{duration(step.start)}", step.action, step.label, step.resource_type)
            for step in slowest
        ]
        lines += [f"  {line}" for line in table(("TOOK", "BEGAN", "ACTION", "RESOURCE", "TYPE"), rows)]
    if len(steps) > len(slowest):
        lines.append(f"  and {len(steps) - len(slowest)} more; --json has them all")
    return lines


def _row(record: dict[str, Any], *, utc: bool) -> tuple[str, ...]:
    one = deployment_of(record)
    return (
        shown_time(_text(record, "released_at"), utc=utc),
        _text(record, "outcome"),
        _text(record, "environment"),
        _names(record, "stacks"),
        _took(one),
        _expected(one),
        _queued(one),
        _text(record, "actor"),
        _text(record, "correlation_id"),
    )


def _took(one: Deployment | None) -> str:
    return duration(one.seconds) if one is not None and one.seconds is not None else ""


def _queued(one: Deployment | None) -> str:
    return duration(one.queue_seconds) if one is not None and one.queue_seconds else ""


def _expected(one: Deployment | None) -> str:
    if one is None or one.estimate is None:
        return ""
    return f"{duration(one.estimate.low_seconds)} to {duration(one.estimate.high_seconds)}"


def _names(record: dict[str, Any], key: str) -> str:
    return ", ".join(_list(record, key))


def _list(record: dict[str, Any], key: str) -> list[str]:
    found = record.get(key)
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _text(record: dict[str, Any], key: str) -> str:
    found = record.get(key)
    return found if isinstance(found, str) else ""
