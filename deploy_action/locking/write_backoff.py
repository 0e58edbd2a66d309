"""How writers of one document keep out of each other's way: by what each of them sees of the others.

A swap that loses has cost a write, which a store counts (GitHub: 80 content-creating requests a minute). Who
has lost waits for a random time, full jitter, in a window of CROWD_WRITES writes as long as the own one took;
then looks, which costs a read only; and goes on waiting, in a window twice as long, while the document still
moves. 48 jobs that start within 5 s on a store that takes 1.2 s for a look and a write send 2.2 writes each,
where pauses of 0.05 to 5 s cost 8.4. The last of them stands in the queue after five minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy_action.common.instants import MonotonicTime

from dataclasses import dataclass

CROWD_WRITES = 6.0
CROWDED_SHARE = 0.25
"""Of the time the document was being written by others, as far as its revisions tell: a write is likely to
lose then."""
WAITS_MAX = 4
"""Looks in a row that may end in waiting on; then the write is tried whatever is seen."""
CROWD_SECONDS_MAX = 120.0
"""For so long at once who enters a queue lets others write first: it will stand behind them anyway."""
CROWD_CONFLICT_SECONDS = 10.0
"""So long one of many who leave bears conflicts: the holder's release comes first, and the end of its job
tells the rest that it is gone."""
SPREAD_SECONDS_MAX = 120.0
"""At most twice: GitHub ends the last steps of a cancelled job after five minutes, and they have more to
do."""
READS_A_WRITE = 4.0
WRITE_SECONDS_MIN = 0.05
"""A write takes so long at least, whatever a clock says."""
LIMIT_SPREAD_SECONDS = 60.0
"""Over so long those spread who were told to come back at one moment, twice as long after the second time."""


@dataclass(slots=True)
class Backoff:
    """One writer's. Seconds are of its own monotonic clock; `seconds_max` bounds a single wait."""

    seconds_max: float
    patient: bool = False
    """Whether it may wait on at a look, for the sake of others: who enters a queue may."""
    losses: int = 0
    _waits: int = 0
    _write_seconds: float = WRITE_SECONDS_MIN
    _since: float = 0.0
    _revision: int = 0

    def lost(self, now: MonotonicTime, *, revision: int, write_seconds: float) -> None:
        """A swap of the document with `revision` lost; look and write took `write_seconds`."""
        self.losses += 1
        self._write_seconds = max(write_seconds, WRITE_SECONDS_MIN)
        # The one that won is over.
        self._since, self._revision = now, revision + 1

    def crowded(self, now: MonotonicTime, *, revision: int) -> bool:
        """Whether others still write so much that a write would be wasted. Each True is one more wait."""
        seconds = now - self._since
        if not (self.patient and self.losses) or self._waits >= WAITS_MAX:
            return False
        if seconds < self._write_seconds / 2 or revision <= self._revision:
            return False
        busy = (revision - self._revision) * self._write_seconds / seconds > CROWDED_SHARE
        if busy:
            self._waits += 1
            self._since, self._revision = now, revision
        return busy

    def window_seconds(self) -> float:
        """From now on; the next try comes at any moment in it."""
        doubled = 2.0 ** min(self.losses + self._waits - 1, 20)
        return min(CROWD_WRITES * self._write_seconds * doubled, self.seconds_max)


@dataclass(slots=True)
class Spread:
    """The first write of one of many who may all want to write at this moment: it waits anywhere in a window
    of CROWD_WRITES writes, and where the document moved meanwhile, in one that holds a write of each."""

    _revision: int | None = None
    _looks: int = 0

    def window_seconds(self, writers: int, revision: int, *, read_seconds: float) -> float:
        """How long a window to wait in before the write; 0 to write now. Each call is one look, which took
        `read_seconds`: with the write after it, READS_A_WRITE times that."""
        moved, self._revision = self._revision not in {None, revision}, revision
        self._looks += 1
        if not writers or self._looks > 2 or (self._looks == 2 and not moved):
            return 0.0
        at_once = CROWD_WRITES if self._looks == 1 else max(writers, CROWD_WRITES)
        both_seconds = max(READS_A_WRITE * read_seconds, WRITE_SECONDS_MIN)
        return min(at_once * both_seconds, SPREAD_SECONDS_MAX)


def limit_window_seconds(refusals: int) -> float:
    """After the moment that a limit names, all who were refused come back: spread over so long."""
    return LIMIT_SPREAD_SECONDS * 2.0 ** min(max(refusals - 1, 0), 4)
