"""Heads: what of the registry's document decides about a waiter's turn, in a few bytes.

A store that has heads writes, with each document, those that changed. A waiter's look reads its heads, and
the document where they tell of something new for it, or where it was not read for long. Heads are hints: to
take, keep or give back a lock, the document is read and swapped. A head that is missing, stale or wrong costs
a waiter time, never exclusion.

There are HEADS_MAX of them, each for the locks whose names fall to it, so that they need no clearing away.
Renewals change none. Versions that write no heads leave operations without MARK.
"""

from __future__ import annotations

import json
import re
import zlib
from math import inf
from typing import TYPE_CHECKING, Any

from deploy_action.locking.document import QueuePolicy
from deploy_action.locking.lock_name import lock_key
from deploy_action.locking.transitions import ahead_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy_action.locking.document import Document, Ticket

HEADS_MAX = 64
WATCHED_MAX = 3
"""Heads that one look reads; who has more to watch reads the document instead."""
FRONT = 3
"""At most this many waiters of each lock look again whenever its head changes."""
FAR = 10
"""Behind so many the document is read seldom, where all write heads."""
READ_SECONDS = 60.0
"""The document is read so often whatever the heads say; more often than a free lock is kept for a waiter."""
READ_SECONDS_FAR = 300.0
SHORT_LEASE_SECONDS = 3 * READ_SECONDS
MARK = "h"
"""Before the id of each operation whose heads were written."""

_NAME = re.compile(r"head-[0-9]{2}\.json")
_EMPTY = b"{}"


def is_head(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def heads_of(document: Document) -> dict[str, bytes]:
    """By name; of those in which nothing stands there is none."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for ticket in document.tickets:
        for key in ticket.keys:
            empty: dict[str, Any] = {"held": [], "runs": [], "next": []}
            head = found.setdefault(_name(key), {}).setdefault(key, empty)
            if ticket.holding:
                head["held"].append(ticket.nonce)
                head["runs"].append(ticket.run_id)
            elif len(head["next"]) < FRONT:
                head["next"].append(ticket.nonce)
    for name, lock in document.locks.items():
        key = lock_key(name)
        if lock.freeze is not None and key in found.get(_name(key), {}):
            found[_name(key)][key]["frozen"] = [lock.freeze.since, lock.freeze.until]
    return {name: json.dumps(heads, sort_keys=True).encode() for name, heads in found.items()}


def changed_heads(before: Document, after: Document) -> dict[str, bytes]:
    old, new = heads_of(before), heads_of(after)
    names = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
    return {name: new.get(name, _EMPTY) for name in sorted(names)}


def watched(document: Document, ticket: Ticket) -> frozenset[str]:
    """The heads that tell when its turn may have come: of its locks, and of others under which somebody holds
    one of its stacks. Empty where these are too many, or it does not stand in the document."""
    if document.ticket(ticket.nonce) is None:
        return frozenset()
    names = frozenset(map(_name, ticket.keys | _foreign(document, ticket)))
    return names if len(names) <= WATCHED_MAX else frozenset()


def read_seconds(document: Document, ticket: Ticket, *, one_write: bool = False) -> float:
    """How long the document may go unread while its heads tell of nothing. Signs of life are in the document
    alone: one whose lease is short is looked after. `one_write`: the store writes heads and document at once,
    so that none is ever missing, and whoever is not at the front need not make sure of it."""
    ahead = ahead_of(document, ticket)
    shortest = min((one.lease for one in ahead if one.holding), default=inf)
    if shortest < SHORT_LEASE_SECONDS:
        return shortest / 4
    if shortest == inf:
        return READ_SECONDS  # a free lock: all that are next may be gone
    all_write_heads = all(one.startswith(MARK) for one in document.operations)
    far = len(ahead) > (FRONT if one_write else FAR)
    return READ_SECONDS_FAR if far and all_write_heads else READ_SECONDS


def nothing_new(document: Document, ticket: Ticket, found: Mapping[str, bytes | None]) -> bool:
    """Whether heads as they stand now tell a waiter of nothing since it read the document."""
    known, foreign = heads_of(document), _foreign(document, ticket)
    ahead = frozenset(one.nonce for one in ahead_of(document, ticket))
    for name, content in found.items():
        before = known.get(name, _EMPTY)
        if content == before:
            continue
        old, new = _parsed(before), _parsed(content)
        if old is None or new is None:
            return False
        own = [key for key in ticket.keys if _name(key) == name]
        if any(_is_news(old.get(key), new.get(key), ticket, ahead) for key in own):
            return False
        if any(_of(old.get(key), "held") != _of(new.get(key), "held") for key in foreign):
            return False
    return True


def _is_news(old: object, new: object, ticket: Ticket, ahead: frozenset[str]) -> bool:
    """Of one of its own locks. Whoever stands further behind is told when it comes to the front, when the
    lock becomes free or is taken again (all that are next may be gone), and when one holds it that did not
    stand `ahead`: who passes is not behind any more."""
    if old == new:
        return False
    held = _of(new, "held")
    passed = any(nonce not in ahead for nonce in held)
    freed_or_taken = bool(held) != bool(_of(old, "held"))
    concerned = ticket.nonce in (*_of(new, "held"), *_of(new, "next"), *_of(old, "next"))
    of_its_run = bool(ticket.run_id) and ticket.run_id in _of(new, "runs")
    frozen = _of(old, "frozen") != _of(new, "frozen")
    any_change = ticket.policy is QueuePolicy.NEWEST or bool(ticket.shared)  # readers hold beside each other
    return concerned or of_its_run or frozen or any_change or passed or freed_or_taken


def _foreign(document: Document, ticket: Ticket) -> frozenset[str]:
    """Locks of holders ahead that are none of its own."""
    holders: Iterable[Ticket] = (one for one in ahead_of(document, ticket) if one.holding)
    return frozenset(key for one in holders for key in one.keys) - ticket.keys


def _name(key: str) -> str:
    return f"head-{zlib.crc32(key.encode('utf-8', 'surrogatepass')) % HEADS_MAX:02}.json"


def _parsed(content: bytes | None) -> dict[str, Any] | None:
    if content is None:
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _of(head: object, name: str) -> list[object]:
    found = head.get(name) if isinstance(head, dict) else None
    return found if isinstance(found, list) else []
