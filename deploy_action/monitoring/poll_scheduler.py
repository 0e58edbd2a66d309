"""Which stacks are looked at next: one budget of requests, shared fairly, and patience in trouble."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from deploy_action.cloudformation.ports import Traffic
from deploy_action.monitoring.poll_interval import SPARSE_SECONDS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy_action.common.instants import MonotonicTime
    from deploy_action.monitoring.doorbell_messages import Ring

REQUESTS_PER_SECOND_STACK = 0.3
"""A watch begins with so many for each stack: an account has about ten a second in a region, which everybody
in it shares."""
REQUESTS_PER_SECOND_MAX = 2.5
"""Of one watch in a region, however many stacks it has and however well it goes."""
REGIONS_MAX = 3
"""At most this many regions add to the budget: each look costs the runner some milliseconds as well."""
BURST = 5.0
RESERVE = 15.0
"""The share of the budget that quiet times leave for the moments at which a stack may end."""
DEBT_SECONDS_MAX = 4.0
"""So long, at most, a look waits for requests that could not."""
REQUESTS_PER_SECOND_MIN = 0.05
RECOVERY_SECONDS = 180.0
"""In which the rate grows by what it began with."""
STEP_BACK_SECONDS, STEP_BACK_SECONDS_MAX = 10.0, 60.0
"""No look after a throttled request, longer after the next: SDKs come back after 20 s at most, and the user's
own tool comes first."""
STEP_FORWARD_SECONDS = 120.0
"""Without a throttled request, after which the next one is the first again."""
END_REQUESTS_PER_SECOND = 1.0
"""At least, once the command has ended: nobody else's tool is kept waiting for longer than it takes."""
ERROR_PAUSE_SECONDS = 2.0
ERROR_PAUSE_SECONDS_MAX = 30.0
HEAD_START_SECONDS = 5.0
"""By which a root stack comes before a nested one where the budget does not suffice for both."""


@dataclass(slots=True)
class Budget:
    """A token bucket on a monotonic clock. Its rate begins low and grows slowly; being throttled halves it,
    and keeps it shut for a while."""

    rate: float = REQUESTS_PER_SECOND_STACK
    random: random.Random = field(default_factory=random.Random)
    _start: float = REQUESTS_PER_SECOND_STACK
    _rate_max: float = REQUESTS_PER_SECOND_MAX
    _tokens: float = BURST
    _filled: float | None = None
    _shut_until: float = float("-inf")
    _throttled_at: float = float("-inf")
    _step_back: float = STEP_BACK_SECONDS
    _hurried: bool = False

    def serve(self, regions: int, stacks: int) -> None:
        """How many share it: each region has a limit of its own."""
        self._rate_max = REQUESTS_PER_SECOND_MAX * min(max(regions, 1), REGIONS_MAX)
        start = min(REQUESTS_PER_SECOND_STACK * max(stacks, 1), self._rate_max)
        if start != self._start:
            self.rate = min(self.rate * start / self._start, self._rate_max)
            self._start = start

    def take(self, now: MonotonicTime) -> bool:
        self._fill(now)
        if now < self._shut_until or self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def spend(self, now: MonotonicTime, requests: int = 1) -> None:
        """Requests that were sent whatever the budget said; what comes after them waits."""
        self._fill(now)
        least = min(self._tokens, 1.0 - self.rate * DEBT_SECONDS_MAX)
        self._tokens = min(RESERVE, max(self._tokens - requests, least))

    def ready_in(self, now: MonotonicTime) -> float:
        """Seconds until the next request may be sent."""
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self.rate, self._shut_until - now)

    def throttled(self, now: MonotonicTime) -> None:
        """A request of this process was refused as too many."""
        self._fill(now)
        self._step_back *= 2.0
        if now - self._throttled_at >= STEP_FORWARD_SECONDS:
            self._step_back = STEP_BACK_SECONDS
        self._step_back = min(self._step_back, STEP_BACK_SECONDS_MAX)
        self._throttled_at = now
        self._tokens = min(self._tokens, 0.0)
        if self._hurried:
            return
        self.rate = max(self.rate / 2, REQUESTS_PER_SECOND_MIN)
        self._shut_until = now + self._step_back * self.random.uniform(0.75, 1.25)

    def hurry(self, now: MonotonicTime) -> None:
        """The end is near, and somebody waits for it; trouble with a single stack still slows that stack."""
        self._fill(now)
        self._hurried, self._shut_until = True, now
        self.rate, self._tokens = max(self.rate, END_REQUESTS_PER_SECOND), max(self._tokens, 1.0)

    def _fill(self, now: MonotonicTime) -> None:
        passed = 0.0 if self._filled is None else max(0.0, now - self._filled)
        self._filled = now
        self._tokens = min(RESERVE, self._tokens + passed * self.rate)
        self.rate = min(self._rate_max, self.rate + passed * self._start / RECOVERY_SECONDS)


@dataclass(slots=True)
class PollSlot:
    """When one stack is looked at next; all times are seconds of this machine's monotonic clock."""

    root: bool
    due: float = 0.0
    heard: float | None = None
    """When its last event was read, or it was first looked at."""
    failures: int = 0
    """Looks in a row that failed."""
    looked: float = float("-inf")
    """When it was looked at last."""
    announced: Ring | None = None
    """The doorbell's message that the next look is to confirm."""
    unanswered: int = 0
    """Looks in a row that confirmed no message."""

    def silent_seconds(self, now: MonotonicTime) -> float:
        return 0.0 if self.heard is None else max(0.0, now - self.heard)


@dataclass(slots=True)
class Schedule:
    """Turns of all stacks. `random` spreads what several jobs would otherwise ask at the same moment."""

    random: random.Random = field(default_factory=random.Random)
    budget: Budget = field(init=False)
    _charged: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.budget = Budget(random=self.random)

    def due(self, turns: Iterable[tuple[str, PollSlot]], now: MonotonicTime) -> list[str]:
        """Keys of the stacks whose turn it is, as far as the budget goes, the longest overdue first."""
        waiting = [(turn.due - turn.root * HEAD_START_SECONDS, key) for key, turn in turns if turn.due <= now]
        taken = [key for _, key in sorted(waiting) if self.budget.take(now)]
        self._charged = replace(self._charged, requests=self._charged.requests + len(taken))
        return taken

    def charge(self, sent: Traffic, now: MonotonicTime) -> None:
        """Requests that this process has sent in all so far, whoever sent them and however many pages a look
        took."""
        self.budget.spend(now, sent.requests - self._charged.requests)
        if sent.throttled > self._charged.throttled:
            self.budget.throttled(now)
        self._charged = sent

    def next_look(self, turns: Iterable[PollSlot], now: MonotonicTime) -> float:
        """Seconds until somebody's turn."""
        earliest = min((turn.due for turn in turns), default=now + SPARSE_SECONDS_MAX)
        return max(0.0, earliest - now, self.budget.ready_in(now))

    def failed(self, turn: PollSlot, now: MonotonicTime) -> None:
        """Ask again later, and later still after the next failure; never at the same moment as others."""
        turn.failures += 1
        pause = min(ERROR_PAUSE_SECONDS * 2.0 ** min(turn.failures - 1, 8), ERROR_PAUSE_SECONDS_MAX)
        turn.due = now + pause * self.random.uniform(0.75, 1.0)

    @staticmethod
    def answered(turn: PollSlot, now: MonotonicTime, *, events: bool) -> None:
        turn.failures = 0
        if events or turn.heard is None:
            turn.heard = now
