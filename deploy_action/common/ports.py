"""The port through which every domain reads time: time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deploy_action.common.instants import MonotonicTime, WallTime


class Clock(Protocol):
    """Time as the product sees it. The only source of `now`."""

    @property
    def real_time(self) -> bool:
        """Whether its time passes by itself, so that another thread may act at a certain moment of it."""
        ...

    def now(self) -> WallTime:
        """Unix time in seconds, for people and records; never compared across machines."""
        ...

    def monotonic(self) -> MonotonicTime:
        """Seconds on a clock that only moves forward, also while the machine is suspended, and that all
        processes of this machine share; for every decision about elapsed time."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait. Returns early when the job is cancelled."""
        ...
