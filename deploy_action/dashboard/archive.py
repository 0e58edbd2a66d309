"""Several histories as one: the registry's, and those that a team put away because it is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy_action.dashboard.timeline import Timeline, Unread, timeline_of
from deploy_action.errors import RegistryUnreadable
from deploy_action.history.document import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.common.instants import WallTime

ARCHIVE_BYTES_MAX = 64_000_000
"""Of one file."""


def opened(histories: Iterable[tuple[str, bytes | None]], *, now: WallTime) -> tuple[Timeline, list[str]]:
    """All their deployments, and a sentence for each history that could not be read at all.

    `histories`: (name for people, content); the same deployment may stand in several, and the last counts.
    """
    found: list[dict[str, Any]] = []
    damaged: list[str] = []
    for name, content in histories:
        try:
            found += records(content, bytes_max=ARCHIVE_BYTES_MAX)
        except RegistryUnreadable as error:
            reason = error.what.removeprefix("The deployment history cannot be used: ")
            damaged.append(f"{name} is left out: {reason}")
    return timeline_of(found, now=now), damaged


def notices(timeline: Timeline, damaged: Iterable[str]) -> list[str]:
    """The missing parts, in sentences."""
    return [*damaged, *(_sentence(one) for one in timeline.unread)]


def _sentence(unread: Unread) -> str:
    count = unread.count
    return f"{count:,} record{' is' if count == 1 else 's are'} {unread.reason}."
