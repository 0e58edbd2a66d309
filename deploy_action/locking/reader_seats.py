"""How several readers of one lock stand in the registry document.

An earlier version knows one holder a lock: it refuses a document in which a lock is held twice, and judges
who is in its way by names, regardless of white space at their end (`locking.lock_name`). So each reader
that holds `network` stands there under a name of its own, its seat: `network` and one space more than the
reader before it. To an earlier version these are holders of `network` like any other: it waits for each of
them, and looks at the stacks of each before it takes one over. Beside the seats stands `network` itself with
the latest epoch, from which an earlier version counts on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deploy_action.locking.document import Lock
from deploy_action.locking.lock_name import lock_key

if TYPE_CHECKING:
    from deploy_action.locking.document import Document, Ticket

SEAT = " "


def with_seats(document: Document) -> Document:
    """As it is written. The latest epoch has the first seat: where `network` itself left the document, that
    is the name by which an earlier version finds the lock."""
    readers = [one for one in document.tickets if one.holding and one.shared]
    if not readers:
        return document
    locks = dict(document.locks)
    seats: dict[tuple[str, str], str] = {}
    taken: dict[str, int] = {}
    for epoch, nonce, name in sorted(
        ((epoch, one.nonce, name) for one in readers for name, epoch in one.epochs if name in one.shared),
        reverse=True,
    ):
        key = lock_key(name)
        taken[key] = taken.get(key, 0) + 1
        seat = f"{name}{SEAT * taken[key]}"
        seats[nonce, name] = seat
        locks[seat] = Lock(epoch=epoch)
    tickets = tuple(
        _renamed(one, {name: seats.get((one.nonce, name), name) for name in one.locks})
        for one in document.tickets
    )
    return replace(document, locks=locks, tickets=tickets)


def without_seats(document: Document) -> Document:
    """As it is worked with. What an earlier version wrote to a seat belongs to the lock. Raises ValueError
    where a ticket has one lock twice then."""
    if not any(_is_seat(name) for name in (*document.locks, *_names(document))):
        return document
    locks: dict[str, Lock] = {}
    for name, lock in sorted(document.locks.items()):
        home = _home(name)
        locks[home] = _joined(locks[home], lock) if home in locks else lock
    tickets = tuple(
        _renamed(one, {name: _home(name) for name in one.locks}) if any(map(_is_seat, one.locks)) else one
        for one in document.tickets
    )
    if any(len(set(one.locks)) != len(one.locks) for one in tickets):
        raise ValueError("a ticket has one lock twice")
    finished = tuple(
        replace(line, locks=tuple(map(_home, line.locks))) if any(map(_is_seat, line.locks)) else line
        for line in document.finished
    )
    return replace(document, locks=locks, tickets=tickets, finished=finished)


def _renamed(ticket: Ticket, names: dict[str, str]) -> Ticket:
    return replace(
        ticket,
        locks=tuple(names[name] for name in ticket.locks),
        epochs=tuple((names[name], epoch) for name, epoch in ticket.epochs),
    )


def _joined(one: Lock, other: Lock) -> Lock:
    return replace(
        one,
        epoch=max(one.epoch, other.epoch),
        settling=tuple(dict.fromkeys((*one.settling, *other.settling))),
        freeze=one.freeze or other.freeze,
    )


def _names(document: Document) -> list[str]:
    of_tickets = [name for ticket in document.tickets for name in ticket.locks]
    return of_tickets + [name for line in document.finished for name in line.locks]


def _home(name: str) -> str:
    return name.rstrip(SEAT) or name


def _is_seat(name: str) -> bool:
    return _home(name) != name
