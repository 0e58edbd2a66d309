"""The registry document as JSON. Any bytes either parse or raise RegistryUnreadable: nothing is guessed."""

from __future__ import annotations

import json
import math
import reprlib
from dataclasses import replace
from typing import Any

from deploy_action.errors import RegistryTooNew, RegistryUnreadable
from deploy_action.locking.document import (
    QUEUE_MAX,
    SCHEMA,
    AuditEntry,
    Document,
    Finished,
    Freeze,
    Loan,
    Lock,
    QueuePolicy,
    Ticket,
)
from deploy_action.locking.reader_seats import with_seats, without_seats

ABOUT = (
    "Written by deploy-coordinator. Change it with its command line only: `release`, `freeze`, `unfreeze`, "
    "`promote`."
)
NESTING_MAX = 50
"""Levels of an unknown field: what can be read must also be written again."""
BYTES_MAX = 2 * 2**20
"""A full queue of ordinary tickets takes a quarter of it. Whatever is written can be read again."""
COMMAS_MAX = 60_000
"""More of them than values: what a value costs is a hundred times what its bytes do."""
COUNT_MAX = 2**63
ITEMS_MAX = 2_000
"""Of each list and object; nobody writes so many."""
TICKETS_MAX = 2 * QUEUE_MAX
"""No deployment writes so many; each has to be compared with all others."""

_TEXT_FIELDS = (
    "requested_at",
    "held_since",
    "expected_end",
    "account",
    "repository",
    "run_id",
    "run_attempt",
    "job",
    "actor",
    "workflow",
    "url",
    "commit",
    "ref",
    "run_number",
    "workflow_file",
    "job_key",
    "priority",
    "passes_because",
    "release_outcome",
)
_LOAN_TEXTS = ("correlation_id", "account", "repository", "run_id", "run_attempt", "job", "url")
_TICKET_FIELDS = {
    "nonce",
    "correlation_id",
    "locks",
    "stacks",
    "policy",
    "revision",
    "number",
    "lease_seconds",
    "renewals",
    "epochs",
    "shared",
    "loans",
    "borrowers",
    *_TEXT_FIELDS,
}
_FINISHED_TEXTS = ("correlation_id", "outcome", "released_at", "url", "note", "nonce")
_AUDIT_TEXTS = ("at", "by", "action", "reason", "detail")
_LOCK_FIELDS = {"epoch", "settling", "freeze", "freeze_allow"}
_FREEZE_FIELDS = ("by", "reason", "since", "until")
_DOCUMENT_FIELDS = {
    "about",
    "schema",
    "revision",
    "arrivals",
    "epoch_floor",
    "generation",
    "locks",
    "tickets",
    "finished",
    "audit",
    "operations",
}


def encode(document: Document) -> bytes:
    """UTF-8 JSON that people can read and git can compare.

    Raises RegistryUnreadable where a count, or the whole, would leave the range that can be read again.
    """
    stored = with_seats(document)
    content = {
        "about": ABOUT,
        "schema": SCHEMA,
        "revision": _countable(document.revision),
        "arrivals": _countable(document.arrivals),
        **({"epoch_floor": _countable(document.epoch_floor)} if document.epoch_floor else {}),
        **_filled({"generation": document.generation}),
        "locks": {name: _lock_out(lock) for name, lock in sorted(stored.locks.items())},
        "tickets": [_ticket_out(ticket) for ticket in stored.tickets],
        "finished": [_finished_out(line) for line in document.finished],
        "audit": [_audit_out(entry) for entry in document.audit],
        "operations": list(document.operations),
        **dict(document.extra),
    }
    written = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
    _check_size(written)
    return written


def decode(content: bytes | None) -> Document:
    """The document; an empty one where nothing was written yet. Raises RegistryUnreadable."""
    if content is None:
        return Document()
    _check_size(content)
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
        raise RegistryTooNew(
            f"A newer version of deploy-coordinator wrote the registry document: its schema "
            f"{reprlib.repr(schema)} is newer than the {SCHEMA} that this version knows.",
            why="The lock's holder cannot be read, so continuing could overlap with it.",
            remedy="Use a version that knows it, in every workflow that shares this registry.",
        )
    try:
        return _document_in(data)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise _unreadable(f"a part of it is damaged ({error})") from error


