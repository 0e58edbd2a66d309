"""Holders of different locks whose stacks overlap by a glob: no lock keeps them apart, so both are told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deploy_action.locking.document import Document, Ticket

STACKS_MAX = 50
"""Of each ticket: a registry's document may name any number."""
TEXT_MAX = 300
"""Characters; a region and a stack's name have fewer."""
_WILD = re.compile(r"\[!?\]?[^\]]*\]|\*|.", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


def overlaps_of(document: Document, ticket: Ticket) -> Iterator[str]:
    """A sentence for each other holder that may work on a stack of the ticket, a holder too. One that names
    the same stack in full is waited for (`locking.transitions.ahead_of`) and so never found here."""
    current = document.ticket(ticket.nonce)
    if current is None or not current.holding:
        return
    for other in document.tickets:
        if other.nonce == current.nonce or not other.holding or other.shares_lock_with(current):
            continue
        pairs = (
            (own, its)
            for own in current.stacks[:STACKS_MAX]
            for its in other.stacks[:STACKS_MAX]
            if globs_meet(own, its)
        )
        pair = next(pairs, None)
        if pair is not None and current.works_beside(other):
            yield (
                f"Deployment {other.correlation_id} ({other.url or 'no link'}) holds "
                f"{', '.join(f'`{name}`' for name in other.locks)} and may work on the same stacks: its "
                f"{pair[1]} and the {pair[0]} of this deployment overlap. CloudFormation alone keeps the two "
                "apart, one stack at a time: let both take one lock."
            )


def globs_meet(one: str, other: str) -> bool:
    """Whether a text can match both, of which at least one is a glob. A set of characters counts as any
    character, so that an overlap may be told where there is none, and never the other way round."""
    if max(len(one), len(other)) > TEXT_MAX or not (_GLOB.search(one) or _GLOB.search(other)):
        return False
    left, right = _parts(one), _parts(other)
    reached = {(0, 0)}
    seen: set[tuple[int, int]] = set()
    while reached:
        place = reached.pop()
        if place in seen:
            continue
        seen.add(place)
        i, j = place
        if (i, j) == (len(left), len(right)):
            return True
        if i < len(left) and left[i] == "*":
            reached.add((i + 1, j))
            if j < len(right):
                reached.add((i, j + 1))
        if j < len(right) and right[j] == "*":
            reached.add((i, j + 1))
            if i < len(left):
                reached.add((i + 1, j))
        if i < len(left) and j < len(right) and _same(left[i], right[j]):
            reached.add((i + 1, j + 1))
    return False


def _parts(glob: str) -> list[str]:
    return ["?" if part.startswith("[") and len(part) > 1 else part for part in _WILD.findall(glob)]


def _same(one: str, other: str) -> bool:
    return one == other or "?" in (one, other)
