"""Times and durations as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


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


def clock_time(unix_seconds: float) -> str:
    """UTC time of day: `17:55:00`."""
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%H:%M:%S")


def duration(seconds: float) -> str:
    """`7s`, `2m03s`, `1h04m`: two units at most."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
