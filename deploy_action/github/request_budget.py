"""How much of an API's hourly budget is left for those who wait, as its answers tell."""

from __future__ import annotations

from dataclasses import dataclass

WINDOW_SECONDS = 3600.0
RESERVE = 0.2
"""Of the limit, kept for what deployments write and ask."""
ELAPSED_SECONDS_MIN = 120.0
"""The use of a window's first moments tells nothing of the rest."""
STRAIN_MAX = 3.0
"""A waiter must look several times while a free lock is kept for it (`locking.expiry.CLAIM_SECONDS`)."""
POLLS_BACK_MAX = 3
"""Waiters further back look more seldom, up to so many times."""


@dataclass(slots=True)
class RequestBudget:
    """Of one token: everybody's requests with it count. `limit` 0: no answer has told yet."""

    limit: int = 0
    remaining: int = 0
    left_seconds: float = WINDOW_SECONDS
    """Until the window ends and the whole limit is there again, by the server's own clock."""

    @property
    def strain(self) -> float:
        """By how much pauses are to be stretched so that the budget lasts to the end of its window, 1 to
        STRAIN_MAX."""
        if self.limit <= 0:
            return 1.0
        left = min(max(self.left_seconds, 1.0), WINDOW_SECONDS)
        used = max(self.limit - self.remaining, 0) / max(WINDOW_SECONDS - left, ELAPSED_SECONDS_MIN)
        allowed = (self.remaining - RESERVE * self.limit) / left
        if allowed <= 0:
            return STRAIN_MAX
        return min(max(used / allowed, 1.0), STRAIN_MAX)


def waiter_pause_seconds(poll_seconds: float, *, ahead: int, strain: float) -> float:
    """Between two looks of a waiter with so many `ahead`: by its place, and by what the registry's budget
    bears."""
    return poll_seconds * max(min(max(ahead // 3, 1), POLLS_BACK_MAX), strain)
