"""What is remembered of deployments: a document of its own beside the registry's, written with the release.

Readable by people, newest last, never larger than BYTES_MAX. What a later version knows more of a deployment
is kept as it is.
"""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any

from deploy_action.errors import RegistryUnreadable

if TYPE_CHECKING:
    from deploy_action.core.document import Ticket
    from deploy_action.core.report import Report

NAME = "deployment-history.json"
SCHEMA = 1
BYTES_MAX = 350_000
"""An item of DynamoDB holds 400 KB. This is enough for about 400 deployments."""


def record_of(ticket: Ticket, report: Report, *, at: str) -> dict[str, Any]:
    """One deployment, at its release (`at`, ISO 8601). Seconds are whole."""
    return {
        "correlation_id": ticket.correlation_id,
        "environment": report.environment,
        "locks": list(ticket.locks),
        "turn": ticket.epoch,
        "stacks": [f"{line.region}/{line.name}" for line in report.stacks] or list(ticket.stacks),
        "outcome": report.outcome.value,
        "root_cause": report.root_cause[:500],
        "requested_at": ticket.requested_at,
        "held_since": ticket.held_since,
        "released_at": at,
        "queue_seconds": round(report.queue_seconds),
        "duration_seconds": None if report.duration_seconds is None else round(report.duration_seconds),
        "repository": ticket.repository,
        "actor": ticket.actor,
        "commit": ticket.commit,
        "url": ticket.url,
    }


def merged(content: bytes | None, record: dict[str, Any]) -> bytes:
    """The history with this record in it. Idempotent: of one deployment there is one record, the last one.

    Raises RegistryUnreadable for what is not a history of this schema: it is left as it is.
    """
    kept = [old for old in _deployments(content) if old.get("correlation_id") != record["correlation_id"]]
    kept.append(record)
    written = _written(kept)
    while len(written) > BYTES_MAX and len(kept) > 1:
        del kept[: max(1, len(kept) // 20)]
        written = _written(kept)
    return written


def _written(deployments: list[dict[str, Any]]) -> bytes:
    data = {"schema": SCHEMA, "deployments": deployments}
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _deployments(content: bytes | None) -> list[dict[str, Any]]:
    if content is None:
        return []
    try:
        data = json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"it is not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise _unreadable(f"its schema is {reprlib.repr(found)}, and this version knows {SCHEMA}")
    deployments = data.get("deployments", [])
    if not isinstance(deployments, list) or not all(isinstance(one, dict) for one in deployments):
        raise _unreadable("its deployments are no list of objects")
    return deployments


def _unreadable(reason: str) -> RegistryUnreadable:
    return RegistryUnreadable(
        f"The deployment history cannot be used: {reason}.",
        why="It is left as it is, so this deployment is not remembered.",
        remedy=f"Repair or delete {NAME} beside the registry document.",
    )
