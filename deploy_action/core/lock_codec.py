"""The registry document as JSON. Any bytes either parse or raise RegistryUnreadable: nothing is guessed."""

from __future__ import annotations

import json
import math
import reprlib
from typing import Any

from deploy_action.core.lock import SCHEMA, Document, Finished, Lock, Ticket
from deploy_action.errors import RegistryUnreadable

ABOUT = "Written by deploy-coordinator. Its README.md says how to free a lock by hand."
NESTING_MAX = 50
"""Levels of an unknown field: what can be read must also be written again."""
COUNT_MAX = 2**63

_TEXT_FIELDS = (
    "requested_at",
    "held_since",
    "expected_end",
    "repository",
    "run_id",
    "run_attempt",
    "job",
    "actor",
    "workflow",
    "url",
    "commit",
)
_TICKET_FIELDS = {
    "nonce",
    "correlation_id",
    "locks",
    "stacks",
    "lease_seconds",
    "renewals",
    "epochs",
    *_TEXT_FIELDS,
}
_LOCK_FIELDS = {"epoch", "settling"}
_DOCUMENT_FIELDS = {"about", "schema", "locks", "tickets", "finished", "operations"}


def encode(document: Document) -> bytes:
    """UTF-8 JSON that people can read and git can compare."""
    content = {
        "about": ABOUT,
        "schema": SCHEMA,
        "locks": {name: _lock_out(lock) for name, lock in sorted(document.locks.items())},
        "tickets": [_ticket_out(ticket) for ticket in document.tickets],
        "finished": [
            {
                "correlation_id": line.correlation_id,
                "locks": list(line.locks),
                "outcome": line.outcome,
                "released_at": line.released_at,
                "url": line.url,
                "note": line.note,
            }
            for line in document.finished
        ],
        "operations": list(document.operations),
        **dict(document.extra),
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def decode(content: bytes | None) -> Document:
    """The document; an empty one where nothing was written yet. Raises RegistryUnreadable."""
    if content is None:
        return Document()
    try:
        data = json.loads(content.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"it is not JSON ({error})") from error
    if not isinstance(data, dict) or "schema" not in data:
        raise _unreadable("it is not a document of deploy-coordinator")
    schema = data["schema"]
    if type(schema) is not int or schema < 1:
        raise _unreadable(f"its schema is {reprlib.repr(schema)}")
    if schema > SCHEMA:
        raise _unreadable(
            f"its schema {reprlib.repr(schema)} is newer than the {SCHEMA} that this version knows"
        )
    try:
        return _document_in(data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _unreadable(f"a part of it is damaged ({error})") from error


def _unreadable(reason: str) -> RegistryUnreadable:
    return RegistryUnreadable(
        f"The registry document cannot be used: {reason}.",
        why="It is left as it is, so that nothing in it is lost.",
        remedy="Restore an earlier version of it, or delete it when no deployment is running.",
    )


def _document_in(data: dict[str, Any]) -> Document:
    tickets = tuple(_ticket_in(item) for item in _list(data.get("tickets", [])))
    if len({ticket.nonce for ticket in tickets}) != len(tickets):
        raise ValueError("one ticket stands there twice")
    held = [name for ticket in tickets for name, _ in ticket.epochs]
    if len(set(held)) != len(held):
        raise ValueError("one lock has two holders")
    locks = {_text(name): _lock_in(item) for name, item in _dict(data.get("locks", {})).items()}
    return Document(
        locks=locks,
        tickets=tickets,
        finished=tuple(_finished_in(item) for item in _list(data.get("finished", []))),
        operations=_texts(data.get("operations", [])),
        extra=_extra(data, _DOCUMENT_FIELDS),
    )


def _lock_in(data: object) -> Lock:
    item = _dict(data)
    return Lock(
        epoch=_count(item.get("epoch", 0)),
        settling=_texts(item.get("settling", [])),
        extra=_extra(item, _LOCK_FIELDS),
    )


def _lock_out(lock: Lock) -> dict[str, object]:
    return {"epoch": lock.epoch, "settling": list(lock.settling), **dict(lock.extra)}


def _ticket_in(data: object) -> Ticket:
    item = _dict(data)
    locks = _texts(item["locks"])
    epochs = tuple((_text(name), _count(epoch)) for name, epoch in _dict(item.get("epochs", {})).items())
    if not locks or len(set(locks)) != len(locks):
        raise ValueError("a ticket has no lock, or one twice")
    if epochs and {name for name, _ in epochs} != set(locks):
        raise ValueError("a ticket holds some of its locks only")
    return Ticket(
        nonce=_text(item["nonce"]),
        correlation_id=_text(item["correlation_id"]),
        locks=locks,
        stacks=_texts(item.get("stacks", [])),
        lease_seconds=_number(item.get("lease_seconds", 0)),
        renewals=_count(item.get("renewals", 0)),
        epochs=epochs,
        extra=_extra(item, _TICKET_FIELDS),
        **{name: _text(item.get(name, "")) for name in _TEXT_FIELDS},
    )


def _ticket_out(ticket: Ticket) -> dict[str, object]:
    return {
        "nonce": ticket.nonce,
        "correlation_id": ticket.correlation_id,
        "locks": list(ticket.locks),
        "stacks": list(ticket.stacks),
        "lease_seconds": ticket.lease_seconds,
        "renewals": ticket.renewals,
        "epochs": dict(ticket.epochs),
        **{name: getattr(ticket, name) for name in _TEXT_FIELDS},
        **dict(ticket.extra),
    }


def _finished_in(data: object) -> Finished:
    item = _dict(data)
    return Finished(
        correlation_id=_text(item.get("correlation_id", "")),
        locks=_texts(item.get("locks", [])),
        outcome=_text(item.get("outcome", "")),
        released_at=_text(item.get("released_at", "")),
        url=_text(item.get("url", "")),
        note=_text(item.get("note", "")),
    )


def _extra(data: dict[str, Any], known: set[str]) -> tuple[tuple[str, object], ...]:
    extra = tuple((name, value) for name, value in data.items() if name not in known)
    if not _is_shallow([value for _, value in extra], NESTING_MAX):
        raise ValueError("it is nested too deeply")
    return extra


def _is_shallow(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_shallow(item, levels - 1) for item in items)


def _dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"an object was expected, not {type(value).__name__}")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {type(value).__name__}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= COUNT_MAX:
        raise TypeError(f"a count was expected, not {reprlib.repr(value)}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"a number was expected, not {reprlib.repr(value)}")
    return float(value)
