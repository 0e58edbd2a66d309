"""Times and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

DAYS_FROM_SECONDS = 48 * 3600
"""Until then hours say more."""
ROUNDED_SECONDS = 90.0
"""From here on guesses are told in minutes."""


def iso(unix_seconds: float) -> str:
    """UTC, whole seconds: `2026-11-20T17:55:00Z`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def unix_seconds(text: str) -> float | None:
    """The time that `iso` wrote, or any ISO 8601 time (without a zone: UTC). None for any other text."""
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def date_time(unix_seconds: float) -> str:
    """With date and zone: `2026-11-20 17:55:00 UTC`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock_time(unix_seconds: float, *, utc: bool = True) -> str:
    """Time of day: `17:55:00`, in UTC or in this machine's zone."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return (moment if utc else moment.astimezone()).strftime("%H:%M:%S")


def duration(seconds: float) -> str:
    """`7s`, `2m03s`, `1h04m`, `3d04h`: two units at most. The page of the dashboard does the same."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < DAYS_FROM_SECONDS:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d{whole % 86_400 // 3600:02d}h"


def brief(seconds: float) -> str:
    """A duration without empty units: `4m`, `5m40s`, `2h`."""
    text = duration(seconds)
    return text[:-3] if text.endswith(("m00s", "h00m", "d00h")) else text


def roughly(seconds: float) -> str:
    """A guess shows no false precision: tens of seconds, then minutes, then five minutes."""
    for below, step in ((ROUNDED_SECONDS, 10), (3600.0, 60), (float("inf"), 300)):
        if seconds < below:
            return brief(max(1, round(seconds / step)) * step)
    return brief(seconds)
