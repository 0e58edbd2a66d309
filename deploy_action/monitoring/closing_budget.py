"""One budget for everything that is still read once an end is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy_action.common.ports import Clock

CLOSING_SECONDS = 60.0
"""What reading an end may take in all, however many stacks there are and however often it is asked again."""
CANCELLED_SECONDS = 5.0
"""The same after a cancellation, of which the runner leaves ten."""
NAP_SECONDS = 1.0
"""How late a cancellation may be noticed in a pause."""


class Closing:
    """The budget of one end. It runs from `begin`; a request that is under way when it is used up is not cut
    off, so `hasten` is called to make requests short.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        cancelled: Callable[[], bool],
        hasten: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._cancelled = cancelled
        self._hasten = hasten
        self._deadline: float | None = None
        self._cut = False

    def begin(self) -> None:
        """The end is known now; nothing where it was known before."""
        if self._deadline is None:
            self._deadline = self._clock.monotonic() + CLOSING_SECONDS
            self._hasten()

    def again(self) -> None:
        """It was no end: something else began."""
        self._deadline = None

    def over(self) -> bool:
        """Whether the budget is used up, or what a cancellation leaves of it."""
        if self._deadline is None:
            return self._cancelled()
        now = self._clock.monotonic()
        if not self._cut and self._cancelled():
            self._cut = True
            self._deadline = min(self._deadline, now + CANCELLED_SECONDS)
        return now >= self._deadline

    def pause(self, seconds: float) -> bool:
        """Wait; False where there is no time for another try."""
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            if self.over() or self._cancelled():
                return False
            self._clock.sleep(min(NAP_SECONDS, left))
        return not self.over()
