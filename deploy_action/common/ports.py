"""The port through which every domain reads time: time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Time as the product sees it. The only source of `now`."""

    @property
    def real_time(self) -> bool:
        """Whether its time passes by itself, so that another thread may act at a certain moment of it."""
        ...

    def now(self) -> float:
        """Unix time in seconds, for people and records; never compared across machines."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that only moves forward, also while the machine is suspended, and that all
        processes of this machine share; for every decision about elapsed time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait. Returns early when the job is cancelled."""
        ...