def _check_size(content: bytes) -> None:
    if len(content) > BYTES_MAX:
        raise _unreadable(f"it has {len(content):,} bytes, and {BYTES_MAX:,} are read at most")
    commas = content.count(b",")
    if commas > COMMAS_MAX:
        raise _unreadable(f"it has {commas:,} commas, and {COMMAS_MAX:,} are read at most")


def _unreadable(
    reason: str,
    *,
    remedy: str = "Restore an earlier version of it, or delete it when no deployment is running.",
) -> RegistryUnreadable:
    return RegistryUnreadable(
        f"The registry document cannot be used: {reason}.",
        why="It is left as it is, so that nothing in it is lost.",
        remedy=remedy,
    )


def _document_in(data: dict[str, Any]) -> Document:
    found = _list(data.get("tickets", []))
    if len(found) > TICKETS_MAX:
        raise ValueError(f"{len(found)} tickets stand in it")
    tickets = tuple(_ticket_in(item) for item in found)
    if len({ticket.nonce for ticket in tickets}) != len(tickets):
        raise ValueError("one ticket stands there twice")
    held = [name for ticket in tickets for name, _ in ticket.epochs]
    if len(set(held)) != len(held):
        raise ValueError("one lock has two holders")
    locks = {_text(name): _lock_in(item) for name, item in _dict(data.get("locks", {})).items()}
    for ticket in tickets:
        _check_epochs(ticket, locks)
    document = Document(
        locks=locks,
        tickets=tickets,
        finished=tuple(_finished_in(item) for item in _list(data.get("finished", []))),
        audit=tuple(_audit_in(item) for item in _list(data.get("audit", []))),
        arrivals=_count(data.get("arrivals", 0)),
        epoch_floor=_count(data.get("epoch_floor", 0)),
        revision=_count(data.get("revision", 0)),
        generation=_text(data.get("generation", "")),
        operations=_texts(data.get("operations", [])),
        extra=_extra(data, _DOCUMENT_FIELDS),
    )
    return without_seats(document)


def _check_epochs(ticket: Ticket, locks: dict[str, Lock]) -> None:
    """A holder's turn is its lock's latest. Anything else would let turns be given twice."""
    for name, epoch in ticket.epochs:
        counted = locks.get(name, Lock()).epoch
        if epoch != counted or not epoch:
            raise ValueError(
                f"a ticket holds a lock at epoch {reprlib.repr(epoch)}, and the lock counts {counted}"
            )


def _lock_in(data: object) -> Lock:
    item = _dict(data)
    freeze = item.get("freeze")
    return Lock(
        epoch=_count(item.get("epoch", 0)),
        settling=_texts(item.get("settling", [])),
        freeze=None if freeze is None else _freeze_in(freeze, item.get("freeze_allow")),
        extra=_extra(item, _LOCK_FIELDS),
    )


def _lock_out(lock: Lock) -> dict[str, object]:
    freeze = lock.freeze
    frozen: dict[str, object] = {}
    if freeze is not None:
        frozen["freeze"] = {name: getattr(freeze, name) for name in _FREEZE_FIELDS}
        if freeze.allow:
            frozen["freeze_allow"] = {"since": freeze.since, "who": list(freeze.allow)}
    return {"epoch": _countable(lock.epoch), "settling": list(lock.settling), **frozen, **dict(lock.extra)}


def _freeze_in(data: object, allow: object) -> Freeze:
    """`allow` stands beside the freeze, not within: an earlier version writes back what it does not know of a
    lock, and drops what it does not know of a freeze. It names its freeze, which that may have replaced."""
    freeze = Freeze(**_texts_of(_dict(data), _FREEZE_FIELDS))
    if allow is None or _dict(allow).get("since") != freeze.since:
        return freeze
    return replace(freeze, allow=_texts(_dict(allow).get("who", [])))


