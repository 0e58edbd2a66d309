"""A badge for a README: when an environment was last deployed well, or since when it is broken."""

from __future__ import annotations

import html
import unicodedata
from typing import TYPE_CHECKING

from deploy_action.common.escape import one_line
from deploy_action.common.times import date_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy_action.dashboard.restore_times import Outage
    from deploy_action.dashboard.timeline import Entry

NAME_MAX = 40
_GOOD, _BAD, _UNKNOWN = "#2e7d32", "#b3261e", "#5f6773"


def badge(environment: str, entries: Sequence[Entry], outages: Sequence[Outage]) -> str:
    """SVG. `entries` are the oldest first; an environment that nobody deployed to is unknown, never green."""
    own = [entry for entry in entries if entry.environment == environment]
    broken = [one for one in outages if one.environment == environment]
    good = [entry for entry in own if entry.good]
    if broken:
        since = min(one.since for one in broken)
        return _drawn(environment, f"broken since {_time(since)}", _BAD)
    if not good:
        return _drawn(environment, "no deployment known", _UNKNOWN)
    commit = f" · {good[-1].commit[:7]}" if good[-1].commit else ""
    return _drawn(environment, f"deployed {_time(good[-1].ended)}{commit}", _GOOD)


def _time(seconds: float) -> str:
    return f"{date_time(seconds)[:16]} UTC"


def _drawn(name: str, words: str, colour: str) -> str:
    left, right = one_line(name, NAME_MAX) or "deployment", one_line(words, 60)
    room, all_ = _width(left), _width(left) + _width(right)
    label = html.escape(f"{left}: {right}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{all_}" height="20" role="img" '
        f'aria-label="{label}"><title>{label}</title>'
        f'<rect width="{all_}" height="20" rx="3" fill="#444c56"/>'
        f'<path d="M{room} 0h{all_ - room - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{room}z" fill="{colour}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{room / 2}" y="14" textLength="{room - 12}">{html.escape(left)}</text>'
        f'<text x="{room + (all_ - room) / 2}" y="14" textLength="{all_ - room - 12}">{html.escape(right)}'
        "</text></g></svg>\n"
    )


def _width(words: str) -> int:
    """Pixels, about."""
    return 12 + sum(12 if unicodedata.east_asian_width(one) in "WF" else 7 for one in words)
