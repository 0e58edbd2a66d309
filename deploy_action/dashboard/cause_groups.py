"""Failures of one kind: by what the table of remedies calls their cause, else by its words without ids."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line
from deploy_action.diagnosis.remedies import remedy_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.dashboard.timeline import Entry

NAME_MAX = 90
UNKNOWN = "Cause not known"
_CAUSE = re.compile(r"(?P<name>.{1,255}?) \((?P<type>[\w:]{3,200})\): (?P<message>.+)", re.DOTALL)
"""As `Report.root_cause` writes it."""
_OWN_WORDS = re.compile(
    r"\([^()]*(?:RequestToken|Request ID|HandlerErrorCode)[^()]*\)|arn:\S+"
    r"|\b[0-9a-f]{6,}(?:-[0-9a-f]{4,})*\b|\d+"
)
"""Ids and numbers, in which two failures of one kind differ."""
_NARROWER = re.compile(r" for an? |, ")
"""Behind it a title of the table tells a case of a kind: `Access denied for an action`."""


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """`stacks`: how many of the failures are of each, the most first. `last`: the newest failure."""

    name: str
    count: int
    stacks: tuple[tuple[str, int], ...]
    last: Entry


@lru_cache(maxsize=4096)
def group_of(cause: str) -> str:
    """The name of the group that a root cause belongs to; one line of text from outside."""
    found = _CAUSE.fullmatch(cause)
    message, resource_type = (found["message"], found["type"]) if found else (cause, "")
    remedy = remedy_for(message, resource_type=resource_type)
    if remedy is not None:
        return _NARROWER.split(remedy.title)[0]
    return one_line(" ".join(_OWN_WORDS.sub("…", message).split()), NAME_MAX) or UNKNOWN


def cause_groups(entries: Sequence[Entry]) -> list[CauseGroup]:
    """Of those that failed, the largest group first. `entries` are the oldest first."""
    stacks: dict[str, Counter[str]] = defaultdict(Counter)
    count: Counter[str] = Counter()
    last: dict[str, Entry] = {}
    for entry in entries:
        if entry.bad:
            name = group_of(entry.cause)
            count[name] += 1
            stacks[name].update(entry.stacks)
            last[name] = entry
    return [
        CauseGroup(name, number, tuple(stacks[name].most_common()), last[name])
        for name, number in count.most_common()
    ]