def _ticket_in(data: object) -> Ticket:
    item = _dict(data)
    policy, unknown = _policy_in(item.get("policy", QueuePolicy.FIFO.value))
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
        policy=policy,
        revision=_count(item.get("revision", 0)),
        number=_count(item.get("number", 0)),
        lease_seconds=_number(item.get("lease_seconds", 0)),
        renewals=_count(item.get("renewals", 0)),
        epochs=epochs,
        shared=_texts(item.get("shared", [])),
        loans=tuple(Loan(**_texts_of(_dict(loan), _LOAN_TEXTS)) for loan in _list(item.get("loans", []))),
        borrowers=_texts(item.get("borrowers", [])),
        extra=(*_extra(item, _TICKET_FIELDS), *unknown),
        **_texts_of(item, _TEXT_FIELDS),
    )


def _policy_in(data: object) -> tuple[QueuePolicy, tuple[tuple[str, str], ...]]:
    """One that a later version knows counts as `fifo`, under which nobody gives way; it is written back as
    it was."""
    text = _text(data)
    try:
        return QueuePolicy(text), ()
    except ValueError:
        return QueuePolicy.FIFO, (("policy", text),)


def _ticket_out(ticket: Ticket) -> dict[str, object]:
    return {
        "nonce": ticket.nonce,
        "correlation_id": ticket.correlation_id,
        "locks": list(ticket.locks),
        "policy": ticket.policy.value,
        "revision": _countable(ticket.revision),
        "number": _countable(ticket.number),
        "lease_seconds": ticket.lease_seconds,
        "renewals": _countable(ticket.renewals),
        "epochs": dict(ticket.epochs),
        **_filled(
            {
                "stacks": list(ticket.stacks),
                "shared": list(ticket.shared),
                "loans": [
                    _filled({name: getattr(one, name) for name in _LOAN_TEXTS}) for one in ticket.loans
                ],
                "borrowers": list(ticket.borrowers),
                **{name: getattr(ticket, name) for name in _TEXT_FIELDS},
            }
        ),
        **dict(ticket.extra),
    }


def _filled(fields: dict[str, Any]) -> dict[str, object]:
    """Without those that are empty: every version reads them so, and a store counts the bytes."""
    return {name: value for name, value in fields.items() if value}


def _finished_in(data: object) -> Finished:
    item = _dict(data)
    return Finished(
        locks=_texts(item.get("locks", [])),
        stacks=_texts(item.get("stacks", [])),
        held_seconds=_number(item.get("held_seconds", 0)),
        **_texts_of(item, _FINISHED_TEXTS),
    )


def _finished_out(line: Finished) -> dict[str, object]:
    return {
        **_filled({name: getattr(line, name) for name in _FINISHED_TEXTS}),
        "locks": list(line.locks),
        **_filled({"stacks": list(line.stacks), "held_seconds": line.held_seconds}),
    }


def _audit_in(data: object) -> AuditEntry:
    item = _dict(data)
    return AuditEntry(locks=_texts(item.get("locks", [])), **_texts_of(item, _AUDIT_TEXTS))


def _audit_out(entry: AuditEntry) -> dict[str, object]:
    return {**{name: getattr(entry, name) for name in _AUDIT_TEXTS}, "locks": list(entry.locks)}


def _texts_of(item: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _text(item.get(name, "")) for name in names}


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
    _check_length(value)
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, not {type(value).__name__}")
    _check_length(value)
    return value


def _check_length(value: dict[str, Any] | list[object]) -> None:
    if len(value) > ITEMS_MAX:
        raise ValueError(f"one of its lists has {len(value):,} entries, and {ITEMS_MAX:,} are read at most")


def _text(value: object) -> str:
    """Halves of surrogate pairs are no characters, and nothing that writes UTF-8 would take them."""
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {type(value).__name__}")
    return value.encode("utf-8", "replace").decode("utf-8")


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value <= COUNT_MAX:
        raise TypeError(f"a count was expected, not {reprlib.repr(value)}")
    return value


def _countable(value: int) -> int:
    if value > COUNT_MAX:
        raise _unreadable("one of its counts has reached its end")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"a number was expected, not {reprlib.repr(value)}")
    return float(value)
