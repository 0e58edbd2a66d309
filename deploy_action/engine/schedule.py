"""Which stacks are looked at next: one budget of requests, shared fairly, and patience in trouble."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deploy_action.core.pace import SPARSE_SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

REQUESTS_PER_SECOND = 2.5
"""CloudFormation throttles an account that asks much more in one region; others in it want to ask too."""
REGIONS_MAX = 3
"""So many regions add to the budget: each look costs the runner some milliseconds as well."""
BURST = 5.0
REQUESTS_PER_SECOND_MIN = 0.2
RECOVERY_SECONDS = 60.0
"""After being throttled, until the whole budget is used again."""
ERROR_PAUSE_SECONDS = 2.0
ERROR_PAUSE_SECONDS_MAX = 30.0
HEAD_START_SECONDS = 5.0
"""By which a root stack comes before a nested one where the budget does not suffice for both."""


@dataclass(slots=True)
class Budget:
    """A token bucket on a monotonic clock. Being throttled halves its rate; it recovers by and by."""

    rate_max: float = REQUESTS_PER_SECOND
    rate: float = REQUESTS_PER_SECOND
    _tokens: float = BURST
    _filled: float | None = None

    def serve(self, regions: int) -> None:
        """How many regions share it: each has a limit of its own."""
        rate_max = REQUESTS_PER_SECOND * min(max(regions, 1), REGIONS_MAX)
        if rate_max != self.rate_max:
            self.rate *= rate_max / self.rate_max
            self.rate_max = rate_max

    def take(self, now: float) -> bool:
        self._fill(now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def spend(self, now: float, requests: int = 1) -> None:
        """Requests that cannot wait; what comes after them does."""
        self._fill(now)
        self._tokens = max(self._tokens - requests, -BURST)

    def ready_in(self, now: float) -> float:
        """Seconds until the next request may be sent."""
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self.rate)

    def throttled(self) -> None:
        self.rate = max(self.rate / 2, REQUESTS_PER_SECOND_MIN)
        self._tokens = min(self._tokens, 0.0)

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._filled is None else max(0.0, now - self._filled)
        self._filled = now
        self._tokens = min(BURST, self._tokens + passed * self.rate)
        self.rate = min(self.rate_max, self.rate + passed * self.rate_max / RECOVERY_SECONDS)


@dataclass(slots=True)
class Turn:
    """When one stack is looked at next; all times are seconds of this machine's monotonic clock."""

    root: bool
    due: float = 0.0
    heard: float | None = None
    """When its last event was read, or it was first looked at."""
    failures: int = 0
    """Looks in a row that failed."""

    def silent_seconds(self, now: float) -> float:
        return 0.0 if self.heard is None else max(0.0, now - self.heard)


@dataclass(slots=True)
class Schedule:
    """Turns of all stacks. `random` spreads what several jobs would otherwise ask at the same moment."""

    budget: Budget = field(default_factory=Budget)
    random: random.Random = field(default_factory=random.Random)

    def due(self, turns: Iterable[tuple[str, Turn]], now: float) -> list[str]:
        """Keys of the stacks whose turn it is, as far as the budget goes, the longest overdue first."""
        waiting = [(turn.due - turn.root * HEAD_START_SECONDS, key) for key, turn in turns if turn.due <= now]
        return [key for _, key in sorted(waiting) if self.budget.take(now)]

    def next_look(self, turns: Iterable[Turn], now: float) -> float:
        """Seconds until somebody's turn."""
        earliest = min((turn.due for turn in turns), default=now + SPARSE_SECONDS_MAX)
        return max(0.0, earliest - now, self.budget.ready_in(now))

    def failed(self, turn: Turn, now: float, *, throttled: bool) -> None:
        """Ask again later, and later still after the next failure; never at the same moment as others."""
        turn.failures += 1
        if throttled:
            self.budget.throttled()
        pause = min(ERROR_PAUSE_SECONDS * 2.0 ** min(turn.failures - 1, 8), ERROR_PAUSE_SECONDS_MAX)
        turn.due = now + pause * self.random.uniform(0.75, 1.0)

    @staticmethod
    def answered(turn: Turn, now: float, *, events: bool) -> None:
        turn.failures = 0
        if events or turn.heard is None:
            turn.heard = now
