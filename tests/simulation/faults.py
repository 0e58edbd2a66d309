"""What goes wrong, how often, and how often it really did."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


class Fault(Enum):
    """What can befall one request."""

    LOST_REQUEST = "request lost: error, no effect"
    LOST_ANSWER = "answer lost: error after the effect"
    LATE = "request delayed: error, the effect lands later"
    REFUSED = "false conflict: refused without cause"
    REPEATED = "sent twice by the network: a conflict with itself"


@dataclass(frozen=True, slots=True)
class Profile:
    """Chances of each fault, of one request or await point."""

    name: str
    trouble: float = 0.0
    """Of a request: it meets one of `Fault`."""
    stale: float = 0.0
    """Of a read: it shows the past, by up to STALE_SECONDS_MAX."""
    crash: float = 0.0
    pause: float = 0.0
    pause_at_fence: float = 0.0
    """Of an execution: the process stands still between its fence and the request."""
    outages: int = 0
    partitions: int = 0
    stuck_jobs: float = 0.0
    unknown_jobs: float = 0.0
    job_lag: float = 0.0
    """Seconds, at most, that the job API says RUNNING after a job's end."""
    operator: float = 0.0
    """Chance that an operator forces a release while the faults last."""
    cancels: float = 0.0


STALE_SECONDS_MAX = 60.0
LATE_SECONDS_MAX = 45.0

CALM = Profile("calm")
NETWORK = Profile("network", trouble=0.15, stale=0.1, job_lag=60.0, outages=1, partitions=1, operator=0.2)
CRASHES = Profile(
    "crashes",
    trouble=0.02,
    stale=0.02,
    crash=0.012,
    job_lag=240.0,
    stuck_jobs=0.3,
    unknown_jobs=0.3,
    operator=0.2,
)
PAUSES = Profile(
    "pauses",
    trouble=0.02,
    stale=0.05,
    pause=0.01,
    pause_at_fence=0.2,
    job_lag=120.0,
    unknown_jobs=0.3,
    operator=0.2,
)
FALLBACK = Profile("fallback", trouble=0.02, partitions=4, job_lag=30.0)
EVERYTHING = Profile(
    "everything",
    trouble=0.08,
    stale=0.08,
    crash=0.005,
    pause=0.005,
    pause_at_fence=0.05,
    outages=1,
    partitions=1,
    job_lag=240.0,
    stuck_jobs=0.2,
    unknown_jobs=0.3,
    operator=0.5,
    cancels=0.1,
)
PROFILES = (CALM, NETWORK, CRASHES, PAUSES, FALLBACK, EVERYTHING)


class Faults:
    """Throws the dice for one schedule. After `until` nothing goes wrong any more."""

    def __init__(self, dice: random.Random, profile: Profile, until: float) -> None:
        self.dice = dice
        self.profile = profile
        self.until = until
        self.coverage: Counter[str] = Counter()
        self._outages: list[tuple[float, float, str]] = []
        self._limits: list[tuple[float, float, str]] = []
        self._refusals: list[tuple[float, float, str]] = []

    def count(self, what: str) -> None:
        self.coverage[what] += 1

    def plan_outage(self, begin: float, end: float, actor: str = "") -> None:
        """The registry answers nobody, or not this actor, for a while."""
        self._outages.append((begin, min(end, self.until), actor))

    def plan_limit(self, begin: float, end: float, actor: str = "") -> None:
        """The registry asks everybody, or this actor, to be left alone until then."""
        self._limits.append((begin, end, actor))

    def plan_refusal(self, begin: float, end: float, actor: str = "") -> None:
        """The registry refuses this actor for good: its token has died."""
        self._refusals.append((begin, end, actor))

    def limited_seconds(self, time: float, actor: str) -> float:
        return max(
            (end - time for begin, end, who in self._limits if begin <= time < end and who in {"", actor}),
            default=0.0,
        )

    def is_forbidden(self, time: float, actor: str) -> bool:
        return any(begin <= time < end and who in {"", actor} for begin, end, who in self._refusals)

    def is_out(self, time: float, actor: str) -> bool:
        return any(begin <= time < end and who in {"", actor} for begin, end, who in self._outages)

    def happens(self, chance: float, time: float) -> bool:
        return chance > 0 and time < self.until and self.dice.random() < chance

    def of_request(self, time: float, kinds: tuple[Fault, ...]) -> Fault | None:
        if not self.happens(self.profile.trouble, time):
            return None
        return self.dice.choice(kinds)

    def staleness(self, time: float) -> float:
        """Seconds by which a read lags behind."""
        if not self.happens(self.profile.stale, time):
            return 0.0
        return self.dice.choice((2.0, 10.0, 30.0, STALE_SECONDS_MAX)) * self.dice.random()
